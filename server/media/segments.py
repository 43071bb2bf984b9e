"""A segment store in a directory."""

from __future__ import annotations

import asyncio
import os
import shutil
import tempfile
from pathlib import Path


class DirectorySegments:
    """Keeps segments as files named by their keys.

    Args:
        directory: made if it is not there.
        limit: bytes to keep at most; what was not used for longest goes first. No limit if None.
    """

    def __init__(self, directory: Path, limit: int | None = None) -> None:
        self._directory = directory
        self._limit = limit
        directory.mkdir(parents=True, exist_ok=True)

    async def get(self, key: str) -> Path | None:
        """The stored file, or None."""
        return await asyncio.to_thread(self._get, key)

    async def put(self, key: str, path: Path) -> None:
        """Keep a copy of `path`, whole or not at all; a link where the file system can.

        Raises:
            OSError: it could not be stored.
        """
        await asyncio.to_thread(self._put, key, path)

    async def prune(self) -> None:
        """Bring the directory under its limit."""
        await asyncio.to_thread(self._prune)

    def _get(self, key: str) -> Path | None:
        path = self._directory / key
        try:
            os.utime(path)
        except FileNotFoundError:
            return None
        return path

    def _put(self, key: str, path: Path) -> None:
        with tempfile.TemporaryDirectory(prefix=".put-", dir=self._directory) as place:
            copy = Path(place) / "copy"
            try:
                copy.hardlink_to(path)
            except OSError:
                shutil.copyfile(path, copy)
            copy.replace(self._directory / key)

    def _prune(self) -> None:
        if self._limit is None:
            return
        files = [(path.stat(), path) for path in self._directory.iterdir() if path.is_file()]
        files.sort(key=lambda entry: entry[0].st_mtime, reverse=True)
        kept = 0
        for stat, path in files:
            kept += stat.st_size
            if kept > self._limit:
                path.unlink(missing_ok=True)
