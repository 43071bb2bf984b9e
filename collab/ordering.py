"""Order keys: base-62 fractional indexes, and the fewest new ones that give a wanted order.

The scheme is that of the npm and PyPI packages `fractional-indexing`. Keys are compared as bytes,
ties by id. Rules O1 to O7 of SPEC.md.
"""

from __future__ import annotations

import re
from bisect import bisect_left, insort
from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import Any, Final

from fractional_indexing import FIError, generate_n_keys_between, validate_order_key

MAX_KEY: Final = 255
LONG_KEY: Final = 48
UNORDERED: Final = "~"
"""What stands for a missing or malformed key in rows: as bytes it sorts after every good one."""

SortKey = tuple[str, str]
RankKey = tuple[Any, str]
Sibling = tuple[str, str | None]
"""The id of one of several siblings, and its order key, None if it has no good one."""

_WELL_FORMED: Final = re.compile(r"[A-Za-z][0-9A-Za-z]+")


def is_order_key(value: object) -> bool:
    """Whether `value` is an order key of the scheme, of at most `MAX_KEY` characters."""
    if not isinstance(value, str) or len(value) > MAX_KEY or not _WELL_FORMED.fullmatch(value):
        return False
    try:
        validate_order_key(value)
    except FIError:
        return False
    return True


def sort_key(order: str | None, item: str) -> SortKey:
    """What siblings are sorted by: good keys as bytes, then those without one; ties by id.

    Args:
        order: a good order key, or None.
        item: the sibling's id.
    """
    return (UNORDERED if order is None else order, item)


def keys_between(after: str | None, before: str | None, count: int) -> list[str]:
    """Several new keys in order between two good ones; None stands for the start and the end.

    Raises:
        ValueError: there is no room: the scheme ends here, or the keys would be too long.
    """
    try:
        keys: list[str] = generate_n_keys_between(after, before, count)
    except FIError as error:
        raise ValueError(str(error)) from None
    if not all(map(is_order_key, keys)):
        raise ValueError("there is no room for a key of the scheme")
    return keys


def arrange(wanted: Sequence[Sibling], new: Collection[str] = frozenset()) -> dict[str, str]:
    """The keys that must be written so that siblings stand in a wanted order.

    As many siblings as possible keep what they have: a longest run that is in order already, and
    those without a good key at the very end. Where a key must go between equal ones, or where keys
    have grown long, neighbours get new keys as well.

    Args:
        wanted: the siblings in the wanted order.
        new: ids that have no place yet and must get a key.

    Returns:
        id -> new key; empty if the order is the wanted one.
    """
    end = _end_of_ordered(wanted, new)
    wanted = wanted[:end]
    kept = longest_run(wanted)
    if len(kept) == end:
        return {}
    reach = 1
    while True:
        written, stuck = _fill(wanted, kept)
        if not stuck:
            return written
        for start, stop in stuck:
            kept.difference_update(range(start - reach, stop + reach))
        reach *= 2


def insert(siblings: Sequence[Sibling], item: str, position: int | None) -> dict[str, str]:
    """The keys to write so that a new sibling stands at a position.

    Args:
        siblings: the siblings in their order, without the new one.
        item: the new one.
        position: 1 for the first place, larger ones are cut to the last; None for the last.

    Returns:
        id -> new key, with one for the new sibling.
    """
    at = len(siblings) if position is None else min(max(position - 1, 0), len(siblings))
    return arrange([*siblings[:at], (item, None), *siblings[at:]], {item})


def move(siblings: Sequence[Sibling], item: str, position: int) -> dict[str, str]:
    """The keys to write so that one of the siblings stands at a position, 1 for the first."""
    keys = dict(siblings)
    rest = [sibling for sibling in siblings if sibling[0] != item]
    at = min(max(position - 1, 0), len(rest))
    if siblings[at][0] == item:
        return {}
    return arrange([*rest[:at], (item, keys[item]), *rest[at:]])


