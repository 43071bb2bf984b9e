from __future__ import annotations

from random import Random
from typing import Any

import pytest
from pycrdt import Doc, Map

from collab.update import read_update
from server.load.edits import author_updates, prepared_video
from server.load.plan import Into


@pytest.mark.parametrize("into", ["scenes", "text"])
def test_an_edit_is_one_clock_of_its_author(into: Into) -> None:
    base = prepared_video(3, 2, Random(1))
    for author in (0, 5, 40):
        updates = author_updates(base, 900 + author, author, 30, into, Random(2))
        blocks = [read_update(update).blocks for update in updates]
        assert blocks == [[(900 + author, n, n + 1)] for n in range(30)]


def test_edits_apply_on_the_prepared_video() -> None:
    base = prepared_video(20, 5, Random(1))
    doc: Doc[Any] = Doc()
    doc.apply_update(base)
    before = doc.get("scenes", type=Map).to_py()
    assert before is not None
    assert len(before) == 20
    assert {len(scene["layers"]) for scene in before.values()} == {5}
    changed = set()
    for author in range(200):
        for update in author_updates(base, 900 + author, author, 3, "scenes", Random(author)):
            doc.apply_update(update)
    after = doc.get("scenes", type=Map).to_py()
    assert after is not None
    for scene, content in after.items():
        assert len(content["text"]) > len(before[scene]["text"])
        for layer, values in content["layers"].items():
            if values != before[scene]["layers"][layer]:
                changed.add(layer)
    assert len(changed) == 100


def test_order_keys_ascend() -> None:
    doc: Doc[Any] = Doc()
    doc.apply_update(prepared_video(200, 1, Random(1)))
    scenes = doc.get("scenes", type=Map).to_py()
    assert scenes is not None
    by_text = sorted(scenes.values(), key=lambda scene: int(scene["text"].split()[1][:-1]))
    orders = [scene["order"] for scene in by_text]
    assert orders == sorted(orders)
    assert len(set(orders)) == 200


def test_a_video_without_layers_cannot_be_edited() -> None:
    with pytest.raises(ValueError, match="no scene"):
        author_updates(Doc().get_update(), 9, 0, 1, "scenes", Random(1))
