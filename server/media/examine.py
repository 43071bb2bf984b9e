"""Has uploads looked into by `server.media.probe`, in a process that has nothing to lose."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

import structlog

from api.errors import UnreadableFile
from api.mediatypes import Examined, MediaType

SECONDS: Final = 120.0
AT_ONCE: Final = 2

_log = structlog.get_logger(__name__)


class Examiner:
    """Looks into uploads, a few at a time."""

    def __init__(self, at_once: int = AT_ONCE) -> None:
        self._turns = asyncio.Semaphore(at_once)

    async def __call__(self, source: Path, kind: MediaType, directory: Path) -> Examined:
        """What is to be stored of a file; see `api.mediatypes.Examine`."""
        async with self._turns:
            answer = await _probe(source, kind, directory)
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


async def _probe(source: Path, kind: MediaType, directory: Path) -> dict[str, Any]:
    # One thread for the libraries: each takes address space, which is limited.
    environment = {**dict(os.environ.items()), "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "server.media.probe", kind.name, str(source), str(directory)),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        env=environment,
    )
    try:
        said, _ = await asyncio.wait_for(process.communicate(), SECONDS)
    except TimeoutError:
        return {"refused": "The file takes too long to read."}
    finally:
        if process.returncode is None:
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()
    if process.returncode or not said:
        why = f"the probe ended with {process.returncode}"
        return {"refused": "The file cannot be read.", "why": why}
    answer: dict[str, Any] = json.loads(said)
    return answer
