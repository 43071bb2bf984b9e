"""Characters cut in two: rules T1... of `collab/SPEC.md`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from pycrdt import Doc, Map, Text

from collab import protocol
from collab.batch import Item, Received
from collab.document import SMALL_DOCUMENT_BYTES, Document
from collab.errors import MalformedUpdate
from collab.room import Room
from collab.surrogates import find_pairs
from persistence.squash import squash
from tests.support.channels import LIMIT, Editor, plain, turn

TYPED = bytes.fromhex("01010700040104746578740d686920f09f918d20746865726500")  # "hi 👍 there"

# What yjs 13.6.33 sends for `text` in a transaction, then for one more character at the end.
CUTS = {
    "the second half replaced": (
        ("0101070bc40704070503efbfbd0107010401", "0101070c84070a012100"),
        "hi � there!",
    ),
    "the second half replaced, inserting first": (
        ("0101070bc40703070403efbfbd0107010401", "0101070c84070a012100"),
        "hi � there!",
    ),
    "the first half replaced": (
        ("0101070bc40703070401780107010301", "0101070c84070a012100"),
        "hi x there!",
    ),
    "one half formatted": (
        (
            "0102070b46070004626f6c640474727565c60703070404626f6c64046e756c6c00",
            "0101070d84070a012100",
        ),
        "hi  there!",
    ),
}


def text_of(document: Document | Doc[Any]) -> str:
    doc = document.doc if isinstance(document, Document) else document
    return str(doc.get("text", type=Text))


class Log(list[bytes]):
    """What a room stores."""

    def take(self, room: Room, *items: Received) -> None:
        rest: list[Item] = list(items)
        while rest:
            batch = room.take(rest)
            if batch.update is not None:
                self.append(batch.update)
                room.publish(batch.update, room.seq + 1)
            room.answer(batch)
            rest = list(batch.rest)


@pytest.mark.parametrize("loaded", [False, True], ids=["typed just now", "loaded"])
@pytest.mark.parametrize("together", [False, True], ids=["by and by", "in one batch"])
@pytest.mark.parametrize("name", CUTS)
def test_a_cut_character_goes_and_nothing_else(name: str, together: bool, loaded: bool) -> None:
    """T1, T2."""
    hexes, shown = CUTS[name]
    edits = [bytes.fromhex(edit) for edit in hexes]
    editor = Editor(1)
    log = Log()
    if loaded:
        room = Room(Document.load(1, LIMIT, TYPED, []), 1, plain)
        log.append(TYPED)
    else:
        room = Room(Document(1, LIMIT), 0, plain)
        edits.insert(0, TYPED)
    room.join(editor.session)
    frames = [editor.sends(edit) for edit in edits]
    for frame in [frames] if together else [[frame] for frame in frames]:
        log.take(room, *frame)
    assert editor.channel.refused is None
    document = room.document
    assert text_of(document) == shown

    # Everything that is made from it agrees: encodings, the log, snapshots, later updates.
    again = Document.load(2, LIMIT, document.encode(), [])
    assert again.ledger.state == document.ledger.state
    from_log = Document.load(2, LIMIT, Document.load(2, LIMIT, None, log).encode(), [])
    assert from_log.ledger.state == document.ledger.state
    squashed = Document.load(2, LIMIT, squash(None, log), [])
    assert squashed.ledger.state == document.ledger.state
    assert text_of(again) == text_of(from_log) == text_of(squashed) == shown


def test_the_repair_is_a_row_of_its_own() -> None:
    """T2."""
    editor, other = Editor(1), Editor(2)
    room = Room(Document.load(1, LIMIT, TYPED, []), 1, plain)
    room.join(editor.session)
    room.join(other.session)
    cut, _ = CUTS["the second half replaced"][0]
    elsewhere = other.change(lambda doc: doc.get("video", type=Map).update({"title": "x"}))
    items = [other.sends(elsewhere), editor.sends(bytes.fromhex(cut))]
    batch = room.take(items)
    assert batch.update == elsewhere
    assert batch.rest == items[1:]
    batch = room.take(batch.rest)
    assert batch.update == bytes.fromhex("00 01 07 01 03 02")  # client 7, from clock 3, two
    assert batch.users == ["user-1"]
    batch = room.take(batch.rest)
    assert batch.update == bytes.fromhex(cut)
    assert batch.rest == ()


def test_the_rest_of_a_batch_is_taken_in_order() -> None:
    """T2."""
    editor = Editor(1)
    room = Room(Document.load(1, LIMIT, TYPED, []), 1, plain)
    room.join(editor.session)
    cut, after = (bytes.fromhex(edit) for edit in CUTS["the first half replaced"][0])
    question = b"".join(protocol.acknowledgement(b"\x66now"))
    turn(room, editor.sends(cut), editor.sends(after), Received(editor.session, question))
    assert text_of(room.document) == "hi x there!"
    repair = b"".join(protocol.update(bytes.fromhex("00 01 07 01 03 02")))
    assert editor.channel.frames[-3:-1] == [repair, question]


def test_whole_characters_are_not_cut() -> None:
    """T3."""
    editor = Editor(7)
    room = Room(Document(1, LIMIT), 0, plain)
    room.join(editor.session)
    text = editor.doc.get("text", type=Text)
    edits: tuple[Callable[[Doc[Any]], Any], ...] = (
        lambda doc: text.insert(0, "a👍b👎c"),
        lambda doc: text.insert(5, "é"),
        lambda doc: text.format(1, 5, {"bold": True}),
        lambda doc: text.__delitem__(slice(1, 5)),
        lambda doc: text.insert(0, "👩‍👩‍👧"),
    )
    for seq, edit in enumerate(edits, 1):
        batch = turn(room, editor.sends(editor.change(edit)))
        assert batch.rest == ()
        assert room.seq == seq
        assert text_of(room.document) == str(text)


def test_an_update_that_cuts_its_own_character_is_refused() -> None:
    """T4."""
    document = Document(1, LIMIT)
    # (7, 0) "👍", (7, 2) "x" between its halves
    own = bytes.fromhex("01 02 07 00 04 01 04 74657874 04 f09f918d c4 07 00 07 01 01 78 00")
    with pytest.raises(MalformedUpdate):
        document.apply(own)
    assert text_of(document) == ""


@pytest.mark.parametrize("name", CUTS)
def test_a_deleted_character_can_be_cut(name: str) -> None:
    """T1: somebody cuts a character that somebody else has just deleted."""
    cut, after = (bytes.fromhex(edit) for edit in CUTS[name][0])
    deletion = bytes.fromhex("00 01 07 01 03 02")
    editor, other = Editor(1), Editor(2)
    room = Room(Document.load(1, LIMIT, TYPED, []), 1, plain)
    elsewhere = Room(Document.load(2, LIMIT, TYPED, []), 1, plain)
    for session in (editor, other):
        room.join(session.session)
    log = Log()
    log.take(room, other.sends(deletion), editor.sends(cut), editor.sends(after))
    assert log[0] == deletion
    encoded = room.document.encode()
    assert elsewhere.take_stored(log) is not None
    for made in (encoded, elsewhere.document.encode(), squash(None, [TYPED, *log])):
        again = Document.load(3, LIMIT, made, [])
        assert again.ledger.state == room.document.ledger.state
        assert text_of(again) == CUTS[name][1]
    assert editor.channel.refused is None


def test_a_large_document_asks_for_its_characters_first() -> None:
    """T3: nothing of an update is done before it is known where a character would be cut."""
    large = Doc[Any](client_id=9)
    large.get("text", type=Text).insert(0, "x" * SMALL_DOCUMENT_BYTES)
    editor = Editor(1)
    room = Room(Document.load(1, LIMIT, TYPED, [large.get_update()]), 1, plain)
    room.join(editor.session)
    shown = text_of(room.document)
    typed = editor.change(lambda doc: doc.get("video", type=Map).update({"title": "x"}))
    cut, after = (bytes.fromhex(edit) for edit in CUTS["the first half replaced"][0])
    items = [editor.sends(update) for update in (typed, cut, after)]
    batch = room.take(items)
    assert batch.update == typed
    assert batch.asks_for_characters
    assert batch.rest == items[1:]
    room.document.learn_characters(find_pairs(room.document.encode()))
    turn(room, *batch.rest)
    assert editor.channel.refused is None
    assert text_of(room.document) == shown.replace("👍", "x").replace("there", "there!")
    assert not room.document.asks_for_characters
