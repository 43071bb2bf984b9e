"""What those get who join or lag: rules Y2 to Y4 and R7 of `collab/SPEC.md`."""

from __future__ import annotations

from typing import Any

import pytest
from pycrdt import Doc, Text

from collab import protocol
from collab.history import (
    KEPT_UPDATES,
    KEPT_WELCOMES,
    SMALL_DOCUMENT_BYTES,
    STALE_GREETING_BYTES,
    History,
)
from collab.protocol import Join, Update
from tests.support.channels import plain

EMPTY = b"\0"


class Source:
    """A document that counts how often it is encoded.

    Args:
        size: what it says that it has.
    """

    def __init__(self, size: int) -> None:
        self.doc: Doc[Any] = Doc(client_id=5)
        self.text = self.doc.get("text", type=Text)
        self.encoded = 0
        self.vectors = 0
        self.history = History(self._encode, self._vector, lambda: size, plain)

    def _encode(self, state_vector: bytes | None) -> bytes:
        self.encoded += 1
        return self.doc.get_update(state_vector)

    def _vector(self) -> bytes:
        self.vectors += 1
        return self.doc.get_state()

    def type(self, text: str = "a") -> bytes:
        """Change the document, and publish that."""
        before = self.doc.get_state()
        self.text.insert(len(self.text), text)
        update = self.doc.get_update(before)
        self.history.add(update)
        return update


def read(frames: list[bytes]) -> str:
    """The text after these frames."""
    doc: Doc[Any] = Doc()
    for frame in frames:
        message = protocol.read_frame(frame)
        assert isinstance(message, Update)
        doc.apply_update(message.update)
    return str(doc.get("text", type=Text))


@pytest.fixture(params=[0, SMALL_DOCUMENT_BYTES + 1], ids=["small", "large"])
def source(request: pytest.FixtureRequest) -> Source:
    return Source(request.param)


def test_equal_state_vectors_share_one_encoding(source: Source) -> None:
    """Y4"""
    source.type()
    frames = [source.history.welcome(EMPTY) for _ in range(5)]
    assert source.encoded == 1
    assert all(frame == frames[0] for frame in frames)
    assert source.history.has_welcomed(EMPTY)
    assert not source.history.has_welcomed(source.doc.get_state())


def test_who_has_read_the_step_2_has_everything(source: Source) -> None:
    """Y3: also when something was published since the shared one was made."""
    for number in range(10):
        source.type(f"{number}")
        frames = source.history.welcome(EMPTY)
        assert read(frames) == str(source.text)
        assert frames[-1][:2] == bytes((protocol.SYNC, protocol.STEP_2))
        assert all(frame[:2] == bytes((protocol.SYNC, protocol.UPDATE)) for frame in frames[:-1])


def test_a_large_document_is_not_encoded_at_every_change() -> None:
    """Y4"""
    source = Source(SMALL_DOCUMENT_BYTES + 1)
    source.type("x" * 1000)
    for _ in range(50):
        source.type()
        assert read(source.history.welcome(EMPTY)) == str(source.text)
    assert source.encoded == 1
    # What came since has grown past its limit: once more.
    source.type("y" * 100_000)
    assert len(source.history.welcome(EMPTY)) == 1
    assert source.encoded == 2


def test_a_small_document_is_greeted_as_it_is() -> None:
    """Y2"""
    source = Source(0)
    for _ in range(3):
        source.type()
        greeting = protocol.read_frame(source.history.greeting())
        assert greeting == Join(source.doc.get_state())


def test_the_greeting_of_a_large_document_may_be_a_little_old() -> None:
    """Y2"""
    source = Source(SMALL_DOCUMENT_BYTES + 1)
    source.type()
    first = source.history.greeting()
    source.type()
    assert source.history.greeting() == first
    assert source.vectors == 1
    source.type("x" * STALE_GREETING_BYTES)
    assert protocol.read_frame(source.history.greeting()) == Join(source.doc.get_state())


def test_one_frame_brings_up_to_date_who_lags(source: Source) -> None:
    """R7"""
    source.type("before")
    have = source.doc.get_update()
    version = source.history.version
    for number in range(40):
        source.type(f"{number}")
    doc: Doc[Any] = Doc()
    doc.apply_update(have)
    frame = protocol.read_frame(source.history.catch_up(version))
    assert isinstance(frame, Update)
    doc.apply_update(frame.update)
    assert str(doc.get("text", type=Text)) == str(source.text)
    assert source.encoded == 0
    assert source.history.catch_up(version) is source.history.catch_up(version)


def test_who_lags_too_far_gets_the_whole_document(source: Source) -> None:
    """R7"""
    for _ in range(KEPT_UPDATES + 1):
        source.type()
    assert read([source.history.catch_up(0)]) == str(source.text)
    assert source.encoded == 1


def test_what_is_shared_is_let_go(source: Source) -> None:
    """Y4: when nobody joins, and when too many different ones did."""
    source.type()
    source.history.welcome(EMPTY)
    source.history.forget()
    assert not source.history.has_welcomed(EMPTY)
    for client in range(KEPT_WELCOMES + 1):
        source.history.welcome(bytes((1, client, 1)))
    assert not source.history.has_welcomed(bytes((1, 0, 1)))
    assert source.history.has_welcomed(bytes((1, KEPT_WELCOMES, 1)))
