"""The events that tell of changes: one for each thing that changed, as the REST API shows it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final
from uuid import UUID

from collab.schema import Changes, LayerRow

Event = tuple[str, dict[str, Any]]
"""Its name and its payload."""

_SCENE_FIELDS: Final = (
    "scene_number",
    "text",
    "duration",
    "start_time",
    "end_time",
    "is_expanded",
)
_SCENE_OWN: Final = frozenset({"text", "duration", "is_expanded"})
_SCENE_PLACE: Final = frozenset({"scene_number", "start_time"})
_LAYER_FIELDS: Final = (
    "scene_id",
    "type",
    "name",
    "enabled",
    "duration",
    "start_time",
    "end_time",
    "order_index",
    "properties",
)
_LAYER_OWN: Final = frozenset(_LAYER_FIELDS) - {"order_index"}


def scenes_shown(changes: Changes) -> list[str]:
    """The ids of the scenes that the events of these changes will show as a whole."""
    return [
        scene
        for scene in changes.scenes
        if scene in changes.created or changes.changed[scene] & _SCENE_OWN
    ]


def show_layer(row: LayerRow) -> dict[str, Any]:
    """A layer as the REST API shows it."""
    return {"id": row.id, **{name: getattr(row, name) for name in _LAYER_FIELDS}}


def events_of(
    video_id: UUID,
    seq: int,
    changes: Changes,
    scenes: Mapping[str, Mapping[str, Any]],
    layers: Mapping[str, Mapping[str, Any]],
) -> list[Event]:
    """The events that tell of changes, in an order in which each makes sense.

    Args:
        video_id: the video.
        seq: what the tables show.
        changes: what changed.
        scenes: of `scenes_shown`, those that are still there, as the REST API shows them.
        layers: all layers that changed, likewise.
    """
    told = {"video_id": str(video_id), "seq": seq}
    events = [
        *_scenes(changes, scenes),
        *_places(changes),
        *_layers(changes, layers),
        *_orders(changes),
        *_removals(changes),
    ]
    return [(name, {**told, **payload}) for name, payload in events]


def _scenes(changes: Changes, scenes: Mapping[str, Mapping[str, Any]]) -> Iterator[Event]:
    for id_, scene in sorted(scenes.items(), key=lambda item: item[1]["scene_number"]):
        name = "scene:created" if id_ in changes.created else "scene:updated"
        changed = {field: scene[field] for field in _SCENE_FIELDS if field in changes.changed[id_]}
        payload = {"scene_id": id_, "scene": scene, "changes": changed}
        yield name, {**payload, "by": changes.authors.get(id_) or None}


def _places(changes: Changes) -> Iterator[Event]:
    """Where the scenes stand now that others were moved, came, went or changed their length."""
    moved = [
        row
        for id_, row in changes.scenes.items()
        if id_ not in changes.created and changes.changed[id_] & _SCENE_PLACE
    ]
    if moved:
        orders = [
            {
                "scene_id": row.id,
                "scene_number": row.scene_number,
                "start_time": row.start_time,
                "end_time": row.end_time,
            }
            for row in sorted(moved, key=lambda row: row.scene_number)
        ]
        by = changes.authors.get(moved[0].id) or None
        yield "scenes:reordered", {"scene_orders": orders, "by": by}


def _layers(changes: Changes, layers: Mapping[str, Mapping[str, Any]]) -> Iterator[Event]:
    for id_, layer in layers.items():
        created = id_ in changes.created
        if not created and not changes.changed[id_] & _LAYER_OWN:
            continue
        changed = {field: layer[field] for field in _LAYER_FIELDS if field in changes.changed[id_]}
        yield (
            "layer:created" if created else "layer:updated",
            {
                "scene_id": layer["scene_id"],
                "layer_id": id_,
                "layer": layer,
                "changes": changed,
                "by": changes.authors.get(id_) or None,
            },
        )


def _orders(changes: Changes) -> Iterator[Event]:
    moved: dict[str, list[LayerRow]] = {}
    for id_, row in changes.layers.items():
        if id_ not in changes.created and "order_index" in changes.changed[id_]:
            moved.setdefault(row.scene_id, []).append(row)
    for scene, rows in moved.items():
        orders = [
            {"layer_id": row.id, "order_index": row.order_index}
            for row in sorted(rows, key=lambda row: row.order_index)
        ]
        by = changes.authors.get(rows[0].id) or None
        yield "layers:reordered", {"scene_id": scene, "layer_orders": orders, "by": by}


def _removals(changes: Changes) -> Iterator[Event]:
    for layer, scene in changes.removed_layers.items():
        by = changes.authors.get(layer) or None
        yield "layer:deleted", {"scene_id": scene, "layer_id": layer, "by": by}
    for scene in changes.removed_scenes:
        yield "scene:deleted", {"scene_id": scene, "by": changes.authors.get(scene) or None}
