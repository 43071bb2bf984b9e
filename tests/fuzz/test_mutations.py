"""U1..U6, R3: a hundred thousand mutations of real updates: refused, or an edit like any other."""

from __future__ import annotations

import random
import time
from typing import Any, Final

import psutil
import pytest
from pycrdt import Array, Doc, Map, Text

from collab.document import Document
from collab.errors import MalformedUpdate, MissingUpdates
from collab.surrogates import CutCharacters
from tests.unit.collab.test_update import rich_document

LIMIT: Final = 1 << 26
MUTATIONS: Final = 25_000
STALL_SECONDS: Final = 0.05
WARM: Final = 2_000
KEPT_BYTES: Final = 16 << 20
"""Memory that may be there more after all mutations than after the first `WARM`."""


def real_updates() -> tuple[bytes, list[bytes]]:
    """A document's state, and what was changed in it afterwards, one update a change."""
    doc = rich_document()
    base = doc.get_update()
    updates: list[bytes] = []
    doc.observe(lambda event: updates.append(event.update))
    root = doc.get("map", type=Map)
    with doc.transaction():
        root["layer"] = Map({"a": Text("x"), "b": Array([1, 2]), "p": Map({"v": 1})})
    layer = root["layer"]
    layer["a"].insert(1, "hello")
    layer["p"]["v"] = [1, {"a": "b"}]
    del layer["a"][0:2]
    root["array"].append(5)
    root["text"].format(0, 4, {"italic": True})
    del root["array"][0]
    del layer["b"]
    doc.get("text", type=Text).insert(5, "zz")
    del doc.get("text", type=Text)[3:9]
    root["layer"] = Map({})
    root["big"] = "x" * 300
    return base, updates


def mutated(rng: random.Random, update: bytes) -> bytes:
    """An update with one to five small things wrong."""
    data = bytearray(update)
    for _ in range(rng.choice((1, 1, 1, 2, 3, 5))):
        if not data:
            break
        at = rng.randrange(len(data))
        kind = rng.randrange(6)
        if kind == 0:
            data[at] = rng.randrange(256)
        elif kind == 1:
            data[at] ^= 1 << rng.randrange(8)
        elif kind == 2:
            del data[at : at + rng.randrange(1, 4)]
        elif kind == 3:
            data[at:at] = rng.randbytes(rng.randrange(1, 4))
        elif kind == 4:
            data[at] = rng.choice((0, 1, 127, 128, 255, 0x84, 0x28))
        else:
            start = rng.randrange(len(data))
            data[at:at] = data[start : start + rng.randrange(1, 12)]
    return bytes(data)


def resident() -> int:
    """Bytes of memory that this process has."""
    return int(psutil.Process().memory_info().rss)


@pytest.mark.parametrize("part", range(4))
def test_mutations_of_real_updates(part: int) -> None:
    """In each of four documents, at four stages of the same history."""
    base, updates = real_updates()
    stage = part * len(updates) // 4
    document = Document.load(1, LIMIT, base, updates[:stage])
    state = document.encode()
    peer: Doc[Any] = Doc()
    peer.apply_update(state)
    accepted = refused = slow = warm = 0
    for number in range(MUTATIONS):
        rng = random.Random(part * MUTATIONS + number)
        update = mutated(rng, rng.choice([base, *updates[: stage + 1]]))
        clocks = dict(document.ledger.state) if number % 100 == 0 else None
        document.begin_row()
        began = time.thread_time()
        try:
            news = document.apply(update)
        except CutCharacters as cut:
            assert document.apply(cut.repair)
            peer.apply_update(cut.repair)
            news = document.apply(update)
        except (MalformedUpdate, MissingUpdates):
            refused += 1
            if clocks is not None:
                assert document.ledger.state == clocks
            news = False
        slow += time.thread_time() - began > STALL_SECONDS
        if news:
            accepted += 1
            peer.apply_update(update)
        if number == WARM:
            warm = resident()
    assert resident() - warm < KEPT_BYTES
    assert accepted > 0
    assert refused > MUTATIONS / 2
    assert slow == 0
    document.settle()
    assert peer.get_state() == document.doc.get_state() or len(peer.get_state()) == len(
        document.doc.get_state()
    )
    again = Document.load(2, LIMIT, document.encode(), [])
    assert again.ledger.state == document.ledger.state
    for name, kind in (("map", Map), ("text", Text)):
        shown = document.doc.get(name, type=kind).to_py()
        assert peer.get(name, type=kind).to_py() == shown
        assert again.doc.get(name, type=kind).to_py() == shown
    document.close()
    again.close()
