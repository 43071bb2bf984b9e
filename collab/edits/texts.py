"""Replacing a shared text by changing only what differs."""

from __future__ import annotations

import re
from difflib import SequenceMatcher
from typing import Any, Final

from pycrdt import Text

Difference = tuple[int, int, str]
"""Characters [start, stop) of the old text, and what stands there in the new one."""

MAX_COMPARISONS: Final = 20_000

_TOKEN: Final = re.compile(r"\w+\s*|[^\w\s]+\s*|\s+")


def replace_text(text: Text, new: str) -> None:
    """Make a shared text read `new`, so that what others type elsewhere in it stays."""
    chunks = text.diff()
    old = "".join(chunk for chunk, _ in chunks if isinstance(chunk, str))
    found = differences(old, new)
    if not found:
        return
    starts = _offsets(chunks)
    if starts[-1] != len(text):  # an embedded string, which looks like text
        text.clear()
        text.insert(0, new)
        return
    for start, stop, inserted in reversed(found):
        at = starts[start]
        if stop > start:
            # Up to the end of the last character: what is embedded after it stays.
            del text[at : starts[stop - 1] + len(old[stop - 1].encode())]
        if inserted:
            text.insert(at, inserted)


def differences(old: str, new: str) -> list[Difference]:
    """Where two texts differ, in order: by words if they are short, and by characters within."""
    start, stop, inserted = _trim(0, old, new)
    if start == stop and not inserted:
        return []
    one = _TOKEN.findall(old[start:stop])
    other = _TOKEN.findall(inserted)
    if len(one) * len(other) > MAX_COMPARISONS:
        return [(start, stop, inserted)]
    found: list[Difference] = []
    at = start
    token = 0
    for tag, low, high, new_low, new_high in SequenceMatcher(
        None, one, other, autojunk=False
    ).get_opcodes():
        assert low == token
        before = "".join(one[low:high])
        if tag != "equal":
            found.append(_trim(at, before, "".join(other[new_low:new_high])))
        at += len(before)
        token = high
    return found


def _trim(at: int, old: str, new: str) -> Difference:
    """What differs between two texts but for their common start and end; `old` begins at `at`."""
    shorter = min(len(old), len(new))
    head = 0
    while head < shorter and old[head] == new[head]:
        head += 1
    tail = 0
    while tail < shorter - head and old[-1 - tail] == new[-1 - tail]:
        tail += 1
    return at + head, at + len(old) - tail, new[head : len(new) - tail]


def _offsets(chunks: list[tuple[Any, dict[str, Any] | None]]) -> list[int]:
    """Where each character begins as pycrdt counts, and where the text ends.

    pycrdt counts the bytes of a text in UTF-8, and one for each embedded object.
    """
    starts: list[int] = []
    offset = 0
    for chunk, _ in chunks:
        if not isinstance(chunk, str):
            offset += 1
            continue
        for char in chunk:
            starts.append(offset)
            offset += len(char.encode())
    return [*starts, offset]
