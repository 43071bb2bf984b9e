"""What differs between two projections of one video, for people to read: rule V8 of SPEC.md."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import Any, Final

from collab.ordering import longest_run
from collab.projection import Projection
from collab.schema import LayerRow, SceneRow, VideoFields
from collab.values import MISSING, same_json

_SCENE_FIELDS: Final = ("text", "duration", "is_expanded")
_LAYER_FIELDS: Final = ("type", "name", "enabled", "start_time", "duration")
_VIDEO_FIELDS: Final = tuple(field.name for field in fields(VideoFields))


def scene_shown(row: SceneRow, layers: Sequence[LayerRow]) -> dict[str, Any]:
    """A scene of a version as the API shows it, with its layers; times in seconds."""
    return {
        "id": row.id,
        "scene_number": row.scene_number,
        "text": row.text,
        "duration": row.duration,
        "start_time": row.start_time,
        "end_time": row.end_time,
        "is_expanded": row.is_expanded,
        "layers": [layer_shown(layer) for layer in layers],
    }


def layer_shown(row: LayerRow) -> dict[str, Any]:
    """A layer of a version as the API shows it; times in seconds from the scene's start."""
    return {
        "id": row.id,
        "scene_id": row.scene_id,
        "type": row.type,
        "name": row.name,
        "enabled": row.enabled,
        "duration": row.duration,
        "start_time": row.start_time,
        "end_time": row.end_time,
        "order_index": row.order_index,
        "properties": row.properties,
    }


def shown(projection: Projection) -> dict[str, Any]:
    """All that a projection shows: `video` and `scenes`."""
    return {
        "video": {name: getattr(projection.video, name) for name in _VIDEO_FIELDS},
        "scenes": [scene_shown(row, projection.layers[row.id]) for row in projection.scenes],
    }


def compare(before: Projection, after: Projection) -> dict[str, Any]:
    """What is different.

    Returns:
        `video`: the changed fields. `scenes` and `layers`: what was `added` and `removed`, as the
        API shows it; what was `moved`, from where to where; what was `changed`, field by field.
    """
    return {
        "video": _changes(before.video, after.video, _VIDEO_FIELDS),
        "scenes": _compare_scenes(before, after),
        "layers": _compare_layers(before, after),
    }


def _compare_scenes(before: Projection, after: Projection) -> dict[str, Any]:
    old = {row.id: row for row in before.scenes}
    new = {row.id: row for row in after.scenes}
    changed = (
        {"id": id_, "changes": _changes(old[id_], row, _SCENE_FIELDS)}
        for id_, row in new.items()
        if id_ in old
    )
    return {
        "added": [
            scene_shown(row, after.layers[id_]) for id_, row in new.items() if id_ not in old
        ],
        "removed": [
            scene_shown(row, before.layers[id_]) for id_, row in old.items() if id_ not in new
        ],
        "moved": [
            {"id": id_, "from": old[id_].scene_number, "to": new[id_].scene_number}
            for id_ in _moved(list(old), list(new))
        ],
        "changed": [one for one in changed if one["changes"]],
    }


def _compare_layers(before: Projection, after: Projection) -> dict[str, Any]:
    """Layers of scenes that came or went as a whole are listed with those."""
    old, new = _layers(before), _layers(after)
    stayed = before.layers.keys() & after.layers.keys()
    moved = {id_ for id_, row in new.items() if id_ in old and old[id_].scene_id != row.scene_id}
    for scene in stayed:
        moved.update(
            _moved(
                [row.id for row in before.layers[scene]], [row.id for row in after.layers[scene]]
            )
        )
    changed = (
        {
            "id": id_,
            "scene_id": row.scene_id,
            "changes": [
                *_changes(old[id_], row, _LAYER_FIELDS),
                *_property_changes(old[id_].properties, row.properties),
            ],
        }
        for id_, row in new.items()
        if id_ in old
    )
    return {
        "added": [
            layer_shown(row)
            for id_, row in new.items()
            if id_ not in old and row.scene_id in stayed
        ],
        "removed": [
            layer_shown(row)
            for id_, row in old.items()
            if id_ not in new and row.scene_id in stayed
        ],
        "moved": [
            {"id": id_, "from": _place(old[id_]), "to": _place(row)}
            for id_, row in new.items()
            if id_ in moved
        ],
        "changed": [one for one in changed if one["changes"]],
    }


def _layers(projection: Projection) -> dict[str, LayerRow]:
    return {row.id: row for scene in projection.scenes for row in projection.layers[scene.id]}


def _place(row: LayerRow) -> dict[str, Any]:
    return {"scene_id": row.scene_id, "order_index": row.order_index}


def _moved(before: list[str], after: list[str]) -> list[str]:
    """The fewest of those in both lists that have to move to bring one's order to the other's."""
    places = {item: f"{place:09}" for place, item in enumerate(before)}
    both = [(item, places[item]) for item in after if item in places]
    kept = longest_run(both)
    return [item for position, (item, _) in enumerate(both) if position not in kept]


def _changes(before: Any, after: Any, names: Sequence[str]) -> list[dict[str, Any]]:
    return [
        {"field": name, "before": getattr(before, name), "after": getattr(after, name)}
        for name in names
        if getattr(before, name) != getattr(after, name)
    ]


def _property_changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[dict[str, Any]]:
    """A property that is not there is null, which says the same (E6)."""
    return [
        {"field": f"properties.{key}", "before": before.get(key), "after": after.get(key)}
        for key in sorted(before.keys() | after.keys())
        if not same_json(before.get(key, MISSING), after.get(key, MISSING))
    ]
