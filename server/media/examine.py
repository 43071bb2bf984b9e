"""Has uploads looked into by `server.media.probe`, in a process that has nothing to lose."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Final

import structlog

from api.errors import UnreadableFile
from api.mediatypes import Examined, MediaType
from server.media.probe import probe

AT_ONCE: Final = 2

_log = structlog.get_logger(__name__)


class Examiner:
    """Looks into uploads, a few at a time."""

    def __init__(self, at_once: int = AT_ONCE) -> None:
        self._turns = asyncio.Semaphore(at_once)

    async def __call__(self, source: Path, kind: MediaType, directory: Path) -> Examined:
        """What is to be stored of a file; see `api.mediatypes.Examine`."""
        async with self._turns:
            answer = await probe("take", kind.name, source, directory)
        if "refused" in answer:
            _log.info("upload_refused", kind=kind.name, reason=answer.get("why", answer["refused"]))
            raise UnreadableFile(answer["refused"])
        path = source if answer["path"] == source.name else directory / answer["path"]
        waveform = answer.get("waveform")
        return Examined(
            path=path,
            content_type=kind.content_type,
            duration=answer["duration"],
            width=answer["width"],
            height=answer["height"],
            thumbnail=directory / answer["thumbnail"],
            waveform=directory / waveform if waveform else None,
        )
