"""Compositions of nature: mountains, the sea, a desert, a forest, meadows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from server.media.canvas import Canvas, Picture, colour
from server.media.images.drawing.scene import Scene, sky

Spot = tuple[float, float, float]


def mountains(scene: Scene) -> Picture:
    """Range behind range; now and then with snow on them, or a lake before them."""
    canvas, random = scene.canvas, scene.random
    _x, y = canvas.places
    lake = scene.chance(0.4) or "lake" in scene.idea.marks
    foot = random.uniform(0.6, 0.66) if lake else 1.0
    horizon = random.uniform(0.55, 0.68) * (foot if lake else 1)
    sun = (random.uniform(0.2, 0.8), horizon * random.uniform(0.35, 0.8), 0.05)
    picture = sky(scene, horizon * 1.15, sun)
    count = int(random.integers(4, 7))
    rough = random.uniform(1.2, 1.5)
    for index in range(count):
        depth = index / (count - 1)
        base = horizon + (foot - horizon) * (0.15 + 0.85 * depth)
        line = canvas.ridge(random, base, 0.34 * (1 - 0.55 * depth) * foot, rough)
        inside = y - line[None, :]
        tone = colour(scene.light.tone(0.1 + 0.9 * depth)).astype(picture.dtype)
        hill = np.broadcast_to(tone, picture.shape)
        haze = np.clip(inside * 3.4, 0, 1) * (0.5 - 0.4 * depth)
        hill = scene.lay(hill, haze, colour(scene.light.haze).astype(picture.dtype))
        if index == 1 or (index == 2 and scene.idea.weather == "snow"):
            edge = 0.06 + 0.05 * canvas.clouds(random, 1.3, 2)
            cap = np.clip((edge - inside - (line - line.min())[None, :] * 0.6) * 40, 0, 1)
            hill = scene.paint(hill, cap * 0.8, scene.light.sun)
        picture = scene.lay(picture, canvas.below(line), hill)
    return mirrored(scene, picture, foot) if lake else picture


def sea(scene: Scene) -> Picture:
    """Water to the horizon, the light on it, and what swims there."""
    canvas, random = scene.canvas, scene.random
    horizon = random.uniform(0.46, 0.6)
    sun = (random.uniform(0.25, 0.75), horizon - random.uniform(0.06, 0.24), 0.06)
    picture = sky(scene, horizon, sun)
    if scene.chance(0.55):
        line = canvas.ridge(random, horizon, random.uniform(0.04, 0.12), 1.4)
        x, _ = canvas.places
        side = x[0] if scene.chance(0.5) else 1 - x[0]
        line = horizon + (line - horizon) * np.clip((side - 0.35) * 2.5, 0, 1)
        picture = scene.paint(picture, canvas.below(line), scene.light.tone(0.35))
    picture = mirrored(scene, picture, horizon)
    x, y = canvas.places
    depth = np.clip((y - horizon) / (1 - horizon), 0, 1)
    wide = 0.02 + 0.16 * depth
    column = np.exp(-(((x - sun[0]) * canvas.width / canvas.height / wide) ** 2))
    ripples = np.clip(canvas.clouds(random, 1.3, 22) - 0.45, 0, 1) * 2.2
    glitter = np.clip(column * ripples, 0, 1) * (depth > 0)
    picture = scene.paint(picture, glitter * 0.9, scene.light.sun)
    if scene.chance(0.8) or "boat" in scene.idea.marks:
        place = (0.5 + (0.5 - sun[0]) * 0.7, horizon + random.uniform(0.05, 0.16), 0.13)
        picture = scene.draw(picture, scene.light.near, _boat, canvas, place)
    birds = [
        (random.uniform(0.1, 0.9), random.uniform(0.1, horizon * 0.7), random.uniform(0.008, 0.02))
        for _ in range(int(random.integers(3, 9)))
    ]
    return scene.draw(picture, scene.light.near, _birds, canvas, birds, strength=0.8)


def mirrored(scene: Scene, picture: Picture, shore: float) -> Picture:
    """A picture whose part above the shore is repeated by still water below it."""
    canvas, random = scene.canvas, scene.random
    edge = int(shore * canvas.height)
    rows = np.arange(edge, canvas.height)
    depth = ((rows - edge) / (canvas.height - edge)).astype(picture.dtype)
    scale = edge / max(canvas.height - edge, 1)
    wave = 4 * np.sin(depth**0.7 * 190) * (0.25 + depth) + random.normal(0, 0.8, depth.size)
    source = np.clip(edge - 1 - (rows - edge) * min(scale, 1.3) + wave, 0, edge - 1).astype(int)
    water = picture[source]
    deep = colour(scene.light.tone(0.75)).astype(picture.dtype)
    shade = np.broadcast_to((0.22 + 0.42 * depth)[:, None], water.shape[:2])
    water = scene.lay(water, shade, deep)
    ripples = np.clip(canvas.clouds(random, 1.5, 25)[edge:] - 0.7, 0, 1)
    water = scene.lay(
        water, ripples * (1 - 0.5 * depth)[:, None], colour(scene.light.glow).astype(picture.dtype)
    )
    return np.concatenate([picture[:edge], water])


def desert(scene: Scene) -> Picture:
    """Dunes: crests with a lit side and one in the shade."""
    canvas, random = scene.canvas, scene.random
    x, y = canvas.places
    horizon = random.uniform(0.42, 0.55)
    picture = sky(scene, horizon * 1.1, (random.uniform(0.2, 0.8), horizon * 0.55, 0.055))
    wind = canvas.clouds(random, 1.6, 3.0)
    sand = colour("#e2a45c") * 0.55 + colour(scene.light.glow) * 0.45
    dark = colour("#8a4a28") * 0.45 + colour(scene.light.near) * 0.55
    count = int(random.integers(4, 7))
    for index in range(count):
        base = horizon + (1.02 - horizon) * index / count
        line = base + 0.05 * (1 + 0.25 * index) * np.sin(
            2 * np.pi * (x[0] * random.uniform(0.5, 1.1) + random.uniform(0, 1))
        )
        line += 0.02 * np.sin(2 * np.pi * (x[0] * random.uniform(1.8, 2.6) + random.uniform(0, 1)))
        depth = y - line[None, :]
        slope = np.gradient(line)[None, :] * canvas.width
        lit = np.clip(0.66 - slope * 0.9 - depth * 0.6, 0, 1)
        lines = np.sin(depth * 900 / (1 + index * 0.4) + 6 * wind + x * 30) * 0.05
        lit = np.clip(lit + lines * np.clip(depth * 8, 0, 1), 0, 1)
        dune = (dark + (sand - dark) * lit[..., None]).astype(picture.dtype)
        picture = scene.lay(picture, canvas.below(line), dune)
    if scene.chance(0.5):
        place = (random.uniform(0.15, 0.85), random.uniform(0.8, 0.92), random.uniform(0.18, 0.3))
        picture = scene.draw(picture, scene.light.near, _cactus, canvas, place, strength=0.92)
    return picture


def forest(scene: Scene) -> Picture:
    """Firs or trunks in the mist, row behind row, and the light that falls between them."""
    canvas, random = scene.canvas, scene.random
    x, y = canvas.places
    sun = (random.uniform(0.3, 0.7), random.uniform(0.2, 0.42), 0.055)
    picture = sky(scene, 0.95, sun)
    trunks = scene.chance(0.4)
    for index in range(4):
        depth = index / 3
        tone = scene.light.tone(0.2 + 0.8 * depth)
        ground = canvas.ridge(random, 0.72 + 0.1 * index, 0.1, 1.5)
        if trunks:
            trees = [
                (
                    random.random(),
                    random.uniform(0.006, 0.014) * (1 + 2.4 * depth),
                    random.normal(0, 0.012),
                )
                for _ in range(int(34 - 24 * depth))
            ]
            picture = scene.draw(picture, tone, _trunks, canvas, trees)
        else:
            firs = [
                (
                    random.uniform(-0.03, 1.03),
                    0.8 + 0.09 * index,
                    random.uniform(0.16, 0.3) * (1 + depth),
                )
                for _ in range(int(52 - 34 * depth))
            ]
            picture = scene.draw(picture, tone, _firs, canvas, firs)
        picture = scene.paint(picture, canvas.below(ground), tone)
        if index < 3:
            mist = canvas.clouds(random, 2.3, 5) * np.exp(
                -(((y - 0.74 - 0.07 * index) / 0.16) ** 2)
            )
            picture = scene.paint(picture, mist * (0.75 - 0.15 * index), scene.light.haze)
    angle = np.arctan2(y - sun[1] + 0.25, (x - sun[0]) * canvas.width / canvas.height)
    beams = np.clip(np.sin(angle * 23 + random.uniform(0, 6)) * np.sin(angle * 41), 0, 1)
    beams = beams * np.exp(-canvas.distance(*sun[:2]) * 1.7) * (y > sun[1] - 0.1)
    return scene.paint(picture, beams * 0.3, scene.light.glow)


def meadow(scene: Scene) -> Picture:
    """Rolling hills, striped with fields; flowers near by, and now and then balloons."""
    canvas, random = scene.canvas, scene.random
    x, y = canvas.places
    horizon = random.uniform(0.44, 0.56)
    picture = sky(scene, horizon * 1.1, (random.uniform(0.15, 0.85), horizon * 0.55, 0.05))
    if "balloon" in scene.idea.marks or scene.chance(0.35):
        for _ in range(int(random.integers(1, 4))):
            place = (
                random.uniform(0.1, 0.9),
                random.uniform(0.1, horizon * 0.7),
                random.uniform(0.05, 0.1),
            )
            picture = _balloon(scene, picture, place)
    greens = ("#6f9f4a", "#8fb653", "#b6b64a", "#4f8a4a", "#d2b24c", "#3f7443")
    near = colour(scene.light.near)
    for index in range(5):
        depth = index / 4
        line = (
            horizon
            + (0.98 - horizon) * depth * 0.86
            - 0.05 * np.sin(2 * np.pi * (x[0] * random.uniform(0.4, 0.9) + random.uniform(0, 1)))
        )
        inside = np.clip((y - line[None, :]) * 3.2, 0, 1)
        green = colour(greens[int(random.integers(len(greens)))])
        lit = green * 0.62 + colour(scene.light.glow) * 0.3 * (1 - 0.4 * depth)
        shade = green * 0.42 + near * 0.35
        hill = (lit + (shade - lit) * inside[..., None]).astype(picture.dtype)
        if scene.chance(0.6):
            turn = random.uniform(-1.2, 1.2)
            rows = np.sin((x * (30 + 24 * depth) + turn * 40 * (y - line[None, :])) * np.pi)
            hill = scene.paint(hill, np.clip(rows, 0, 1) * 0.22, scene.light.near)
        haze = np.asarray((1 - depth) * 0.38, picture.dtype)
        hill = hill + (colour(scene.light.haze).astype(picture.dtype) - hill) * haze
        picture = scene.lay(picture, canvas.below(line), hill)
        trees = [
            (
                place,
                float(line[int(place * (canvas.width - 1))]),
                random.uniform(0.012, 0.03) * (1 + depth),
            )
            for place in random.random(int(random.integers(2, 12)))
        ]
        if index < 4:
            picture = scene.draw(
                picture, scene.light.tone(0.45 + 0.5 * depth), _bushes, canvas, trees
            )
    petals = ("#f7d94c", "#ffffff", "#e8485a", "#c77dff", "#ff9f5a")
    for code in random.permutation(petals)[:3]:
        dots: list[Spot] = []
        for _ in range(150):
            low = random.random() ** 0.6
            dots.append((random.random(), 0.84 + 0.16 * low, 0.002 + 0.006 * low * random.random()))
        picture = scene.draw(picture, str(code), _dots, canvas, dots, strength=0.85)
    return picture


def _balloon(scene: Scene, picture: Picture, place: Spot) -> Picture:
    canvas, random = scene.canvas, scene.random
    x, y, size = place
    part, across, down = scene.around(picture, x, y, size * 1.8)
    across, down = across / size, down / size
    taper = np.where(down > 0.2, 1 - np.clip((down - 0.2) / 1.15, 0, 1) ** 1.6 * 0.85, 1)
    body = np.clip(
        (1 - np.hypot(across / np.clip(taper, 0.15, 1), np.clip(down, -2, 0.2)))
        * size
        * canvas.height,
        0,
        1,
    )
    body = body * (down < 1.2)
    tones = random.permutation(["#e63946", "#f4a261", "#2a9d8f", "#457b9d", "#f1faee"])
    stripes = np.floor(
        (np.arcsin(np.clip(across / np.clip(taper, 0.15, 1), -1, 1)) / np.pi + 0.5) * 7
    )
    for index, code in enumerate(tones[:2]):
        part = scene.paint(part, body * (stripes % 2 == index), str(code))
    part = scene.paint(part, body * np.clip(across, 0, 1) * 0.35, scene.light.near)
    basket = (np.abs(across) < 0.16) & (down > 1.42) & (down < 1.68)
    scene.paint(part, basket.astype(picture.dtype), "#5a3a22")
    return picture


def _boat(canvas: Canvas, place: Spot, pen: Any, scale: float) -> None:
    x, y, size = (
        place[0] * canvas.width * scale,
        place[1] * canvas.height * scale,
        place[2] * canvas.height * scale,
    )
    pen.polygon(
        [
            (x - size * 0.5, y - size * 0.12),
            (x + size * 0.5, y - size * 0.12),
            (x + size * 0.34, y),
            (x - size * 0.36, y),
        ],
        fill=255,
    )
    pen.polygon([(x, y - size), (x, y - size * 0.2), (x + size * 0.42, y - size * 0.2)], fill=255)
    pen.polygon(
        [
            (x - size * 0.05, y - size * 0.85),
            (x - size * 0.05, y - size * 0.2),
            (x - size * 0.34, y - size * 0.2),
        ],
        fill=255,
    )
    pen.rectangle((x - size * 0.035, y - size, x - size * 0.015, y), fill=255)


def _birds(canvas: Canvas, birds: Sequence[Spot], pen: Any, scale: float) -> None:
    for x, y, size in birds:
        px, py, wing = (
            x * canvas.width * scale,
            y * canvas.height * scale,
            size * canvas.height * scale,
        )
        width = max(1, int(wing * 0.16))
        pen.line(
            [(px - wing, py - wing * 0.35), (px - wing * 0.4, py - wing * 0.45), (px, py)],
            fill=255,
            width=width,
        )
        pen.line(
            [(px, py), (px + wing * 0.4, py - wing * 0.45), (px + wing, py - wing * 0.3)],
            fill=255,
            width=width,
        )


def _cactus(canvas: Canvas, place: Spot, pen: Any, scale: float) -> None:
    x, y, size = (
        place[0] * canvas.width * scale,
        place[1] * canvas.height * scale,
        place[2] * canvas.height * scale,
    )
    thick = size * 0.16

    def stem(left: float, top: float, right: float, bottom: float) -> None:
        pen.rounded_rectangle((left, top, right, bottom), radius=thick / 2, fill=255)

    stem(x - thick / 2, y - size, x + thick / 2, y)
    stem(x - size * 0.36, y - size * 0.5, x, y - size * 0.5 + thick * 0.8)
    stem(x - size * 0.36, y - size * 0.78, x - size * 0.36 + thick * 0.8, y - size * 0.4)
    stem(x, y - size * 0.64, x + size * 0.34, y - size * 0.64 + thick * 0.8)
    stem(x + size * 0.34 - thick * 0.8, y - size * 0.9, x + size * 0.34, y - size * 0.55)


def _firs(canvas: Canvas, trees: Sequence[Spot], pen: Any, scale: float) -> None:
    for x, foot, tall in trees:
        middle, low = x * canvas.width * scale, foot * canvas.height * scale
        high = low - tall * canvas.height * scale
        for step in range(6):
            top = high + (low - high) * step / 6.5
            half = (low - high) * (0.05 + 0.035 * step)
            pen.polygon(
                [
                    (middle, top),
                    (middle - half, top + (low - high) * 0.3),
                    (middle + half, top + (low - high) * 0.3),
                ],
                fill=255,
            )
        pen.rectangle(
            (middle - 2 * scale, low - (low - high) * 0.1, middle + 2 * scale, low), fill=255
        )


def _trunks(canvas: Canvas, trees: Sequence[Spot], pen: Any, scale: float) -> None:
    wide, high = canvas.width * scale, canvas.height * scale
    for x, thick, lean in trees:
        half = thick * high / 2
        foot, top = x * wide, (x + lean) * wide
        pen.polygon(
            [
                (foot - half * 1.3, high),
                (top - half * 0.8, 0),
                (top + half * 0.8, 0),
                (foot + half * 1.3, high),
            ],
            fill=255,
        )
        for step in range(3):
            start = high * (0.1 + 0.2 * step)
            side = 1 if (step + int(x * 97)) % 2 else -1
            pen.line(
                [(top, start), (top + side * half * 9, start - half * 7)],
                fill=255,
                width=max(1, int(half * 0.5)),
            )


def _bushes(canvas: Canvas, trees: Sequence[Spot], pen: Any, scale: float) -> None:
    for x, foot, size in trees:
        px, py, radius = (
            x * canvas.width * scale,
            foot * canvas.height * scale,
            size * canvas.height * scale,
        )
        for dx, dy, share in ((0, -0.8, 1), (-0.7, -0.35, 0.75), (0.7, -0.4, 0.7)):
            cx, cy, r = px + dx * radius, py + dy * radius, radius * share
            pen.ellipse((cx - r, cy - r, cx + r, cy + r), fill=255)


def _dots(canvas: Canvas, dots: Sequence[Spot], pen: Any, scale: float) -> None:
    for x, y, radius in dots:
        px, py, size = (
            x * canvas.width * scale,
            y * canvas.height * scale,
            radius * canvas.height * scale,
        )
        pen.ellipse((px - size, py - size * 0.8, px + size, py + size * 0.8), fill=255)
