"""What has arrived for a room and waits for its turn."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Final

from collab.batch import Item, Received, Requested
from collab.document import Outcome
from collab.errors import CocutError
from collab.session import Session
from server.ahead import LARGE_BYTES

BATCH_ITEMS: Final = 2_000
"""What is taken at once: some 30 ms of work, during which nobody else's turn comes."""

INBOX_BYTES: Final = 16 * 1024 * 1024
"""What may wait in a room before reading from its editors stops."""


class Inbox:
    """The items that a room's task has not taken yet, in the order in which they came.

    Args:
        wake: called when something has arrived.
    """

    def __init__(self, wake: Callable[[], None]) -> None:
        self._wake = wake
        self._items: list[Item] = []
        self._bytes = 0
        self._room_again = asyncio.Event()
        self._room_again.set()

    def __bool__(self) -> bool:
        return bool(self._items)

    def receive(self, session: Session, frame: bytes) -> bool:
        """Queue a frame; returns whether more can be taken at once (see `drained`)."""
        self._items.append(Received(session, frame))
        self._bytes += len(frame)
        self._wake()
        if self._bytes < INBOX_BYTES:
            return True
        self._room_again.clear()
        return False

    async def drained(self) -> None:
        """Wait until more can be taken."""
        await self._room_again.wait()

    def put(self, item: Item) -> None:
        """Queue what the server itself asks for."""
        self._items.append(item)
        self._wake()

    def put_back(self, items: Sequence[Item]) -> None:
        """Return what was taken: it comes first again."""
        self._items[:0] = items
        self._bytes += _bytes(items)

    def take(self) -> list[Item]:
        """What has arrived, as far as it may be one batch; what is large is one by itself."""
        count = BATCH_ITEMS
        for number, item in enumerate(self._items[:BATCH_ITEMS]):
            if len(_content(item)) > LARGE_BYTES:
                count = number or 1
                break
        items, self._items = self._items[:count], self._items[count:]
        self._bytes -= _bytes(items)
        if self._bytes < INBOX_BYTES:
            self._room_again.set()
        return items

    def refuse(self, error: CocutError) -> None:
        """Nothing of it will be done: tell those who wait."""
        for item in self._items:
            if not isinstance(item, Received):
                item.settled(Outcome(None, None, error))
        self._items.clear()
        self._bytes = 0
        self._room_again.set()


def _bytes(items: Sequence[Item]) -> int:
    return sum(len(item.frame) for item in items if isinstance(item, Received))


def _content(item: Item) -> bytes:
    if isinstance(item, Received):
        return item.frame
    return b"" if isinstance(item, Requested) else item.update
