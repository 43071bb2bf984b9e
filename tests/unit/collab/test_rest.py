"""A document at rest: rule R9 of `collab/SPEC.md`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pycrdt import Array, Doc, Map, Snapshot, Text, XmlFragment

from collab.document import MEASURED_BYTES, SMALL_DOCUMENT_BYTES, Document
from collab.errors import CocutError, MalformedUpdate
from collab.ledger import Ledger
from collab.projection import Projection
from collab.room import REST_SECONDS, Room
from collab.schema import Changes, Touches
from collab.surrogates import CutCharacters
from collab.update import read_deletes
from tests.support.channels import LIMIT, Editor, new_room, turn
from tests.unit.collab.test_containers import VALUE, item
from tests.unit.collab.test_projection_properties import (
    LIMITS,
    Tables,
    do,
    op,
    own,
    seed,
    shape,
)
from tests.unit.collab.test_surrogates import CUTS, TYPED, text_of

Step = tuple[str, int, Any]
steps = st.one_of(
    st.tuples(st.just("edit"), st.integers(0, 1), op.filter(lambda what: what[0] != "disown")),
    st.tuples(st.just("send"), st.integers(0, 1), st.none()),
    # What was left out is missing from then on: those that build on it are refused.
    st.tuples(st.just("lose"), st.integers(0, 1), st.none()),
    st.tuples(st.just("send damaged"), st.integers(0, 1), st.tuples(st.integers(0), st.binary())),
    st.tuples(st.just("catch up"), st.integers(0, 1), st.none()),
    st.tuples(st.just("look"), st.just(0), st.none()),
    st.tuples(st.just("rest"), st.just(0), st.none()),
)


def verdict(document: Document, update: bytes) -> object:
    """What a document says to an update, characters that it would cut repaired first."""
    document.begin_row()
    try:
        return document.apply(update)
    except CutCharacters as cut:
        document.begin_row()
        document.apply(cut.repair)
        document.begin_row()
        return cut.repair, document.apply(update)
    except CocutError as error:
        return type(error)


def content(document: Document) -> tuple[object, ...]:
    """All that a document holds, by what it encodes to."""
    doc: Doc[Any] = Doc(client_id=99)
    doc.apply_update(document.encode())
    roots = [plain(doc.get(name, type=Map)) for name in ("video", "scenes", "other")]
    deleted, _ = read_deletes(Snapshot.from_doc(doc).encode())
    return repr(roots), dict(document.ledger.state), sorted(deleted)


def plain(shared: Any) -> Any:
    """What a shared type holds, in one order."""
    if isinstance(shared, Map):
        return sorted((key, plain(shared[key])) for key in shared.keys())  # noqa: SIM118
    if isinstance(shared, Array):
        return list(map(plain, shared))
    return str(shared) if isinstance(shared, Text | XmlFragment) else _sorted(shared)


def _sorted(value: Any) -> Any:
    if isinstance(value, dict):
        return sorted((key, _sorted(inner)) for key, inner in value.items())
    return list(map(_sorted, value)) if isinstance(value, list) else value


class Watcher:
    """Keeps tables of a document in step, as a projector does."""

    def __init__(self, document: Document) -> None:
        self.document = document
        self.projection = Projection(LIMITS, own)
        self.tables = Tables()
        self.tables.apply(self.projection.refresh(document.doc, Touches(everything=True)))
        self.primed = True
        document.before_change = self.prime

    def prime(self) -> None:
        if not self.primed:
            self.projection.refresh(self.document.doc, self.document.settle())
            self.primed = True

    def look(self) -> Changes | None:
        if self.document.at_rest or not self.primed:
            return None
        changes = self.projection.refresh(self.document.doc, self.document.settle())
        self.tables.apply(changes)
        return changes

    def rest(self) -> None:
        self.look()
        assert self.document.rest()
        self.projection.forget()
        self.primed = False


@settings(max_examples=150, deadline=None)
@given(st.lists(steps, max_size=30))
def test_rests_in_between_change_nothing(plan: list[Step]) -> None:
    one, other = Document(1, LIMIT), Document(1, LIMIT)
    editors: list[Doc[Any]] = [Doc(client_id=10), Doc(client_id=11)]
    seed(editors[0])
    for document in (one, other):
        document.apply(editors[0].get_update())
        document.settle()
    editors[1].apply_update(editors[0].get_update())
    sent = [editor.get_state() for editor in editors]
    awake, resting = Watcher(one), Watcher(other)
    for name, who, what in plan:
        editor = editors[who]
        if name == "edit":
            with editor.transaction():
                do(editor, what)
        elif name == "catch up":
            missing = one.encode(editor.get_state())
            assert other.encode(editor.get_state())
            editor.apply_update(missing)
        elif name == "look":
            awake.look()
            resting.look()
        elif name == "rest":
            awake.look()
            resting.rest()
        else:
            update, sent[who] = editor.get_update(sent[who]), editor.get_state()
            if name == "send damaged":
                at, noise = what
                at %= len(update)
                update = update[:at] + noise + update[at + len(noise) :]
            if name != "lose":
                assert verdict(one, update) == verdict(other, update)
    for watcher in (awake, resting):
        watcher.prime()
        watcher.look()
    assert content(one) == content(other)
    assert shape(awake.projection) == shape(resting.projection)
    assert awake.tables.scenes == resting.tables.scenes
    assert awake.tables.layers == resting.tables.layers


def with_scene(text: str = "x") -> tuple[Document, Editor]:
    """A document with a scene in it, and its editor."""
    editor = Editor(1)
    document = Document(1, LIMIT)
    document.apply(editor.change(sets("scenes", "a", Text(text))))
    document.settle()
    return document, editor


def test_a_document_at_rest_answers_by_itself_what_it_can() -> None:
    """R9: those who join with nothing, and those who bring nothing new, do not wake it."""
    document, editor = with_scene()
    everything = document.encode()
    assert document.rest()
    assert document.encode() == document.encode(b"\0") == everything
    assert not document.apply(editor.doc.get_update())
    with pytest.raises(MalformedUpdate):
        document.apply(b"\xff")
    assert document.size == len(everything)
    assert document.at_rest
    assert document.doc.get("scenes", type=Map).to_py() == {"a": "x"}
    assert not document.at_rest


def test_everything_counts_as_touched_after_a_rest() -> None:
    """R9"""
    document, editor = with_scene()
    document.rest()
    document.apply(editor.change(sets("video", "title", "T")))
    assert document.settle().everything
    assert not document.settle()


def test_before_the_first_change_after_a_rest_one_may_look() -> None:
    """R9"""
    document, editor = with_scene()
    seen: list[object] = []
    document.rest()
    document.before_change = lambda: seen.append(document.doc.get("scenes", type=Map).to_py())
    for text in ("b", "c"):
        document.apply(editor.change(sets("scenes", text, text)))
    assert seen == [{"a": "x"}]
    document.rest()
    document.edit(sets("scenes", "d", "d"))
    assert seen[1:] == [{"a": "x", "b": "b", "c": "c"}]


def test_the_servers_own_edits_go_on_after_a_rest() -> None:
    """R9: with the same client, and the clocks after those that it had."""
    document, editor = with_scene()
    for number in range(3):
        outcome = document.edit(sets("scenes", f"{number}", number))
        assert outcome.update is not None
        editor.doc.apply_update(outcome.update)
        document.rest()
    assert document.ledger.state[1] == 3
    assert editor.scenes == {"a": "x", "0": 0, "1": 1, "2": 2}


def test_rests_do_not_let_types_nest_deeper() -> None:
    """R9, U4"""
    document, editor = Document(1, LIMIT), Editor(1)
    where: Map[Any] = editor.doc.get("deep", type=Map)
    for depth in range(200):
        update = editor.change(lambda _: innermost(where).update({"in": Map()}))
        assert document.apply(update), depth
        document.rest()
    with pytest.raises(MalformedUpdate, match="nested"):
        document.apply(editor.change(lambda _: innermost(where).update({"in": Map()})))


def innermost(shared: Map[Any]) -> Map[Any]:
    while "in" in shared:
        shared = shared["in"]
    return shared


def test_a_wrong_parent_is_refused_after_a_rest_too() -> None:
    """R9, U4"""
    document, _ = with_scene()
    document.apply(Editor(2).change(sets("map", "k", 1)))
    document.rest()
    with pytest.raises(MalformedUpdate, match="no shared type"):
        document.apply(item(9, 0, (1002, 0), VALUE))


def test_a_large_document_does_not_rest_and_one_that_was_edited_long_does() -> None:
    """R9"""
    large, _ = with_scene("x" * SMALL_DOCUMENT_BYTES)
    assert not large.rest()
    document, editor = with_scene()
    value = "y" * (SMALL_DOCUMENT_BYTES - 1000)
    for _ in range(3):
        document.apply(editor.change(sets("other", "k", value)))
    assert SMALL_DOCUMENT_BYTES < document.size < MEASURED_BYTES
    assert document.rest()
    assert document.size < SMALL_DOCUMENT_BYTES


def test_what_does_not_come_back_whole_does_not_rest() -> None:
    """R9: stored by somebody who did not know of T1, half of a character makes yrs encode another
    document."""
    cut, after = (bytes.fromhex(edit) for edit in CUTS["the second half replaced"][0])
    document = Document.load(1, LIMIT, TYPED, [cut, after])
    assert not document.rest()
    assert document.ledger.state == Document.load(1, LIMIT, TYPED, [cut, after]).ledger.state
    assert Document.load(1, LIMIT, TYPED, []).rest()


@pytest.mark.parametrize("name", CUTS)
def test_a_character_is_cut_after_a_rest_as_before(name: str) -> None:
    """R9, T1"""
    hexes, shown = CUTS[name]
    document = Document(1, LIMIT)
    for edit in (TYPED, *map(bytes.fromhex, hexes)):
        verdict(document, edit)
        assert document.rest()
    assert text_of(document) == shown


def test_a_ledger_includes_what_it_came_from() -> None:
    """R9: the same clocks, and all deletions."""
    document, editor = with_scene()
    before = Ledger(Snapshot.from_doc(editor.doc).encode())
    assert before.includes(document.ledger)
    document.apply(editor.change(lambda doc: doc.get("scenes", type=Map).pop("a")))
    after = Ledger(Snapshot.from_doc(editor.doc).encode())
    assert after.includes(document.ledger)
    assert after.includes(before)
    assert not before.includes(after)
    document.apply(editor.change(sets("scenes", "b", 1)))
    assert not after.includes(document.ledger)


def sets(root: str, key: str, value: object) -> Callable[[Doc[Any]], None]:
    def change(doc: Doc[Any]) -> None:
        doc.get(root, type=Map)[key] = value

    return change


def resting(room: Room) -> bool:
    return room.document.at_rest


def rested(room: Room, now: float) -> Room:
    """The room, after a rest that began at a time."""
    assert room.rest(now) == REST_SECONDS
    assert room.rest(now + REST_SECONDS) is None
    assert room.document.at_rest
    return room


def test_a_room_rests_when_nobody_has_needed_its_document_for_a_while() -> None:
    """R9"""
    editor = Editor(1)
    room = new_room(editor)
    turn(room, editor.sends(editor.change(sets("scenes", "a", Text("x")))))
    assert room.rest(100.0) == REST_SECONDS
    assert room.rest(100.0 + REST_SECONDS / 3) == pytest.approx(REST_SECONDS * 2 / 3)
    turn(room, editor.sends(editor.change(lambda doc: doc.get("scenes", type=Map).pop("a"))))
    assert room.rest(130.0) == REST_SECONDS
    assert room.rest(129.0 + REST_SECONDS) == 1.0
    assert not resting(room)
    assert room.rest(130.0 + REST_SECONDS) is None
    assert resting(room)
    assert room.rest(131.0 + REST_SECONDS) is None
    turn(room, editor.sends(editor.change(sets("scenes", "a", Text("x")))))
    assert not resting(room)
    assert room.rest(1000.0) == REST_SECONDS


def test_presence_and_those_who_join_with_nothing_leave_it_at_rest() -> None:
    """R9, Y3"""
    editor, late = Editor(1), Editor(2)
    room = new_room(editor)
    turn(room, editor.sends(editor.change(sets("scenes", "a", Text("x")))))
    rested(room, 0.0)
    room.join(late.session)
    turn(room, late.asks(), editor.sends(b"\0\0"))
    room.presence.receive(b"\1\x83\x08\1\x02{}", editor.session.id, "user-1")
    room.send_presence(100.0)
    assert resting(room)
    late.hears()
    assert late.scenes == {"a": "x"}
    assert room.rest(101.0) is None


def test_who_joins_with_a_part_gets_the_rest_of_it() -> None:
    """R9, Y3"""
    editor, late = Editor(1), Editor(2)
    room = new_room(editor)
    first = editor.change(sets("scenes", "a", Text("x")))
    turn(room, editor.sends(first))
    late.doc.apply_update(first)
    turn(room, editor.sends(editor.change(sets("scenes", "b", 1))))
    rested(room, 0.0)
    room.join(late.session)
    turn(room, late.asks())
    late.hears()
    assert late.scenes == {"a": "x", "b": 1}
    assert room.rest(200.0) == REST_SECONDS


def test_a_room_does_not_rest_while_somebody_lags() -> None:
    """R7, R9: what it missed is kept."""
    editor, slow = Editor(1), Editor(2)
    room = new_room(editor, slow)
    room.document.learn_characters(())
    slow.channel.stuck = True
    for value in ("x" * 2 * 1024 * 1024, 1):
        turn(room, editor.sends(editor.change(sets("o", "k", value))))
    assert room.lagging
    assert room.rest(0.0) is None
    assert room.rest(2 * REST_SECONDS) is None
    assert not resting(room)
    slow.channel.drain()
    room.help_lagging(2 * REST_SECONDS)
    slow.hears()
    assert slow.doc.get("o", type=Map).to_py() == {"k": 1}
    assert room.rest(2 * REST_SECONDS) is None
    assert resting(room)
