"""Edits of layers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from pycrdt import Doc, Map, Text

from collab.edits.checks import (
    check_choice,
    check_fields,
    check_flag,
    check_id,
    check_listed,
    check_position,
    check_properties,
    check_seconds,
    check_text,
)
from collab.edits.sight import (
    Sight,
    check_size,
    look,
    new_property,
    write,
    write_orders,
    write_text,
)
from collab.errors import Conflict, InvalidEdit, LayerNotFound
from collab.ordering import insert, move, reorder
from collab.ports import Edit
from collab.schema import LAYER_TYPES, MAX_NAME, MAX_SECONDS, MIN_SECONDS
from collab.values import Rules

FIELDS: Final = (
    "type",
    "name",
    "enabled",
    "start_time",
    "duration",
    "end_time",
    "order_index",
    "properties",
)
TOLERANCE: Final = 0.001
"""By how many seconds `duration` and `end_time - start_time` may differ."""


def create_layer(rules: Rules, scene: str, layer: str, given: Mapping[str, Any]) -> Edit:
    """Make a layer in a scene.

    Args:
        rules: what is allowed.
        scene: the scene's id.
        layer: the layer's id.
        given: `type` and any of the other `FIELDS`; without a duration it is the scene's.

    Raises:
        InvalidEdit: a value is out of range. The edit raises it too: the scene is full.
        SceneNotFound: raised by the edit: there is no such scene.
    """
    check_id("id", layer)
    if "type" not in given:
        raise InvalidEdit("type", "This is needed.")
    checked = _check(rules, given)
    made = {key: value for key, value in checked.get("properties", {}).items() if value is not None}
    check_size(rules, made, {})

    def edit(doc: Doc[Any]) -> None:
        with look(doc, rules) as sight:
            shared = sight.scene(scene)
            siblings = sight.layers(scene)
            if sight.mentions(layer):
                raise Conflict("There is a layer with this id already.")
            if len(siblings) >= rules.limits.layers:
                raise InvalidEdit("layers", f"A scene has at most {rules.limits.layers} layers.")
            times = _times(checked, 0.0)
            orders = insert(siblings, layer, checked.get("order_index"))
            order = orders.pop(layer)
            if not isinstance(shared.get("layers"), Map):
                shared["layers"] = Map()
            layers = shared["layers"]
            write_orders(layers, orders)
            kind = checked["type"]
            layers[layer] = Map(
                {
                    "order": order,
                    "type": kind,
                    "name": checked.get("name", kind.capitalize()),
                    "enabled": checked.get("enabled", True),
                    "start_time": times.get("start_time", 0.0),
                    "duration": times.get("duration", sight.duration(scene)),
                    "properties": Map(
                        {key: new_property(kind, key, value) for key, value in made.items()}
                    ),
                }
            )

    return edit


def update_layer(
    rules: Rules, layer: str, given: Mapping[str, Any], *, scene: str | None = None
) -> Edit:
    """Change the given fields of a layer.

    `properties` merge key by key, None takes one out. `end_time` stands for the duration that
    ends there; given with `duration`, they must agree within a millisecond.

    Args:
        rules: what is allowed.
        layer: the layer's id.
        given: any of `FIELDS`.
        scene: the scene that it must be in, if that matters.

    Returns:
        An edit whose value is the id of the scene that the layer is in.

    Raises:
        InvalidEdit: a value is out of range. The edit raises it too: the times do not agree, or
            the properties would pass their limit.
        LayerNotFound: raised by the edit: there is no such layer.
    """
    checked = _check(rules, given)
    fields = {name: checked[name] for name in checked if name in ("type", "name", "enabled")}

    def edit(doc: Doc[Any]) -> str:
        with look(doc, rules) as sight:
            holder, layers = _find(sight, layer, scene)
            shared = layers[layer]
            times = _times(checked, sight.start(shared))
            news = sight.merged(shared, checked.get("properties", {}))
            write(shared, {**fields, **times})
            _write_properties(shared, news)
            if "order_index" in checked:
                orders = move(sight.layers(holder), layer, checked["order_index"])
                write_orders(layers, orders)
            return holder

    return edit


def delete_layer(rules: Rules, layer: str, *, scene: str | None = None) -> Edit:
    """Delete a layer, wherever its id stands.

    Args:
        rules: what is allowed.
        layer: the layer's id.
        scene: the scene that it must be in, if that matters.

    Returns:
        An edit whose value is the id of the scene that the layer was in.

    Raises:
        LayerNotFound: raised by the edit: there is no such layer.
    """

    def edit(doc: Doc[Any]) -> str:
        with look(doc, rules) as sight:
            holder, _ = _find(sight, layer, scene)
            for layers in sight.mentions(layer):
                del layers[layer]
            return holder

    return edit


def reorder_layers(rules: Rules, scene: str, items: Sequence[tuple[str, int]]) -> Edit:
    """Let the listed layers of a scene take a new order among each other; the others keep their
    places.

    Args:
        rules: what is allowed.
        scene: the scene's id.
        items: ids and the `order_index`es that they shall have among each other; ties go by the
            order given.

    Raises:
        InvalidEdit: a layer is listed twice, or a position is out of range.
        SceneNotFound: raised by the edit: there is no such scene.
        LayerNotFound: raised by the edit: there is no such layer in the scene.
    """
    listed = check_listed("layer_orders", "order_index", items)

    def edit(doc: Doc[Any]) -> None:
        with look(doc, rules) as sight:
            siblings = sight.layers(scene)
            if not set(listed) <= {item for item, _ in siblings}:
                raise LayerNotFound
            if listed:
                write_orders(sight.shared[scene]["layers"], reorder(siblings, listed))

    return edit


def _find(sight: Sight, layer: str, scene: str | None) -> tuple[str, Map[Any]]:
    holder = sight.holder(layer)
    if scene is not None and holder != scene:
        raise LayerNotFound
    return holder, sight.shared[holder]["layers"]


def _write_properties(shared: Map[Any], news: Mapping[str, Any]) -> None:
    if not news:
        return
    current = shared.get("properties")
    if not isinstance(current, Map):
        shared["properties"] = Map(current if isinstance(current, dict) else {})
    properties = shared["properties"]
    for key, value in news.items():
        if value is None:
            del properties[key]
        elif key == "text" and isinstance(properties.get(key), Text):
            write_text(properties, key, value)
        else:
            properties[key] = new_property(shared["type"], key, value)


def _times(checked: Mapping[str, Any], start: float) -> dict[str, float]:
    """The `start_time` and `duration` to write; `start` is the start as it is."""
    times = {name: checked[name] for name in checked if name in ("start_time", "duration")}
    if "end_time" in checked:
        length = round(checked["end_time"] - times.get("start_time", start), 6)
        if not MIN_SECONDS <= length <= MAX_SECONDS:
            raise InvalidEdit("end_time", f"This must be after start_time by {MIN_SECONDS} s.")
        if abs(times.get("duration", length) - length) > TOLERANCE + 1e-9:
            raise InvalidEdit("end_time", "This must be start_time + duration.")
        times.setdefault("duration", length)
    return times


def _check(rules: Rules, given: Mapping[str, Any]) -> dict[str, Any]:
    check_fields(given, FIELDS)
    checked: dict[str, Any] = {}
    for field, value in given.items():
        if field == "type":
            checked[field] = check_choice(field, value, LAYER_TYPES)
        elif field == "name":
            checked[field] = check_text(field, value, MAX_NAME)
        elif field == "enabled":
            checked[field] = check_flag(field, value)
        elif field == "start_time":
            checked[field] = check_seconds(field, value, 0.0, MAX_SECONDS)
        elif field == "duration":
            checked[field] = check_seconds(field, value, MIN_SECONDS, MAX_SECONDS)
        elif field == "end_time":
            checked[field] = check_seconds(field, value, 0.0, 2 * MAX_SECONDS)
        elif field == "order_index":
            checked[field] = check_position(field, value)
        else:
            checked[field] = check_properties(rules, value)
    return checked
