"""Frames that the sockets write themselves."""

from __future__ import annotations

import pytest

from api.errors import close_code
from api.websocket import binary_frame, close_frame
from collab.errors import BadInput


@pytest.mark.parametrize(
    ("size", "start"),
    [
        (125, b"\x82\x7d"),
        (126, b"\x82\x7e\x00\x7e"),
        (65_536, b"\x82\x7f" + bytes(5) + b"\x01\0\0"),
    ],
)
def test_a_message_is_framed_by_its_length(size: int, start: bytes) -> None:
    assert binary_frame(b"ab", b"c" * (size - 2)) == start + b"ab" + b"c" * (size - 2)


def test_a_close_frame_is_never_longer_than_a_control_frame_may_be() -> None:
    frame = close_frame(*close_code(BadInput("ü" * 200)))
    assert frame[0] == 0x88
    assert frame[1] == len(frame) - 2 <= 125
    assert int.from_bytes(frame[2:4], "big") == 4400
    assert frame[4:].decode().endswith("ü")
