"""Room for files on their way into the store: a directory a process, gone with the process.

A process that is killed cannot tidy up. The lock that it held on its directory is released for it,
and whoever makes a directory next removes those that nobody holds.
"""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

from persistence.filelock import FileLock
from persistence.finishing import finish

LOCK: Final = "lock"
FILES: Final = "files"


@asynccontextmanager
async def scratch(data_dir: Path) -> AsyncIterator[Path]:
    """An empty directory of this process's own in the data directory.

    Raises:
        OSError: it cannot be made.
    """
    lock = await asyncio.to_thread(_make, data_dir)
    try:
        yield lock.path.parent / FILES
    finally:
        await finish(asyncio.to_thread(_remove, lock))


def _make(data_dir: Path) -> FileLock:
    root = data_dir / "incoming"
    root.mkdir(mode=0o700, parents=True, exist_ok=True)
    # One at a time: a directory must not be taken for a left one before it is locked.
    turn = FileLock(data_dir / "incoming.lock")
    turn.acquire()
    try:
        for left in root.iterdir():
            if left.is_dir():
                _remove_if_left(left)
            else:
                left.unlink()
        lock = FileLock(Path(tempfile.mkdtemp(dir=root)) / LOCK)
        lock.acquire()
        (lock.path.parent / FILES).mkdir()
    finally:
        turn.release()
    return lock


def _remove_if_left(directory: Path) -> None:
    lock = FileLock(directory / LOCK)
    if lock.acquire(wait=False):
        _remove(lock)


def _remove(lock: FileLock) -> None:
    shutil.rmtree(lock.path.parent, ignore_errors=True)
    lock.release()
