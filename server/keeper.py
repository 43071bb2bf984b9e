"""The task that keeps one room: it takes what arrived, stores it, and only then shows it.

One room, one task: between two batches everything that is applied is stored, and only then is
anything encoded, projected or answered.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextvars import Context
from typing import Final
from uuid import UUID

import structlog

from collab.batch import Batch, Brought, Item, Requested
from collab.document import SMALL_DOCUMENT_BYTES, Outcome
from collab.errors import (
    BrokenDocument,
    CocutError,
    DatabaseAway,
    Draining,
    MissingUpdates,
    Unavailable,
    VideoNotFound,
)
from collab.ports import Edit, Edited
from collab.room import Room
from collab.session import Session
from collab.surrogates import find_pairs
from server import ahead
from server.fanout import FanOut
from server.growth import Growth
from server.inbox import Inbox
from server.kept import KeptWrites
from server.projector import Projector
from server.rounds import Rounds
from server.stores import Stores
from server.tail import Tail

LOGGED_SECONDS: Final = 10.0

CATCH_UP_TRIES: Final = 3
"""How often the log is read for what an update builds on."""

_log = structlog.get_logger(__name__)


class Keeper:
    """Keeps the room of one video while it is open."""

    def __init__(
        self, video_id: UUID, stores: Stores, projector: Projector, ended: Callable[[Keeper], None]
    ) -> None:
        self.video_id = video_id
        self.access_version = 0
        self.idle_since: float | None = stores.clock()
        self.growth = Growth()
        self.projector = projector
        self.listeners = 0
        self.failure: CocutError | None = None
        self._stores = stores
        self._ended = ended
        self._wake = asyncio.Event()
        self._inbox = Inbox(self._wake.set)
        self._fan_out = FanOut(stores.clock, stores.metrics)
        self._behind = False
        self._tail = Tail(video_id, stores.log, stores.metrics)
        self._kept = KeptWrites(video_id, stores.log)
        self._flushed = asyncio.Event()
        self._turned = asyncio.Event()
        self._closing = False
        self._task: asyncio.Task[None] | None = None
        self.room: Room
        self._rounds: Rounds

    async def open(self) -> None:
        """Load the document and begin.

        Raises:
            VideoNotFound, DatabaseAway: as they say.
            CorruptLog: what is stored cannot be read; the room stays closed.
        """
        if self._stores.durable.backlog(self.video_id):
            await self._stores.durable.flush(self.video_id)
        stored = await self._stores.log.load(self.video_id)
        self.access_version = stored.access_version
        self.growth.add(len(stored.rows), sum(len(row.update) for row in stored.rows))
        self.growth.snapshot_bytes = len(stored.state or b"")
        bus = self._stores.bus
        document = self._stores.document(self.video_id, stored)
        self.room = Room(
            document,
            stored.seq,
            self._stores.framing,
            shared=bus is not None,
            rest_seconds=self._stores.rest_seconds,
        )
        self._rounds = Rounds(
            self.video_id, self.room, self.projector, self._stores, self._wake.set
        )
        if bus is not None:
            await bus.subscribe(self.video_id)
            # What was stored between the load and the subscription.
            self._behind = True
            self._wake.set()
        self.projector.begin(self.room, stored.seq, stored.projected_seq, self._wake.set)
        # Not in the context of the request that opens it: the room outlives that, and its log lines
        # would name it.
        self._task = asyncio.get_running_loop().create_task(
            self._run(), name=f"room {self.video_id}", context=Context()
        )

    @property
    def busy(self) -> bool:
        """Whether something has arrived, or is on its way to the tables."""
        return bool(self._inbox or self.room.sessions or self.listeners or self.projector.lag)

    def join(self, session: Session) -> None:
        """Let an editor in."""
        self.idle_since = None
        self._rounds.joined()
        self.room.join(session)

    def leave(self, session: Session) -> None:
        """Let an editor go."""
        self.room.leave(session)
        self._be_idle()
        self._wake.set()

    def listen(self, count: int) -> None:
        """So many more, or fewer, listen to what changes."""
        self.listeners += count
        self.room.attributing = self.projector.listened = self.listeners > 0
        self.idle_since = None
        self._be_idle()

    def _be_idle(self) -> None:
        if not self.room.sessions and not self.listeners:
            self.idle_since = self._stores.clock()

    def receive(self, session: Session, frame: bytes) -> bool:
        """Queue a frame; returns whether the room can take more at once (see `drained`)."""
        return self._inbox.receive(session, frame)

    async def drained(self, session: Session) -> None:
        """Wait until the room can take more, and the editor has what it asked for."""
        await self._inbox.drained()
        while session.is_owed:
            await self._turned.wait()

    async def edit(self, edit: Edit, by: str) -> Edited:
        """Run an edit by the server; returns once it is stored and projected."""
        return await self._settled(lambda settle: Requested(edit, by, settle))

    async def bring(self, update: bytes, by: str, after: int) -> Edited:
        """Take an update that builds on row `after`; returns like `edit`."""
        read = await ahead.read(update)
        for _ in range(CATCH_UP_TRIES):
            if self.room.seq < after:
                self.catch_up()
            try:
                return await self._settled(lambda settle: Brought(update, by, settle, read))
            except MissingUpdates:
                if self.room.seq >= after:
                    raise
        raise Unavailable("This node has not yet seen what the change builds on.")

    async def _settled(self, ask: Callable[[Callable[[Outcome], None]], Item]) -> Edited:
        if self._closing:
            raise Draining
        if self.idle_since is not None:
            self.idle_since = self._stores.clock()
        settled: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()

        def settle(outcome: Outcome) -> None:
            if not settled.done():
                settled.set_result(outcome)

        self._inbox.put(ask(settle))
        outcome = await settled
        if outcome.error is not None:
            raise outcome.error
        await self.logged()
        seq = self.room.seq
        await self.projector.wait(seq)
        return Edited(seq, outcome.value)

    async def logged(self) -> None:
        """Wait, not for ever, until what is in the journal is in the log, too."""
        try:
            async with asyncio.timeout(LOGGED_SECONDS):
                while self._stores.durable.backlog(self.video_id):
                    self._flushed.clear()
                    await self._flushed.wait()
        except TimeoutError:
            raise DatabaseAway(
                "The change is kept and will appear when the database is back."
            ) from None

    async def state(self) -> tuple[bytes, int]:
        """The document as one update, and its sequence number, at a moment when all is stored."""
        found: list[tuple[bytes, int]] = []
        await self.edit(lambda _: found.append((self.room.document.encode(), self.room.seq)), "")
        return found[0]

    def hear_stored(self, seq: int, update: bytes, author: str) -> None:
        """Another node has stored a row; without its update, the log is asked for it."""
        if seq > self.room.seq:
            self._tail.hear(seq, update, author)
            self.catch_up()

    def hear_wanted(self, seq: int) -> None:
        """Another node waits until the tables show a row that is stored."""
        if seq > self.room.seq:
            self.catch_up()
        self.projector.hear_wanted(seq)

    def hear_presence(self, states: bytes, node: bytes) -> None:
        """Another node tells who is there."""
        self.room.presence.hear(states, node)
        self._wake.set()

    def share_presence(self) -> None:
        """Tell the other nodes all that is known of this node's editors."""
        self._rounds.share_presence(everything=True)

    def greet(self) -> None:
        """Another node has opened the video: tell it who is here, whether this one writes the
        tables, and where the log stands, since it may have been told nothing of what was stored
        while it came."""
        self.share_presence()
        self.projector.turn.say()
        if self._stores.bus is not None:
            self._stores.bus.stored(self.video_id, self.room.seq, b"", "")

    def forget_nodes(self, alive: Callable[[bytes], bool]) -> None:
        """Remove the presence of nodes that are gone."""
        for node in self.room.presence.nodes():
            if not alive(node):
                self.room.presence.leave(node)
                self._wake.set()

    def catch_up(self) -> None:
        """Have a look at the log: another node has stored something."""
        self._behind = True
        self._wake.set()

    def database_back(self) -> None:
        """PostgreSQL answers again: the backlog can go, and the tables be written."""
        self._wake.set()

    async def close(self) -> None:
        """Take what has arrived, store and project it, and end."""
        self._closing = True
        self._wake.set()
        if self._task is not None:
            await asyncio.gather(self._task, return_exceptions=True)
        await self.projector.close()
        self.room.document.close()
        if self._stores.bus is not None:
            await self._stores.bus.unsubscribe(self.video_id)

    async def _run(self) -> None:
        try:
            while not (self._closing and not self._inbox):
                await self._wait()
                if self._behind:
                    self._behind = False
                    await self._read_log()
                if self._stores.durable.backlog(self.video_id) and not self._stores.durable.failing:
                    await self._flush()
                await self._retract()
                if self._inbox:
                    await self._fan_out.pace(at_once=self._closing)
                    await self._process(self._inbox.take())
                    if self.projector.reading:
                        await asyncio.sleep(0)
                else:
                    self.room.welcome()
                self._rounds.look_after()
                self._end_turn()
                if self.room.welcoming:
                    self._wake.set()
                    await asyncio.sleep(0)
        except VideoNotFound as error:
            self._fail(error)
        except CocutError as error:
            _log.error("room_failed", video=str(self.video_id), error=str(error))
            self._fail(error if isinstance(error, Unavailable) else Unavailable(str(error)))
        except Exception:  # noqa: BLE001 - one room's bug must not end the others
            _log.exception("room_failed", video=str(self.video_id))
            self._fail(Unavailable("The room of this video failed; connect again."))
        finally:
            self._rounds.close()
            self._end_turn()

    def _end_turn(self) -> None:
        turned, self._turned = self._turned, asyncio.Event()
        turned.set()

    async def _wait(self) -> None:
        if not self._inbox:
            await self._wake.wait()
        self._wake.clear()

    async def _process(self, items: list[Item]) -> None:
        if ahead.change(items) and self.room.document.size > SMALL_DOCUMENT_BYTES:
            for _ in self.projector.priming():
                await asyncio.sleep(0)
        batch = await self._take(items)
        if batch.asks_for_characters:
            await self._learn_characters()
        if batch.rest:
            self._inbox.put_back(batch.rest)
        frame: bytes | None = None
        if batch.update is not None:
            try:
                frame = await self._store(batch)
            except CocutError as error:
                # What could not be stored must not be seen: the document in memory is given up.
                for requested, _ in batch.outcomes:
                    requested.settled(Outcome(None, None, error))
                raise
        if frame is not None and self._kept.doubtful:
            await self._fan_out.send(self.room, frame)
            frame = None
            await self._retract()
        self.room.answer(batch)
        self.room.welcome()
        for requested, outcome in batch.outcomes:
            requested.settled(outcome)
        self._count(batch)
        if frame is not None:
            await self._fan_out.send(self.room, frame)
        self.projector.look(force=bool(batch.outcomes))

    def _count(self, batch: Batch) -> None:
        metrics = self._stores.metrics
        edited = sum(outcome.update is not None for _, outcome in batch.outcomes)
        metrics.edits.labels("api").inc(edited)
        metrics.edits.labels("yjs").inc(batch.edits - edited)
        if batch.denied:
            metrics.refused.labels("viewer_edits").inc(len(batch.denied))
        if batch.incomplete:
            metrics.refused.labels("missing_updates").inc(len(batch.incomplete))

    async def _learn_characters(self) -> None:
        document = self.room.document
        if document.asks_for_characters:
            document.learn_characters(await asyncio.to_thread(find_pairs, document.encode()))

    async def _take(self, items: list[Item]) -> Batch:
        broken = False
        while True:
            try:
                if not broken:
                    await ahead.expect(self.room.document, items)
                batch = self.room.take(items)
                await ahead.go_on(self.room.document)
                return batch
            except BrokenDocument as error:
                # Taken again in one piece, so that whoever sent it is known.
                broken = True
                _log.error("document_broken", video=str(self.video_id), error=str(error))
                stored = await self._stores.log.load(self.video_id)
                self.room.document.close()
                self.room.document = self._stores.document(self.video_id, stored)
                self.room.seq = stored.seq
                await self._learn_characters()
                for update, _ in self._stores.durable.backlog(self.video_id):
                    self.room.document.apply(update, own=True)
                self.projector.start_over()

    async def _store(self, batch: Batch) -> bytes:
        assert batch.update is not None
        metrics = self._stores.metrics
        began = self._stores.clock()
        waiting = len(self._stores.durable.backlog(self.video_id))
        kept = self._kept.keep(batch, self.room.seq)
        seq = await self._stores.durable.store(self.video_id, (batch.update, batch.users), kept)
        metrics.commit_seconds.observe(self._stores.clock() - began)
        metrics.batches.inc()
        metrics.batch_size.observe(batch.edits)
        self.growth.add(1, len(batch.update))
        if seq is not None:
            first = seq - waiting
            if first > self.room.seq + 1:
                await self._take_stored(first - 1)
            self._kept.stored(first)
            self._flushed.set()
            if self._stores.bus is not None:
                self._stores.bus.stored(self.video_id, seq, batch.update, batch.users[-1])
        return self.room.publish(batch.update, self.room.seq if seq is None else seq)

    async def _flush(self) -> None:
        count = len(self._stores.durable.backlog(self.video_id))
        try:
            seq = await self._stores.durable.flush(self.video_id)
        except DatabaseAway:
            return
        if seq - count > self.room.seq:
            await self._take_stored(seq - count)
        self.room.seq = seq
        self._kept.stored(seq - count + 1)
        await self._retract()
        self._flushed.set()
        self.projector.look(force=True)

    async def _retract(self) -> None:
        """Take back what other nodes had written before, as an edit like any other."""
        async for update, by in self._kept.retractions():
            await self._process([Brought(update, by, _nobody_waits)])

    async def _read_log(self) -> None:
        try:
            await self._take_stored(None)
        except DatabaseAway:
            self._behind = True

    async def _take_stored(self, upto: int | None) -> None:
        """Apply and show rows that other nodes have stored after this room's last one."""
        rows = await self._tail.after(self.room.seq, upto)
        if not rows.updates:
            return
        await self._learn_characters()
        for updates, authors in rows.parts(ahead.LARGE_BYTES):
            self.room.document.expect(await ahead.read(updates[0]))
            news = self.room.take_stored(updates, authors)
            await ahead.go_on(self.room.document)
            if news is not None:
                await self._fan_out.send(self.room, self.room.publish(news, self.room.seq))
        self.growth.add(rows.seq - self.room.seq, sum(map(len, rows.updates)))
        self.room.seq = max(self.room.seq, rows.seq)
        self.projector.look(force=False)

    def _fail(self, error: CocutError) -> None:
        """End the room and everybody's connection to it; it can be opened anew."""
        self._closing = True
        self.failure = error
        for session in list(self.room.sessions.values()):
            self.room.leave(session)
            session.channel.refuse(error)
        self._inbox.refuse(error)
        self.projector.fail(error)
        self.room.document.close()
        self._ended(self)


def _nobody_waits(_: Outcome) -> None:
    """For what was asked by nobody."""
