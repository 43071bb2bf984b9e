"""Edits of scenes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from pycrdt import Doc, Map, Text

from collab.edits.checks import (
    check_fields,
    check_flag,
    check_id,
    check_listed,
    check_position,
    check_seconds,
    check_text,
)
from collab.edits.sight import look, write, write_orders, write_text
from collab.errors import Conflict, InvalidEdit, SceneNotFound
from collab.ordering import insert, move, reorder
from collab.ports import Edit
from collab.schema import DEFAULT_SCENE_SECONDS, MAX_SECONDS, MIN_SECONDS
from collab.values import Rules

FIELDS: Final = ("text", "duration", "is_expanded", "scene_number")


def create_scene(rules: Rules, scene: str, given: Mapping[str, Any]) -> Edit:
    """Make a scene.

    Args:
        rules: what is allowed.
        scene: its id.
        given: any of `text`, `duration`, `is_expanded`, `scene_number`.

    Raises:
        InvalidEdit: a value is out of range. The edit raises it too: the video is full.
    """
    check_id("id", scene)
    checked = _check(rules, given)

    def edit(doc: Doc[Any]) -> None:
        with look(doc, rules) as sight:
            if scene in sight.shared:
                raise Conflict("There is a scene with this id already.")
            siblings = sight.scenes()
            if len(siblings) >= rules.limits.scenes:
                raise InvalidEdit("scenes", f"A video has at most {rules.limits.scenes} scenes.")
            orders = insert(siblings, scene, checked.get("scene_number"))
            order = orders.pop(scene)
            write_orders(sight.shared, orders)
            sight.shared[scene] = Map(
                {
                    "order": order,
                    "text": Text(checked.get("text", "")),
                    "duration": checked.get("duration", DEFAULT_SCENE_SECONDS),
                    "is_expanded": checked.get("is_expanded", False),
                    "layers": Map(),
                }
            )

    return edit


def update_scene(rules: Rules, scene: str, given: Mapping[str, Any]) -> Edit:
    """Change the given fields of a scene.

    Raises:
        InvalidEdit: a value is out of range.
        SceneNotFound: raised by the edit: there is no such scene.
    """
    checked = _check(rules, given)
    fields = {name: checked[name] for name in checked if name in ("duration", "is_expanded")}

    def edit(doc: Doc[Any]) -> None:
        with look(doc, rules) as sight:
            shared = sight.scene(scene)
            write(shared, fields)
            if "text" in checked:
                write_text(shared, "text", checked["text"])
            if "scene_number" in checked:
                orders = move(sight.scenes(), scene, checked["scene_number"])
                write_orders(sight.shared, orders)

    return edit


def delete_scene(rules: Rules, scene: str) -> Edit:
    """Delete a scene and what is in it.

    Raises:
        SceneNotFound: raised by the edit: there is no such scene.
    """

    def edit(doc: Doc[Any]) -> None:
        with look(doc, rules) as sight:
            sight.scene(scene)
            del sight.shared[scene]

    return edit


def reorder_scenes(rules: Rules, items: Sequence[tuple[str, int]]) -> Edit:
    """Let the listed scenes take a new order among each other; the others keep their places.

    Args:
        rules: what is allowed.
        items: ids and the `scene_number`s that they shall have among each other; ties go by the
            order given.

    Raises:
        InvalidEdit: a scene is listed twice, or a number is out of range.
        SceneNotFound: raised by the edit: there is no such scene.
    """
    listed = check_listed("scene_orders", "scene_number", items)

    def edit(doc: Doc[Any]) -> None:
        with look(doc, rules) as sight:
            siblings = sight.scenes()
            if not set(listed) <= {item for item, _ in siblings}:
                raise SceneNotFound
            write_orders(sight.shared, reorder(siblings, listed))

    return edit


def _check(rules: Rules, given: Mapping[str, Any]) -> dict[str, Any]:
    check_fields(given, FIELDS)
    checked: dict[str, Any] = {}
    for field, value in given.items():
        if field == "text":
            checked[field] = check_text(field, value, rules.limits.text)
        elif field == "duration":
            checked[field] = check_seconds(field, value, MIN_SECONDS, MAX_SECONDS)
        elif field == "is_expanded":
            checked[field] = check_flag(field, value)
        else:
            checked[field] = check_position(field, value)
    return checked
