"""The reader of updates, and the ledger: rules U1... and L1... of `collab/SPEC.md`."""

from __future__ import annotations

import random
import time
from typing import Any

import pytest
from pycrdt import Array, Doc, Map, Snapshot, Text, XmlElement, XmlFragment, XmlText

from collab.content import MAX_DEPTH
from collab.errors import MalformedUpdate, MissingUpdates
from collab.ledger import Ledger
from collab.update import read_ahead, read_deletes, read_state_vector, read_update, split_update


def rich_document(client: int = 5) -> Doc[Any]:
    """One of everything that a document can hold."""
    doc: Doc[Any] = Doc(client_id=client)
    root = doc.get("map", type=Map)
    root["plain"] = [1, 2.5, None, True, False, "é", {"a": [1, {"b": b"bytes"}]}, 2**40, -7]
    root["text"] = Text("héllo 👩‍👩‍👧 wörld")
    root["text"].insert(3, "bold", {"bold": True})
    root["text"].insert_embed(0, {"image": "x"})
    root["array"] = Array([1, "two", Map({"three": 3})])
    root["gone"] = 1
    del root["gone"]
    fragment = doc.get("xml", type=XmlFragment)
    fragment.children.append(XmlElement("p", {"class": "x"}, [XmlText("hi")]))
    doc.get("text", type=Text).insert(0, "abc" * 50)
    del doc.get("text", type=Text)[10:20]
    return doc


def state_of(update: bytes) -> dict[int, int]:
    doc: Doc[Any] = Doc()
    doc.apply_update(update)
    return read_state_vector(doc.get_state())


def test_it_reads_all_kinds_of_content() -> None:
    doc = rich_document()
    summary = read_update(doc.get_update())
    assert {client: end for client, _, end in summary.blocks} == read_state_vector(doc.get_state())
    deletes, _ = read_deletes(Snapshot.from_doc(doc).encode())
    assert sorted(summary.deletes) == sorted(deletes)


@pytest.mark.parametrize("size", [1, 20, 100])
def test_the_pieces_of_an_update_do_what_it_does(size: int) -> None:
    doc = rich_document()
    doc.get("text", type=Text).insert(30, "later")
    update = doc.get_update()
    pieces = split_update(update, size)
    assert len(pieces) > 1
    whole, pieced = Doc[Any](), Doc[Any]()
    whole.apply_update(update)
    for piece in pieces:
        assert Ledger(Snapshot.from_doc(pieced).encode()).brings_news(read_update(piece))
        pieced.apply_update(piece)
    assert pieced.get_update() == whole.get_update()


def test_what_is_small_or_of_several_clients_is_one_piece() -> None:
    update = rich_document().get_update()
    assert list(read_ahead(update).pieces) == [update]
    other: Doc[Any] = Doc(client_id=6)
    other.apply_update(update)
    other.get("text", type=Text).insert(2, "by another")
    assert split_update(other.get_update(), 1) == [other.get_update()]


