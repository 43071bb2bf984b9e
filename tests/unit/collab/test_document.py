"""One document: rules D2, R3, R6, U5, U6 and J13 of `collab/SPEC.md`."""

from __future__ import annotations

from typing import Any

import pytest
from pycrdt import Doc, Map, Text

from collab.document import Document, merge
from collab.errors import (
    BrokenDocument,
    Conflict,
    DocumentTooBig,
    MalformedUpdate,
    MissingUpdates,
)
from collab.update import ReadAhead, read_state_vector, read_update, split_update

LIMIT = 1 << 26


class Typist:
    """A client of its own, and its updates one by one."""

    def __init__(self, client: int = 5) -> None:
        self.doc: Doc[Any] = Doc(client_id=client)
        self.scenes: Map[Any] = self.doc.get("scenes", type=Map)

    def does(self, change: Any) -> bytes:
        before = self.doc.get_state()
        with self.doc.transaction():
            change(self.doc)
        return self.doc.get_update(before)

    def adds(self, name: str, **fields: Any) -> bytes:
        fields = {"text": Text("x"), "layers": Map(), **fields}
        return self.does(lambda _: self.scenes.update({name: Map(fields)}))


@pytest.fixture
def document() -> Document:
    return Document(1, LIMIT)


def read_in_pieces(update: bytes) -> ReadAhead:
    pieces = split_update(update, 10)
    assert len(pieces) > 1
    return ReadAhead(update, read_update(update), pieces)


@pytest.mark.parametrize("asked", [True, False], ids=["asked for", "gone on with"])
def test_what_was_read_ahead_is_applied_in_pieces(document: Document, asked: bool) -> None:
    typist = Typist()
    update = merge([typist.adds(name, text=Text(f"This is {name}")) for name in "abcdef"])
    assert update is not None
    document.expect(read_in_pieces(update))
    assert document.apply(update)
    document.expect(None)
    if not asked:
        while document.go_on():
            pass
    assert len(document.doc.get("scenes", type=Map)) == 6
    assert not document.go_on()
    assert document.settle().scenes == set("abcdef")
    assert document.encode() == typist.doc.get_update()
    assert not document.apply(update)


def test_a_piece_that_cannot_be_applied_breaks_the_document(document: Document) -> None:
    update = Typist().adds("a", text=Text("x"))
    document.expect(ReadAhead(update, read_update(update), (update, b"\1\1\1")))
    assert document.apply(update)
    with pytest.raises(BrokenDocument):
        document.go_on()


def test_what_was_read_ahead_counts_for_that_update_alone(document: Document) -> None:
    typist = Typist()
    first, second = typist.adds("a"), typist.adds("b")
    document.expect(read_in_pieces(second))
    assert document.apply(first)
    assert not document.go_on()


def test_what_is_known_brings_no_news(document: Document) -> None:
    """U6"""
    typist = Typist()
    first, second = typist.adds("a"), typist.adds("b")
    assert document.apply(first)
    assert document.apply(second)
    for update in (first, second, typist.doc.get_update(), b"\0\0"):
        assert not document.apply(update)


def test_what_is_refused_changes_nothing(document: Document) -> None:
    """U2, U5"""
    typist = Typist()
    document.apply(typist.adds("a"))
    before = document.encode(), dict(document.ledger.state), document.size
    lost, late = typist.adds("b"), typist.adds("c")
    with pytest.raises(MissingUpdates):
        document.apply(late)
    with pytest.raises(MalformedUpdate):
        document.apply(lost[:-1])
    document.settle()
    assert (document.encode(), dict(document.ledger.state), document.size) == before
    assert document.apply(lost)
    assert document.apply(late)
    assert document.doc.get_state() == typist.doc.get_state()


def test_a_document_has_a_limit_and_room_again(document: Document) -> None:
    """R3: what was overwritten does not count for ever."""
    document = Document(1, 20_000)
    typist = Typist()
    root = typist.doc.get("other", type=Map)
    for _ in range(20):
        assert document.apply(typist.does(lambda _: root.update({"k": "x" * 5_000})))
    with pytest.raises(DocumentTooBig):
        document.apply(typist.does(lambda _: root.update({"l": "x" * 19_000})))
    assert document.doc.get("other", type=Map).to_py() == {"k": "x" * 5_000}


def test_what_was_touched_is_told_once(document: Document) -> None:
    """J13"""
    typist = Typist()
    document.apply(typist.adds("a"))
    touches = document.settle()
    assert (touches.scenes, touches.video) == ({"a"}, False)
    assert not document.settle()
    scene = typist.scenes["a"]
    document.apply(typist.does(lambda _: scene["layers"].update({"l": Map({"order": "a0"})})))
    document.apply(typist.does(lambda doc: doc.get("video", type=Map).update({"title": "T"})))
    document.apply(typist.does(lambda _: scene["text"].insert(0, "y")))
    document.apply(typist.does(lambda doc: doc.get("other", type=Map).update({"k": 1})))
    touches = document.settle()
    assert touches.video
    assert not touches.scenes
    assert touches.fields == {("a", "l"): {"*"}, ("a", None): {"text"}}


def test_other_roots_are_kept(document: Document) -> None:
    """D2"""
    typist = Typist()
    update = typist.does(lambda doc: doc.get("mine", type=Map).update({"k": "v"}))
    assert document.apply(update)
    again = Document.load(2, LIMIT, document.encode(), [])
    assert again.doc.get("mine", type=Map).to_py() == {"k": "v"}


def test_an_edit_that_raises_has_changed_nothing(document: Document) -> None:
    """R6"""

    def fail(_: Doc[Any]) -> None:
        raise Conflict("no")

    outcome = document.edit(fail)
    assert outcome.update is None
    assert isinstance(outcome.error, Conflict)
    outcome = document.edit(lambda doc: doc.get("video", type=Map).update({"title": "T"}))
    assert outcome.update is not None
    assert outcome.error is None
    # The ledger knows it: it comes back as no news.
    assert not document.apply(outcome.update)


def test_a_stored_update_that_cannot_be_read_is_named() -> None:
    """R8"""
    typist = Typist()
    good = typist.adds("a")
    for state, updates, index in (
        (b"\xff", [good], -1),
        (None, [good, b"\xff"], 1),
        (good, [b"\xff"], 0),
    ):
        with pytest.raises(BrokenDocument) as raised:
            Document.load(1, LIMIT, state, updates)
        assert raised.value.index == index


def test_loading_is_where_it_was(document: Document) -> None:
    """U7"""
    typist = Typist()
    updates = [typist.adds(f"{number}") for number in range(5)]
    for update in updates:
        document.apply(update)
    loaded = Document.load(2, LIMIT, updates[0], updates[1:])
    assert loaded.ledger.state == document.ledger.state == read_state_vector(typist.doc.get_state())
    assert loaded.settle().everything


def test_many_updates_merge_into_what_they_were_one_by_one() -> None:
    """R1"""
    typist = Typist()
    updates = [typist.adds(f"{number}") for number in range(100)]
    merged = merge(list(updates))
    assert merged is not None
    assert merge([]) is None
    doc: Doc[Any] = Doc()
    doc.apply_update(merged)
    assert doc.get("scenes", type=Map).to_py() == typist.scenes.to_py()
