"""Making a document read as another one did: rules V1 to V7 of SPEC.md."""

from __future__ import annotations

from collections.abc import Sequence
from math import isnan
from typing import Any, Final

from pycrdt import Array, Doc, Map, Text, XmlElement, XmlFragment, XmlText

from collab.edits.texts import replace_text
from collab.ports import Edit

ROOTS: Final = ("video", "scenes")

_OPAQUE: Final = (XmlElement, XmlFragment, XmlText, Doc)
"""What cannot be copied from one document to another, and is shown nowhere (J9)."""

Chunk = tuple[Any, dict[str, Any]]


def restore(version: Doc[Any]) -> Edit:
    """Give the video and its scenes the content that they have in another document.

    Whatever is in both stays the same shared type, changed only where it differs, so that what
    somebody types in it at the same time keeps its place.

    Args:
        version: the document to read; it is not changed.
    """

    def edit(doc: Doc[Any]) -> None:
        with version.transaction(), doc.transaction():
            for root in ROOTS:
                _restore_map(doc.get(root, type=Map), version.get(root, type=Map))

    return edit


def _restore_map(current: Map[Any], wanted: Map[Any]) -> None:
    keys = set(wanted.keys())
    for key in sorted(set(current.keys()) - keys):
        del current[key]
    for key in sorted(keys):
        value = wanted[key]
        if key in current and _restored(current[key], value):
            continue
        if isinstance(value, _OPAQUE):
            if key in current:
                del current[key]
            continue
        current[key] = _begin(value)
        _restored(current[key], value)


def _restored(current: Any, wanted: Any) -> bool:
    """Make a value in its place read as another one; False if it has to be replaced."""
    if isinstance(wanted, _OPAQUE):
        return isinstance(current, _OPAQUE)
    if isinstance(wanted, Map) and isinstance(current, Map):
        _restore_map(current, wanted)
    elif isinstance(wanted, Text) and isinstance(current, Text):
        _restore_text(current, wanted)
    elif isinstance(wanted, Array) and isinstance(current, Array):
        _restore_array(current, wanted)
    else:
        return not _is_shared(current) and not _is_shared(wanted) and _same(current, wanted)
    return True


def _begin(wanted: Any) -> Any:
    """What to put in place of a value: shared types are filled once they are there."""
    if isinstance(wanted, Map):
        return Map()
    if isinstance(wanted, Text):
        return Text()
    if isinstance(wanted, Array):
        return Array()
    return None if isinstance(wanted, _OPAQUE) else _writable(wanted)


def _writable(value: Any) -> Any:
    """A plain value as pycrdt takes it: it gives bytes as bytearrays, and drops those."""
    if isinstance(value, bytearray):
        return bytes(value)
    if isinstance(value, dict):
        return {key: _writable(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_writable(inner) for inner in value]
    return value


def _restore_text(current: Text, wanted: Text) -> None:
    old, new = _chunks(current), _chunks(wanted)
    if all(isinstance(chunk, str) and not formats for chunk, formats in (*old, *new)):
        replace_text(current, "".join(chunk for chunk, _ in new))
    elif not _same(old, new):
        current.clear()
        for chunk, formats in new:
            if isinstance(chunk, str):
                current.insert(len(current), chunk, formats)
            elif chunk is not None:
                current.insert_embed(len(current), chunk, formats)


def _chunks(text: Text) -> list[Chunk]:
    return [(None if _is_shared(chunk) else chunk, formats or {}) for chunk, formats in text.diff()]


def _restore_array(current: Array[Any], wanted: Array[Any]) -> None:
    old, new = list(current), list(wanted)
    shorter = min(len(old), len(new))
    head = 0
    while head < shorter and _alike(old[head], new[head]):
        head += 1
    tail = 0
    while tail < shorter - head and _alike(old[-1 - tail], new[-1 - tail]):
        tail += 1
    in_place = head
    if len(old) == len(new):
        while in_place < len(new) - tail and _restored(current[in_place], new[in_place]):
            in_place += 1
    if in_place < len(old) - tail:
        del current[in_place : len(old) - tail]
    for index in range(in_place, len(new) - tail):
        current.insert(index, _begin(new[index]))
        _restored(current[index], new[index])


def _alike(one: Any, other: Any) -> bool:
    """Whether two values, shared or not, read the same."""
    if isinstance(one, Map) and isinstance(other, Map):
        return set(one.keys()) == set(other.keys()) and all(
            _alike(one[key], other[key])
            for key in one.keys()  # noqa: SIM118
        )
    if isinstance(one, Array) and isinstance(other, Array):
        return len(one) == len(other) and all(map(_alike, one, other))
    if isinstance(one, Text) and isinstance(other, Text):
        return _same(_chunks(one), _chunks(other))
    if _is_shared(one) or _is_shared(other):
        return isinstance(one, _OPAQUE) and isinstance(other, _OPAQUE)
    return _same(one, other)


def _is_shared(value: Any) -> bool:
    return isinstance(value, (Map, Array, Text, *_OPAQUE))


def _same(one: Any, other: Any) -> bool:
    """Whether two plain values are the same; unlike `==`, which takes True for 1 and NaN for
    something else than NaN."""
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(
            _same(value, other[key]) for key, value in one.items()
        )
    if isinstance(one, list | tuple) and isinstance(other, list | tuple):
        return _all_same(one, other)
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    if isinstance(one, float) and isinstance(other, float) and isnan(one):
        return isnan(other)
    return bool(one == other)


def _all_same(one: Sequence[Any], other: Sequence[Any]) -> bool:
    return len(one) == len(other) and all(map(_same, one, other))