def test_lengths_are_counted_in_utf_16() -> None:
    doc: Doc[Any] = Doc(client_id=9)
    doc.get("t", type=Text).insert(0, "a👩‍👩‍👧é")
    assert read_update(doc.get_update()).blocks == [
        (9, 0, len("a👩‍👩‍👧é".encode("utf-16-le")) // 2)
    ]


@pytest.mark.parametrize("cut", range(1, 60))
def test_a_truncated_update_is_refused(cut: int) -> None:
    update = rich_document().get_update()
    with pytest.raises(MalformedUpdate):
        read_update(update[: len(update) * cut // 60])


LIES = {
    "clients": b"\xff\xff\xff\x7f",
    "clients, with a block": b"\xff\xff\xff\xff\x0f\x01\x01\x00",
    "structs": b"\x01\xff\xff\xff\xff\x0f\x01\x00\x00",
    "a string": bytes.fromhex("01010500040101ffffff7f61"),
    "values": bytes.fromhex("01010500080101ffffff7f7e"),
    "json values": bytes.fromhex("01010500020101ffffff7f"),
    "deleted clients": b"\x00\xff\xff\xff\x7f",
    "deleted ranges": b"\x00\x01\x01\xff\xff\xff\xff\x0f",
    "a deleted range": b"\x00\x01\x01\x01\x00\xff\xff\xff\xff\x7f",
    "a number without end": b"\xff" * 40,
    "trailing bytes": b"\x00\x00\x00",
    "nothing": b"",
}


@pytest.mark.parametrize("name", LIES)
def test_lies_about_counts_are_refused_cheaply(name: str) -> None:
    began = time.thread_time()
    with pytest.raises(MalformedUpdate):
        read_update(LIES[name])
    assert time.thread_time() - began < 0.05


@pytest.mark.parametrize("data", [b"\x80\x80\x80\x80\x02", b"\x05\x01\x01", b"", b"\x00\x00"])
def test_a_lying_state_vector_is_refused(data: bytes) -> None:
    with pytest.raises(MalformedUpdate):
        read_state_vector(data)


def test_values_nested_too_deep_are_refused() -> None:
    def nested(levels: int) -> bytes:
        body = bytes((117, 1)) * levels + bytes((126,))
        return bytes((1, 1, 5, 0, 0x28, 1, 1, 109, 1, 97, 1)) + body + b"\x00"

    read_update(nested(MAX_DEPTH))
    with pytest.raises(MalformedUpdate):
        read_update(nested(MAX_DEPTH + 1))
    with pytest.raises(MalformedUpdate):
        read_update(nested(1_000_000))


def test_an_item_that_refers_to_itself_is_refused() -> None:
    # origin (5, 0) of the item (5, 0)
    with pytest.raises(MalformedUpdate):
        read_update(bytes((1, 1, 5, 0, 0x84, 5, 0, 1, 97, 0)))


def test_items_that_refer_to_each_other_are_refused() -> None:
    # (5, 0) stands behind (6, 0), and (6, 0) behind (5, 0).
    circle = bytes((2, 1, 6, 0, 0x84, 5, 0, 1, 97, 1, 5, 0, 0x84, 6, 0, 1, 98, 0))
    with pytest.raises(MalformedUpdate):
        Ledger().brings_news(read_update(circle))


def test_a_gap_is_missing() -> None:
    doc: Doc[Any] = Doc(client_id=5)
    updates: list[bytes] = []
    doc.observe(lambda event: updates.append(event.update))
    doc.get("t", type=Text).insert(0, "a")
    doc.get("t", type=Text).insert(1, "b")
    del doc.get("t", type=Text)[0:1]
    ledger = Ledger()
    for late in updates[1:]:
        with pytest.raises(MissingUpdates):
            ledger.brings_news(read_update(late))
    for update in updates:
        summary = read_update(update)
        assert ledger.brings_news(summary)
        ledger.record(summary)
        assert not ledger.brings_news(summary)


def offset(text: Text, part: float) -> int:
    """The byte offset of a character's beginning: pycrdt counts in UTF-8."""
    characters = str(text)
    return len(characters[: int(part * (len(characters) + 1))].encode())


@pytest.mark.parametrize("seed", range(30))
def test_the_ledger_agrees_with_pycrdt(seed: int) -> None:
    rng = random.Random(seed)
    docs: list[Doc[Any]] = [Doc(client_id=n + 1) for n in range(3)]
    server: Doc[Any] = Doc(client_id=99)
    ledger = Ledger()
    for _ in range(80):
        doc = rng.choice(docs)
        before = doc.get_state()
        text = doc.get("t", type=Text)
        roll = rng.random()
        if roll < 0.5 or not len(text):
            text.insert(offset(text, rng.random()), rng.choice(["a", "bc", "👍", "é"]))
        elif roll < 0.7:
            at = offset(text, rng.random() * len(str(text)) / (len(str(text)) + 1))
            length = len(str(text).encode()[at:].decode()[0].encode())
            del text[at : at + length]
        elif roll < 0.9:
            doc.get("m", type=Map)[f"k{rng.randrange(4)}"] = rng.choice([1, "x", [1, {}]])
        else:
            doc.apply_update(server.get_update(doc.get_state()))
            continue
        update = doc.get_update(before)
        summary = read_update(update)
        state = server.get_state()
        try:
            news = ledger.brings_news(summary)
        except MissingUpdates:
            continue
        deleted = Snapshot.from_doc(server).encode()
        server.apply_update(update)
        changed = server.get_state() != state or Snapshot.from_doc(server).encode() != deleted
        assert news == changed
        if news:
            ledger.record(summary)
        assert ledger.state == read_state_vector(server.get_state())
    again = Ledger(Snapshot.from_doc(server).encode())
    assert again.state == ledger.state
    assert not again.brings_news(read_update(server.get_update()))
