"""From a prompt to a picture; the same one each time for the same words, style and size."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from typing import Final

import numpy as np
from PIL import Image

from server.media.canvas import Canvas, Mask, Picture, ramp
from server.media.images.drawing import nature, places, things
from server.media.images.drawing.abstracts import ABSTRACTS
from server.media.images.drawing.idea import Idea, idea_of
from server.media.images.drawing.light import LIGHTS, Light
from server.media.images.drawing.scene import Scene, weathered
from server.media.images.drawing.styles import STYLES, image_of, light_of

Composition = Callable[[Scene], Picture]

COMPOSITIONS: Final[Mapping[str, Composition]] = {
    "space": places.space,
    "city": places.city,
    "sea": nature.sea,
    "mountains": nature.mountains,
    "desert": nature.desert,
    "forest": nature.forest,
    "meadow": nature.meadow,
    "bloom": things.bloom,
    "people": things.people,
    "network": things.network,
    "studio": things.studio,
}
TILE: Final = 256
_OUTSIDE: Final = frozenset({"city", "sea", "mountains", "desert", "forest", "meadow"})
_CLEAN: Final = frozenset({"minimal", "pixel_art", "comic"})
"""Styles that grain would spoil."""


def paint(prompt: str, style: str, width: int, height: int) -> Image.Image:
    """A picture of a size for a prompt, in one of `STYLES`."""
    said = f"{prompt}\n{style}\n{width} {height}".encode()
    random = np.random.default_rng(list(hashlib.sha256(said).digest()[:16]))
    idea = idea_of(prompt)
    scene = Scene(Canvas(width, height, np.float32, quick=True), idea, _light(idea, random), random)
    picture = _composition(idea, style, random)(scene).astype(np.float32, copy=False)
    if idea.subject in _OUTSIDE and style != "abstract":
        picture = weathered(scene, picture)
    if idea.tone is not None and idea.subject in (*_OUTSIDE, "space"):
        picture = _toned(picture, idea.tone)
    finished = STYLES[style](scene, picture)
    return image_of(finished if style in _CLEAN else finished + _grain(scene)[..., None])


def _grain(scene: Scene) -> Mask:
    """A little noise, which keeps gradients from showing steps; one tile of it, repeated."""
    canvas = scene.canvas
    tile = scene.random.standard_normal((TILE, TILE), dtype=np.float32) * np.float32(0.01)
    times = (-(-canvas.height // TILE), -(-canvas.width // TILE))
    return np.tile(tile, times)[: canvas.height, : canvas.width]


def _light(idea: Idea, random: np.random.Generator) -> Light:
    if idea.hour is None and idea.weather == "rain":
        return LIGHTS["storm"]
    hours = ["dawn", "day", "day", "sunset", "dusk", "night"]
    chosen = str(random.choice(hours))
    return LIGHTS[idea.hour or chosen]


def _composition(idea: Idea, style: str, random: np.random.Generator) -> Composition:
    chosen = ABSTRACTS[int(random.integers(len(ABSTRACTS)))]
    if style == "abstract":
        return chosen
    return COMPOSITIONS.get(idea.subject, chosen)


def _toned(picture: Picture, code: str) -> Picture:
    """Leaning to one colour."""
    tint = ramp(light_of(picture), [(0, "#0b0910"), (0.5, code), (1, "#fff8ee")])
    return picture * np.float32(0.52) + tint * np.float32(0.48)
