"""What of a layer moves, and where it is at a frame: pure functions of the frame number."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from server.media.model import FPS

TALK_PERIOD: Final = FPS
"""Frames after which a talking avatar's movement repeats."""
_SLIDE: Final = 0.12
"""How far a slide comes from, as a part of the picture's shorter side."""
_ZOOM: Final = 0.6
"""The size that zoomIn begins with."""


@dataclass(frozen=True, slots=True)
class Motion:
    """A movement over the frames `first` to `end` (exclusive) of its scene.

    Attributes:
        kind: an animation's name, or `play` (a video), `kenBurns`, `fade`.
        first: its first frame.
        end: the frame after its last.
        period: frames after which it repeats, None if it never does.
    """

    kind: str
    first: int
    end: int
    period: int | None = None


@dataclass(frozen=True, slots=True)
class Pose:
    """A layer at one frame.

    Attributes:
        alpha: 0 to 1.
        dx: shift to the right, in parts of the picture's shorter side.
        dy: shift downwards, in the same unit.
        scale: factor on its size.
        reveal: the part of a text that is typed, 0 to 1.
        progress: how far a Ken Burns move is, 0 to 1.
    """

    alpha: float = 1.0
    dx: float = 0.0
    dy: float = 0.0
    scale: float = 1.0
    reveal: float = 1.0
    progress: float = 0.0


REST: Final = Pose()


def layer_motions(
    animations: Sequence[str],
    first: int,
    end: int,
    seconds: float,
    characters: int,
    talks: Sequence[tuple[int, int]],
) -> tuple[Motion, ...]:
    """The movements of a layer that is seen from `first` to `end`.

    Args:
        animations: names out of `looks.ANIMATIONS`.
        first: the layer's first frame.
        end: the frame after its last.
        seconds: how long an entrance or exit takes.
        characters: length of its text, for the typewriter.
        talks: frame ranges in which a talking avatar talks.
    """
    span = end - first
    step = max(1, min(round(seconds * FPS), span // 2 or 1))
    motions = []
    for kind in animations:
        if kind == "fadeOut":
            motions.append(Motion(kind, end - step, end))
        elif kind == "typewriter":
            wanted = math.ceil(characters * FPS / 18)
            motions.append(Motion(kind, first, first + max(1, min(wanted, span * 7 // 10))))
        elif kind == "talking":
            for begin, stop in talks:
                if max(first, begin) < min(end, stop):
                    motions.append(Motion(kind, max(first, begin), min(end, stop), TALK_PERIOD))
        elif kind != "kenBurns":
            motions.append(Motion(kind, first, first + step))
    return tuple(motions)


def pose(motions: Sequence[Motion], frame: int) -> Pose:
    """Where a layer with these movements is at `frame`."""
    alpha, dx, dy, scale, reveal, progress = 1.0, 0.0, 0.0, 1.0, 1.0, 0.0
    for motion in motions:
        # The first frame of an entrance already shows a little, the last one is at rest.
        part = (frame - motion.first + 1) / max(1, motion.end - motion.first)
        kind = motion.kind
        if kind == "kenBurns":
            progress = _smooth(min(max((frame - motion.first) / _last(motion), 0), 1))
        elif kind == "fadeOut":
            alpha *= 1 - min(max(part, 0), 1)
        elif kind == "talking":
            if motion.first <= frame < motion.end:
                turn = 2 * math.pi * ((frame - motion.first) % TALK_PERIOD) / TALK_PERIOD
                dy -= 0.006 * (1 - math.cos(2 * turn)) / 2
                scale *= 1 + 0.012 * (1 - math.cos(turn)) / 2
        elif part < 1:
            rest = 1 - _ease(max(part, 0))
            if kind == "typewriter":
                reveal = max(part, 0)
            elif kind == "fadeIn":
                alpha *= 1 - rest
            elif kind == "zoomIn":
                alpha *= 1 - rest
                scale *= 1 - (1 - _ZOOM) * rest
            elif kind.startswith("slide"):
                alpha *= 1 - rest
                dx += {"slideLeft": _SLIDE, "slideRight": -_SLIDE}.get(kind, 0) * rest
                dy += {"slideUp": _SLIDE, "slideDown": -_SLIDE}.get(kind, 0) * rest
    return Pose(alpha, dx, dy, scale, reveal, progress)


def _last(motion: Motion) -> int:
    return max(1, motion.end - motion.first - 1)


def _ease(part: float) -> float:
    return float(1 - (1 - part) ** 3)


def _smooth(part: float) -> float:
    # A slow start and end; linear between, so that a long move keeps its speed.
    edge = 0.1
    if part < edge:
        return part * part / (2 * edge * (1 - edge))
    if part > 1 - edge:
        return 1 - (1 - part) ** 2 / (2 * edge * (1 - edge))
    return (part - edge / 2) / (1 - edge)
