"""The built-in painter as a provider: one short process a picture."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from pathlib import Path
from typing import Final

import structlog

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
    """Run one process on one picture; it has ended when this returns."""
    # One thread for the libraries: each takes address space, which is limited.
    environment = {**dict(os.environ.items()), "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "server.media.images.painter"),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
        env=environment,
    )
    try:
        async with asyncio.timeout(PROCESS_SECONDS):
            _, errors = await process.communicate(given)
    except TimeoutError as error:
        raise ImageFailed("The picture takes too long to paint; try again later.") from error
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode:
        said = errors.decode(errors="replace").strip().splitlines()
        _log.error("painter_failed", code=process.returncode, reason=said[-1] if said else "")
        raise ImageFailed("The picture could not be painted.")
