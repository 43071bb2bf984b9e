"""The built-in painter as a provider: one short process a picture."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path
from typing import Final

import structlog

from server.media import child
from server.media.errors import ImageFailed
from server.media.images.model import Made, Wanted

PROCEDURAL: Final = "procedural"
PROCESS_SECONDS: Final = 60.0

_log = structlog.get_logger(__name__)


class Procedural:
    """The provider; see `ImageProvider`.

    Args:
        at_once: how many pictures at a time.
    """

    name = PROCEDURAL
    usual_seconds = 2.0

    def __init__(self, at_once: int) -> None:
        self._turns = asyncio.Semaphore(at_once)

    async def make(self, wanted: Wanted, directory: Path) -> Made:
        """Paint; see `ImageProvider.make`."""
        width, height = wanted.size
        given = {
            "prompt": wanted.prompt,
            "style": wanted.style,
            "width": width,
            "height": height,
            "directory": str(directory),
        }
        async with self._turns:
            await _paint(json.dumps(given).encode())
        return Made(
            *(directory / "picture.jpg", "image/jpeg"),
            *(directory / "thumbnail.jpg", "image/jpeg"),
            *(width, height),
        )


async def _paint(given: bytes) -> None:
    """Run one process on one picture."""
    command = (sys.executable, "-m", "server.media.images.painter")
    try:
        ended = await child.run(*command, given=given, seconds=PROCESS_SECONDS)
    except TimeoutError as error:
        raise ImageFailed("The picture takes too long to paint; try again later.") from error
    if ended.code:
        _log.error("painter_failed", code=ended.code, reason=ended.reason)
        raise ImageFailed("The picture could not be painted.")
