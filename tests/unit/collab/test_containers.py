"""Which items are shared types, and how deep they nest: rule U4 of `collab/SPEC.md`."""

from __future__ import annotations

from typing import Any

import pytest
from pycrdt import Array, Doc, Map, Text, XmlElement, XmlFragment

from collab.containers import MAX_NESTING, Containers, estimate, is_container
from collab.document import Document
from collab.encoding import varuint
from collab.errors import MalformedUpdate
from collab.ledger import Ledger
from collab.nesting import depths
from collab.update import read_update

LIMIT = 1 << 26


def item(client: int, clock: int, parent: tuple[int, int], content: bytes) -> bytes:
    """An update that puts one item into another as the value of the key `k`."""
    info = content[0] | 32
    place = b"\0" + varuint(parent[0]) + varuint(parent[1])
    head = b"\1\1" + varuint(client) + varuint(clock)
    return head + bytes((info,)) + place + b"\1k" + content[1:] + b"\0"


MAP = b"\7\1"
VALUE = b"\x08\1w\1v"


def loaded(doc: Doc[Any]) -> Document:
    return Document.load(1, LIMIT, doc.get_update(), [])


def test_a_parent_is_a_shared_type() -> None:
    """U4"""
    doc: Doc[Any] = Doc(client_id=5)
    root = doc.get("map", type=Map)
    root["inner"] = Map()  # (5, 0)
    root["value"] = 1  # (5, 1)
    document = loaded(doc)
    assert is_container(document.doc, 5, 0)
    assert not is_container(document.doc, 5, 1)
    assert document.apply(item(9, 0, (5, 0), VALUE))
    state = document.encode()
    with pytest.raises(MalformedUpdate, match="no shared type"):
        document.apply(item(9, 1, (5, 1), VALUE))
    assert document.encode() == state
    assert document.doc.get("map", type=Map)["inner"].to_py() == {"k": "v"}


def test_a_parent_may_come_with_its_update_or_be_deleted() -> None:
    """U3, U4"""
    doc: Doc[Any] = Doc(client_id=5)
    root = doc.get("map", type=Map)
    root["gone"] = Map()  # (5, 0)
    del root["gone"]
    document = loaded(doc)
    assert document.apply(item(9, 0, (5, 0), VALUE))
    other: Doc[Any] = Doc(client_id=7)
    other.get("map", type=Map)["new"] = Map({"deep": Map({"deeper": 1})})
    assert document.apply(other.get_update())
    assert document.doc.get("map", type=Map).to_py() == {"new": {"deep": {"deeper": 1.0}}}


def test_a_parent_is_looked_up_once() -> None:
    """U4"""
    doc: Doc[Any] = Doc(client_id=5)
    doc.get("map", type=Map)["inner"] = Map()
    asked: list[tuple[int, int]] = []

    def look(client: int, clock: int) -> bool:
        asked.append((client, clock))
        return is_container(doc, client, clock)

    containers, ledger = (
        Containers(look, lambda: estimate(doc), lambda: depths(doc.get_update())),
        Ledger(),
    )
    ledger.record(read_update(doc.get_update()))
    for clock in range(5):
        containers.check(read_update(item(9, clock, (5, 0), VALUE)), ledger)
    assert asked == [(5, 0)]


def test_types_nest_in_200_levels_and_no_more() -> None:
    """U4"""
    document = Document(1, LIMIT)
    doc: Doc[Any] = Doc(client_id=5)
    doc.get("map", type=Map)["k"] = Map()
    assert document.apply(doc.get_update())
    for clock in range(1, MAX_NESTING):
        assert document.apply(item(5, clock, (5, clock - 1), MAP))
    with pytest.raises(MalformedUpdate, match="nested deeper"):
        document.apply(item(5, MAX_NESTING, (5, MAX_NESTING - 1), MAP))
    assert estimate(document.doc) == MAX_NESTING + 1


def test_a_depth_that_was_only_assumed_is_measured() -> None:
    """U4: types that take the place of others are assumed to be as deep as the deepest."""
    document = Document(1, LIMIT)
    doc: Doc[Any] = Doc(client_id=5)
    root = doc.get("map", type=Map)
    for _ in range(3 * MAX_NESTING):
        before = doc.get_state()
        root["k"] = Map({"inner": Map()})
        assert document.apply(doc.get_update(before))
    assert document.doc.get("map", type=Map).to_py() == {"k": {"inner": {}}}


def test_the_deepest_is_found_in_all_kinds() -> None:
    """U4"""
    doc: Doc[Any] = Doc()
    assert estimate(doc) == 1
    doc.get("map", type=Map)["array"] = Array([1, Map({"text": Text("x")})])
    assert estimate(doc) == 3
    doc.get("xml", type=XmlFragment).children.append(XmlElement("p", {}, []))
    assert estimate(doc) == 3


def unkeyed(client: int, clock: int, parent: tuple[int, int]) -> bytes:
    """A map in a map without a key: no kind of shared type shows it."""
    place = b"\0" + varuint(parent[0]) + varuint(parent[1])
    return b"\1\1" + varuint(client) + varuint(clock) + b"\7" + place + b"\1\0"


@pytest.mark.parametrize("root", ["scenes", "map"])
def test_types_that_nobody_shows_count_as_well(root: str) -> None:
    """U4: deleting them recurses all the same, and ends the process at some 100,000."""
    document = Document(1, LIMIT)
    doc: Doc[Any] = Doc(client_id=5)
    doc.get(root, type=Map)["k"] = Map()
    document.apply(doc.get_update())
    with pytest.raises(MalformedUpdate, match="nested deeper"):
        for clock in range(1, 10 * MAX_NESTING):
            document.apply(unkeyed(5, clock, (5, clock - 1)))
    assert max(depths(document.encode()).values()) == MAX_NESTING


def test_depths_are_those_of_the_tree() -> None:
    """U4"""
    doc: Doc[Any] = Doc(client_id=5)
    root = doc.get("map", type=Map)
    root["a"] = Map({"b": Array([1, Map({"c": Text("x")}), 2])})
    root["a"]["b"].append(Map())
    root["a"]["b"].insert(0, Map({"d": Map()}))
    doc.get("list", type=Array).append("x")
    doc.get("list", type=Array).append(Map())
    found = depths(doc.get_update())
    assert sorted(found.values()) == [1, 1, 2, 3, 3, 3, 4, 4]
