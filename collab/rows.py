"""Rows, made of entries of the document, and how two of them differ."""

from __future__ import annotations

from dataclasses import fields
from typing import Final, TypeVar

from collab.entries import LayerEntry, SceneEntry
from collab.ordering import UNORDERED
from collab.schema import LayerRow, SceneRow
from collab.values import same_json

Row = TypeVar("Row", SceneRow, LayerRow)

SCENE_NAMES: Final = tuple(f.name for f in fields(SceneRow) if f.name != "id")
LAYER_NAMES: Final = tuple(f.name for f in fields(LayerRow) if f.name != "id")


def scene_row(scene: str, number: int, start: float, entry: SceneEntry) -> SceneRow:
    """The row of a scene that is the `number`-th and starts at `start` seconds."""
    return SceneRow(
        id=scene,
        scene_number=number,
        order=entry.order or UNORDERED,
        text=entry.text,
        duration=entry.duration,
        start_time=start,
        end_time=round(start + entry.duration, 6),
        is_expanded=entry.is_expanded,
    )


def layer_row(
    scene: str, layer: str, index: int, entry: LayerEntry, scene_duration: float
) -> LayerRow:
    """The row of a layer that has a type, at a place in its scene."""
    assert entry.type is not None
    duration = scene_duration if entry.duration is None else entry.duration
    return LayerRow(
        id=layer,
        scene_id=scene,
        type=entry.type,
        name=entry.type.capitalize() if entry.name is None else entry.name,
        enabled=entry.enabled,
        duration=duration,
        start_time=entry.start_time,
        end_time=round(entry.start_time + duration, 6),
        order_index=index,
        order=entry.order or UNORDERED,
        properties=entry.properties,
    )


def differences_of(before: Row, after: Row) -> frozenset[str]:
    """The names of the fields in which two rows differ."""
    names = SCENE_NAMES if isinstance(before, SceneRow) else LAYER_NAMES
    found = {name for name in names if getattr(before, name) != getattr(after, name)}
    if isinstance(before, LayerRow) and isinstance(after, LayerRow):
        one, other = before.properties, after.properties
        if one is not other and "properties" not in found and not same_json(one, other):
            found.add("properties")
    return frozenset(found)
