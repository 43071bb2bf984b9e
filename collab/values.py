"""Values of the document: how they are read, and what becomes of those that are not as they should.

Rules J5 to J12 of SPEC.md. A function here that reads a value returns it together with the name
of the rule that changed it, or None.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection
from dataclasses import dataclass
from enum import Enum
from json.encoder import encode_basestring
from math import isfinite, isnan
from typing import Any, Final, Literal, TypeVar

from pycrdt._pycrdt import Array, Map, Text, Transaction

from collab.ordering import is_order_key
from collab.schema import LAYER_TYPES, MAX_NAME, DocumentLimits

RULE_NAMES: Final = (
    "missing",  # a field that is not there: its default
    "field",  # a field of the wrong kind: its default
    "number",  # not finite or out of range: the nearest allowed value
    "text",  # over the limit: cut
    "character",  # what cannot be stored: taken out
    "order",  # no or a malformed order key: after all good ones
    "id",  # not a canonical UUID: left out
    "entry",  # a scene or layer that is not a map: left out
    "type",  # a layer without a known type: left out
    "foreign",  # an id that belongs to another video: left out
    "duplicate",  # a layer id in a second scene: left out there
    "count",  # a scene or layer over the limit: left out
    "value",  # a property that is not JSON: left out
    "depth",  # nested too deep: left out
    "url",  # a link of another scheme: left out
    "properties",  # a property that is over the limit of bytes: left out
)
MAX_DEPTH: Final = 32
MAX_SHARED_ITEMS: Final = 4096
JS_SAFE: Final = 2**53


class Missing(Enum):
    """The type of `MISSING`."""

    MISSING = 0


MISSING: Final = Missing.MISSING
"""No value, where None would be one."""

Known = TypeVar("Known")
Read = tuple[Known, str | None]


@dataclass(frozen=True, slots=True)
class Rules:
    """What is allowed in a video.

    Attributes:
        limits: how much of everything.
        own_link: whether a URL is one of this server's own links.
    """

    limits: DocumentLimits
    own_link: Callable[[str], bool]

    def allows_link(self, url: str) -> bool:
        """Whether a `*_url` property may hold `url`."""
        return url[:8].lower().startswith(("http://", "https://")) or self.own_link(url)

    def allows(self, key: str, value: Any) -> bool:
        """Whether a property, or what is nested in one, may hold `value` under `key`."""
        if value is None or not is_link_key(key):
            return True
        return isinstance(value, str) and self.allows_link(value)


class Reader:
    """Reads the shared types of a document within one transaction.

    It works on what pycrdt's own wrappers wrap: reading through those takes five times as long.
    """

    __slots__ = ("_transaction",)

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction

    def get(self, shared: Map, key: str) -> Any:
        """The value at a key, `MISSING` if there is none."""
        try:
            return shared.get(self._transaction, key)
        except ValueError:
            return MISSING

    def keys(self, shared: Map) -> list[str]:
        """The keys of a map, sorted."""
        return sorted(shared.keys(self._transaction))  # type: ignore[attr-defined]

    def has(self, shared: Map, key: str) -> bool:
        """Whether a map has a key."""
        return bool(shared.has(self._transaction, key))

    def text(self, shared: Text) -> str:
        """A text without its formats and embedded objects."""
        return shared.get_string(self._transaction)

    def size(self, shared: Array | Map) -> int:
        """How many elements an array or a map has."""
        return shared.len(self._transaction)

    def item(self, shared: Array, index: int) -> Any:
        """An element of an array."""
        return shared.get(self._transaction, index)


def read_number(value: Any, low: float, high: float) -> Read[float | None]:
    """A number in a range, None if there is none."""
    if value is MISSING:
        return None, "missing"
    if isinstance(value, bool) or not isinstance(value, float | int):
        return None, "field"
    if isnan(value):
        return None, "number"
    if value < low:
        return low, "number"
    if value > high:
        return high, "number"
    return value + 0.0, None


def read_flag(value: Any, default: bool) -> Read[bool]:
    """True or false."""
    if isinstance(value, bool):
        return value, None
    return default, "missing" if value is MISSING else "field"


def read_text(reader: Reader, value: Any, limit: int) -> Read[str | None]:
    """A string or a shared text of at most so many characters, None if there is none."""
    if isinstance(value, Text):
        return cut(reader.text(value), limit)
    if isinstance(value, str):
        return cut(value, limit)
    return None, "missing" if value is MISSING else "field"


def read_name(value: Any) -> Read[str | None]:
    """A layer's name, None if there is none."""
    if isinstance(value, str):
        return cut(value, MAX_NAME)
    return None, "missing" if value is MISSING else "field"


def read_type(value: Any) -> Read[str | None]:
    """A layer's type, None if it is not a known one."""
    known = isinstance(value, str) and value in LAYER_TYPES
    return (value, None) if known else (None, "type")


def read_order(value: Any) -> Read[str | None]:
    """An order key, None if it is not a good one."""
    return (value, None) if is_order_key(value) else (None, "order")


