"""What an edit sees of a document, the scenes and layers that have rows, and how it writes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from pycrdt import Doc, Map, Text
from pycrdt._pycrdt import Map as RawMap

from collab.edits.texts import replace_text
from collab.errors import InvalidEdit, LayerNotFound, SceneNotFound
from collab.ordering import Sibling, sort_key
from collab.schema import DEFAULT_SCENE_SECONDS, MAX_SECONDS, MIN_SECONDS, is_id
from collab.values import (
    MISSING,
    Reader,
    Rules,
    encoded_size,
    read_number,
    read_order,
    read_property,
    read_type,
    same_json,
)

SHARED_TEXT_TYPES = frozenset({"text", "voiceover"})


@contextmanager
def look(doc: Doc[Any], rules: Rules) -> Iterator[Sight]:
    """See and change a document within one transaction."""
    with doc.transaction() as transaction:
        assert transaction._txn is not None
        yield Sight(doc, Reader(transaction._txn), rules)


class Sight:
    """The scenes and layers of a document as the projection chooses them.

    Args:
        doc: the document.
        reader: reads it, within the transaction that is open.
        rules: what is allowed.
    """

    def __init__(self, doc: Doc[Any], reader: Reader, rules: Rules) -> None:
        self._reader = reader
        self._rules = rules
        self.shared: Map[Any] = doc.get("scenes", type=Map)
        self._root: RawMap = self.shared.integrated
        self._scenes: list[Sibling] | None = None

    def scenes(self) -> list[Sibling]:
        """The scenes in order, as they were at the first look."""
        if self._scenes is None:
            self._scenes = self._in_order(self._root, self._rules.limits.scenes, layers=False)
        return self._scenes

    def scene(self, scene: str) -> Map[Any]:
        """One of the scenes.

        Raises:
            SceneNotFound: there is none with this id.
        """
        if all(item != scene for item, _ in self.scenes()):
            raise SceneNotFound
        found: Map[Any] = self.shared[scene]
        return found

    def duration(self, scene: str) -> float:
        """How long a scene is, in seconds."""
        value = self._reader.get(self._reader.get(self._root, scene), "duration")
        seconds, _ = read_number(value, MIN_SECONDS, MAX_SECONDS)
        return DEFAULT_SCENE_SECONDS if seconds is None else seconds

    def layers(self, scene: str) -> list[Sibling]:
        """The layers of a scene in order.

        Raises:
            SceneNotFound: there is no such scene.
        """
        before: list[RawMap] = []
        for item, _ in self.scenes():
            layers = self._layers(item)
            if item == scene:
                mine = [] if layers is None else self._in_order(layers, None, layers=True)
                claimed = [
                    sibling
                    for sibling in mine
                    if not any(self._is_layer(other, sibling[0]) for other in before)
                ]
                return claimed[: self._rules.limits.layers]
            if layers is not None:
                before.append(layers)
        raise SceneNotFound

    def holder(self, layer: str) -> str:
        """The scene that a layer is in.

        Raises:
            LayerNotFound: it is in none.
        """
        for scene, _ in self.scenes() if is_id(layer) else ():
            layers = self._layers(scene)
            if layers is not None and self._is_layer(layers, layer):
                if any(item == layer for item, _ in self.layers(scene)):
                    return scene
                break
        raise LayerNotFound

    def mentions(self, layer: str) -> list[Map[Any]]:
        """The layer maps, of all scenes, in which something stands under a layer's id."""
        return [
            self.shared[scene]["layers"]
            for scene in self._reader.keys(self._root)
            if (layers := self._layers(scene)) is not None and self._reader.has(layers, layer)
        ]

    def start(self, layer: Map[Any]) -> float:
        """When a layer starts, in seconds from the scene's start."""
        value = self._reader.get(layer.integrated, "start_time")
        seconds, _ = read_number(value, 0.0, MAX_SECONDS)
        return seconds or 0.0

    def merged(self, layer: Map[Any], changes: Mapping[str, Any]) -> dict[str, Any]:
        """Of changes to a layer's properties, those that make a difference.

        Raises:
            InvalidEdit: the properties would pass their limit.
        """
        before = self._properties(self._reader.get(layer.integrated, "properties"))
        news = {
            key: value
            for key, value in changes.items()
            if (key in before if value is None else not same_json(before.get(key, MISSING), value))
        }
        gone = {key for key, value in news.items() if value is None}
        after = {key: value for key, value in {**before, **news}.items() if key not in gone}
        check_size(self._rules, _shown(after), _shown(before))
        return news

    def _properties(self, raw: Any) -> dict[str, Any]:
        """What is there, `MISSING` for what is there but cannot be shown."""
        if isinstance(raw, RawMap):
            items = {key: self._reader.get(raw, key) for key in self._reader.keys(raw)}
        else:
            items = raw if isinstance(raw, dict) else {}
        return {
            key: read_property(self._reader, self._rules, key, value)[0]
            for key, value in items.items()
        }

    def _in_order(self, parent: RawMap, limit: int | None, *, layers: bool) -> list[Sibling]:
        found: list[Sibling] = []
        for item in self._reader.keys(parent):
            entry = self._reader.get(parent, item)
            if not is_id(item) or not isinstance(entry, RawMap):
                continue
            if layers and read_type(self._reader.get(entry, "type"))[0] is None:
                continue
            found.append((item, read_order(self._reader.get(entry, "order"))[0]))
        return sorted(found, key=lambda sibling: sort_key(sibling[1], sibling[0]))[:limit]

    def _layers(self, scene: str) -> RawMap | None:
        entry = self._reader.get(self._root, scene)
        layers = self._reader.get(entry, "layers") if isinstance(entry, RawMap) else None
        return layers if isinstance(layers, RawMap) else None

    def _is_layer(self, layers: RawMap, layer: str) -> bool:
        entry = self._reader.get(layers, layer)
        return (
            isinstance(entry, RawMap) and read_type(self._reader.get(entry, "type"))[0] is not None
        )


def _shown(properties: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in properties.items() if value is not MISSING}


def check_size(rules: Rules, after: dict[str, Any], before: dict[str, Any]) -> None:
    """That properties are within their limit, or at least not larger than before.

    Raises:
        InvalidEdit: they are not.
    """
    size = encoded_size(after)
    if size > rules.limits.properties_bytes and size > encoded_size(before):
        raise InvalidEdit(
            "properties", f"These must be at most {rules.limits.properties_bytes} bytes of JSON."
        )


def write(shared: Map[Any], fields: Mapping[str, Any]) -> None:
    """Set the fields of a map that have another value."""
    for name, value in fields.items():
        if name not in shared or not same_json(shared[name], value):
            shared[name] = value


def write_text(shared: Map[Any], name: str, text: str) -> None:
    """Make the shared text at a key read `text`; what else stands there gives way to one."""
    current = shared.get(name)
    if isinstance(current, Text):
        replace_text(current, text)
    elif current != text:
        shared[name] = Text(text)


def write_orders(shared: Map[Any], orders: Mapping[str, str]) -> None:
    """Give entries of a map new order keys."""
    for item, order in orders.items():
        write(shared[item], {"order": order})


def new_property(layer_type: str, key: str, value: Any) -> Any:
    """A property as a new one is written: a text that several people type in is shared."""
    return Text(value) if key == "text" and layer_type in SHARED_TEXT_TYPES else value
