"""The scenes of a video as the bytes of an answer, made once for each state of the tables.

Whoever asks says how much the answer must show, having looked it up (`api.access`), so nothing
here can be older than the request, on any number of nodes. Those who ask at once share one read.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from aiohttp import web

from persistence.scenes import VideoProjection

if TYPE_CHECKING:
    from api.keys import MediaParts

_JSON: Final = "application/json; charset=utf-8"

ReadProjection = Callable[[UUID], Awaitable[VideoProjection]]


@dataclass(frozen=True, slots=True)
class Rendered:
    """A body, the sequence number it shows, its entity tag, and the `Links.expiry` of the links in
    it; 0 for a body without any."""

    body: bytes
    seq: int
    etag: str
    expiry: int = 0


class Projections:
    """Answers with all scenes of a video.

    Args:
        read: reads them from the tables.
        media: signs the links to stored files; None leaves them as they are.
        max_bytes: how much is kept; the video that was asked for longest ago goes first.
    """

    def __init__(
        self,
        read: ReadProjection,
        media: MediaParts | None = None,
        *,
        max_bytes: int = 64 * 1024 * 1024,
    ) -> None:
        self._read = read
        self._media = media
        self._max_bytes = max_bytes
        self._bytes = 0
        self._kept: OrderedDict[UUID, Rendered] = OrderedDict()
        self._reading: dict[UUID, tuple[int, asyncio.Task[Rendered]]] = {}
        self._tasks: set[asyncio.Task[Rendered]] = set()

    async def scenes(self, video_id: UUID, at_least: int) -> Rendered:
        """The body of an answer with all scenes.

        Args:
            video_id: the video.
            at_least: the sequence number that the tables were seen to show.

        Raises:
            VideoNotFound: it was deleted in between.
            DatabaseAway: PostgreSQL does not answer.
        """
        kept = self.at_hand(video_id, at_least)
        if kept is not None:
            return kept
        under_way = self._reading.get(video_id)
        if under_way is not None and under_way[0] >= at_least:
            task = under_way[1]
        else:
            task = asyncio.get_running_loop().create_task(self._make(video_id))
            self._reading[video_id] = (at_least, task)
            self._tasks.add(task)
            task.add_done_callback(lambda done: self._ended(video_id, done))
        return await asyncio.shield(task)

    def at_hand(self, video_id: UUID, at_least: int) -> Rendered | None:
        """Like `scenes`, if it need not be read."""
        kept = self._kept.get(video_id)
        if kept is None or kept.seq < at_least or not self._fresh(kept):
            return None
        self._kept.move_to_end(video_id)
        return kept

    async def close(self) -> None:
        """Stop the reads that are under way."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _make(self, video_id: UUID) -> Rendered:
        projection = await self._read(video_id)
        data: dict[str, Any] = {"scenes": projection.scenes}
        if self._media is None or not self._media.links.keys_in(data):
            made = render(data, projection.seq)
        else:
            data = await sign(self._media, video_id, data)
            made = replace(render(data, projection.seq), expiry=self._media.links.expiry())
        self._keep(video_id, made)
        return made

    def _fresh(self, kept: Rendered) -> bool:
        return self._media is None or kept.expiry in (0, self._media.links.expiry())

    def _keep(self, video_id: UUID, made: Rendered) -> None:
        before = self._kept.pop(video_id, None)
        if before is not None:
            self._bytes -= len(before.body)
            if before.seq > made.seq and self._fresh(before):
                made = before
        self._kept[video_id] = made
        self._bytes += len(made.body)
        while self._bytes > self._max_bytes:
            _, oldest = self._kept.popitem(last=False)
            self._bytes -= len(oldest.body)

    def _ended(self, video_id: UUID, task: asyncio.Task[Rendered]) -> None:
        self._tasks.discard(task)
        under_way = self._reading.get(video_id)
        if under_way is not None and under_way[1] is task:
            del self._reading[video_id]
        if not task.cancelled():
            task.exception()  # those who waited have it; when all have gone, nobody needs it


async def sign(media: MediaParts, video_id: UUID, data: dict[str, Any]) -> dict[str, Any]:
    """What an answer shows of a video, with fresh signatures on links to stored files.

    Only what is shared, or belongs to people of the video, is signed: a link that somebody else
    wrote down there opens nothing.
    """
    keys = media.links.keys_in(data)
    if not keys:
        return data
    allowed = await media.blobs.usable(keys, video_id)
    signed: dict[str, Any] = media.links.sign_all(data, allowed)
    return signed


def render(data: dict[str, Any], seq: int) -> Rendered:
    """The body of an answer with this `data`."""
    body = json.dumps(
        {"success": True, "data": data}, ensure_ascii=False, separators=(",", ":")
    ).encode()
    return Rendered(body, seq, f'"{hashlib.blake2b(body, digest_size=12).hexdigest()}"')


def headers_of(rendered: Rendered) -> dict[str, str]:
    """What the headers say of a body."""
    return {"ETag": rendered.etag, "X-Video-Seq": str(rendered.seq), "Content-Type": _JSON}


def answer(request: web.Request, rendered: Rendered) -> web.Response:
    """The answer itself, or 304 when the caller has it already."""
    headers = headers_of(rendered)
    condition = request.headers.get("If-None-Match")
    if condition is not None and _matches(condition, rendered.etag):
        del headers["Content-Type"]
        return web.Response(status=304, headers=headers)
    return web.Response(body=rendered.body, headers=headers)


def _matches(condition: str, etag: str) -> bool:
    if condition.strip() == "*":
        return True
    return any(tag.strip().removeprefix("W/") == etag for tag in condition.split(","))
