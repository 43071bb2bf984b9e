"""The files that the layers of a render show and play: stored ones, and other servers'."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, cast
from uuid import UUID

from collab.errors import BlobNotFound
from collab.schema import LayerRow, is_id
from persistence.blobs import PATH, Blobs, key_of
from persistence.renders import LibraryFile, Renders
from server.media.errors import AssetBroken, AssetMissing, FetchFailed
from server.media.fetch import Fetcher
from server.media.identify import identify
from server.media.model import Asset, AssetKind

_NAMES: Final = {"audio": "audio", "media": "media", "avatar": "avatar"}
"""Types of layers, and what their `*_id` and `*_url` begin with."""


@dataclass(frozen=True, slots=True)
class FetchLimits:
    """What the files that a render takes from other servers may cost: each, and together."""

    bytes: int = 500_000_000
    seconds: float = 60.0
    all_bytes: int = 2_000_000_000
    all_seconds: float = 300.0


DEFAULT_LIMITS: Final = FetchLimits()


class StoredAssets:
    """An `AssetSource` for one render.

    A file is found by the layer's `*_id`, or by a link to a stored file; both only if it belongs
    to the people of the video, or to everybody. Any other link is fetched, once a render.

    Args:
        video_id: the video.
        blobs, renders: where stored files are, and what they are.
        fetcher: gets what other servers have.
        directory: for what is fetched; the render's own.
        premium: whether premium things may be used.
        limits: of what is fetched.
        clock: seconds, ascending.
    """

    def __init__(
        self,
        video_id: UUID,
        blobs: Blobs,
        renders: Renders,
        fetcher: Fetcher,
        directory: Path,
        *,
        premium: bool,
        limits: FetchLimits = DEFAULT_LIMITS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._video_id, self._blobs, self._renders = video_id, blobs, renders
        self._fetcher, self._directory, self._premium = fetcher, directory, premium
        self._clock = clock
        self._limits = limits
        self._until = clock() + limits.all_seconds
        self._room = limits.all_bytes
        self._under_way = 0
        self._freed = asyncio.Condition()
        self._found: dict[str, asyncio.Task[Asset]] = {}

    async def fetch(self, layer: LayerRow) -> Asset:
        """The file that a layer names; see `AssetSource`."""
        name = _NAMES[layer.type]
        row_id, link = layer.properties.get(f"{name}_id"), layer.properties.get(f"{name}_url")
        row = None
        if isinstance(row_id, str) and is_id(row_id.lower()):
            row = await self._renders.library_file(name, UUID(row_id))
        if row is not None and row.film is not None:
            try:
                return await self._named(row.film, row)
            except AssetMissing as error:
                picture = await self._named(row.link, row)
                return replace(picture, note=f"shows its picture, not its film: {error}")
        if row is not None:
            return await self._named(row.link, row)
        if not isinstance(link, str) or not link:
            raise AssetMissing("it names none, or one that was deleted")
        return await self._named(link, None)

    async def close(self) -> None:
        """End what is being fetched."""
        for task in self._found.values():
            task.cancel()
        await asyncio.gather(*self._found.values(), return_exceptions=True)

    async def _named(self, link: str, row: LibraryFile | None) -> Asset:
        if row is not None and link.startswith(PATH):
            return await self._stored(link, row)
        key = key_of(link)
        if key is not None and await self._is_stored(key):
            return await self._stored(PATH + key, await self._renders.linked_file(PATH + key))
        return await self._once(link)

    async def _is_stored(self, key: str) -> bool:
        try:
            await self._blobs.get(key)
        except BlobNotFound:
            return False
        return True

    async def _stored(self, link: str, row: LibraryFile | None) -> Asset:
        key = key_of(link)
        if key is None or key not in await self._blobs.usable([key], self._video_id):
            raise AssetMissing("it belongs to somebody else, or was deleted")
        if row is not None and row.is_premium and not self._premium:
            raise AssetMissing("it is premium, which the tier of the video's owner does not have")
        path = await local_copy(self._blobs, key, self._directory)
        if row is not None and row.kind in ("image", "video", "gif") and row.width and row.height:
            kind = cast("AssetKind", row.kind)
            return Asset(path, kind, row.width, row.height, row.duration, key)
        if row is not None and row.kind == "audio":
            return Asset(path, "audio", duration=row.duration, key=key)
        return await _identified(path, key)

    async def _once(self, link: str) -> Asset:
        """Fetch a link, or wait for the layer that fetches it already."""
        task = self._found.get(link)
        if task is None:
            task = asyncio.get_running_loop().create_task(self._get(link, len(self._found)))
            self._found[link] = task
        return await asyncio.shield(task)

    async def _get(self, link: str, number: int) -> Asset:
        path = self._directory / f"fetched-{number}"
        async with self._reserved() as reserved:
            seconds = min(self._limits.seconds, self._until - self._clock())
            if seconds <= 0 or reserved.bytes <= 0:
                raise AssetMissing(
                    "the files of this video that are elsewhere are too large or slow"
                )
            try:
                fetched = await self._fetcher.get(
                    link, path, max_bytes=reserved.bytes, seconds=seconds
                )
            except FetchFailed as error:
                raise AssetMissing(_clause(str(error))) from error
            reserved.used = fetched.size
        return await _identified(path, None)

    @asynccontextmanager
    async def _reserved(self) -> AsyncIterator[_Reserved]:
        """Room for one file, as soon as there is enough for the largest, or nobody gives any back;
        what was not used is given back."""
        async with self._freed:
            await self._freed.wait_for(
                lambda: self._room >= self._limits.bytes or not self._under_way
            )
            reserved = _Reserved(min(self._limits.bytes, self._room))
            self._room -= reserved.bytes
            self._under_way += 1
        try:
            yield reserved
        finally:
            self._room += reserved.bytes - reserved.used
            self._under_way -= 1
            async with self._freed:
                self._freed.notify_all()


@dataclass(slots=True)
class _Reserved:
    bytes: int
    used: int = 0


async def local_copy(blobs: Blobs, key: str, directory: Path) -> Path:
    """A stored file as one of this machine: itself where it can be, or a copy in `directory`.

    Raises:
        AssetMissing: it is not there.
    """
    if blobs.store.local:
        path = blobs.store.path_of(key)
        if await asyncio.to_thread(path.is_file):
            return path
        raise AssetMissing("it was deleted")
    path = directory / key
    if not await asyncio.to_thread(path.exists):
        part = directory / f"{key}.{id(path)}.part"
        try:
            await blobs.store.fetch(key, part)
        except BlobNotFound as error:
            raise AssetMissing("it was deleted") from error
        await asyncio.to_thread(part.replace, path)
    return path


async def _identified(path: Path, key: str | None) -> Asset:
    try:
        found = await identify(path)
    except AssetBroken as error:
        raise AssetMissing(str(error)) from error
    return Asset(path, found.kind, found.width, found.height, found.duration, key)


def _clause(sentence: str) -> str:
    return sentence[:1].lower() + sentence[1:].rstrip(".")