def read_property(
    reader: Reader, rules: Rules, key: str, value: Any
) -> tuple[Any, Collection[str]]:
    """The JSON value of a property, `MISSING` if it is none or left out; and the rules applied."""
    if value is MISSING:
        return MISSING, ()
    if not is_storable(key):
        return MISSING, ("character",)
    if key == "text" and isinstance(value, Text | str):
        text, rule = read_text(reader, value, rules.limits.text)
        return text, () if rule is None else (rule,)
    json_reader = JsonReader(reader, rules)
    made = json_reader.linked(key, json_reader.read(value))
    return made, json_reader.rules


def is_link_key(key: str) -> bool:
    """Whether a property is to hold a URL."""
    return key.lower().endswith("_url")


def cut(text: str, limit: int) -> Read[str]:
    """A text that can be stored, of at most so many characters."""
    rule = None
    if not is_storable(text):
        text, rule = storable(text), "character"
    if len(text) > limit:
        text, rule = text[:limit], "text"
    return text, rule


def is_storable(text: str) -> bool:
    """Whether PostgreSQL can hold a text: no NUL, and no half of a surrogate pair."""
    # What is ASCII, as most is, need not be searched: that takes ten times as long.
    return "\0" not in text if text.isascii() else _NOT_STORABLE.search(text) is None


def storable(text: str) -> str:
    """A text without what PostgreSQL cannot hold."""
    return _NOT_STORABLE.sub("", text)


def encoded_size(value: Any) -> int:
    """The bytes of a JSON value, written compactly in UTF-8."""
    # What most properties are, without the encoder that json makes for each value.
    if isinstance(value, str):
        return len(encode_basestring(value).encode())
    kind = type(value)
    if kind is int or (kind is float and isfinite(value)):
        return len(repr(value))
    return len(_ENCODER.encode(value).encode())


def same_json(one: Any, other: Any) -> bool:
    """Whether two JSON values are the same; unlike `==`, which takes True for 1."""
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(
            same_json(value, other[key]) for key, value in one.items()
        )
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(same_json, one, other))
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    return bool(one == other)


class JsonReader:
    """Makes one JSON value of what a property holds.

    Whole numbers come as ints, numbers that are not finite as None; what is no JSON value is left
    out of an object and None in a list.

    Args:
        reader: reads shared types.
        allowed: what is allowed; for more JSON than a layer's properties may be there is no room.

    Attributes:
        rules: the rules that changed or left out something.
    """

    __slots__ = ("_allowed", "_budget", "_reader", "rules")

    def __init__(self, reader: Reader, allowed: Rules) -> None:
        self._reader = reader
        self._allowed = allowed
        self._budget = allowed.limits.properties_bytes
        self.rules: set[str] = set()

    def read(self, value: Any) -> Any:
        """The JSON value, `MISSING` if there is none."""
        try:
            return self._read(value, 1)
        except OverflowError:
            self.rules.add("properties")
            return MISSING

    def linked(self, key: str, value: Any) -> Any:
        """The value of a key, `MISSING` if it should be a link and is none that is allowed."""
        if value is MISSING or self._allowed.allows(key, value):
            return value
        return self._left_out("url")

    def _spend(self, size: int) -> None:
        self._budget -= size
        if self._budget < 0:
            raise OverflowError

    def _read(self, value: Any, depth: int) -> Any:
        self._spend(1)
        if value is None or isinstance(value, bool | int):
            return value
        if isinstance(value, float):
            return self._number(value)
        if isinstance(value, str):
            return self._string(value)
        if isinstance(value, Text):
            return self._string(self._reader.text(value))
        if not isinstance(value, dict | list | Map | Array):
            return self._left_out("value")
        if depth > MAX_DEPTH:
            return self._left_out("depth")
        if isinstance(value, dict):
            return self._object(sorted(value), value.__getitem__, depth)
        if isinstance(value, Map):
            shared = value
            self._spend(self._reader.size(shared))
            return self._object(
                self._reader.keys(shared), lambda key: self._reader.get(shared, key), depth
            )
        if isinstance(value, list):
            return self._list(len(value), value.__getitem__, depth)
        array, size = value, self._reader.size(value)
        if size > MAX_SHARED_ITEMS:  # yrs finds each by counting from the first
            raise OverflowError
        return self._list(size, lambda index: self._reader.item(array, index), depth)

    def _left_out(self, rule: str) -> Literal[Missing.MISSING]:
        self.rules.add(rule)
        return MISSING

    def _number(self, value: float) -> float | int | None:
        if value.is_integer() and -JS_SAFE < value < JS_SAFE:
            return int(value)
        if isfinite(value):
            return value
        self.rules.add("number")
        return None

    def _string(self, value: str) -> str:
        self._spend(len(value))
        if is_storable(value):
            return value
        self.rules.add("character")
        return storable(value)

    def _object(self, keys: list[str], get: Callable[[str], Any], depth: int) -> dict[str, Any]:
        made: dict[str, Any] = {}
        for key in keys:
            self._spend(len(key))
            if not is_storable(key):
                self.rules.add("character")
                continue
            inner = self.linked(key, self._read(get(key), depth + 1))
            if inner is not MISSING:
                made[key] = inner
        return made

    def _list(self, size: int, get: Callable[[int], Any], depth: int) -> list[Any]:
        self._spend(size)
        made: list[Any] = []
        for index in range(size):
            inner = self._read(get(index), depth + 1)
            made.append(None if inner is MISSING else inner)
        return made


_NOT_STORABLE: Final = re.compile("[\0\ud800-\udfff]")
_ENCODER: Final = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":"))
