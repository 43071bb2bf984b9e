"""What all compositions are made with: a canvas, an idea, a light and chance."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from server.media.canvas import Canvas, Mask, Picture, colour, ramp
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
        """Lay one colour over a picture, which is changed."""
        return self.lay(picture, mask, colour(code))

    def lay(self, picture: Picture, mask: Mask, above: Picture) -> Picture:
        """Lay a colour or a picture over another, which is changed; see `over`.

        Only the rows are touched where the mask is anything.
        """
        rows = np.flatnonzero(mask.any(axis=1))
        if not rows.size:
            return picture
        if not picture.flags.writeable:
            picture = picture.copy()
        part = slice(int(rows[0]), int(rows[-1]) + 1)
        given = above.astype(picture.dtype, copy=False)
        share = mask[part, :, None].astype(picture.dtype, copy=False)
        there = picture[part]
        change = (given if given.ndim == 1 else given[part]) - there
        change *= share
        there += change
        return picture

    def around(
        self, picture: Picture, x: float, y: float, reach: float
    ) -> tuple[Picture, Mask, Mask]:
        """The part of a picture around a place, as far as `reach` heights to each side.

        Returns:
            The part itself (what is painted on it is painted on the picture), and how far each of
            its points is from the place, across and down, in heights.
        """
        canvas = self.canvas
        wide = reach * canvas.height / canvas.width
        px, py = canvas.places
        rows = slice(*_span(y - reach, y + reach, canvas.height))
        columns = slice(*_span(x - wide, x + wide, canvas.width))
        across = (px[rows, columns] - float(x)) * (canvas.width / canvas.height)
        return picture[rows, columns], across, py[rows, columns] - float(y)

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


def _span(first: float, last: float, size: int) -> tuple[int, int]:
    """The points between two shares of a size; at least one."""
    low = min(max(int(first * size), 0), size - 1)
    return low, max(low + 1, min(int(last * size) + 1, size))


def sky(scene: Scene, horizon: float, sun: tuple[float, float, float]) -> Picture:
    """A sky down to the horizon, with sun or moon (x, y, radius), clouds and stars."""
    canvas, light, random = scene.canvas, scene.light, scene.random
    _, y = canvas.places
    picture = _height(scene, horizon)
    if light.dark:
        picture = stars(scene, picture, 0.0011, np.clip(1.1 - y / horizon, 0, 1))
    px, py, radius = sun
    if scene.idea.weather not in ("rain", "fog"):
        picture = scene.paint(picture, 0.75 * canvas.glow(px, py, radius * 7, 1.1), light.glow)
        disc = canvas.disc(px, py, radius)
        if light.dark and (scene.chance(0.4) or "moon" in scene.idea.marks):
            disc *= 1 - canvas.disc(px + radius * 0.45, py - radius * 0.2, radius * 0.92)
        picture = scene.paint(picture, disc, light.sun)
    amount = {"clouds": 0.85, "rain": 0.9, "snow": 0.6}.get(scene.idea.weather or "", 0.45)
    cloud = canvas.clouds(random, random.uniform(1.8, 2.2), random.uniform(3, 6))
    veil = np.clip((cloud - 0.9 + amount * 0.75) * 1.7, 0, 1) * np.clip(1.15 - y / horizon, 0, 1)
    return scene.paint(picture, veil * amount, light.haze if light.dark else light.glow)


def _height(scene: Scene, horizon: float) -> Picture:
    """The colours of the sky, by height."""
    canvas = scene.canvas
    _, y = canvas.places
    column = ramp(y[:, :1] / float(horizon), scene.light.sky)
    return np.repeat(column, canvas.width, axis=1)


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
