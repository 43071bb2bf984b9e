"""One update for many: a document's snapshot and the log after it, made into its next snapshot."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import pycrdt
from pycrdt import Array, Doc, Map, Text, XmlElement, XmlFragment, XmlText

from collab.errors import MalformedUpdate
from collab.update import read_deletes, read_state_vector, read_update

_PROJECTED_ROOTS: Final = ("video", "scenes")


class Unreadable(Exception):
    """An update that cannot be applied; `index` is its place in the list, -1 for the state."""

    def __init__(self, index: int, reason: str) -> None:
        super().__init__(reason)
        self.index = index


class Incomplete(Exception):
    """The result would not hold all that went in."""


def squash(state: bytes | None, updates: Sequence[bytes]) -> bytes:
    """The state that a document has after these updates, as one update.

    It is read back before it is returned: it must bring all that went in (also what a library
    holds back until something missing arrives, and deletions of it), the same deletions, the same
    state vector and the same content as the document it was made from.

    Args:
        state: the snapshot; None for an empty document.
        updates: the log after it.

    Raises:
        Unreadable: an update cannot be applied.
        Incomplete: the result would lose something.
    """
    document: Doc[Any] = Doc()
    for index, update in enumerate([state or b"\0\0", *updates], -1):
        apply_stored(document, update, index)
    encoded = document.get_update()
    vector = document.get_state()
    known = _vector(vector)
    deleted = _deletes(encoded, vector)
    for index, update in enumerate(updates):
        _check_held(index, update, known, deleted)
    _check_same(document, encoded, vector, deleted)
    return encoded


def apply_stored(document: Doc[Any], update: bytes, index: int) -> None:
    """Apply an update that was stored.

    Raises:
        Unreadable: with this index; part of the update may have been applied.
    """
    try:
        document.apply_update(update)
    except BaseException as error:  # yrs panics with a BaseException of its own
        if isinstance(error, (KeyboardInterrupt, SystemExit, MemoryError)):
            raise
        raise Unreadable(index, f"{type(error).__name__}: {error}") from error


def _check_held(
    index: int, update: bytes, known: dict[int, int], deleted: dict[int, list[tuple[int, int]]]
) -> None:
    try:
        summary = read_update(update)
    except MalformedUpdate as error:
        raise Unreadable(index, str(error)) from error
    for client, _, end in summary.blocks:
        if end > known.get(client, 0):
            raise Incomplete(f"update {index} brings changes that wait for others")
    for client, start, end in summary.deletes:
        if not _covers(deleted.get(client, []), start, end):
            raise Incomplete(f"update {index} deletes what has not arrived")


def _check_same(
    document: Doc[Any],
    encoded: bytes,
    vector: bytes,
    deleted: dict[int, list[tuple[int, int]]],
) -> None:
    if _vector(pycrdt.get_state(encoded)) != _vector(vector):
        raise Incomplete("the encoded state leaves out changes")
    again: Doc[Any] = Doc()
    again.apply_update(encoded)
    if _vector(again.get_state()) != _vector(vector):
        raise Incomplete("the encoded state reads back with another state vector")
    if _deletes(again.get_update(), vector) != deleted:
        raise Incomplete("the encoded state reads back with other deletions")
    for root in _PROJECTED_ROOTS:
        if _content(document, root) != _content(again, root):
            raise Incomplete(f"the encoded state reads back with another {root!r}")


def _vector(vector: bytes) -> dict[int, int]:
    return {client: clock for client, clock in read_state_vector(vector).items() if clock}


def _deletes(update: bytes, vector: bytes) -> dict[int, list[tuple[int, int]]]:
    """What an update deletes, by client, as ranges that do not touch each other."""
    rest = pycrdt.get_update(update, vector)
    if rest[0] != 0:
        raise Incomplete("the encoded state has changes that the document does not count")
    ranges, _ = read_deletes(rest, 1)
    deletes: dict[int, list[tuple[int, int]]] = {}
    for client, start, end in sorted(ranges):
        known = deletes.setdefault(client, [])
        if known and start <= known[-1][1]:
            known[-1] = (known[-1][0], max(end, known[-1][1]))
        else:
            known.append((start, end))
    return deletes


def _covers(ranges: list[tuple[int, int]], start: int, end: int) -> bool:
    return any(first <= start and end <= last for first, last in ranges)


def _content(document: Doc[Any], root: str) -> Any:
    return _comparable(document.get(root, type=Map))


def _comparable(value: Any) -> Any:
    """What a document holds, in a form in which equal documents are equal."""
    if isinstance(value, Map):
        return {key: _comparable(value[key]) for key in value.keys()}  # noqa: SIM118
    if isinstance(value, Array):
        return [_comparable(item) for item in value]
    if isinstance(value, Text):
        return repr(value.diff())
    if isinstance(value, (XmlElement, XmlFragment, XmlText)):
        return str(value)
    if isinstance(value, dict):
        return {key: _comparable(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_comparable(item) for item in value]
    return repr(value) if isinstance(value, (str, bytes, float, int)) else type(value).__name__
