"""A document made anew from the rows that it once projected to, when nothing else is left of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from functools import partial
from typing import Any, Final

from pycrdt import Doc

from collab.edits import create_layer, create_scene, update_video
from collab.errors import CocutError
from collab.ports import Edit
from collab.schema import Changes
from collab.values import Rules

_LAYER_FIELDS: Final = ("type", "name", "enabled", "start_time", "duration", "properties")


def rebuild(client_id: int, rows: Changes, rules: Rules) -> tuple[bytes, list[str]]:
    """Make a document that projects to these rows, with the same ids in the same order.

    Args:
        client_id: the Yjs client id that makes it.
        rows: all rows of one video.
        rules: what is allowed.

    Returns:
        The document as one update, and what of the rows could not be taken, with the reason.
    """
    doc: Doc[Any] = Doc(client_id=client_id)
    lost: list[str] = []

    def add(what: str, make: Callable[[], Edit]) -> None:
        try:
            make()(doc)
        except CocutError as error:
            lost.append(f"{what} ({error})")

    if rows.video is not None:
        add("the title", partial(update_video, asdict(rows.video)))
    for scene in sorted(rows.scenes.values(), key=lambda row: row.scene_number):
        given = {name: getattr(scene, name) for name in ("text", "duration", "is_expanded")}
        add(f"scene {scene.id}", partial(create_scene, rules, scene.id, given))
    for layer in sorted(rows.layers.values(), key=lambda row: row.order_index):
        given = {name: getattr(layer, name) for name in _LAYER_FIELDS}
        add(f"layer {layer.id}", partial(create_layer, rules, layer.scene_id, layer.id, given))
    return doc.get_update(), lost