def reorder(siblings: Sequence[Sibling], listed: Sequence[str]) -> dict[str, str]:
    """The keys to write so that the listed siblings take the listed order among each other.

    Those not listed keep their places.

    Args:
        siblings: all siblings in their order.
        listed: ids of some of them, each once, in the wanted order.
    """
    keys = dict(siblings)
    moving = set(listed)
    queue = iter(listed)
    return arrange(
        [
            (wanted, keys[wanted])
            for item, _ in siblings
            for wanted in (next(queue) if item in moving else item,)
        ]
    )


class Ranking:
    """Ids sorted by a key of each; changing one costs the logarithm of how many there are.

    A key is a tuple that ends with the id.
    """

    def __init__(self) -> None:
        self._keys: dict[str, RankKey] = {}
        self._sorted: list[RankKey] = []

    def __len__(self) -> int:
        return len(self._sorted)

    def __contains__(self, item: str) -> bool:
        return item in self._keys

    def __iter__(self) -> Iterator[str]:
        """The ids, in order."""
        return (item for _, item in self._sorted)

    def fill(self, keys: Iterable[RankKey]) -> None:
        """Take over many at once, in place of what is there."""
        self._sorted = sorted(keys)
        self._keys = {key[1]: key for key in self._sorted}

    def place(self, key: RankKey) -> bool:
        """Put the id of `key` at its place; says whether that is another one than before."""
        before = self._keys.get(key[1])
        if before == key:
            return False
        if before is not None:
            self._take_out(before)
        self._keys[key[1]] = key
        insort(self._sorted, key)
        return True

    def remove(self, item: str) -> None:
        """Take an id out."""
        self._take_out(self._keys.pop(item))

    def _take_out(self, key: RankKey) -> None:
        del self._sorted[bisect_left(self._sorted, key)]


def _end_of_ordered(wanted: Sequence[Sibling], new: Collection[str]) -> int:
    """Where the tail begins that stays as it is: without good keys, sorted by id."""
    end = len(wanted)
    follower: str | None = None
    while end:
        item, order = wanted[end - 1]
        if order is not None or item in new or (follower is not None and item >= follower):
            break
        follower = item
        end -= 1
    return end


def longest_run(wanted: Sequence[Sibling]) -> set[int]:
    """The positions of a longest subsequence that is in order by its keys as they are."""
    ends: list[SortKey] = []
    last: list[int] = []
    before: dict[int, int] = {}
    for position, (item, order) in enumerate(wanted):
        if order is None:
            continue
        key = (order, item)
        length = bisect_left(ends, key)
        if length:
            before[position] = last[length - 1]
        if length == len(ends):
            ends.append(key)
            last.append(position)
        else:
            ends[length] = key
            last[length] = position
    run: set[int] = set()
    at = last[-1] if last else None
    while at is not None:
        run.add(at)
        at = before.get(at)
    return run


def _fill(
    wanted: Sequence[Sibling], kept: set[int]
) -> tuple[dict[str, str], list[tuple[int, int]]]:
    """New keys for all that is not kept, and the gaps [start, stop) that have no room for them."""
    written: dict[str, str] = {}
    stuck: list[tuple[int, int]] = []
    start = 0
    for stop in [*sorted(kept), len(wanted)]:
        if stop > start:
            after = wanted[start - 1][1] if start else None
            before = wanted[stop][1] if stop < len(wanted) else None
            keys = _short_keys(after, before, stop - start)
            if keys is None:
                stuck.append((start, stop))
            else:
                written.update(zip((item for item, _ in wanted[start:stop]), keys, strict=True))
        start = stop + 1
    return written, stuck


def _short_keys(after: str | None, before: str | None, count: int) -> list[str] | None:
    try:
        keys = keys_between(after, before, count)
    except ValueError:
        return None
    if max(map(len, keys)) > LONG_KEY and (after, before) != (None, None):
        return None
    return keys
