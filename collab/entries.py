"""Scenes and layers as they were last read from the document, each value by its rule.

An entry is kept while its place in the document holds a map, and reads again only what was
touched. Rows are made of entries by `collab.projection`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable
from functools import partial
from typing import Any, Final

from pycrdt._pycrdt import Map

from collab.ordering import Ranking, sort_key
from collab.schema import DEFAULT_SCENE_SECONDS, MAX_SECONDS, MIN_SECONDS, is_id
from collab.values import (
    MISSING,
    Reader,
    Rules,
    encoded_size,
    read_flag,
    read_name,
    read_number,
    read_order,
    read_property,
    read_text,
    read_type,
)

SCENE_FIELDS: Final = ("order", "text", "duration", "is_expanded")
LAYER_FIELDS: Final = ("type", "order", "name", "enabled", "start_time", "duration")


class Faults:
    """Which rules had to step in, by the place where; sums them up in a counter that is shared."""

    __slots__ = ("_noted", "_total")

    def __init__(self, total: Counter[str]) -> None:
        self._total = total
        self._noted: dict[str, tuple[str, ...]] = {}

    def note(self, place: str, rules: Iterable[str] | None = None) -> None:
        """Replace what was noted for a place."""
        if place in self._noted:
            for rule in self._noted.pop(place):
                self._total[rule] -= 1
                if not self._total[rule]:
                    del self._total[rule]
        noted = tuple(rules or ())
        if noted:
            self._noted[place] = noted
            self._total.update(noted)

    def forget(self, prefix: str = "") -> None:
        """Forget what was noted for the places that begin so."""
        for place in [place for place in self._noted if place.startswith(prefix)]:
            self.note(place)


class Properties:
    """The properties of a layer: all that could be read, and of these what is within the limit."""

    __slots__ = ("_limit", "_ranking", "_sizes", "_total", "_values")

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._values: dict[str, Any] = {}
        self._sizes: dict[str, int] = {}
        self._total = 1
        self._ranking: Ranking | None = None

    def put(self, key: str, value: Any) -> None:
        """Take over a value, `MISSING` for none."""
        self._total -= self._sizes.pop(key, 0)
        if self._ranking is not None and key in self._values:
            self._ranking.remove(key)
        self._values.pop(key, None)
        if value is MISSING:
            return
        # A member and its separators: `"key":value,`
        size = encoded_size(key) + encoded_size(value) + 2
        self._values[key] = value
        self._sizes[key] = size
        self._total += size
        if self._ranking is not None:
            self._ranking.place((size, key))

    def clear(self) -> None:
        """Take all out."""
        self._values.clear()
        self._sizes.clear()
        self._total = 1
        self._ranking = None

    def shown(self) -> tuple[dict[str, Any], int]:
        """What is within the limit, the smallest first taken, and how many are left out."""
        if self._total <= self._limit:
            self._ranking = None
            return {key: self._values[key] for key in sorted(self._values)}, 0
        if self._ranking is None:
            self._ranking = Ranking()
            self._ranking.fill((size, key) for key, size in self._sizes.items())
        total = 1
        within: list[str] = []
        for key in self._ranking:
            total += self._sizes[key]
            if total > self._limit:
                break
            within.append(key)
        left_out = len(self._values) - len(within)
        return {key: self._values[key] for key in sorted(within)}, left_out


class LayerEntry:
    """A layer as it stands in the document.

    Attributes:
        type: its type; None if it has none that is known, and then it has no row.
        name: None for the default.
        duration: in seconds; None for the scene's.
        start_time: in seconds.
        order: a good order key, or None.
        properties: JSON values; not to be changed, since rows share it.
    """

    __slots__ = (
        "_all",
        "_faults",
        "_rules",
        "duration",
        "enabled",
        "name",
        "order",
        "properties",
        "start_time",
        "type",
    )

    def __init__(self, rules: Rules, total: Counter[str]) -> None:
        self._rules = rules
        self._faults = Faults(total)
        self._all = Properties(rules.limits.properties_bytes)
        self.type: str | None = None
        self.name: str | None = None
        self.enabled = True
        self.start_time = 0.0
        self.duration: float | None = None
        self.order: str | None = None
        self.properties: dict[str, Any] = {}

    def read(self, reader: Reader, shared: Map, names: Collection[str]) -> None:
        """Read the named fields; `properties.<key>` is one property, other names are ignored."""
        keys: set[str] = set()
        for name in names:
            if name in LAYER_FIELDS:
                rule = self._read_field(reader, name, reader.get(shared, name))
                self._faults.note(name, rule and (rule,))
            elif name.startswith("properties."):
                keys.add(name[len("properties.") :])
        if "properties" in names:
            self._read_properties(reader, reader.get(shared, "properties"), None)
        elif keys:
            self._read_properties(reader, reader.get(shared, "properties"), keys)

    def read_all(self, reader: Reader, shared: Map) -> None:
        """Read everything."""
        self.read(reader, shared, (*LAYER_FIELDS, "properties"))

    def forget(self) -> None:
        """Take its faults out of the count: it is gone."""
        self._faults.forget()

    def _read_field(self, reader: Reader, name: str, value: Any) -> str | None:
        if name == "type":
            self.type, rule = read_type(value)
        elif name == "order":
            self.order, rule = read_order(value)
        elif name == "name":
            self.name, rule = read_name(value)
        elif name == "enabled":
            self.enabled, rule = read_flag(value, default=True)
        elif name == "start_time":
            start, rule = read_number(value, 0.0, MAX_SECONDS)
            self.start_time = start or 0.0
        else:
            self.duration, rule = read_number(value, MIN_SECONDS, MAX_SECONDS)
        return rule

    def _read_properties(self, reader: Reader, value: Any, keys: Collection[str] | None) -> None:
        get: Callable[[str], Any]
        if isinstance(value, Map):
            shared = value
            get = partial(reader.get, shared)
            rule = None
        else:
            keys = None
            plain: dict[str, Any] = value if isinstance(value, dict) else {}
            get = plain.__getitem__
            rule = None if plain is value else "missing" if value is MISSING else "field"
        self._faults.note("properties", rule and (rule,))
        if keys is None:
            self._all.clear()
            self._faults.forget("properties.")
            keys = reader.keys(value) if isinstance(value, Map) else plain
        for key in keys:
            json, rules = read_property(reader, self._rules, key, get(key))
            self._all.put(key, json)
            self._faults.note(f"properties.{key}", rules)
        self.properties, left_out = self._all.shown()
        self._faults.note("limit", ("properties",) * left_out)


class SceneEntry:
    """A scene as it stands in the document, with its layers.

    Attributes:
        text: the narration.
        duration: in seconds.
        is_expanded: whether editors show it opened.
        order: a good order key, or None.
        layers: its layers by id, those without a known type too.
        ranking: the ids of those with one, in order.
        faults: the rules that its own fields and entries needed.
    """

    __slots__ = (
        "_rules",
        "_total",
        "duration",
        "faults",
        "is_expanded",
        "layers",
        "order",
        "ranking",
        "text",
    )

    def __init__(self, rules: Rules, total: Counter[str]) -> None:
        self._rules = rules
        self._total = total
        self.faults = Faults(total)
        self.text = ""
        self.duration = DEFAULT_SCENE_SECONDS
        self.is_expanded = False
        self.order: str | None = None
        self.layers: dict[str, LayerEntry] = {}
        self.ranking = Ranking()

    def read(self, reader: Reader, shared: Map, names: Iterable[str]) -> None:
        """Read the named fields of the scene itself; other names are ignored."""
        for name in names:
            if name in SCENE_FIELDS:
                rule = self._read_field(reader, name, reader.get(shared, name))
                self.faults.note(name, rule and (rule,))

    def read_all(self, reader: Reader, shared: Map) -> None:
        """Read everything, the layers too."""
        self.read(reader, shared, SCENE_FIELDS)
        layers = reader.get(shared, "layers")
        if isinstance(layers, Map):
            for layer in reader.keys(layers):
                self.read_layer(reader, layers, layer, None)
        else:
            self.faults.note("layers", ("missing" if layers is MISSING else "field",))

    def read_layer(
        self, reader: Reader, layers: Map, layer: str, names: Collection[str] | None
    ) -> bool:
        """Read some fields of a layer, or everything (None).

        Returns:
            Whether more than fields changed: the layer came, went or has another place.
        """
        shared = reader.get(layers, layer)
        if not isinstance(shared, Map) or not is_id(layer):
            rule = "entry" if is_id(layer) else "id"
            self.faults.note(f"layers.{layer}", () if shared is MISSING else (rule,))
            return self._drop_layer(layer)
        entry = self.layers.get(layer)
        if entry is None:
            entry = self.layers[layer] = LayerEntry(self._rules, self._total)
            self.faults.note(f"layers.{layer}")
            names = None
        if names is None:
            entry.read_all(reader, shared)
        else:
            entry.read(reader, shared, names)
        if entry.type is None:
            return self._unrank(layer)
        return self.ranking.place(sort_key(entry.order, layer))

    def forget(self) -> None:
        """Take its faults, and its layers', out of the count: it is gone."""
        self.faults.forget()
        for layer in self.layers.values():
            layer.forget()

    def _drop_layer(self, layer: str) -> bool:
        entry = self.layers.pop(layer, None)
        if entry is not None:
            entry.forget()
        return self._unrank(layer)

    def _unrank(self, layer: str) -> bool:
        if layer not in self.ranking:
            return False
        self.ranking.remove(layer)
        return True

    def _read_field(self, reader: Reader, name: str, value: Any) -> str | None:
        if name == "order":
            self.order, rule = read_order(value)
        elif name == "text":
            text, rule = read_text(reader, value, self._rules.limits.text)
            self.text = text or ""
        elif name == "duration":
            duration, rule = read_number(value, MIN_SECONDS, MAX_SECONDS)
            self.duration = DEFAULT_SCENE_SECONDS if duration is None else duration
        else:
            self.is_expanded, rule = read_flag(value, default=False)
        return rule
