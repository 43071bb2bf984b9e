"""Who listens, to what, and what they ask for."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final
from uuid import UUID

import structlog
from aiohttp import web
from socketio.exceptions import ConnectionRefusedError as Refused

from api import errors
from api.admission import take_request
from api.callers import Caller, bearer
from api.events.feed import Feed, Pace
from api.events.payloads import Event
from api.events.requests import REQUESTS, fields_of, id_in, prepared
from api.events.wire import Wire
from api.keys import Parts
from api.permissions import Action
from collab.errors import (
    CocutError,
    Draining,
    Forbidden,
    NotFound,
    Unauthenticated,
    Unavailable,
    VideoNotFound,
)
from collab.ports import Listening
from collab.schema import Changes, is_id

PATH: Final = "/socket.io/"
TICK_SECONDS: Final = 1.0
STRANGER_SECONDS: Final = 10.0
MAX_VIDEOS: Final = 50
CLOSE_SECONDS: Final = 1.0
GOING_AWAY: Final = 1001

_log = structlog.get_logger(__name__)


@dataclass(slots=True, eq=False)
class Member:
    """A connection whose user is known.

    Attributes:
        sid: Socket.IO's id of it.
        engine_id: the transport's.
        request: what it began with.
        caller: who it is.
        joined: the videos that it listens to.
    """

    sid: str
    engine_id: str
    request: web.Request
    caller: Caller
    joined: dict[UUID, Listening] = field(default_factory=dict)


@dataclass(slots=True)
class _Ear:
    """What hears that a member may not listen any more."""

    refused: Callable[[CocutError], None]
    error: CocutError | None = None

    def refuse(self, error: CocutError) -> None:
        self.error = error
        self.refused(error)


class Events:
    """The Socket.IO door of one process.

    Args:
        parts: what the handlers work with.
        polling: offer long polling, too; only where all requests reach the same process.
        per_user: how many connections a user may have.
        listeners: told how many connections there are.
    """

    def __init__(
        self,
        parts: Parts,
        *,
        polling: bool,
        per_user: int,
        listeners: Callable[[int], None] = lambda count: None,
    ) -> None:
        self._parts = parts
        self._per_user = per_user
        self._counted = listeners
        self._wire = Wire(
            self._receive,
            polling=polling,
            limited=parts.limiter is not None,
            clock=parts.clock,
        )
        self._pace = Pace(parts.clock)
        self._members: dict[str, Member] = {}
        self._users: Counter[str] = Counter()
        self._feeds: dict[UUID, Feed] = {}
        self._closing = False
        self._ticker: asyncio.Task[None] | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    def start(self) -> None:
        """Begin to look after the connections."""
        self._ticker = asyncio.get_running_loop().create_task(self._tick_for_ever())

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Serve one request of a transport.

        Raises:
            Draining: the process is shutting down.
        """
        if self._closing:
            raise Draining
        return await self._wire.serve(request)

    def projected(self, video_id: UUID, seq: int, changes: Changes) -> None:
        """The tables of a video show what changed; see `server.projector.Heard`."""
        feed = self._feeds.get(video_id)
        if feed is not None and changes:
            feed.tell(seq, changes)

    def listened(self, video_id: UUID) -> bool:
        """Whether anybody here listens to a video."""
        return video_id in self._feeds

    def announce(self, video_id: UUID, event: Event) -> None:
        """Send an event to those who listen to a video."""
        feed = self._feeds.get(video_id)
        if feed is not None:
            feed.announce(event)

    def tell_user(self, sub: str, event: Event) -> None:
        """Send an event to a user's connections."""
        if self._users[sub]:
            outgoing = self._wire.outgoing([event])
            for member in self._members.values():
                if member.caller.sub == sub:
                    self._wire.send(member.engine_id, outgoing)

    @property
    def empty(self) -> bool:
        """Whether nobody is connected."""
        return not self._members

    async def close(self) -> None:
        """Send what was told, and end all connections in such a way that they come back."""
        self._closing = True
        if self._ticker is not None:
            self._ticker.cancel()
            await asyncio.gather(self._ticker, return_exceptions=True)
        feeds = list(self._feeds.values())
        try:
            async with asyncio.timeout(CLOSE_SECONDS):
                await asyncio.gather(*(feed.flushed() for feed in feeds))
        except TimeoutError:
            _log.warning("events_not_sent", videos=len(feeds))
        engine_ids = [*self._wire.strangers, *(m.engine_id for m in self._members.values())]
        endings = [asyncio.ensure_future(self._wire.end(id_, GOING_AWAY)) for id_ in engine_ids]
        if endings:
            _, late = await asyncio.wait(endings, timeout=CLOSE_SECONDS)
            for id_, ending in zip(engine_ids, endings, strict=True):
                if ending in late:
                    self._wire.abort(id_)
            await asyncio.gather(*endings, return_exceptions=True)
        await asyncio.gather(*(feed.close() for feed in feeds))
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._wire.shutdown()

    async def _receive(self, event: str, sid: str, arguments: list[Any]) -> Any:
        if event == "connect":
            await self._connect(sid, *arguments)
            return None
        if event == "disconnect":
            self._disconnect(sid)
            return None
        try:
            data = await self._answer(event, sid, arguments[0] if arguments else None)
        except CocutError as error:
            if errors.status(error) == 500:
                _log.error("failed", event_name=event, exc_info=error)
            return {"success": False, "error": errors.body(error)}
        except Exception:  # noqa: BLE001 - said, and told as an error of the server
            _log.exception("failed", event_name=event)
            return {"success": False, "error": errors.body(CocutError())}
        return {"success": True, "data": data}

    async def _connect(self, sid: str, environ: dict[str, Any], auth: object = None) -> None:
        request: web.Request = environ["aiohttp.request"]
        try:
            caller = await self._admit(request, auth)
        except CocutError as error:
            shown = errors.body(error)
            raise Refused(shown["message"], shown) from None
        except Exception:  # noqa: BLE001 - said, and told as an error of the server
            _log.exception("failed", event_name="connect")
            shown = errors.body(CocutError())
            raise Refused(shown["message"], shown) from None
        engine_id = self._wire.engine_id(sid)
        self._members[sid] = Member(sid, engine_id, request, caller)
        self._users[caller.sub] += 1
        self._wire.strangers.pop(engine_id, None)
        self._counted(len(self._members))

    async def _admit(self, request: web.Request, auth: object) -> Caller:
        if self._closing:
            raise Draining
        parts = self._parts
        token = auth.get("token") if isinstance(auth, dict) else None
        try:
            if not isinstance(token, str) or not token:
                token = bearer(request, in_query=True)
            caller = await parts.callers.of_token(token, parts.wall())
        except Unauthenticated:
            await self._count(request, None, " connects")
            raise
        await self._count(request, caller, " connects")
        if self._users[caller.sub] >= self._per_user:
            raise Unavailable("You have too many connections open; close some and try again.")
        return caller

    async def _count(self, request: web.Request, caller: Caller | None, door: str = "") -> None:
        taken = await take_request(request, self._parts, caller, 1, door=door)
        if taken is not None and not taken.allowed:
            raise errors.TooManyRequests(taken.reset)

    def _disconnect(self, sid: str) -> None:
        member = self._members.pop(sid, None)
        if member is None:
            return
        for video_id in list(member.joined):
            self._leave(member, video_id)
        self._users[member.caller.sub] -= 1
        if not self._users[member.caller.sub]:
            del self._users[member.caller.sub]
        if member.engine_id in self._wire.environ:
            self._wire.strangers[member.engine_id] = self._parts.clock()
        self._counted(len(self._members))

    async def _answer(self, event: str, sid: str, payload: object) -> dict[str, Any]:
        member = self._members[sid]
        if self._closing:
            raise Draining
        if member.caller.expires_at <= self._parts.wall():
            raise Unauthenticated("The token has expired; connect with a new one.")
        route = REQUESTS.get(event)
        await self._count(member.request, member.caller)
        if event == "video:join":
            return await self._join(member, self._video_in(payload))
        if event == "video:leave":
            video_id = self._video_in(payload)
            self._leave(member, video_id)
            return {"video_id": str(video_id)}
        if route is None:
            raise NotFound("There is no such event.")
        call, claimed = await prepared(route, self._parts, member.caller, payload)
        if claimed is not None and claimed.lower() != str(call.video_id):
            raise VideoNotFound
        if call.video_id not in member.joined:
            raise Forbidden("Join the video first: `video:join`.")
        answer = await route.handler(call)
        assert not isinstance(answer, web.StreamResponse)
        return {**(answer.data or {}), "seq": answer.seq}

    async def _join(self, member: Member, video_id: UUID) -> dict[str, Any]:
        grant = await self._parts.access.require(video_id, member.caller.sub, Action.READ)
        listening = member.joined.get(video_id)
        if listening is None:
            if len(member.joined) >= MAX_VIDEOS:
                raise Unavailable(f"A connection can listen to {MAX_VIDEOS} videos at most.")
            ear = _Ear(partial(self._refused, member, video_id))
            listening = await self._parts.rooms.listen(
                video_id,
                ear,
                user=member.caller.sub,
                access_version=grant.head.access_version,
            )
            if ear.error is not None or member.sid not in self._members:
                listening.leave()
                raise ear.error or Unavailable("The connection has ended.")
            member.joined[video_id] = listening
            if video_id not in self._feeds:
                self._feeds[video_id] = Feed(video_id, self._parts, self._wire, self._pace)
            self._feeds[video_id].listeners.add(member.engine_id)
        return {"video_id": str(video_id), "role": grant.role, "seq": listening.seq}

    def _leave(self, member: Member, video_id: UUID) -> None:
        listening = member.joined.pop(video_id, None)
        if listening is None:
            return
        listening.leave()
        feed = self._feeds[video_id]
        feed.leave(member.engine_id)
        if not feed.listeners:
            del self._feeds[video_id]
            self._spawn(feed.close())

    def _refused(self, member: Member, video_id: UUID, error: CocutError) -> None:
        """A member's role on a video has ended, the video is gone, or its room has failed."""
        if video_id not in member.joined:
            return
        self._leave(member, video_id)
        if isinstance(error, Unavailable):
            self._spawn(self._wire.end(member.engine_id, 1013))
            return
        payload = {"video_id": str(video_id), "error": errors.body(error)}
        self._wire.send(member.engine_id, self._wire.outgoing([("video:left", payload)]))

    @staticmethod
    def _video_in(payload: object) -> UUID:
        video = id_in(fields_of(payload), "video_id").lower()
        if not is_id(video):
            raise VideoNotFound
        return UUID(video)

    async def _tick_for_ever(self) -> None:
        while True:
            await asyncio.sleep(TICK_SECONDS)
            wall, now = self._parts.wall(), self._parts.clock()
            for member in list(self._members.values()):
                if member.caller.expires_at <= wall:
                    self._spawn(self._wire.disconnect(member.sid))
            for engine_id, since in list(self._wire.strangers.items()):
                if now - since > STRANGER_SECONDS:
                    self._spawn(self._wire.end(engine_id))

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
