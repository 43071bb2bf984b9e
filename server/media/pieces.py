"""A scene's frames in pieces: what is drawn once and repeated, and what is drawn frame by frame."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from math import lcm
from typing import Final

from server.media.looks import Look
from server.media.model import FPS
from server.media.motion import Motion

_STILL_GOPS: Final = ((10 * FPS, FPS), (60 * FPS, 2 * FPS), (sys.maxsize, 10 * FPS))
"""Of a still that lasts up to the first number of frames, the second is encoded: a key frame costs
as much as dozens of repeated pictures, in the file though not in the work."""
_LONGEST_LOOP: Final = 4 * FPS
_LARGE: Final = ("kenBurns", "play", "fadeFrom", "fadeTo")


@dataclass(frozen=True, slots=True)
class Item:
    """One layer as it is seen: frames `first` to `end` (exclusive) of its scene.

    `asset` names the content of its file, or of what stands in for it; it is empty for what needs
    none. The layer's id and label are not seen, and not in the item's `repr`.
    """

    layer_id: str = field(repr=False)
    type: str
    first: int
    end: int
    look: Look
    motions: tuple[Motion, ...]
    asset: str = ""
    label: str = field(default="", repr=False)

    def moves_in(self, first: int, end: int) -> list[Motion]:
        """The movements that touch the frames `first` to `end`."""
        return [motion for motion in self.motions if motion.first < end and motion.end > first]


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of frames, of which `drawn` are drawn and the rest repeats them.

    Attributes:
        first: its first frame, in its scene.
        count: how many frames it lasts.
        drawn: how many are encoded; with `still` they are all the same picture.
        still: whether one picture stands for all.
        large: whether what moves is a whole picture, which takes longer to draw and to encode.
    """

    first: int
    count: int
    drawn: int
    still: bool
    large: bool = False


def pieces_of(items: Sequence[Item], begin: int, end: int) -> tuple[Piece, ...]:
    """Split the frames `begin` to `end` of a scene with these items into pieces."""
    cuts = {begin, end}
    for item in items:
        cuts |= {item.first, item.end}
        cuts |= {edge for motion in item.motions for edge in (motion.first, motion.end)}
    edges = sorted(cut for cut in cuts if begin <= cut <= end)
    pieces: list[Piece] = []
    for first, stop in pairwise(edges):
        piece = _piece(items, first, stop - first)
        before = pieces[-1] if pieces else None
        if before is not None and _all_drawn(before) and _all_drawn(piece):
            count = before.count + piece.count
            pieces[-1] = Piece(
                before.first, count, count, still=False, large=before.large or piece.large
            )
        else:
            pieces.append(piece)
    return tuple(pieces)


def _piece(items: Sequence[Item], first: int, count: int) -> Piece:
    moving = [
        motion
        for item in items
        if item.first < first + count and item.end > first
        for motion in item.moves_in(first, first + count)
    ]
    if not moving:
        gop = next(gop for longest, gop in _STILL_GOPS if count <= longest)
        return Piece(first, count, min(count, gop), still=True)
    large = any(motion.kind in _LARGE for motion in moving)
    periods = [motion.period for motion in moving]
    if None not in periods:
        loop = lcm(*(period for period in periods if period is not None))
        if loop <= _LONGEST_LOOP and loop < count:
            return Piece(first, count, loop, still=False, large=large)
    return Piece(first, count, count, still=False, large=large)


def _all_drawn(piece: Piece) -> bool:
    # A short still between two movements is drawn with them: a key frame costs more.
    return piece.drawn == piece.count and (not piece.still or piece.count < 8)
