"""Texts that were written twice, on two nodes that did not know of each other.

A server's edit makes a shared text read as it is told to: what differs is deleted, and what is new
inserted. When two nodes do that to the same text, from the same request sent twice or from two, the
deletions are one, but each node's insertion stays: the text has it double. So who comes second into
the log looks whether the text has read, since the state that its edit was made for, what the edit
made it read; then the edit was done already, and what it inserted is deleted.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from pycrdt import Array, Doc, Map, Text

from collab.update import read_items, read_state_vector, read_update, write_deletes

ROOT: Final = "scenes"

Path = tuple[str | int, ...]
"""Where a shared text is: keys and indexes, from the map of the scenes."""


@dataclass(frozen=True, slots=True)
class TextWrite:
    """A shared text that an edit of the server made to read something.

    Attributes:
        path: where it is.
        text: what it read then.
        inserted: `(client, start, end)`: the clocks of what was inserted for it.
    """

    path: Path
    text: str
    inserted: tuple[tuple[int, int, int], ...]


def text_write(doc: Doc[Any], update: bytes, texts: Sequence[Path]) -> TextWrite | None:
    """The write of one shared text that an edit is; None if it is more or less than that.

    Args:
        doc: the document after it.
        update: the edit's.
        texts: the shared texts that it changed.
    """
    if len(texts) != 1 or read_update(update).types:
        return None
    text = _text_at(doc, texts[0])
    inserted = tuple(
        (item.client, item.clock, item.end) for item in read_items(update) if item.is_text
    )
    return TextWrite(texts[0], text, inserted) if inserted and text is not None else None


def retraction(
    writes: Iterable[TextWrite], before: Iterable[bytes], rows: Iterable[bytes]
) -> bytes | None:
    """The update that takes back those writes that others have done already.

    Args:
        writes: they were made for the same state.
        before: the updates that this state is made of.
        rows: what was stored after it, in order, and before the writes were.

    Returns:
        None if there are none. What is itself among the rows is not taken back.
    """
    doc: Doc[Any] = Doc()
    for update in before:
        doc.apply_update(update)
    left = list(writes)
    repeated: list[tuple[int, int, int]] = []
    for row in rows:
        doc.apply_update(row)
        known = read_state_vector(doc.get_state())
        left = [one for one in left if not _is_here(one, known)]
        for one in left:
            if _text_at(doc, one.path) == one.text:
                repeated.extend(one.inserted)
        left = [one for one in left if not set(one.inserted) <= set(repeated)]
    return write_deletes(repeated) if repeated else None


def _is_here(write: TextWrite, known: dict[int, int]) -> bool:
    return any(known.get(client, 0) >= end for client, _, end in write.inserted)


def _text_at(doc: Doc[Any], path: Path) -> str | None:
    at: Any = doc.get(ROOT, type=Map)
    for key in path:
        if isinstance(at, Map) and isinstance(key, str):
            at = at.get(key)
        elif isinstance(at, Array) and isinstance(key, int) and key < len(at):
            at = at[key]
        else:
            return None
    return str(at) if isinstance(at, Text) else None
