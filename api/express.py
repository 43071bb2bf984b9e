"""All scenes of a video that somebody has just read, answered without the way through the router.

Programs read the same scenes over and over. On a node that is alone, all that such an answer rests
on is in memory: whose token it is, the caller's role, how far the tables are, and the bytes. The
usual way (aiohttp's router and its response, the middleware, `api.dispatch`) costs more than twice
as much as that. Whatever is not at hand, or asks for something special, goes the usual way, and
every answer is the one that the usual way gives; a test compares them.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Awaitable, Callable
from typing import Final
from uuid import UUID

from aiohttp import hdrs, web
from aiohttp.abc import AbstractStreamWriter
from aiohttp.helpers import rfc822_formatted_time
from aiohttp.http import SERVER_SOFTWARE, HttpVersion11

from api.admission import limit_headers, limit_of
from api.keys import Parts
from api.limits import MemoryRateLimiter, Taken
from api.middleware import Log, fixed_headers, request_ids
from api.permissions import allows
from api.projections import Rendered, headers_of
from api.scenes import LIST_SCENES
from collab.schema import is_id

REMEMBERED: Final = 8192
"""Paths that are kept with the video that they name."""

_SPECIAL: Final = (hdrs.IF_NONE_MATCH, hdrs.ORIGIN, "X-Request-Id", hdrs.EXPECT)
_BEARER: Final = "Bearer "

UsualWay = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]


def install(runner: web.AppRunner, parts: Parts, log: Log) -> None:
    """Put an `Express` before an application that is set up.

    Where every read is logged, nothing is gained by a shorter way, and none is taken.
    """
    assert runner.server is not None
    if not log.bind().is_enabled_for(logging.DEBUG):
        runner.server.request_handler = Express(parts, runner.server.request_handler).handle


class Express:
    """Answers what is at hand, and hands on the rest.

    Args:
        parts: the parts of the face.
        usual: answers any request.
    """

    def __init__(self, parts: Parts, usual: UsualWay) -> None:
        assert LIST_SCENES.permission.action is not None
        self._parts = parts
        self._usual = usual
        self._action = LIST_SCENES.permission.action
        before, _, after = LIST_SCENES.path.partition("{video_id}")
        self._path = re.compile(re.escape(before) + "([^/]+)" + re.escape(after))
        self._videos: dict[str, UUID] = {}
        self._next_id = request_ids(parts.new_id)
        self._fixed = _lines({**fixed_headers(parts.config), hdrs.SERVER: SERVER_SOFTWARE})
        if parts.config.cors_origins:
            self._fixed += _lines({hdrs.VARY: hdrs.ORIGIN})

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer a request."""
        if request.method == hdrs.METH_GET:
            answer = self._at_hand(request)
            if answer is not None:
                return answer
        return await self._usual(request)

    def _at_hand(self, request: web.BaseRequest) -> web.StreamResponse | None:
        parts = self._parts
        began = parts.clock()
        video_id = self._videos.get(request.raw_path) or self._video_of(request.raw_path)
        if video_id is None or not _is_plain(request):
            return None
        authorization = request.headers.get(hdrs.AUTHORIZATION, "")
        if not authorization.startswith(_BEARER):
            return None
        caller = parts.callers.known(authorization[len(_BEARER) :], parts.wall())
        if caller is None:
            return None
        grant = parts.access.at_hand(video_id, caller.sub)
        if grant is None or not allows(grant.role, self._action):
            return None
        rendered = parts.projections.at_hand(video_id, grant.head.projected_seq)
        if rendered is None:
            return None
        taken: Taken | None = None
        if parts.limiter is not None:
            if not isinstance(parts.limiter, MemoryRateLimiter):
                return None
            taken = parts.limiter.count(*limit_of(caller), LIST_SCENES.cost, began)
            if not taken.allowed:
                return None  # which costs nothing: the usual way refuses it again
        if parts.observed is not None:
            parts.observed(hdrs.METH_GET, LIST_SCENES.path, 200, parts.clock() - began)
        return _Whole(self._head(rendered, taken), rendered.body)

    def _video_of(self, path: str) -> UUID | None:
        found = self._path.fullmatch(path)
        if found is None or not is_id(found[1]):
            return None
        if len(self._videos) >= REMEMBERED:
            self._videos.clear()
        return self._videos.setdefault(path, UUID(found[1]))

    def _head(self, rendered: Rendered, taken: Taken | None) -> bytes:
        head = (
            f"HTTP/1.1 200 OK\r\n{_lines(headers_of(rendered))}{self._fixed}"
            f"Content-Length: {len(rendered.body)}\r\nX-Request-Id: {self._next_id()}\r\n"
            f"Date: {rfc822_formatted_time()}\r\n"
        )
        if taken is not None:
            head += _lines(limit_headers(taken))
        return (head + "\r\n").encode()


class _Whole(web.StreamResponse):
    """A whole answer, head and body, written at once."""

    keep_alive = True

    def __init__(self, head: bytes, body: bytes) -> None:
        super().__init__()
        self._whole = head + body
        self._writer: AbstractStreamWriter | None = None

    async def prepare(self, request: web.BaseRequest) -> AbstractStreamWriter | None:
        self._writer = request.writer
        return self._writer

    async def write_eof(self, data: bytes = b"") -> None:
        assert self._writer is not None
        await self._writer.write(self._whole)


def _is_plain(request: web.BaseRequest) -> bool:
    """Whether nothing special is asked for."""
    headers = request.headers
    return (
        request.version == HttpVersion11
        and request.keep_alive
        and not any(name in headers for name in _SPECIAL)
    )


def _lines(headers: dict[str, str]) -> str:
    return "".join(f"{name}: {value}\r\n" for name, value in headers.items())
