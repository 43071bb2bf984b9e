"""Compositions of places: a city, and space."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np

from server.media.canvas import Canvas, Picture, colour, ramp
from server.media.images.drawing.nature import mirrored
from server.media.images.drawing.scene import Scene, sky, stars

House = tuple[float, float, float, int]
"""Left edge, width, top, and the kind of roof."""
Box = tuple[float, float, float, float]


def city(scene: Scene) -> Picture:
    """A skyline in three depths with lit windows; now and then by the water."""
    canvas, random = scene.canvas, scene.random
    future = "future" in scene.idea.marks
    shore = random.uniform(0.74, 0.8) if scene.chance(0.5) else 1.0
    sun = (random.uniform(0.2, 0.8), random.uniform(0.22, 0.5), 0.07)
    picture = sky(scene, 0.85 * shore, sun)
    reach = 0.16 if future else 0.3
    for depth, (low, high) in enumerate(((0.42, 0.66), (0.4, 0.76), (0.62, 0.9))):
        wide = (0.02, 0.055) if not scene.tall else (0.04, 0.11)
        houses: list[House] = []
        left = -0.02
        while left < 1:
            size = random.uniform(*wide) * (1 + 0.35 * depth)
            top = random.uniform(low, high)
            if future and random.random() < 0.16:
                top = random.uniform(reach, low)
            houses.append((left, size, top * shore, int(random.integers(4 if not future else 6))))
            left += size + random.uniform(-0.004, 0.012)
        tone = scene.light.tone(0.3 + 0.35 * depth)
        mask = canvas.shapes(partial(_houses, canvas, houses, shore))
        picture = scene.paint(picture, mask, tone)
        _, y = canvas.places
        haze = np.clip(y / shore, 0, 1) ** 3 * (0.5 - 0.2 * depth)
        picture = scene.paint(picture, mask * haze, scene.light.haze)
        lit = _windows(canvas, random, houses, shore, scene.light.lit * (0.6 + 0.5 * depth))
        colours = ("#ffd27a", "#fff0cf") if not future else ("#7df9ff", "#ff7bd5")
        for index, code in enumerate(colours):
            picture = scene.draw(picture, code, _boxes, canvas, lit[index::2], strength=0.85)
    if future:
        picture = _traffic(scene, picture, shore)
    return mirrored(scene, picture, shore) if shore < 1 else picture


def _houses(canvas: Canvas, houses: Sequence[House], shore: float, pen: Any, scale: float) -> None:
    wide, high = canvas.width * scale, canvas.height * scale
    for left, size, top, roof in houses:
        x0, x1, y0 = left * wide, (left + size) * wide, top * high
        middle, half = (x0 + x1) / 2, (x1 - x0) / 2
        pen.rectangle((x0, y0, x1, shore * high), fill=255)
        if roof == 0:
            pen.rectangle((middle - 2, y0 - 0.06 * high, middle + 2, y0), fill=255)
        elif roof == 1:
            pen.polygon([(x0, y0), (middle, y0 - half * 0.9), (x1, y0)], fill=255)
        elif roof == 2:
            pen.rectangle(
                (middle - half * 0.55, y0 - half * 0.6, middle + half * 0.55, y0), fill=255
            )
        elif roof == 4:
            pen.polygon(
                [
                    (x0, y0),
                    (middle - 2, y0 - 0.12 * high),
                    (middle + 2, y0 - 0.12 * high),
                    (x1, y0),
                ],
                fill=255,
            )
        elif roof == 5:
            pen.ellipse((x0, y0 - half, x1, y0 + half), fill=255)


def _windows(
    canvas: Canvas, random: np.random.Generator, houses: Sequence[House], shore: float, lit: float
) -> list[Box]:
    step = canvas.height / 54
    found: list[Box] = []
    for left, size, top, _ in houses:
        columns = max(2, int(size * canvas.width / (step * 0.75)))
        each = size * canvas.width / columns
        rows = int((shore - top) * canvas.height / step) - 1
        shining = np.argwhere(random.random((max(rows, 0), columns)) < lit)
        for row, column in shining.tolist():
            x = left * canvas.width + (column + 0.28) * each
            y = top * canvas.height + step * (0.6 + row)
            found.append((x, y, x + each * 0.45, y + step * 0.45))
    return found


def _boxes(canvas: Canvas, boxes: Sequence[Box], pen: Any, scale: float) -> None:
    for box in boxes:
        pen.rectangle([edge * scale for edge in box], fill=255)


def _traffic(scene: Scene, picture: Picture, shore: float) -> Picture:
    """Lanes of lights in the air, as cities of the future have them."""
    canvas, random = scene.canvas, scene.random
    x, y = canvas.places
    for code in ("#7df9ff", "#ffb86b"):
        height = random.uniform(0.3, 0.6) * shore
        lane = height + 0.05 * np.sin(2 * np.pi * (x * random.uniform(0.3, 0.8) + random.random()))
        trail = np.exp(-(((y - lane) * canvas.height / 2.2) ** 2))
        dashes = np.clip(np.sin(x * random.uniform(90, 140)) * 2, 0, 1)
        picture = scene.paint(picture, trail * dashes * 0.9, code)
    return picture


def space(scene: Scene) -> Picture:
    """A nebula, stars, and a planet or two in the light of a sun that is not seen."""
    canvas, random = scene.canvas, scene.random
    gases = [
        ("#3b1d6e", "#b0358b", "#ff9d6c"),
        ("#0b2a5b", "#1f8fb5", "#9ff0e0"),
        ("#1b1046", "#5b3fd6", "#e48bff"),
        ("#2a0d1f", "#a1303f", "#ffc27a"),
    ]
    low, middle, high = gases[int(random.integers(len(gases)))]
    density = canvas.clouds(random, random.uniform(1.7, 2.0), random.uniform(0.7, 1.6))
    veil = canvas.clouds(random, 2.2)
    gas = np.clip(density * 1.2 - veil * 0.65, 0, 1)
    picture = ramp(gas, [(0, "#03040d"), (0.25, "#0a0c22"), (0.5, low), (0.75, middle), (1, high)])
    dust = np.clip(canvas.clouds(random, 1.5) - 0.55, 0, 1) * 1.6
    picture = scene.paint(picture, dust * 0.7, "#03040d")
    picture = stars(scene, picture, 0.0022, np.ones(gas.shape, picture.dtype))
    limit = min(1.0, canvas.width / canvas.height)
    size = random.uniform(0.2, 0.36) * limit
    place = (random.choice([0.28, 0.5, 0.72]), random.uniform(0.42, 0.62))
    picture = _planet(scene, picture, (*place, size), ringed=scene.chance(0.5))
    if scene.chance(0.7):
        moon = (1 - place[0] + random.uniform(-0.1, 0.1), random.uniform(0.15, 0.35), size * 0.25)
        picture = _planet(scene, picture, moon, ringed=False)
    return picture


def _planet(
    scene: Scene, picture: Picture, place: tuple[float, float, float], *, ringed: bool
) -> Picture:
    canvas, random = scene.canvas, scene.random
    x, y, radius = place
    part, across, down = scene.around(picture, x, y, radius * 2.3)
    across, down = across / radius, down / radius
    far = np.hypot(across, down)
    ball = np.clip((1 - far) * radius * canvas.height + 0.5, 0, 1)
    height = np.sqrt(np.clip(1 - far**2, 0, 1))
    angle = random.uniform(-0.7, 0.7)
    light = np.array([np.cos(angle) * random.choice([-1, 1]) * 0.75, np.sin(angle) * 0.6, 0.5])
    lit = np.clip(across * light[0] + down * light[1] + height * light[2], 0, 1) ** 0.8
    skins = [
        (("#5a2f1c", "#c9793f", "#f3d2a0"), 5.0),
        (("#0d2b5c", "#2f7fc1", "#d7efff"), 1.0),
        (("#24361f", "#6d8f4e", "#d9d2a6"), 0.9),
        (("#3b2350", "#8d5fc0", "#f1c9ff"), 7.0),
        (("#4a4a50", "#8c8c94", "#d8d8dc"), 1.0),
    ]
    (dark, middle, bright), stretch = skins[int(random.integers(len(skins)))]
    tilt = random.uniform(-0.4, 0.4)
    skies = Canvas(part.shape[1], part.shape[0], canvas.exact).clouds(random, 1.8, stretch)
    bands = np.sin((down + tilt * across) * stretch * 2.4 + 4 * skies)
    skin = ramp(0.5 + 0.5 * bands, [(0, dark), (0.5, middle), (1, bright)])
    sphere = (skin * (0.02 + 0.98 * lit)[..., None]).astype(picture.dtype)
    rim = np.exp(-(((far - 1.0) / 0.07) ** 2)) * np.clip(
        across * light[0] + down * light[1] + 0.35, 0, 1
    )
    ring_y = down * 3.4 - across * tilt * 1.5
    ring = np.hypot(across, ring_y)
    band = np.clip((ring - 1.35) * 14, 0, 1) * np.clip((2.1 - ring) * 14, 0, 1)
    band = (
        band
        * (0.45 + 0.4 * np.sin(ring * 46))
        * (0.35 + 0.65 * np.clip(0.6 + across * light[0] * 0.5, 0, 1))
    )
    if ringed:
        part = scene.lay(
            part, np.clip(band, 0, 1) * (ring_y < 0), colour(bright).astype(picture.dtype)
        )
    part = scene.lay(part, ball, sphere)
    part = scene.paint(part, np.clip(rim, 0, 1) * 0.55, bright)
    if ringed:
        part = scene.lay(
            part, np.clip(band, 0, 1) * (ring_y >= 0), colour(bright).astype(picture.dtype)
        )
    return picture
