"""What all compositions are made with: a canvas, an idea, a light and chance."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from server.media.canvas import Canvas, Mask, Picture, colour, over, ramp
from server.media.images.drawing.idea import Idea
from server.media.images.drawing.light import Light


@dataclass(frozen=True, slots=True)
class Scene:
    """What a composition is told.

    Attributes:
        canvas: what is drawn on.
        idea: what is to be seen.
        light: in which light.
        random: decides what nobody said; seeded, so that it decides the same each time.
    """

    canvas: Canvas
    idea: Idea
    light: Light
    random: np.random.Generator

    @property
    def tall(self) -> bool:
        """Whether the picture is higher than wide."""
        return self.canvas.height > self.canvas.width

    def chance(self, share: float) -> bool:
        """Whether something is so that is so in this share of all pictures."""
        return bool(self.random.random() < share)

    def paint(self, picture: Picture, mask: Mask, code: str) -> Picture:
        """Lay one colour over a picture."""
        return over(picture, mask, colour(code).astype(picture.dtype))

    def draw(
        self,
        picture: Picture,
        code: str,
        pen: Callable[..., None],
        *given: Any,
        strength: float = 1,
    ) -> Picture:
        """Draw with a pen in one colour; see `Canvas.shapes`."""
        return self.paint(picture, self.canvas.shapes(partial(pen, *given)) * strength, code)


def sky(scene: Scene, horizon: float, sun: tuple[float, float, float]) -> Picture:
    """A sky down to the horizon, with sun or moon (x, y, radius), clouds and stars."""
    canvas, light, random = scene.canvas, scene.light, scene.random
    _, y = canvas.places
    picture = ramp(y / horizon, light.sky)
    if light.dark:
        picture = stars(scene, picture, 0.0011, np.clip(1.1 - y / horizon, 0, 1))
    px, py, radius = sun
    if scene.idea.weather not in ("rain", "fog"):
        picture = scene.paint(picture, 0.75 * canvas.glow(px, py, radius * 7, 1.1), light.glow)
        picture = scene.paint(picture, canvas.disc(px, py, radius), light.sun)
        if light.dark and (scene.chance(0.4) or "moon" in scene.idea.marks):  # a crescent
            shade = ramp(y / horizon, light.sky)
            bite = canvas.disc(px + radius * 0.45, py - radius * 0.2, radius * 0.92)
            picture = over(picture, bite, shade)
    amount = {"clouds": 0.85, "rain": 0.9, "snow": 0.6}.get(scene.idea.weather or "", 0.45)
    cloud = canvas.clouds(random, random.uniform(1.8, 2.2), random.uniform(3, 6))
    veil = np.clip((cloud - 0.9 + amount * 0.75) * 1.7, 0, 1) * np.clip(1.15 - y / horizon, 0, 1)
    return scene.paint(picture, veil * amount, light.haze if light.dark else light.glow)


def stars(scene: Scene, picture: Picture, share: float, where: Mask) -> Picture:
    """Stars of many brightnesses; a few are larger."""
    canvas, random = scene.canvas, scene.random
    field = random.random((canvas.height, canvas.width), dtype=np.float32)
    bright = np.where(field < share, (1 - field / share) ** 3, 0) * where
    large = np.zeros_like(bright)
    for _ in range(int(40 * share / 0.001)):
        row, column = random.integers(1, canvas.height - 1), random.integers(1, canvas.width - 1)
        glint = random.uniform(0.3, 1) * where[row, column]
        large[row - 1 : row + 2, column] += glint * 0.6
        large[row, column - 1 : column + 2] += glint * 0.6
    return scene.paint(picture, np.clip(bright + large, 0, 1), "#ffffff")


def weathered(scene: Scene, picture: Picture) -> Picture:
    """Rain, snow or fog in front of everything."""
    canvas, random = scene.canvas, scene.random
    _, y = canvas.places
    weather = scene.idea.weather
    if weather == "fog":
        mist = canvas.clouds(random, 2.2, 5) * 0.5 + 0.35
        return scene.paint(picture, mist * np.clip(y * 1.4, 0, 0.85), scene.light.haze)
    if weather == "snow":
        flakes = [
            (random.random(), random.random(), random.uniform(0.0012, 0.006)) for _ in range(420)
        ]
        return scene.draw(picture, "#ffffff", _flakes, canvas, flakes, strength=0.85)
    if weather == "rain":
        drops = [(random.random(), random.random(), random.uniform(0.02, 0.06)) for _ in range(700)]
        picture = picture * np.asarray(0.88, picture.dtype)
        return scene.draw(picture, "#dfe9f2", _drops, canvas, drops, strength=0.32)
    return picture


def _flakes(
    canvas: Canvas, flakes: list[tuple[float, float, float]], pen: Any, scale: float
) -> None:
    for x, y, radius in flakes:
        px, py, size = (
            x * canvas.width * scale,
            y * canvas.height * scale,
            radius * canvas.height * scale,
        )
        pen.ellipse((px - size, py - size, px + size, py + size), fill=255)


def _drops(canvas: Canvas, drops: list[tuple[float, float, float]], pen: Any, scale: float) -> None:
    for x, y, length in drops:
        px, py = x * canvas.width * scale, y * canvas.height * scale
        size = length * canvas.height * scale
        pen.line((px, py, px - size * 0.18, py + size), fill=255, width=max(1, int(scale)))
