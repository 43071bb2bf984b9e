"""What waits for a room's task."""

from __future__ import annotations

from collab.batch import Brought, Item
from collab.document import Outcome
from server.ahead import LARGE_BYTES
from server.inbox import Inbox


def ignore(_: Outcome) -> None:
    """Nobody waits."""


def test_what_is_large_is_a_batch_by_itself_in_its_turn() -> None:
    inbox = Inbox(lambda: None)
    small = [Brought(bytes((number,)), "ann", ignore) for number in range(4)]
    large = Brought(bytes(LARGE_BYTES + 1), "ann", ignore)
    for item in (small[0], small[1], large, large, small[2], small[3]):
        inbox.put(item)
    taken: list[list[Item]] = []
    while inbox:
        taken.append(inbox.take())
    assert taken == [small[:2], [large], [large], small[2:]]
