"""The stock pictures: landscapes, backgrounds, patterns, abstract ones."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np
from PIL import Image

from server.stock.canvas import (
    HEIGHT,
    WIDTH,
    Picture,
    below,
    clouds,
    colour,
    disc,
    glow,
    grained,
    over,
    painted,
    places,
    ramp,
    ridge,
    shapes,
)


def dawn_in_the_mountains(random: np.random.Generator) -> Image.Image:
    """Range behind range, in the first light."""
    _, y = places()
    picture = ramp(y, [(0, "#2b3a67"), (0.35, "#8e7cc3"), (0.55, "#f7b2a0"), (0.7, "#ffe0b5")])
    picture = over(picture, 0.8 * glow(0.62, 0.52, 0.42, 1.4), colour("#ffd9a0"))
    picture = over(picture, disc(0.62, 0.5, 0.055), colour("#fff6e0"))
    picture = over(picture, 0.35 * clouds(random, 2.0, 4) * (1 - y), colour("#ffd3c0"))
    tones = ("#b39bc4", "#8f82b5", "#6a6a9f", "#474f82", "#2a3560", "#141d3a")
    for index, tone in enumerate(tones):
        line = ridge(random, 0.62 + 0.075 * index, 0.26 - 0.025 * index, 1.35)
        haze = np.clip((y - line[None, :]) * 3.2, 0, 1) * (0.45 - 0.07 * index)
        hill = over(np.broadcast_to(colour(tone), picture.shape), haze, colour("#e8bfb8"))
        picture = over(picture, below(line), hill)
    return grained(picture, random)


def lake_at_dusk(random: np.random.Generator) -> Image.Image:
    """Still water that repeats the hills and the sky."""
    _, y = places()
    shore = 0.56
    sky = ramp(y, [(0, "#14224a"), (0.3, "#44508f"), (0.46, "#c56a86"), (shore, "#ffb37a")])
    sky = over(sky, 0.4 * clouds(random, 1.9, 6) * np.clip(1.2 - y * 1.6, 0, 1), colour("#f59a8c"))
    sky = over(sky, disc(0.3, 0.16, 0.035), colour("#fdf3d8"))
    sky = over(sky, 0.35 * glow(0.3, 0.16, 0.14), colour("#fdf3d8"))
    for base, high, tone in (
        (0.57, 0.2, "#5b4a78"),
        (0.575, 0.13, "#37305a"),
        (0.58, 0.06, "#1b1b38"),
    ):
        sky = over(sky, below(ridge(random, base, high, 1.3)), colour(tone))
    edge = int(shore * HEIGHT)
    rows = np.clip(2 * edge - np.arange(edge, HEIGHT) * 1.0, 0, edge - 1)
    depth = (np.arange(edge, HEIGHT) - edge) / (HEIGHT - edge)
    wave = 3 * np.sin(depth * 260) * (0.2 + depth) + random.normal(0, 0.6, depth.size)
    mirrored = sky[np.clip(rows + wave, 0, edge - 1).astype(int)]
    water = over(
        mirrored,
        np.broadcast_to((0.25 + 0.35 * depth)[:, None], mirrored.shape[:2]),
        colour("#1a2448"),
    )
    ripples = np.clip(clouds(random, 1.5, 25)[edge:] - 0.72, 0, 1) * 0.9
    water = over(water, ripples * (1 - 0.5 * depth)[:, None], colour("#ffc89a"))
    return grained(np.concatenate([sky[:edge], water]), random)


def dunes(random: np.random.Generator) -> Image.Image:
    """A desert: crests with a lit side and one in the shade."""
    x, y = places()
    picture = ramp(y, [(0, "#3f8fc4"), (0.4, "#bfe0ea"), (0.55, "#fbeccb")])
    picture = over(picture, 0.5 * clouds(random, 2.2, 4) * (1 - y) ** 2, colour("#ffffff"))
    wind = clouds(random, 1.6, 3.0)
    for index in range(6):
        base = 0.5 + 0.1 * index
        line = base + 0.05 * (1 + 0.25 * index) * np.sin(
            2 * np.pi * (x[0] * random.uniform(0.55, 1.1) + random.uniform(0, 1))
        )
        line += 0.02 * np.sin(2 * np.pi * (x[0] * random.uniform(1.8, 2.6) + random.uniform(0, 1)))
        depth = y - line[None, :]
        slope = np.gradient(line)[None, :] * WIDTH
        lit = np.clip(0.62 - slope * 0.9 - depth * 0.55, 0, 1)
        sand = ramp(lit, [(0, "#8f4f2b"), (0.45, "#d1864a"), (0.75, "#efb56f"), (1, "#fbdc9c")])
        lines = np.sin(depth * 900 / (1 + index * 0.4) + 6 * wind + x * 30) * 0.022
        sand = sand + lines[..., None] * np.clip(depth * 8, 0, 1)[..., None]
        picture = over(picture, below(line), sand)
    return grained(picture, random)


def city_at_night(random: np.random.Generator) -> Image.Image:
    """A skyline with lit windows, in three depths."""
    _, y = places()
    picture = ramp(y, [(0, "#0a1030"), (0.5, "#2a2560"), (0.8, "#7a3d78"), (1, "#d46a6a")])
    stars = (random.random((HEIGHT, WIDTH)) > 0.9993) * np.clip(0.7 - y, 0, 1) * 1.4
    picture = over(picture, np.clip(stars, 0, 1), colour("#ffffff"))
    picture = over(picture, disc(0.78, 0.2, 0.06), colour("#fdf0d0"))
    picture = over(picture, 0.3 * glow(0.78, 0.2, 0.22), colour("#e8d8ff"))
    for low, high, tone, lit in (
        (0.45, 0.75, "#3b2a66", 0.1),
        (0.38, 0.85, "#221a4a", 0.22),
        (0.62, 0.95, "#0d0b26", 0.34),
    ):
        houses: list[tuple[float, float, float]] = []
        left = -0.01
        while left < 1:
            wide = random.uniform(0.025, 0.075)
            houses.append((left, wide, random.uniform(low, high)))
            left += wide + random.uniform(-0.006, 0.012)
        picture = over(picture, shapes(partial(_houses, houses)), colour(tone))
        windows = _windows(random, houses, lit)
        amber = shapes(partial(_boxes, windows[::2]))
        white = shapes(partial(_boxes, windows[1::2]))
        picture = over(picture, amber * 0.95, colour("#ffd27a"))
        picture = over(picture, white * 0.8, colour("#ffeecb"))
    return grained(picture, random, 0.008)


def _houses(houses: Sequence[tuple[float, float, float]], pen: Any, scale: float) -> None:
    for left, wide, top in houses:
        box = (left * WIDTH * scale, top * HEIGHT * scale, (left + wide) * WIDTH * scale)
        pen.rectangle((*box, HEIGHT * scale), fill=255)
        middle = (left + wide / 2) * WIDTH * scale
        if wide > 0.055:
            pen.rectangle((middle - 3, (top - 0.06) * HEIGHT * scale, middle + 3, box[1]), fill=255)
        elif wide < 0.035:
            pen.polygon(
                [(box[0], box[1]), (middle, box[1] - 0.03 * HEIGHT * scale), (box[2], box[1])],
                fill=255,
            )


def _windows(
    random: np.random.Generator, houses: Sequence[tuple[float, float, float]], lit: float
) -> list[tuple[float, float, float, float]]:
    found = []
    for left, wide, top in houses:
        columns = max(2, int(wide * WIDTH / 15))
        each = wide * WIDTH / columns
        for row in range(int((1 - top) * HEIGHT / 20)):
            for column in range(columns):
                if random.random() < lit:
                    x = left * WIDTH + (column + 0.28) * each
                    y = top * HEIGHT + 12 + row * 20
                    found.append((x, y, x + each * 0.45, y + 9))
    return found


def _boxes(boxes: Sequence[tuple[float, float, float, float]], pen: Any, scale: float) -> None:
    for box in boxes:
        pen.rectangle([edge * scale for edge in box], fill=255)


def northern_lights(random: np.random.Generator) -> Image.Image:
    """Curtains of green over a forest."""
    x, y = places()
    picture = ramp(y, [(0, "#050a1f"), (0.6, "#0d2740"), (1, "#173a4a")])
    stars = (random.random((HEIGHT, WIDTH)) > 0.9988) * random.random((HEIGHT, WIDTH))
    picture = over(picture, stars * np.clip(0.9 - y, 0, 1), colour("#ffffff"))
    for base, high, tone, strength in (
        (0.55, 0.42, "#39ff9f", 0.75),
        (0.45, 0.36, "#2ed9c3", 0.5),
        (0.34, 0.3, "#a06bff", 0.45),
    ):
        phase, turns = random.uniform(0, 6.28), random.uniform(0.8, 1.5)
        foot = base + 0.09 * np.sin(2 * np.pi * turns * x + phase + 1.2 * np.sin(4.4 * x + phase))
        rays = clouds(random, 1.3, 0.02)[HEIGHT // 2][None, :] * 0.7 + 0.3
        up = (foot - y) / high
        veil = np.where(up > 0, np.exp(-up * 2.4), np.exp(up * 26)) * rays
        picture = over(picture, np.clip(veil * strength, 0, 1), colour(tone))
    picture = over(picture, below(ridge(random, 0.86, 0.12, 1.4)), colour("#0a1c28"))
    trees = [(random.uniform(-0.02, 1.02), random.uniform(0.09, 0.24)) for _ in range(150)]
    picture = over(picture, shapes(partial(_firs, trees)), colour("#040b12"))
    return grained(picture, random, 0.008)


def _firs(trees: Sequence[tuple[float, float]], pen: Any, scale: float) -> None:
    for x, tall in trees:
        middle, foot = x * WIDTH * scale, HEIGHT * scale
        top = foot - tall * HEIGHT * scale
        for step in range(6):
            high = top + (foot - top) * step / 6.5
            low = high + (foot - top) * 0.3
            half = (foot - top) * (0.05 + 0.035 * step)
            pen.polygon([(middle, high), (middle - half, low), (middle + half, low)], fill=255)


def paper_waves(random: np.random.Generator) -> Image.Image:
    """A sea cut out of paper, sheet over sheet."""
    x, y = places()
    picture = ramp(y, [(0, "#fff3df"), (0.6, "#ffd9b8")])
    picture = over(picture, disc(0.7, 0.3, 0.13), colour("#ff8c61"))
    tones = ("#bfe6e0", "#8fd3d1", "#5bb8c4", "#2f97b0", "#1c7496", "#125578", "#0a3a5a")
    for index, tone in enumerate(tones):
        base = 0.42 + 0.085 * index
        phase, waves = random.uniform(0, 1), 1.6 + 0.35 * index
        line = base + 0.035 * np.sin(2 * np.pi * (waves * x[0] + phase))
        line -= 0.018 * np.abs(np.sin(np.pi * (2 * waves * x[0] + phase * 3)))
        shade = np.clip(1 - np.abs(y - line[None, :] + 0.012) * 45, 0, 1) * 0.28
        picture = over(picture, shade * (1 - below(line)), colour("#0b2038"))
        sheet = ramp(y - line[None, :], [(0, tone), (0.3, tones[min(index + 1, 6)])])
        picture = over(picture, below(line), sheet)
    return grained(picture, random, 0.016)


def peach_mist(random: np.random.Generator) -> Image.Image:
    """A soft background, warm."""
    tones = ("#ff9a8b", "#ffc3a0", "#f2709c", "#fde2c8", "#e8546b", "#fff1e6")
    return _mesh(random, "#ffd6c2", tones)


def deep_water(random: np.random.Generator) -> Image.Image:
    """A soft background, cool."""
    tones = ("#0f2f6b", "#1f6fb2", "#17b2c3", "#4338ca", "#0b1c4a", "#38d3c9")
    return _mesh(random, "#12356f", tones)


def _mesh(random: np.random.Generator, ground: str, tones: Sequence[str]) -> Image.Image:
    x, y = places()
    picture: Picture = np.broadcast_to(colour(ground), (HEIGHT, WIDTH, 3)).copy()
    bend = clouds(random, 2.6) - 0.5
    for index, tone in enumerate([*tones, *tones]):
        px, py = random.uniform(-0.1, 1.1, 2)
        radius = random.uniform(0.3, 0.62)
        distance = np.hypot((x - px) * 1.5 + 0.35 * bend, y - py - 0.3 * bend) / radius
        picture = over(picture, (0.85 - 0.03 * index) * np.exp(-(distance**2) * 1.6), colour(tone))
    return grained(picture, random, 0.014)


def lights_out_of_focus(random: np.random.Generator) -> Image.Image:
    """Lights of a street at night, out of focus."""
    _, y = places()
    picture = ramp(y, [(0, "#0d0a1e"), (0.55, "#2a1436"), (1, "#120818")])
    tones = ("#ffb84d", "#ff6b6b", "#ffd98a", "#7cc7ff", "#ff8fd0", "#fff1c9")
    for index in range(90):
        near = index / 90
        radius = HEIGHT * (random.uniform(0.012, 0.03) + 0.075 * near**2 * random.uniform(0.6, 1))
        px, py = random.uniform(-0.05, 1.05) * WIDTH, HEIGHT * (0.55 + random.normal(0, 0.2))
        top, left = max(0, int(py - radius - 2)), max(0, int(px - radius - 2))
        part = picture[top : max(0, int(py + radius + 3)), left : max(0, int(px + radius + 3))]
        rows, columns = np.mgrid[top : top + part.shape[0], left : left + part.shape[1]]
        distance = np.hypot(columns - px, rows - py)
        spot = np.clip(radius - distance, 0, 1)
        rim = spot - np.clip(radius * 0.88 - distance, 0, 1)
        light = (0.22 + 0.3 * random.random()) * (1 - 0.45 * near)
        tone = colour(tones[int(random.integers(len(tones)))])
        part += ((spot + 0.5 * rim) * light)[..., None] * tone
    return grained(1 - np.exp(-picture * 1.25), random, 0.012)


def flow_lines(random: np.random.Generator) -> Image.Image:
    """Thousands of strokes that follow one field."""
    field = clouds(random, 2.7) * 4 * np.pi
    tones = ("#f94144", "#f8961e", "#f9c74f", "#43aa8b", "#277da1", "#fefae0")
    picture: Picture = np.broadcast_to(colour("#10182b"), (HEIGHT, WIDTH, 3)).copy()
    for tone in tones:
        paths = []
        for _ in range(420):
            px, py = random.uniform(0, WIDTH), random.uniform(0, HEIGHT)
            path = [(px, py)]
            for _ in range(46):
                angle = field[int(py) % HEIGHT, int(px) % WIDTH]
                px, py = px + 6 * np.cos(angle), py + 6 * np.sin(angle)
                path.append((px, py))
            paths.append(path)
        strokes = shapes(partial(_strokes, paths))
        picture = over(picture, strokes * 0.78, colour(tone))
    return grained(picture, random, 0.01)


def _strokes(paths: Sequence[Sequence[tuple[float, float]]], pen: Any, scale: float) -> None:
    for path in paths:
        pen.line([(x * scale, y * scale) for x, y in path], fill=255, width=int(2.2 * scale))


def terrazzo(random: np.random.Generator) -> Image.Image:
    """A floor of chips of stone."""
    picture: Picture = np.broadcast_to(colour("#f6efe6"), (HEIGHT, WIDTH, 3)).copy()
    picture = over(picture, 0.35 * clouds(random, 1.4), colour("#e9ddcd"))
    tones = ("#d9795d", "#2f4858", "#86a397", "#e9b872", "#b56576", "#f2d5c4")
    placed: list[tuple[float, float, float]] = []
    chips: dict[str, list[list[tuple[float, float]]]] = {tone: [] for tone in tones}
    for _ in range(6_000):
        radius = float(random.choice([10, 16, 24, 36, 50], p=[0.4, 0.26, 0.18, 0.11, 0.05]))
        px, py = float(random.uniform(0, WIDTH)), float(random.uniform(0, HEIGHT))
        if any((px - a) ** 2 + (py - b) ** 2 < (radius + r + 5) ** 2 for a, b, r in placed):
            continue
        placed.append((px, py, radius))
        angles = np.sort(random.uniform(0, 2 * np.pi, int(random.integers(5, 9))))
        far = radius * random.uniform(0.72, 1.0, angles.size)
        corners = list(zip(px + far * np.cos(angles), py + far * np.sin(angles), strict=True))
        chips[tones[int(random.integers(len(tones)))]].append(corners)
    for tone, cut in chips.items():
        picture = over(picture, shapes(partial(_polygons, cut)), colour(tone))
    return grained(picture, random, 0.018)


def _polygons(cut: Sequence[Sequence[tuple[float, float]]], pen: Any, scale: float) -> None:
    for corners in cut:
        pen.polygon([(x * scale, y * scale) for x, y in corners], fill=255)


def scales_of_blue(random: np.random.Generator) -> Image.Image:
    """The pattern of overlapping waves that Japanese cloth calls seigaiha."""
    radius = 96
    tones = ("#f4ead5", "#1f5c8b", "#f4ead5", "#2f7fb0", "#f4ead5", "#143f6b")

    def draw(pen: Any, scale: float) -> None:
        for row in range(-1, HEIGHT * 2 // radius + 4):
            shift = radius if row % 2 else 0
            for index, tone in enumerate(tones):
                size = radius * (1 - index * 0.16)
                for column in range(-1, 12):
                    x, y = column * 2 * radius + shift, row * radius / 2
                    edges = (x - size, y - size, x + size, y + size)
                    pen.ellipse([edge * scale for edge in edges], fill=tone)

    return grained(painted("#0f2d52", draw), random, 0.012)
