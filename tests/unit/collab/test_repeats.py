"""Texts that two nodes write, not knowing of each other: rules P1 to P3 of `collab/SPEC.md`."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
from pycrdt import Map

from collab import edits
from collab.document import Document, Outcome
from collab.ports import Edit
from collab.repeats import TextWrite, retraction
from collab.schema import DocumentLimits
from collab.values import Rules

RULES = Rules(DocumentLimits(), lambda _: False)
OLD = "The fox jumps."
NEW = "The quick brown fox jumps over the lazy dog."
SCENE, LAYER = str(uuid.UUID(int=1)), str(uuid.UUID(int=2))

PUT_SCENE = edits.update_scene(RULES, SCENE, {"text": NEW, "duration": 7})
PUT_LAYER = edits.update_layer(RULES, LAYER, {"properties": {"text": NEW}})


class Node:
    """A node's document; `rows` is what it has made, an update each."""

    def __init__(self, client: int) -> None:
        self.document = Document(client, 1 << 26)
        self.rows: list[bytes] = []

    def edit(self, edit: Edit) -> Outcome:
        outcome = self.document.edit(edit)
        assert outcome.error is None
        if outcome.update is not None:
            self.rows.append(outcome.update)
        return outcome

    def types(self, word: str) -> None:
        def append(doc: Any) -> None:
            text = doc.get("scenes", type=Map)[SCENE]["text"]
            text.insert(len(text), word)

        self.edit(append)

    def hears(self, *updates: bytes) -> None:
        for update in updates:
            self.document.apply(update)

    def writes(self, edit: Edit) -> TextWrite:
        write = self.edit(edit).write
        assert write is not None
        return write

    @property
    def texts(self) -> tuple[str, str]:
        scene = self.document.doc.get("scenes", type=Map)[SCENE]
        return str(scene["text"]), str(scene["layers"][LAYER]["properties"]["text"])


@pytest.fixture
def nodes() -> tuple[Node, Node, list[bytes]]:
    """Two nodes with the same video, and the rows that it is made of."""
    one, two = Node(1), Node(2)
    one.edit(edits.create_scene(RULES, SCENE, {"text": OLD}))
    layer = {"type": "text", "properties": {"text": OLD}}
    one.edit(edits.create_layer(RULES, SCENE, LAYER, layer))
    stored, one.rows = one.rows, []
    two.hears(*stored)
    return one, two, stored


Nodes = tuple[Node, Node, list[bytes]]


@pytest.mark.parametrize("put", [PUT_SCENE, PUT_LAYER], ids=["a scene's", "a layer's"])
def test_p1_what_another_node_has_written_is_taken_back(nodes: Nodes, put: Edit) -> None:
    one, two, stored = nodes
    write = one.writes(put)
    two.edit(put)
    one.hears(*two.rows)
    assert one.texts != two.texts
    update = retraction([write], stored, two.rows)
    assert update is not None
    one.hears(update)
    two.hears(*one.rows, update)
    assert one.texts == two.texts
    assert sorted(one.texts) == sorted((NEW, OLD))
    assert one.document.encode() == two.document.encode()


def test_p1_what_was_typed_meanwhile_on_either_side_stays(nodes: Nodes) -> None:
    one, two, stored = nodes
    two.types(" Before.")
    write = one.writes(PUT_SCENE)
    one.types(" Here.")
    two.edit(PUT_SCENE)
    two.types(" There.")
    update = retraction([write], stored, two.rows)
    assert update is not None
    one.hears(*two.rows, update)
    text = one.texts[0]
    assert (text.count(" Here."), text.count(" There.")) == (1, 1)
    assert text.replace(" Here.", "").replace(" There.", "") == NEW


def test_p2_what_nobody_else_has_written_stays(nodes: Nodes) -> None:
    one, two, stored = nodes
    write = one.writes(PUT_SCENE)
    two.edit(edits.update_scene(RULES, SCENE, {"text": "Another."}))
    two.edit(PUT_LAYER)
    assert retraction([write], stored, two.rows) is None
    assert retraction([write], stored, []) is None


def test_p2_what_read_so_before_counts_for_nothing(nodes: Nodes) -> None:
    one, two, stored = nodes
    back = edits.update_scene(RULES, SCENE, {"text": OLD})
    for edit in (PUT_SCENE, back):
        one.edit(edit)
    two.hears(*one.rows)
    write = one.writes(PUT_SCENE)
    two.types(" There.")
    assert retraction([write], [*stored, *one.rows[:-1]], two.rows) is None


def test_p3_what_is_in_the_log_itself_is_not_taken_back(nodes: Nodes) -> None:
    one, two, stored = nodes
    write = one.writes(PUT_SCENE)
    two.types(" There.")
    assert retraction([write], stored, [*two.rows, *one.rows]) is None


def test_an_edit_of_no_shared_text_is_no_write(nodes: Nodes) -> None:
    one, _, _ = nodes
    for given in ({"duration": 9}, {"text": OLD}):
        assert one.edit(edits.update_scene(RULES, SCENE, given)).write is None
    new = {"text": NEW}
    assert one.edit(edits.create_scene(RULES, str(uuid.UUID(int=3)), new)).write is None
