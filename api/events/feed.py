"""What changed in one video, to those who have joined it.

Changes that come while an earlier lot is being sent are merged: the latest state of each thing
wins. A listener that does not take up what it gets is left out until it has; then it gets what it
missed, merged likewise.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Collection
from contextlib import asynccontextmanager
from contextvars import Context
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

import structlog

from api.events.payloads import Event, events_of, scenes_shown, show_layer
from api.events.wire import Outgoing, Wire
from api.projections import sign
from collab.errors import Unavailable
from collab.schema import Changes

if TYPE_CHECKING:
    from api.keys import Parts

SHARE: Final = 0.25
"""The share of a core that a process spends on events at most."""

AT_ONCE: Final = 100
"""Listeners written to before others get a turn: a millisecond."""

RETRY_SECONDS: Final = 1.0
BACKLOG_BYTES: Final = 1024 * 1024
DRAINED_BYTES: Final = 64 * 1024
LOOK_SECONDS: Final = 0.25
STUCK_SECONDS: Final = 60.0

_log = structlog.get_logger(__name__)


class Pace:
    """Whose turn it is to send, and when: all feeds of a process take turns.

    A turn that took t seconds of work is followed by the next t / SHARE after it began, or later.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self.clock = clock
        self._turns = asyncio.Lock()
        self._next = 0.0

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[list[float]]:
        """A turn; what is put into the list, in seconds, is what it took."""
        async with self._turns:
            wait = self._next - self.clock()
            if wait > 0:
                await asyncio.sleep(wait)
            began, spent = self.clock(), list[float]()
            try:
                yield spent
            finally:
                self._next = began + sum(spent) / SHARE


class Feed:
    """The listeners of one video, by the engine's ids of their connections."""

    def __init__(self, video_id: UUID, parts: Parts, wire: Wire, pace: Pace) -> None:
        self.video_id = video_id
        self.listeners: set[str] = set()
        self._parts = parts
        self._wire = wire
        self._pace = pace
        self._changes = Changes()
        self._seq = 0
        self._others: list[Event] = []
        self._lagging: dict[str, float] = {}
        self._missed = Changes()
        self._missed_others: dict[Any, Event] = {}
        self._wake = asyncio.Event()
        self._idle = asyncio.Event()
        self._idle.set()
        # Not in the context of the listener who comes first, whose request log lines would name.
        self._task = asyncio.get_running_loop().create_task(
            self._run(), name=f"feed {video_id}", context=Context()
        )

    def tell(self, seq: int, changes: Changes) -> None:
        """These changes are in the tables, which show `seq`."""
        self._changes.add(changes)
        self._seq = seq
        self._stir()

    def announce(self, event: Event) -> None:
        """Send another event, of a job, after the changes that were told before."""
        self._others.append(event)
        self._stir()

    def leave(self, listener: str) -> None:
        """Send nothing more to a connection."""
        self.listeners.discard(listener)
        self._lagging.pop(listener, None)

    async def flushed(self) -> None:
        """Wait until all that was told has been sent."""
        await self._idle.wait()

    async def close(self) -> None:
        """Stop."""
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)

    def _stir(self) -> None:
        self._idle.clear()
        self._wake.set()

    async def _run(self) -> None:
        while True:
            try:
                async with asyncio.timeout(LOOK_SECONDS if self._lagging else None):
                    await self._wake.wait()
            except TimeoutError:
                pass
            self._wake.clear()
            try:
                async with self._pace.turn() as spent:
                    await self._send(spent)
                    await self._help_lagging(spent)
            except Unavailable:
                await asyncio.sleep(RETRY_SECONDS)
                self._wake.set()
            except Exception:  # noqa: BLE001 - said; who listens comes back, and reads what there is
                _log.exception("events_failed", video=str(self.video_id))
                for listener in list(self.listeners):
                    self._wire.abort(listener)
            if not self._wake.is_set():
                self._idle.set()

    async def _send(self, spent: list[float]) -> None:
        """Send what was told.

        Raises:
            Unavailable: nothing was sent, and all of it is still there to be sent.
        """
        changes, self._changes = self._changes, Changes()
        others, self._others = self._others, list[Event]()
        if not self.listeners or not (changes or others):
            return
        try:
            events = await self._events(changes, self._seq)
        except Unavailable:
            changes.add(self._changes)
            self._changes = changes
            self._others[:0] = others
            raise
        if self._lagging:
            self._missed.add(changes)
            self._missed_others.update((event[1]["job_id"], event) for event in others)
        if events or others:
            began = self._pace.clock()
            outgoing = self._wire.outgoing([*events, *others])
            spent.append(self._pace.clock() - began)
            live = self.listeners - self._lagging.keys()
            await self._write(outgoing, live, spent)

    async def _events(self, changes: Changes, seq: int) -> list[Event]:
        media, video_id = self._parts.media, self.video_id
        shown = scenes_shown(changes)
        scenes = await self._parts.scenes.read_scenes(video_id, shown) if shown else {}
        layers = {id_: show_layer(row) for id_, row in changes.layers.items()}
        signed: dict[str, Any] = await sign(media, video_id, {"scenes": scenes, "layers": layers})
        return events_of(video_id, seq, changes, signed["scenes"], signed["layers"])

    async def _write(
        self, outgoing: Outgoing, listeners: Collection[str], spent: list[float]
    ) -> None:
        clock, wire = self._pace.clock, self._wire
        since = clock()
        for count, listener in enumerate(listeners, 1):
            if listener in self.listeners:
                wire.send(listener, outgoing)
                if wire.backlog(listener) > BACKLOG_BYTES:
                    self._lagging.setdefault(listener, since)
            if count % AT_ONCE == 0:
                spent.append(clock() - since)
                await asyncio.sleep(0)
                since = clock()
        spent.append(clock() - since)

    async def _help_lagging(self, spent: list[float]) -> None:
        """Bring those up to date who have taken up what they got; give up on those who do not."""
        now = self._pace.clock()
        ready = [id_ for id_ in self._lagging if self._wire.backlog(id_) <= DRAINED_BYTES]
        if ready:
            events = await self._events(self._missed, self._seq)
            outgoing = self._wire.outgoing([*events, *self._missed_others.values()])
            for listener in ready:
                self._lagging.pop(listener, None)
            await self._write(outgoing, ready, spent)
        for listener, since in list(self._lagging.items()):
            if now - since > STUCK_SECONDS:
                self._wire.abort(listener)
        if not self._lagging:
            self._missed, self._missed_others = Changes(), {}
