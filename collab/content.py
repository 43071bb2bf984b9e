"""What an item of a Yjs update contains: checked and passed over, never kept.

What ends too early raises an `IndexError`, what is no UTF-8 a `UnicodeDecodeError`; everything else
that is wrong is a `MalformedUpdate`.
"""

from __future__ import annotations

import json
from typing import Any, Final, NoReturn

from collab.encoding import read_varuint
from collab.errors import MalformedUpdate

MAX_DEPTH: Final = 100
"""How deep JSON values may nest; decoders recurse, and a stack is finite."""

MAX_TYPE_REF: Final = 6
"""Array, Map, Text, XmlElement, XmlFragment, XmlHook, XmlText: the shared types of Yjs."""

_XML_NAMED: Final = (3, 5)


def refuse(what: str) -> NoReturn:
    """Say what is wrong with an update."""
    raise MalformedUpdate(what)


def skip_text(data: bytes, at: int) -> int:
    """Skip a text, which must be UTF-8; returns where it ends."""
    length, at = read_varuint(data, at)
    end = at + length
    if end > len(data):
        raise IndexError
    text = data[at:end]
    if not text.isascii():
        text.decode()
    return end


def _json(data: bytes, at: int) -> int:
    length, at = read_varuint(data, at)
    end = at + length
    if end > len(data):
        raise IndexError
    text = data[at:end].decode()
    if text == "undefined":
        return end
    try:
        value = json.loads(text, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        raise MalformedUpdate("a JSON value that is not JSON") from None
    _check_depth(value)
    return end


def _no_constant(name: str) -> NoReturn:
    raise ValueError(name)


def _check_depth(value: Any) -> None:
    level = [value]
    for _ in range(MAX_DEPTH):
        level = [
            inner
            for outer in level
            if isinstance(outer, dict | list)
            for inner in (outer.values() if isinstance(outer, dict) else outer)
        ]
        if not level:
            return
    refuse("a value that is nested too deep")


def skip_other(data: bytes, at: int, ref: int) -> tuple[int, int]:
    """Skip content of one of the rarer kinds; returns its length in clocks, and where it ends."""
    if ref == 1:
        return read_varuint(data, at)
    if ref == 7:
        kind, at = read_varuint(data, at)
        if kind > MAX_TYPE_REF:
            refuse("a shared type that Yjs does not know")
        if kind in _XML_NAMED:
            at = skip_text(data, at)
        return 1, at
    if ref == 3:
        length, at = read_varuint(data, at)
        if at + length > len(data):
            raise IndexError
        return 1, at + length
    if ref == 5:
        return 1, _json(data, at)
    if ref == 6:
        return 1, _json(data, skip_text(data, at))
    if ref == 2:
        length, at = read_varuint(data, at)
        if length > len(data) - at:
            refuse("more values than bytes")
        for _ in range(length):
            at = _json(data, at)
        return length, at
    if ref == 9:
        return 1, skip_any(data, skip_text(data, at))
    return refuse("content of a kind that Yjs does not know")


_ANY_PLAIN: Final = frozenset({127, 126, 121, 120})
_ANY_FIXED: Final = {124: 4, 123: 8, 122: 8}


def skip_any(data: bytes, at: int, depth: int = 0) -> int:
    """Skip one lib0 `any` value, inside of so many others; returns where it ends."""
    kind = data[at]
    at += 1
    if kind == 125:
        end = at
        while data[end] > 127:
            end += 1
        if end - at > 8:
            refuse("a number of more than 63 bits")
        return end + 1
    if kind == 119:
        return skip_text(data, at)
    if kind in _ANY_PLAIN:
        return at
    if kind in _ANY_FIXED:
        at += _ANY_FIXED[kind]
        if at > len(data):
            raise IndexError
        return at
    if kind == 116:
        length, at = read_varuint(data, at)
        if at + length > len(data):
            raise IndexError
        return at + length
    if kind not in (117, 118):
        refuse("a value of a kind that Yjs does not know")
    if depth == MAX_DEPTH:
        refuse("a value that is nested too deep")
    count, at = read_varuint(data, at)
    if count > len(data) - at:
        refuse("more values than bytes")
    for _ in range(count):
        if kind == 118:
            at = skip_text(data, at)
        at = skip_any(data, at, depth + 1)
    return at
