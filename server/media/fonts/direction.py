"""In which direction the parts of a line run, and so in what order they stand: the implicit rules
of the Unicode bidirectional algorithm (UAX 9); explicit embeddings are read as if not there."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from typing import Final

_MARKS: Final = ("NSM", "BN", "LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI", "")
_NEUTRAL: Final = ("B", "S", "WS", "ON")
_BRACKETS: Final = dict(zip("([{⟨（［｛「『【《", ")]}⟩）］｝」』】》", strict=True))  # noqa: RUF001


def is_right_to_left(text: str) -> bool:
    """Whether the first strong character of a text is written from right to left."""
    for character in text:
        direction = unicodedata.bidirectional(character)
        if direction in ("L", "R", "AL"):
            return direction != "L"
    return False


def levels(clusters: Sequence[str], rtl: bool) -> list[int]:
    """The embedding level of each cluster of a line: what is odd runs from right to left.

    Args:
        clusters: the line, in the order in which it is read.
        rtl: whether its paragraph runs from right to left.
    """
    base, edge = int(rtl), "R" if rtl else "L"
    kinds = [unicodedata.bidirectional(cluster[0]) for cluster in clusters]
    _resolve_numbers(kinds, edge)
    _resolve_brackets(clusters, kinds, edge)
    _resolve_neutrals(kinds, edge)
    return [_level(kind, base) for kind in kinds]


def visual_order(levels: Sequence[int]) -> list[int]:
    """The places of parts with these levels, from the left to the right (rule L2)."""
    order = list(range(len(levels)))
    for level in range(max(levels, default=0), 0, -1):
        begin = 0
        while begin < len(order):
            end = begin
            while end < len(order) and levels[order[end]] >= level:
                end += 1
            order[begin:end] = reversed(order[begin:end])
            begin = end + 1
    return order


def _level(kind: str, base: int) -> int:
    if kind == "L":
        return base + base % 2
    if kind == "R":
        return base + (base + 1) % 2
    return base + 2 - base % 2


def _resolve_numbers(kinds: list[str], edge: str) -> None:
    """Rules W1 to W7: afterwards each is L, R, EN, AN or neutral."""
    before = strong = edge
    for place, kind in enumerate(kinds):
        if kind in _MARKS:
            kinds[place] = before
        elif kind == "EN" and strong == "AL":
            kinds[place] = "AN"
        elif kind in ("L", "R", "AL"):
            strong = kind
        before = kinds[place]
    for place in range(1, len(kinds) - 1):
        sides = kinds[place - 1], kinds[place + 1]
        if sides[0] == sides[1] and (
            (kinds[place] == "CS" and sides[0] in ("EN", "AN"))
            or (kinds[place] == "ES" and sides[0] == "EN")
        ):
            kinds[place] = sides[0]
    for begin, end in _stretches(kinds, ("ET",)):
        if "EN" in (kinds[begin - 1 : begin] + kinds[end : end + 1]):
            kinds[begin:end] = ["EN"] * (end - begin)
    strong = edge
    for place, kind in enumerate(kinds):
        if kind in ("ES", "ET", "CS"):
            kinds[place] = "ON"
        elif kind == "AL":
            kinds[place] = strong = "R"
        elif kind in ("L", "R"):
            strong = kind
        elif kind == "EN" and strong == "L":
            kinds[place] = "L"


def _resolve_brackets(clusters: Sequence[str], kinds: list[str], edge: str) -> None:
    """Rule N0: a pair of brackets runs as the line if anything within does, else as what is within
    if that goes on from before."""
    opened: list[int] = []
    pairs = []
    for place, cluster in enumerate(clusters):
        if cluster in _BRACKETS:
            opened.append(place)
        while opened and cluster in _BRACKETS.values():
            begin = opened.pop()
            if _BRACKETS[clusters[begin]] == cluster:
                pairs.append((begin, place))
                break
    for begin, end in sorted(pairs):
        within = {_side(kind) for kind in kinds[begin + 1 : end] if kind not in _NEUTRAL}
        if not within:
            continue
        before = next((_side(k) for k in reversed(kinds[:begin]) if k not in _NEUTRAL), edge)
        kinds[begin] = kinds[end] = edge if edge in within else before


def _side(kind: str) -> str:
    return "L" if kind == "L" else "R"


def _resolve_neutrals(kinds: list[str], edge: str) -> None:
    """Rules N1 and N2: what is neutral runs as what stands on both sides, or as the line."""

    def side(place: int) -> str:
        return _side(kinds[place]) if 0 <= place < len(kinds) else edge

    for begin, end in _stretches(kinds, _NEUTRAL):
        before, after = side(begin - 1), side(end)
        kinds[begin:end] = [before if before == after else edge] * (end - begin)


def _stretches(kinds: Sequence[str], wanted: Sequence[str]) -> list[tuple[int, int]]:
    found: list[tuple[int, int]] = []
    for place, kind in enumerate(kinds):
        if kind not in wanted:
            continue
        if found and found[-1][1] == place:
            found[-1] = found[-1][0], place + 1
        else:
            found.append((place, place + 1))
    return found
