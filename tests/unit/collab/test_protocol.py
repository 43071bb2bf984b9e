"""The frames of the protocol: rules Y1 and Y5 of `collab/SPEC.md`."""

from __future__ import annotations

import random
from contextlib import suppress

import pytest

from collab import protocol
from collab.errors import MalformedFrame
from collab.protocol import Acknowledge, Awareness, Join, QueryAwareness, Update


def joined(message: protocol.Outgoing) -> bytes:
    return b"".join(message)


@pytest.mark.parametrize(
    ("message", "read"),
    [
        (protocol.step_1(b"\0"), Join(b"\0")),
        (protocol.step_2(b"\0\0"), Update(b"\0\0")),
        (protocol.update(b"x" * 1000), Update(b"x" * 1000)),
        (protocol.awareness(b"\0"), Awareness(b"\0")),
    ],
)
def test_what_is_made_is_read(message: protocol.Outgoing, read: protocol.Message) -> None:
    """Y1"""
    assert protocol.read_frame(joined(message)) == read


def test_a_query_has_no_body() -> None:
    """Y1"""
    assert protocol.read_frame(b"\3") == QueryAwareness()


def test_an_acknowledgement_comes_back_as_it_is() -> None:
    """Y5"""
    frame = b"\x66any bytes"
    message = protocol.read_frame(frame)
    assert message == Acknowledge(frame)
    assert joined(protocol.acknowledgement(frame)) == frame


@pytest.mark.parametrize("frame", [b"\2\0\1x", b"\4", b"\x63", b"\xff\x01rest"])
def test_other_types_are_ignored(frame: bytes) -> None:
    """Y1"""
    assert protocol.read_frame(frame) is None


@pytest.mark.parametrize(
    "frame", [b"", b"\0", b"\0\0", b"\0\2\5abc", b"\0\3\0", b"\1", b"\1\2x", b"\xff" * 20]
)
def test_a_frame_that_ends_too_soon_is_malformed(frame: bytes) -> None:
    """Y1"""
    with pytest.raises(MalformedFrame):
        protocol.read_frame(frame)


def test_a_refusal_carries_its_reason() -> None:
    """R4: y-protocols reads type 2, kind 0, and a string."""
    reason = "Nicht erlaubt: ä"
    frame = joined(protocol.permission_denied(reason))
    assert frame == b"\2\0" + bytes([len(reason.encode())]) + reason.encode()


def test_noise_is_read_or_malformed() -> None:
    """Y1: nothing else comes of it."""
    rng = random.Random(1)
    for _ in range(20_000):
        with suppress(MalformedFrame):
            protocol.read_frame(rng.randbytes(rng.randrange(12)))
