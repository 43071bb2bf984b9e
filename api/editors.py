"""The door for editors: the y-websocket protocol on `GET /ws/videos/{video_id}`."""

from __future__ import annotations

import math
from typing import Final
from uuid import UUID

import structlog
from aiohttp import web

from api.admission import take_request
from api.callers import Caller
from api.channel import SocketChannel
from api.keys import REQUEST_ID, Parts
from api.line import Lines, TakenOver
from api.permissions import Action, allows
from api.websocket import switching
from collab.errors import CocutError, Forbidden, Unauthenticated, Unavailable, VideoNotFound
from collab.ports import Seat

CLOSING_SECONDS: Final = 2.0
"""How long editors may take to hear that the server is going away."""

_log = structlog.get_logger(__name__)


class Editors:
    """The door, and who has come in by it.

    Args:
        parts: the parts of the face.
    """

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._lines = Lines(
            parts.clock,
            parts.config.limits.message_bytes,
            parts.refused,
            limited=parts.limiter is not None,
        )

    def start(self) -> None:
        """Begin to look after the connections."""
        self._lines.start()

    async def close(self) -> None:
        """Wait until all editors, who were refused by now, have heard it."""
        await self._lines.close(CLOSING_SECONDS)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Let an editor in; its connection goes on when this has returned.

        The connection is accepted before anything is checked, so that a browser sees the close
        code.
        """
        identifier = request[REQUEST_ID]
        switch = switching(request, identifier)
        try:
            line = self._lines.take(request, identifier)
        except ConnectionError:
            return web.Response(status=400)  # it left before it was answered: nobody reads this
        seat: Seat | None = None
        try:
            line.channel.write(switch)
            seat = await self._admit(request, line.channel)
        except CocutError as error:
            line.channel.refuse(error)
        except BaseException:
            line.channel.abort()
            raise
        if seat is not None:
            _log.debug("editor_joined", connection=identifier, path=request.path)
        line.begin(seat)
        return TakenOver()

    async def _admit(self, request: web.Request, channel: SocketChannel) -> Seat:
        parts = self._parts
        try:
            caller = await parts.callers.of(request, parts.wall(), in_query=True)
        except Unauthenticated:
            await _count(request, parts, None)
            raise
        await _count(request, parts, caller)
        try:
            video_id = UUID(request.match_info["video_id"])
        except ValueError:
            raise VideoNotFound from None
        await parts.access.head(video_id)
        try:
            grant = await parts.access.require(video_id, caller.sub, Action.READ)
        except VideoNotFound:
            raise Forbidden("You have no role on this video.") from None
        return await parts.rooms.connect(
            video_id,
            channel,
            user=caller.sub,
            may_edit=allows(grant.role, Action.EDIT),
            access_version=grant.head.access_version,
            expires_at=caller.expires_at,
        )


async def _count(request: web.Request, parts: Parts, caller: Caller | None) -> None:
    """Count an attempt to connect.

    Raises:
        Unavailable: there were too many.
    """
    taken = await take_request(request, parts, caller, 1, door=" connects")
    if taken is not None and not taken.allowed:
        raise Unavailable(f"You connect too often; try again in {math.ceil(taken.reset)} seconds.")
