"""Restoring a version into a document that went on: rules V1 to V7 of collab/SPEC.md."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pycrdt import Array, Doc, Map, Text, XmlFragment

from collab import edits
from collab.document import Document
from collab.errors import MalformedUpdate
from collab.projection import Projection
from collab.schema import DocumentLimits, Touches
from tests.unit.collab.test_projection_properties import LAYERS, LIMITS, SCENES, do, op, seed, shape

SCENE, OTHER = SCENES[0], SCENES[1]


def copy(doc: Doc[Any], client_id: int = 0) -> Doc[Any]:
    made: Doc[Any] = Doc(client_id=client_id) if client_id else Doc()
    made.apply_update(doc.get_update())
    return made


def shown(doc: Doc[Any], limits: DocumentLimits = LIMITS) -> str:
    projection = Projection(limits, own_link=lambda url: url.startswith("blob:"))
    projection.refresh(doc, Touches(everything=True))
    made: dict[str, Any] = json.loads(shape(projection))
    del made["dropped"]  # XML, which is shown nowhere, is not copied, and counts no more
    return json.dumps(made)


def restore(doc: Doc[Any], version: Doc[Any]) -> list[bytes]:
    """Restore; returns the updates that it made."""
    updates: list[bytes] = []
    subscription = doc.observe(lambda event: updates.append(event.update))
    edits.restore(version)(doc)
    doc.unobserve(subscription)
    return updates


def seeded() -> Doc[Any]:
    doc: Doc[Any] = Doc(client_id=1)
    seed(doc)
    return doc


def scenes(doc: Doc[Any]) -> Map[Any]:
    root: Map[Any] = doc.get("scenes", type=Map)
    return root


@settings(max_examples=100, deadline=None)
@given(st.lists(op, max_size=8), st.lists(op, max_size=12), st.booleans())
def test_v1_v2_it_reads_as_the_version_whatever_was_done(
    before: list[Any], after: list[Any], fresh: bool
) -> None:
    doc = Doc(client_id=1) if fresh else seeded()
    for what in before:
        do(doc, what)
    version = copy(doc)
    encoded = version.get_update()
    for what in after:
        do(doc, what)
    changed = copy(doc)
    one = copy(doc, client_id=2)
    updates = restore(one, version)
    assert shown(one) == shown(version)
    assert version.get_update() == encoded
    # The update alone tells it to everybody. (2**53 turns into a float on the way.)
    served = Document.load(9, 2**20, doc.get_update(), [])
    for update in updates:
        assert served.apply(update)
        doc.apply_update(update)
    assert shown(served.doc) == shown(copy(doc)) == shown(version)
    served.close()
    # V5: what reads the same already is not written, and it goes both ways.
    assert restore(one, version) == []
    restore(one, changed)
    assert shown(one) == shown(changed)


@settings(max_examples=100, deadline=None)
@given(st.lists(op, max_size=10), st.lists(op, max_size=10))
def test_v6_who_was_away_meanwhile_converges_with_the_others(
    after: list[Any], away: list[Any]
) -> None:
    """Nobody's document differs, in whichever order the updates come."""
    doc = seeded()
    version = copy(doc)
    for what in after:
        do(doc, what)
    offline = copy(doc, client_id=5)
    state = offline.get_state()
    restore(doc, version)
    for what in away:
        do(offline, what)
    brought = offline.get_update(state)
    offline.apply_update(doc.get_update())
    doc.apply_update(brought)
    assert shown(copy(doc)) == shown(copy(offline))


def test_v3_what_is_typed_meanwhile_stays_once() -> None:
    doc = seeded()
    text = scenes(doc)[SCENE]["text"]
    text.insert(3, " and two")
    version = copy(doc)
    text.clear()
    text.insert(0, "one and three or four")
    offline = copy(doc, client_id=5)
    state = offline.get_state()
    restore(doc, version)
    assert str(text) == "one and two"
    away = scenes(offline)[SCENE]["text"]
    away.insert(len(away), "!")
    away.insert(0, "Now: ")
    doc.apply_update(offline.get_update(state))
    assert str(text) == "Now: one and two!"


def test_v2_a_deleted_scene_comes_back_under_its_id_once() -> None:
    doc = seeded()
    version = copy(doc)
    del scenes(doc)[SCENE]
    offline = copy(doc, client_id=5)
    state = offline.get_state()
    restore(doc, version)
    scenes(offline)[SCENES[4]] = Map({"order": "a9", "text": Text("made while away")})
    doc.apply_update(offline.get_update(state))
    assert sorted(scenes(doc).keys()) == sorted([*SCENES[:3], SCENES[4]])
    assert str(scenes(doc)[SCENE]["text"]) == "one"


def test_v2_who_still_has_a_deleted_scene_edits_what_is_gone() -> None:
    """D6: its edit has no place to go, and does not bring the old scene back beside the new one."""
    doc = seeded()
    version = copy(doc)
    offline = copy(doc, client_id=5)
    state = offline.get_state()
    del scenes(doc)[SCENE]
    restore(doc, version)
    scenes(offline)[SCENE]["text"].insert(0, "away: ")
    doc.apply_update(offline.get_update(state))
    assert shown(doc) == shown(version)


