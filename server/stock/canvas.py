"""The canvas of the stock pictures: `server.media.canvas` in their size."""

from __future__ import annotations

from typing import Final

from server.media.canvas import Canvas, Mask, Picture, colour, over, ramp

__all__ = [
    "HEIGHT",
    "WIDTH",
    "Mask",
    "Picture",
    "below",
    "clouds",
    "colour",
    "disc",
    "glow",
    "grained",
    "over",
    "painted",
    "places",
    "ramp",
    "ridge",
    "shapes",
]

WIDTH: Final = 1920
HEIGHT: Final = 1080

_CANVAS: Final = Canvas(WIDTH, HEIGHT)

clouds = _CANVAS.clouds
ridge = _CANVAS.ridge
below = _CANVAS.below
glow = _CANVAS.glow
disc = _CANVAS.disc
shapes = _CANVAS.shapes
painted = _CANVAS.painted
grained = _CANVAS.grained


def places() -> tuple[Mask, Mask]:
    """The place of each point; see `Canvas.places`."""
    return _CANVAS.places
