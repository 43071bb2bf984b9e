"""Keeps the tables of one open video in step with its document, at their own pace.

A look reads the document at a moment when all that is applied is stored; what it found changed is
written beside the room's work, one write at a time, and then told. While edits keep coming, a look
is taken at most every `PACE_SECONDS`, and in documents where a look costs much (it does in
proportion to the clients that a document ever had) more rarely; at once when a request waits for
it.

Where several nodes have the video open, one of them writes, and the others wait for it (`turn`).

What is told is what the tables show by then, each change once and in order: what a write could not
bring into the tables stays in `_untold`, and is told with what changed after it.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Final
from uuid import UUID

import structlog

from collab.errors import CocutError, DatabaseAway, VideoNotFound
from collab.projection import READ_AT_ONCE, Projection
from collab.room import Room
from collab.schema import Changes, Touches
from persistence.bus import Bus
from persistence.tables import Tables
from server.observe import Metrics
from server.turn import Turn

PACE_SECONDS: Final = 0.25
LOOKING_SHARE: Final = 0.01
"""How much of the time a room may spend on looks that nobody waits for."""

SECONDS_A_CLIENT: Final = 80e-6
SLOWEST_SECONDS: Final = 2.0
"""A look ends a transaction of pycrdt, and the first write of the next costs 0.2 us for each client
that the document ever had."""

LISTENED_PACE_SECONDS: Final = 0.1
LISTENED_SHARE: Final = 0.05
"""The same while somebody waits for events."""

GROWS_AFTER: Final = 8
"""Pieces after which a look goes on in larger ones, so that it ends however much is touched
meanwhile."""

PATIENCE_SECONDS: Final = 0.03
"""How long a write may wait for those of other videos."""

RETRY_SECONDS: Final = 1.0
CLOSING_LOOKS: Final = 3
"""How often the last state is tried to be written when a room closes."""

_log = structlog.get_logger(__name__)


def pace(spent: float, clients: int, *, listened: bool = False) -> float:
    """Seconds from a look to the next.

    Args:
        spent: the seconds that it took.
        clients: how many the document has had.
        listened: somebody waits for events.
    """
    least, share = (
        (LISTENED_PACE_SECONDS, LISTENED_SHARE) if listened else (PACE_SECONDS, LOOKING_SHARE)
    )
    slowed = max(spent / share, clients * SECONDS_A_CLIENT)
    return max(least, min(slowed, SLOWEST_SECONDS))


Heard = Callable[[UUID, int, Changes], None]
"""Told that the tables were written: video, sequence number, and what changed since it was told
before (what the first look finds is no change)."""


class Projector:
    """The projection of one open video, and the writes of it.

    Args:
        video_id: the video.
        projection: of its document.
        tables: all videos'.
        clock: monotonic seconds.
        metrics: of this process.
        heard: told of each change once the tables show it.
        bus: the way to other nodes, if there are any.

    Attributes:
        turn: whose it is to write.
        listened: whether somebody waits for events.
    """

    def __init__(
        self,
        video_id: UUID,
        projection: Projection,
        tables: Tables,
        clock: Callable[[], float],
        metrics: Metrics,
        heard: Heard,
        bus: Bus | None = None,
    ) -> None:
        self.turn = Turn(video_id, bus)
        self.listened = False
        self._video_id = video_id
        self._projection = projection
        self._tables = tables
        self._clock = clock
        self._metrics = metrics
        self._heard = heard
        self._room: Room
        self._wake: Callable[[], None]
        self._seen_seq = 0
        self._primed = False
        self._looked = False
        self._untold = Changes()
        self._base: int | None = None
        self._next_look = 0.0
        self._urgent = False
        self._spent = 0.0
        self._pieces = 0
        self._touches = Touches()
        self._again = Touches()
        self._rewrites = False
        self._writing: asyncio.Task[None] | None = None
        self._waiters: list[tuple[int, asyncio.Future[None]]] = []
        self._wanted_seq = 0
        self._failed = False
        self._dropped: Counter[str] = Counter()

    def begin(self, room: Room, seq: int, projected_seq: int, wake: Callable[[], None]) -> None:
        """Take over a room that was just loaded.

        Args:
            room: the room; it is read, never changed.
            seq: what it stands at.
            projected_seq: what the tables show.
            wake: asks for `look` to be called soon.
        """
        self._room = room
        self._wake = wake
        self.turn.show(projected_seq)
        self._seen_seq = projected_seq
        room.document.before_change = self.prime
        if projected_seq < seq:
            # Another node may be about to write it, and will have said so by then.
            self._urgent = not self.turn.shared
            self._next_look = self._clock() + PACE_SECONDS
            wake()

    @property
    def projected_seq(self) -> int:
        """What the tables are known to show."""
        return self.turn.shown

    @property
    def lag(self) -> int:
        """How many log rows the tables are behind."""
        return self._room.seq - self.projected_seq

    @property
    def reading(self) -> bool:
        """Whether a look is under way that reads in pieces."""
        return self._projection.reading

    @property
    def still(self) -> bool:
        """Whether the tables show all that was published, and all who listen have heard of it."""
        busy = self._writing or self._again or self.reading or self._untold or self._waiters
        return not (self._failed or busy) and (
            min(self._seen_seq, self.projected_seq) >= self._room.seq
        )

    def prime(self) -> None:
        """Read the whole document once, before the first change, to know later what changed."""
        for _ in self.priming():
            pass

    def priming(self) -> Iterator[None]:
        """`prime` in pieces; between them the document must not change."""
        if not self._primed and self._seen_seq == self._room.seq:
            self._projection.touch(self._room.document.settle())
            while not self._projection.read(self._room.document.doc):
                yield
            self._projection.settle()
            self._primed = self._looked = True

    def rest(self) -> None:
        """Let go of the rows, all of which the tables show; before the next change they are read
        again. Only while `still`."""
        self._projection.forget()
        self._primed = self._looked = False

    def start_over(self) -> None:
        """The room has loaded its document anew."""
        self._room.document.before_change = self.prime
        self._base = None

    def look(self, *, force: bool) -> float | None:
        """Read what changed, if it is time, and begin to write it.

        All that is applied to the document must be stored when this is called. Much is not read
        at once, but in several calls; what changes between them is read, too.

        Args:
            force: somebody waits for it: do not keep the pace.

        Returns:
            Seconds until another look is due; None if none is.
        """
        if self._failed:
            return None
        self._urgent = self._urgent or force
        if self._seen_seq >= self._room.seq and not (self._again or self.reading):
            self._urgent = False
            return None
        if self._writing is not None:
            return None
        now = self._clock()
        if not self._urgent and now < self._next_look and not self._projection.reading:
            return self._next_look - now
        touches = self._room.document.settle()
        touches.everything = touches.everything or self._again.everything
        self._rewrites = self._rewrites or self._again.everything
        self._again = Touches()
        self._touches.add(touches)
        self._projection.touch(touches)
        complete = self._projection.read(
            self._room.document.doc, READ_AT_ONCE * (1 + self._pieces // GROWS_AFTER)
        )
        self._pieces += 1
        self._spent += self._clock() - now
        if not complete:
            return 0.0
        self._urgent = False
        seq = self._room.seq
        changes = self._projection.settle()
        clients = len(self._room.document.ledger.state)
        self._next_look = now + pace(self._spent, clients, listened=self.listened)
        self._seen_seq, self._spent, self._pieces = seq, 0.0, 0
        touches, self._touches = self._touches, Touches()
        if self._looked:
            changes.attribute(touches)
            self._untold.add(changes)
        # The first look finds everything: that is what those who come now read by themselves.
        self._primed = self._looked = True
        self._count_dropped()
        self._writing = asyncio.get_running_loop().create_task(
            self._write(seq, changes, again=self._rewrites)
        )
        self._rewrites = False
        return None

    async def wait(self, seq: int) -> None:
        """Wait until the tables show at least `seq`."""
        if self.projected_seq >= seq:
            return
        waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiters.append((seq, waiter))
        self._urgent = True
        self.turn.ask(min(seq, self._room.seq))
        self._wake()
        await waiter

    def hear_wanted(self, seq: int) -> None:
        """Another node waits until the tables show `seq`: write it, if it is this one's turn."""
        if self.turn.others:
            return
        if self.projected_seq >= seq:
            self.turn.say()
            return
        self._wanted_seq = max(self._wanted_seq, seq)
        self._urgent = True
        self._wake()

    def fail(self, error: CocutError) -> None:
        """Nothing more will be written: tell those who wait."""
        self._failed = True
        self.turn.end()
        waiters, self._waiters = self._waiters, []
        for _, waiter in waiters:
            if not waiter.done():
                waiter.set_exception(error)

    async def close(self) -> None:
        """Bring the tables up to the room's end, if they let themselves be written."""
        self.turn.keep()
        for _ in range(CLOSING_LOOKS):
            if self._writing is not None:
                await asyncio.gather(self._writing, return_exceptions=True)
            for _ in iter(lambda: self.look(force=True), None):
                await asyncio.sleep(0)
            if self._writing is None:
                break
        self._failed = True
        self.turn.end()

    async def _write(self, seq: int, changes: Changes, *, again: bool) -> None:
        try:
            await self._write_changes(seq, changes, again=again)
        except VideoNotFound as error:
            self.fail(error)
        except DatabaseAway:
            self._try_again(everything=again)
        except Exception:  # noqa: BLE001 - tried again, and said
            _log.exception("projection_failed", video=str(self._video_id), seq=seq)
            self._try_again(everything=again)
        finally:
            self._writing = None
            self._wake()

    async def _write_changes(self, seq: int, changes: Changes, *, again: bool) -> None:
        foreign: frozenset[str] = frozenset()
        # What has to be written again is nobody else's: the tables show it as it should not be.
        while again or not await self._left_to_others(seq):
            if self.turn.shown != self._base:
                self._base = None
            rows = changes if self._base is not None else self._projection.rows()
            # Nobody sees how long it takes, unless somebody waits for it.
            patience = 0.0 if self._hurried or self._failed else PATIENCE_SECONDS
            with self._metrics.projection_seconds.time():
                written = await self._tables.write(
                    self._video_id, seq, rows, base=self._base, patience=patience
                )
            if written.written:
                self._base = seq
                self.turn.wrote(seq)
                foreign = written.foreign
                break
            self._base = None
            self.turn.leave(written.seq)
            again = again and written.seq < seq
        else:
            if self._untold.created:
                foreign = await self._tables.foreign(self._video_id, self._untold.created)
        told = Changes()
        if foreign:
            # Ids of other videos: leave them out, write again without them, and then tell.
            self._projection.disown(foreign)
            # Of what stood in a scene of another video, nothing was written, nor asked whose it is.
            self._base = None
            self._again.everything = True
            self._seen_seq = -1
        else:
            told, self._untold = self._untold, told
        if changes or told:
            self._heard(self._video_id, seq, told)
        if not foreign:
            self.turn.say()
            self._settle()

    async def _left_to_others(self, seq: int) -> bool:
        """Whether the tables show `seq` without this node, which may wait for another's write."""
        if self._hurried:
            self.turn.ask(seq)
        return await self.turn.await_others(seq)

    def _try_again(self, *, everything: bool) -> None:
        """A write has failed: nobody knows whether it was done."""
        self._base = None
        self._seen_seq = -1
        self._again.everything = self._again.everything or everything
        self._next_look = self._clock() + RETRY_SECONDS

    @property
    def _hurried(self) -> bool:
        """Whether somebody waits for the tables, here or on another node."""
        return bool(self._waiters or self.listened or self._wanted_seq > self.projected_seq)

    def _settle(self) -> None:
        waiting: list[tuple[int, asyncio.Future[None]]] = []
        for seq, waiter in self._waiters:
            if waiter.done():
                continue
            if seq > self.projected_seq:
                waiting.append((seq, waiter))
            else:
                waiter.set_result(None)
        self._waiters = waiting
        if waiting or self._wanted_seq > self.projected_seq:
            self._urgent = True

    def _count_dropped(self) -> None:
        dropped = self._projection.dropped
        for rule, count in (dropped - self._dropped).items():
            self._metrics.projection_dropped.labels(rule).inc(count)
        self._dropped = dropped.copy()
