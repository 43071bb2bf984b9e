"""Where finished pieces of renders are kept: in a directory, or in the blob store."""

from __future__ import annotations

import asyncio
import os
import shutil
import tempfile
from datetime import timedelta
from pathlib import Path
from typing import Final

import structlog

from persistence.blobs import Blobs
from persistence.errors import BlobStoreFailed
from server.media.assets import local_copy
from server.media.errors import AssetMissing

_TYPES: Final = {
    "m4a": "audio/mp4",
    "mp3": "audio/mpeg",
    "jpg": "image/jpeg",
    "webm": "video/webm",
    "gif": "image/gif",
    "warnings": "application/json",
    "json": "application/json",
}
_log = structlog.get_logger(__name__)


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


class BlobSegments:
    """Keeps segments in the blob store; they go when nobody has used them for a while.

    A segment that cannot be stored is drawn again next time: the render goes on.

    Args:
        blobs: where they are kept.
        directory: the render's own, on the same file system as a local store.
        keep: for how long.
    """

    def __init__(
        self, blobs: Blobs, directory: Path, *, keep: timedelta = timedelta(days=7)
    ) -> None:
        self._blobs, self._directory, self._keep = blobs, directory, keep

    async def get(self, key: str) -> Path | None:
        """The stored file, or None."""
        blob = await self._blobs.cached(_name(key), keep=self._keep)
        if blob is None:
            return None
        try:
            return await local_copy(self._blobs, blob.key, self._directory)
        except (AssetMissing, BlobStoreFailed) as error:
            _log.warning("segment_lost", key=blob.key, reason=str(error))
            return None

    async def put(self, key: str, path: Path) -> None:
        """Keep a copy of `path`, whole or not at all."""
        copy = self._directory / f"{key}.keep"
        try:
            await asyncio.to_thread(_duplicate, path, copy)
            await self._blobs.put_cached(_name(key), copy, _type(key), keep=self._keep)
        except (OSError, BlobStoreFailed) as error:
            _log.warning("segment_not_kept", reason=str(error))
        finally:
            await asyncio.to_thread(copy.unlink, missing_ok=True)


def _name(key: str) -> str:
    return f"segment:{key}"


def _type(key: str) -> str:
    return _TYPES.get(key.rpartition(".")[2], "video/h264")


def _duplicate(path: Path, copy: Path) -> None:
    copy.unlink(missing_ok=True)
    try:
        copy.hardlink_to(path)
    except OSError:
        shutil.copyfile(path, copy)
