"""Simulated editors repeat presence as y-websocket's provider does."""

from __future__ import annotations

from collab.presence import write_states
from server.load.frames import Wire
from server.load.repeater import Repeater

ANN, BOB = (7, 1, b'{"name":"Ann"}'), (8, 4, b'{"name":"Bob"}')


def test_all_is_repeated_but_ones_own_state() -> None:
    wire = Wire("y-websocket", "ws://127.0.0.1:1/ws", "video")
    repeater = Repeater(wire)
    heard = write_states([ANN, BOB])
    assert repeater.repeat(heard, 9) == wire.awareness(heard)
    assert repeater.repeat(heard, 7) == wire.awareness(write_states([BOB]))
    assert repeater.repeat(write_states([ANN]), 7) is None


def test_what_is_no_news_is_not_repeated() -> None:
    repeater = Repeater(Wire("y-websocket", "ws://127.0.0.1:1/ws", "video"))
    first, second = write_states([ANN]), write_states([BOB])
    assert repeater.repeat(first, 9) is not None
    assert repeater.repeat(second, 9) is not None
    assert repeater.repeat(first, 9) is None
    assert repeater.repeat(first, 10) is not None
