"""Whose turn it is to write the tables of a video that several nodes have open.

Each of them could: what keeps the tables right is that a write says what it builds on, and does
nothing where they show something else (`persistence.tables`). But where two write, none fits after
the other's, and each has to write everything. So whoever has written last goes on to, and says so;
the others look at their documents, and wait until the tables show what they have seen. One for
whom somebody waits asks for it. When the tables are late, the one that waits writes everything, and
it is its turn from then on.

Nothing rests on this being known. Where two believe that it is their turn, the next write of one of
them does not fit, and it leaves the turn to the other; where nobody does, the tables are late once.
Without Redis there is nobody to leave it to.
"""

from __future__ import annotations

import asyncio
import math
from typing import Final
from uuid import UUID

import structlog

from persistence.bus import Bus

ASKED_SECONDS: Final = 0.5
"""For how long one who asks waits for another node's write."""

LATE_SECONDS: Final = 3.0
"""The same without asking: longer than the slowest pace of looks, and a write."""

NOBODY: Final = 0
"""In place of a sequence number: whose turn it was does not write any more."""

_log = structlog.get_logger(__name__)


class Turn:
    """This node's view of it, for one video.

    Args:
        video_id: the video.
        bus: the way to the other nodes, if there are any.

    Attributes:
        shown: what the tables are known to show, whoever wrote it.
    """

    def __init__(self, video_id: UUID, bus: Bus | None) -> None:
        self.shown = 0
        self._video_id = video_id
        self._bus = bus
        self._written = 0
        self._left = False
        self._kept = False
        self._asked_seq = 0
        self._asked_until = math.inf
        self._changed = asyncio.Event()

    @property
    def shared(self) -> bool:
        """Whether other nodes would be heard."""
        return self._bus is not None and self._bus.up

    @property
    def others(self) -> bool:
        """Whether it is another node's turn."""
        return self._left and self.shared and not self._kept

    def show(self, seq: int) -> None:
        """The tables show so much, or more."""
        if seq > self.shown:
            self.shown = seq
            self._changed.set()
        if seq >= self._asked_seq:
            self._asked_until = math.inf

    def look(self, seq: int) -> None:
        """The tables were found to show `seq`: if that is news, another node wrote it, and the hint
        was lost."""
        # Without others it is this node's own write that has not ended yet.
        if self._bus is not None and seq > self.shown:
            self._left = True
            self.show(seq)

    def hear(self, seq: int) -> None:
        """Another node has written the tables up to `seq`; with `NOBODY`, it will not any more."""
        if seq == NOBODY:
            self._left = False
            self._changed.set()
        elif seq > self._written:
            self._left = True
        self.show(seq)

    def wrote(self, seq: int) -> None:
        """This node has written the tables up to `seq`: it is its turn."""
        self._written = seq
        self._left = False
        self.show(seq)

    def leave(self, shown: int) -> None:
        """What this node wrote did not fit: another has written, and the tables show `shown`."""
        self._left = True
        self.show(shown)

    def say(self) -> None:
        """Tell the others that it is this node's turn, if it is, and what the tables show."""
        if self._bus is not None and self._written and not self._left:
            self._bus.tables(self._video_id, self.shown)

    def ask(self, seq: int) -> None:
        """Somebody here waits for `seq`: ask the node whose turn it is."""
        if self.others and self.shown < seq:
            assert self._bus is not None
            self._bus.wanted(self._video_id, seq)
            self._asked_seq = max(self._asked_seq, seq)
            if self._asked_until == math.inf:
                self._asked_until = asyncio.get_running_loop().time() + ASKED_SECONDS
                self._changed.set()

    async def await_others(self, seq: int) -> bool:
        """While it is another node's turn, wait until the tables show `seq`.

        Returns:
            Whether they do; if not, it is this node's turn now.
        """
        loop = asyncio.get_running_loop()
        late = loop.time() + LATE_SECONDS
        while self.others and self.shown < seq:
            self._changed.clear()
            try:
                async with asyncio.timeout_at(min(late, self._asked_until)):
                    await self._changed.wait()
            except TimeoutError:
                _log.info("projection_taken_over", video=str(self._video_id), shown=self.shown)
                self._left = False
                self._asked_until = math.inf
        return self.shown >= seq

    def keep(self) -> None:
        """The room closes: wait for nobody any more."""
        self._kept = True
        self._changed.set()

    def end(self) -> None:
        """This node writes no more: whoever has the video open, too, need not wait for it."""
        if self._bus is not None and self._written and not self._left:
            self._bus.tables(self._video_id, NOBODY)
        self._left = True
        self.keep()
