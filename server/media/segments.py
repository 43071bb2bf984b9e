"""Where finished pieces of renders are kept: in the blob store."""

from __future__ import annotations

import asyncio
import shutil
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
