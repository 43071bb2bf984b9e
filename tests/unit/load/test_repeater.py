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
