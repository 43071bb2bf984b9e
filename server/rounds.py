"""What is due in a room now and then, beside its batches: presence, laggards, looks, rest."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final
from uuid import UUID

from collab.room import Room
from server.projector import Projector
from server.stores import Stores

LAGGING_SECONDS: Final = 0.05
PRESENCE_SECONDS: Final = 0.03
PRESENCE_SHARE: Final = 1 / 25
"""The share of a core that a room may spend on sending presence. What it is sent, each of
y-websocket's providers repeats to it, so that receiving takes as much again."""

FORGET_SECONDS: Final = 10.0


class Rounds:
    """Looks after one room.

    Args:
        video_id: the room's video.
        room: it.
        projector: keeps its tables.
        stores: what keepers work with.
        wake: asks for `look_after` to be called soon.
    """

    def __init__(
        self,
        video_id: UUID,
        room: Room,
        projector: Projector,
        stores: Stores,
        wake: Callable[[], None],
    ) -> None:
        self._video_id = video_id
        self._room = room
        self._projector = projector
        self._stores = stores
        self._wake = wake
        self._timer: asyncio.TimerHandle | None = None
        self._next_presence = 0.0
        self._last_join = 0.0

    def joined(self) -> None:
        """Somebody has joined: others may soon."""
        self._last_join = self._stores.clock()

    def look_after(self) -> None:
        """Do what is due, between two batches; asks to be woken when something will be."""
        now = self._stores.clock()
        due = [
            wait
            for wait in (
                self._send_presence(now),
                self._help_lagging(now),
                self._projector.look(force=False),
                self._forget(now),
                self._rest(now),
            )
            if wait is not None
        ]
        self.close()
        if due:
            self._timer = asyncio.get_running_loop().call_later(min(due), self._wake)

    def share_presence(self, *, everything: bool = False) -> None:
        """Tell the other nodes what is new of this node's editors, or everything."""
        if self._stores.bus is not None:
            states = self._room.presence.share(everything=everything)
            if states is not None:
                self._stores.bus.presence(self._video_id, states)

    def close(self) -> None:
        """Ask for nothing any more."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _send_presence(self, now: float) -> float | None:
        presence = self._room.presence
        if presence.pending() and now >= self._next_presence:
            self.share_presence()
            self._room.send_presence(now)
            spent = self._stores.clock() - now
            self._next_presence = now + max(PRESENCE_SECONDS, spent / PRESENCE_SHARE)
        if presence.pending():
            return max(self._next_presence - now, presence.wait())
        return None

    def _help_lagging(self, now: float) -> float | None:
        if not self._room.lagging:
            return None
        self._stores.metrics.editors_aborted.inc(self._room.help_lagging(now))
        return LAGGING_SECONDS

    def _forget(self, now: float) -> float | None:
        if not self._last_join:
            return None
        if now - self._last_join <= FORGET_SECONDS:
            return FORGET_SECONDS
        self._last_join = 0.0
        self._room.history.forget()
        self._stores.memory.freed()
        return None

    def _rest(self, now: float) -> float | None:
        """Let the room rest when it is time; never while something of it is on its way."""
        if not self._projector.still or self._stores.durable.backlog(self._video_id):
            return None
        document = self._room.document
        was_at_rest = document.at_rest
        wait = self._room.rest(now)
        if document.at_rest and not was_at_rest:
            self._projector.rest()
            self._stores.memory.freed()
        return wait
