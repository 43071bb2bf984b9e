"""Frames of one room on their way to all its editors, at a pace that leaves others their turn."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

from collab.room import Room
from server.observe import Metrics

SENDING_SHARE: Final = 0.3
"""The share of a core that a room may spend on sending: a fan-out that took t seconds is followed
by the next one t / SENDING_SHARE after it began, or later."""

PAUSE_AFTER: Final = 500
"""Editors written to before others get a turn."""


class FanOut:
    """Sends to the editors of one room.

    Args:
        clock: monotonic seconds.
        metrics: of this process.
    """

    def __init__(self, clock: Callable[[], float], metrics: Metrics) -> None:
        self._clock = clock
        self._metrics = metrics
        self._next_take = 0.0
        self._taken_at = 0.0

    async def pace(self, *, at_once: bool) -> None:
        """Wait until the next batch may be taken, unless it has to be at once."""
        wait = self._next_take - self._clock()
        if wait > 0 and not at_once:
            await asyncio.sleep(wait)
        self._taken_at = self._clock()

    async def send(self, room: Room, frame: bytes) -> None:
        """Write a frame of what was just published to all who are live."""
        began = self._clock()
        spent = 0.0
        since = began
        for _ in room.broadcast(frame, PAUSE_AFTER):
            spent += self._clock() - since
            await asyncio.sleep(0)
            since = self._clock()
        now = self._clock()
        spent += now - since
        # The next batch is taken so much earlier as this one was before its fan-out.
        self._next_take = began + spent / SENDING_SHARE - max(0.0, began - self._taken_at)
        self._metrics.fan_out_seconds.observe(spent)
        self._metrics.bytes_sent.inc(len(frame) * len(room.sessions))
