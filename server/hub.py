"""The rooms of this node: opened once for all who ask, kept while somebody is there, closed after.

It also looks after what no single room can: every second, whether other nodes have stored
something, whose role or token has ended, which rooms are idle, and which logs want a snapshot.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Final
from uuid import UUID

import structlog

from collab.errors import (
    CocutError,
    DatabaseAway,
    Draining,
    Unavailable,
    VideoNotFound,
)
from collab.ports import Edit, Edited, Listener, Listening, Seat
from collab.session import Channel
from persistence import bus
from persistence.bus import Hint
from persistence.snapshots import Snapshots
from persistence.update_log import Head
from persistence.videos import Videos
from server import memory
from server.keeper import Keeper
from server.places import ConnectionLimits, Places
from server.projector import Projector
from server.snapshotting import Snapshotting
from server.stores import Stores
from server.turn import NOBODY

IDLE_SECONDS: Final = 30.0
LISTEN_SECONDS: Final = 5.0
TICK_SECONDS: Final = 1.0
DRAIN_SECONDS: Final = 12.0

_log = structlog.get_logger(__name__)


class Hub:
    """All rooms of this node; what `collab.ports.Rooms` promises.

    Args:
        stores: what keepers work with.
        projector: makes the projector of a video.
        videos: roles and deletion.
        snapshots: makes them.
        limits: of connections.
        wall: seconds since the epoch, for tokens.
        idle_seconds: for how long a room without editors stays open.
    """

    def __init__(
        self,
        stores: Stores,
        projector: Callable[[UUID], Projector],
        videos: Videos,
        snapshots: Snapshots,
        limits: ConnectionLimits,
        wall: Callable[[], float],
        idle_seconds: float = IDLE_SECONDS,
    ) -> None:
        self._stores = stores
        self._idle_seconds = idle_seconds
        self._projector = projector
        self._places = Places(limits, videos, wall, stores.metrics)
        self._snapshotting = Snapshotting(
            snapshots, stores.metrics, stores.clock, self._snapshot_ended
        )
        self._keepers: dict[UUID, Keeper] = {}
        self._opening: dict[UUID, asyncio.Task[Keeper]] = {}
        self._closing: dict[UUID, asyncio.Task[None]] = {}
        self._nodes: dict[bytes, float] = {}
        self._draining = False
        self._ticker: asyncio.Task[None] | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def draining(self) -> bool:
        """Whether the process is shutting down."""
        return self._draining

    def start(self) -> None:
        """Begin to look after the rooms."""
        self._ticker = asyncio.get_running_loop().create_task(self._tick_for_ever())
        self._spawn(self._project_what_is_behind())
        self._spawn(self._end_expired_for_ever())

    async def connect(
        self,
        video_id: UUID,
        channel: Channel,
        *,
        user: str,
        may_edit: bool,
        access_version: int,
        expires_at: float,
    ) -> Seat:
        """Give an editor a place in the video's room; see `collab.ports.Rooms`."""
        if self._draining:
            raise Draining
        self._places.count(user)
        try:
            keeper = await self._open(video_id)
            seat = self._places.sit(keeper, channel, user, may_edit=may_edit, expires_at=expires_at)
        except BaseException:
            self._places.discount(user)
            raise
        if access_version != keeper.access_version:
            self._spawn(self._check_access(keeper, None))
        return seat

    async def listen(
        self, video_id: UUID, listener: Listener, *, user: str, access_version: int
    ) -> Listening:
        """Keep a room open for a listener; see `collab.ports.Rooms`."""
        if self._draining:
            raise Draining
        keeper = await self._open(video_id)
        ear = self._places.listen(keeper, listener, user)
        try:
            if access_version != keeper.access_version:
                await self._check_access(keeper, None)
            # From here on it is told of changes; what was before, it can read.
            async with asyncio.timeout(LISTEN_SECONDS):
                await keeper.projector.wait(keeper.room.seq)
        except TimeoutError:
            self._places.cover(ear)
            raise Unavailable("The video is busy; try again.") from None
        except BaseException:
            self._places.cover(ear)
            raise
        return Listening(keeper.projector.projected_seq, lambda: self._places.cover(ear))

    async def edit(self, video_id: UUID, edit: Edit, *, by: str) -> Edited:
        """Run an edit in the video's room; see `collab.ports.Rooms`."""
        return await (await self._writable(video_id)).edit(edit, by)

    async def bring(self, video_id: UUID, update: bytes, *, by: str, after: int) -> Edited:
        """Take an update that was made elsewhere; see `collab.ports.Rooms`."""
        return await (await self._writable(video_id)).bring(update, by, after)

    async def logged(self, video_id: UUID) -> None:
        """Wait until the journal holds nothing of a video; see `collab.ports.Rooms`."""
        durable = self._stores.durable
        if durable.away:
            raise DatabaseAway
        if durable.backlog(video_id):
            await (await self._open(video_id)).logged()

    async def state(self, video_id: UUID) -> tuple[bytes, int]:
        """The document as one update, and its sequence number."""
        return await (await self._open(video_id)).state()

    async def project(self, video_id: UUID, min_seq: int, timeout: float) -> int:
        """Wait until the tables show at least `min_seq`; see `collab.ports.Rooms`."""
        keeper = await self._open(video_id)
        try:
            async with asyncio.timeout(timeout):
                if keeper.room.seq < min_seq:
                    keeper.catch_up()
                await keeper.projector.wait(min_seq)
        except TimeoutError:
            pass
        return keeper.projector.projected_seq

    async def access_changed(self, video_id: UUID) -> None:
        """Look again at who may be connected to a video, on all nodes."""
        if self._stores.bus is not None:
            self._stores.bus.access_changed(video_id)
        keeper = self._keepers.get(video_id)
        if keeper is not None:
            await self._check_access(keeper, None)

    def database_changed(self, up: bool) -> None:
        """PostgreSQL has gone, or come back."""
        self._stores.metrics.database_up.set(up)
        if up:
            for keeper in self._keepers.values():
                keeper.database_back()
            for video_id in self._stores.durable.waiting():
                if video_id not in self._keepers:
                    self._spawn(self._flush_unkept(video_id))

    def hear(self, hint: Hint) -> None:
        """Another node says something."""
        self._nodes[hint.node] = self._stores.clock()
        keeper = self._keepers.get(hint.video_id) if hint.video_id is not None else None
        if keeper is None:
            return
        if hint.kind == bus.STORED:
            keeper.hear_stored(hint.seq, hint.body, hint.author)
        elif hint.kind == bus.PRESENCE:
            keeper.hear_presence(hint.body, hint.node)
        elif hint.kind == bus.TABLES:
            keeper.projector.turn.hear(hint.seq)
        elif hint.kind == bus.WANTED:
            keeper.hear_wanted(hint.seq)
        elif hint.kind == bus.QUERY:
            keeper.greet()
        elif hint.kind == bus.ACCESS:
            self._spawn(self._check_access(keeper, None))

    def redis_changed(self, up: bool) -> None:
        """Redis has gone, or come (back): hints may have been missed."""
        self._stores.metrics.redis_up.set(up)
        for keeper in self._keepers.values():
            if up:
                keeper.catch_up()
                keeper.share_presence()
            else:
                keeper.projector.turn.hear(NOBODY)

    async def drain(self) -> None:
        """Let nobody in any more, store and project all that has arrived, close all connections."""
        self._draining = True
        self._snapshotting.hurry()
        if self._ticker is not None:
            self._ticker.cancel()
            await asyncio.gather(self._ticker, return_exceptions=True)
        try:
            async with asyncio.timeout(DRAIN_SECONDS):
                await asyncio.gather(*self._opening.values(), return_exceptions=True)
                keepers = list(self._keepers.values())
                await asyncio.gather(*(keeper.close() for keeper in keepers))
                self._places.drain()
                await asyncio.gather(*self._closing.values())
                await asyncio.gather(*(self._snapshotting.make(keeper) for keeper in keepers))
        except TimeoutError:
            _log.warning("drain_incomplete", rooms=len(self._keepers))
        await self._snapshotting.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _writable(self, video_id: UUID) -> Keeper:
        if self._draining:
            raise Draining
        if self._stores.durable.away:
            raise DatabaseAway
        return await self._open(video_id)

    async def _open(self, video_id: UUID) -> Keeper:
        """The keeper of a video's room; whoever asks while it is loading waits for that load."""
        keeper = self._keepers.get(video_id)
        if keeper is not None:
            return keeper
        opening = self._opening.get(video_id)
        if opening is None:
            opening = asyncio.get_running_loop().create_task(self._load(video_id))
            self._opening[video_id] = opening
            opening.add_done_callback(lambda _: self._opening.pop(video_id, None))
        return await asyncio.shield(opening)

    async def _load(self, video_id: UUID) -> Keeper:
        closing = self._closing.get(video_id)
        if closing is not None:
            await asyncio.shield(closing)
        keeper = Keeper(video_id, self._stores, self._projector(video_id), self._ended)
        try:
            await keeper.open()
        except CocutError as error:
            if not isinstance(error, VideoNotFound | Unavailable):
                _log.error("room_not_opened", video=str(video_id), error=str(error))
            raise
        self._keepers[video_id] = keeper
        self._stores.metrics.rooms.set(len(self._keepers))
        return keeper

    def _ended(self, keeper: Keeper) -> None:
        """A room has failed: the next who asks opens it anew."""
        self._places.refuse_listeners(
            keeper, keeper.failure or Unavailable("The room of this video failed.")
        )
        if self._keepers.get(keeper.video_id) is keeper:
            del self._keepers[keeper.video_id]
            self._stores.metrics.rooms.set(len(self._keepers))

    def _close(self, keeper: Keeper) -> None:
        del self._keepers[keeper.video_id]
        self._stores.metrics.rooms.set(len(self._keepers))
        task = asyncio.get_running_loop().create_task(self._close_and_snapshot(keeper))
        self._closing[keeper.video_id] = task
        task.add_done_callback(lambda _: self._closing.pop(keeper.video_id, None))

    async def _close_and_snapshot(self, keeper: Keeper) -> None:
        await keeper.close()
        self._stores.memory.freed()
        if not self._draining:
            self._snapshotting.start(keeper)

    async def _tick_for_ever(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            began = loop.time()
            try:
                await self._tick()
            except DatabaseAway:
                pass  # said once, by the durable log; the next tick tries again
            except Exception:  # noqa: BLE001 - the next tick must come
                _log.exception("tick_failed")
            await asyncio.sleep(max(0.0, began + TICK_SECONDS - loop.time()))

    async def _end_expired_for_ever(self) -> None:
        """Apart from the tick, which may wait for a database that does not answer."""
        while True:
            self._places.end_expired()
            await asyncio.sleep(TICK_SECONDS)

    async def _tick(self) -> None:
        metrics = self._stores.metrics
        metrics.journal_bytes.set(self._stores.durable.journal_bytes)
        now = self._stores.clock()
        for keeper in list(self._keepers.values()):
            idle = keeper.idle_since is not None and now - keeper.idle_since >= self._idle_seconds
            if idle and not keeper.busy:
                self._close(keeper)
            elif keeper.growth.wants_snapshot(now, idle=keeper.idle_since is not None):
                self._snapshotting.start(keeper)
        if not self._closing and self._stores.memory.due(now):
            self._spawn(asyncio.to_thread(memory.give_back))
        keepers = list(self._keepers.values())
        self._forget_dead_nodes(now, keepers)
        metrics.slow_editors.set(sum(len(keeper.room.lagging) for keeper in keepers))
        metrics.projection_lag.set(max((keeper.projector.lag for keeper in keepers), default=0))
        metrics.rooms_resting.set(sum(keeper.room.document.at_rest for keeper in keepers))
        metrics.snapshot_lag.set(max((keeper.growth.rows for keeper in keepers), default=0))
        metrics.backlog.set(
            sum(len(self._stores.durable.backlog(id_)) for id_ in self._stores.durable.waiting())
        )
        if self._stores.bus is not None:
            metrics.bus_seconds.set(self._stores.bus.seconds)
            metrics.bus_dropped.inc(self._stores.bus.take_dropped())
        if keepers:
            heads = await self._stores.log.heads([keeper.video_id for keeper in keepers])
            for keeper in keepers:
                head = heads[keeper.video_id]
                if head.deleted or head.access_version != keeper.access_version:
                    await self._check_access(keeper, head)
                keeper.projector.turn.look(head.projected_seq)
                if head.seq > keeper.room.seq:
                    keeper.catch_up()

    def _forget_dead_nodes(self, now: float, keepers: list[Keeper]) -> None:
        dead = [node for node, heard in self._nodes.items() if now - heard > bus.DEAD_SECONDS]
        for node in dead:
            del self._nodes[node]
        if self._stores.bus is not None:
            for keeper in keepers:
                keeper.forget_nodes(self._nodes.__contains__)

    async def _check_access(self, keeper: Keeper, head: Head | None) -> None:
        """Close or change the connections of those whose role has changed."""
        if head is None:
            head = (await self._stores.log.heads([keeper.video_id]))[keeper.video_id]
        if head.deleted:
            self._places.deleted(keeper)
            if self._keepers.get(keeper.video_id) is keeper:
                self._close(keeper)
            return
        await self._places.review(keeper)
        keeper.access_version = head.access_version

    def _snapshot_ended(self, video_id: UUID) -> None:
        # A room that was closed is held until then.
        if video_id not in self._keepers:
            self._stores.memory.freed()

    async def _project_what_is_behind(self) -> None:
        """A process that was killed may have left edits in the log that the tables do not show."""
        try:
            for video_id in await self._stores.log.behind():
                await self._open(video_id)
        except CocutError as error:
            _log.warning("projection_behind", error=str(error))

    async def _flush_unkept(self, video_id: UUID) -> None:
        try:
            await self._stores.durable.flush(video_id)
            await self._open(video_id)
        except (DatabaseAway, VideoNotFound) as error:
            _log.warning("backlog_not_stored", video=str(video_id), error=str(error))

    def _spawn(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