def test_v6_two_who_restore_the_same_at_once_make_nothing_twice() -> None:
    """Each from the same state: scenes that both bring back are there once."""
    doc = seeded()
    version = copy(doc)
    del scenes(doc)[SCENE]
    del scenes(doc)[OTHER]["layers"][LAYERS[2]]
    one, two = copy(doc, client_id=5), copy(doc, client_id=6)
    for update in (*restore(one, version), *restore(two, version)):
        doc.apply_update(update)
    assert shown(doc) == shown(version)


def test_v4_unknown_fields_come_back_and_unknown_roots_stay() -> None:
    doc = seeded()
    scenes(doc)[SCENE]["mine"] = Array([1, Map({"a": Text("x")})])
    doc.get("mine", type=Map)["note"] = "before"
    version = copy(doc)
    scenes(doc)[SCENE]["mine"][1]["a"].insert(1, "yz")
    scenes(doc)[SCENE]["yours"] = 1
    doc.get("mine", type=Map)["note"] = "after"
    restore(doc, version)
    assert scenes(doc)[SCENE]["mine"].to_py() == [1, {"a": "x"}]
    assert "yours" not in scenes(doc)[SCENE]
    assert doc.get("mine", type=Map)["note"] == "after"


def test_v4_an_array_changes_only_where_it_differs() -> None:
    doc = seeded()
    scenes(doc)[SCENE]["mine"] = Array([Map({"n": n}) for n in range(5)])
    mine = scenes(doc)[SCENE]["mine"]
    version = copy(doc)
    del mine[1:3]
    offline = copy(doc, client_id=5)
    state = offline.get_state()
    restore(doc, version)
    scenes(offline)[SCENE]["mine"][2]["away"] = True
    doc.apply_update(offline.get_update(state))
    assert mine.to_py() == [{"n": 0}, {"n": 1}, {"n": 2}, {"n": 3}, {"n": 4, "away": True}]


def test_v3_formats_and_embedded_objects_come_back() -> None:
    doc = seeded()
    text = scenes(doc)[SCENE]["text"]
    text.clear()
    text.insert(0, "bold", {"b": True})
    text.insert(4, " plain", {})
    text.insert_embed(4, {"image": 1}, {})
    wanted = text.diff()
    version = copy(doc)
    text.clear()
    text.insert(0, "something else")
    restore(doc, version)
    assert text.diff() == wanted
    assert restore(doc, version) == []


@pytest.mark.parametrize(
    "change",
    [
        lambda scene: scene.update({"text": "plain"}),
        lambda scene: scene.update({"text": XmlFragment()}),
        lambda scene: scene.update({"duration": True}),
        lambda scene: scene.update({"layers": None}),
        lambda scene: scene.pop("text"),
    ],
)
def test_v2_what_was_replaced_by_another_kind_is_replaced_again(
    change: Callable[[Map[Any]], object],
) -> None:
    doc = seeded()
    version = copy(doc)
    change(scenes(doc)[SCENE])
    assert shown(doc) != shown(version)
    restore(doc, version)
    assert shown(doc) == shown(version)


def test_v2_bytes_come_back_wherever_they_are() -> None:
    doc = seeded()
    scenes(doc)[SCENE]["mine"] = {"deep": [b"bytes", 1]}
    scenes(doc)[SCENE]["plain"] = b"more"
    version = copy(doc)
    del scenes(doc)[SCENE]
    restore(doc, version)
    assert scenes(doc)[SCENE]["mine"] == {"deep": [b"bytes", 1]}
    assert scenes(doc)[SCENE]["plain"] == b"more"


def test_v7_numbers_that_are_none_are_not_written_again() -> None:
    doc = seeded()
    scenes(doc)[SCENE]["x"] = [float("nan"), {"y": float("nan")}]
    assert restore(doc, copy(doc)) == []
    version = copy(doc)
    scenes(doc)[SCENE]["x"] = [None, {"y": 1}]
    assert restore(doc, version) != []


def test_it_reads_as_the_version_under_other_limits() -> None:
    """The document comes back whole; what is shown of it follows the limits of today."""
    doc = seeded()
    version = copy(doc)
    with doc.transaction():
        for scene in SCENES[:3]:
            del scenes(doc)[scene]
    restore(doc, version)
    for limits in (DocumentLimits(scenes=1, layers=1), DocumentLimits()):
        assert shown(doc, limits) == shown(version, limits)


def test_u4_a_large_restore_is_no_deep_nesting() -> None:
    """Types in the place of deleted ones could be anywhere: an editor may bring so many only; what
    the server has made, here or on another node, was checked before."""
    doc: Doc[Any] = Doc(client_id=1)
    for n in range(250):
        scenes(doc)[f"{n}"] = Map({"layers": Map()})
    version = copy(doc)
    scenes(doc).clear()
    served = Document.load(9, 2**20, doc.get_update(), [])
    [update] = restore(doc, version)
    with pytest.raises(MalformedUpdate):
        served.apply(update)
    assert served.apply(update, own=True)
    assert shown(served.doc) == shown(version)
    usual = copy(doc, client_id=5)
    state = usual.get_state()
    scenes(usual)["new"] = Map({"layers": Map()})
    assert served.apply(usual.get_update(state))
    served.close()
