"""Compositions of things: a flower, a studio, a network, people."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from PIL import Image

from server.media.canvas import Canvas, Mask, Picture, colour, ramp
from server.media.images.drawing.abstracts import mesh
from server.media.images.drawing.scene import Scene
from server.stock import people as stock

HUES = ("#e4572e", "#f3a712", "#e75a9b", "#7b3fd1", "#2f6fde", "#1b98a8", "#d7263d", "#f7f0e3")


def bloom(scene: Scene) -> Picture:
    """One large flower from above, petal over petal, on a soft ground."""
    canvas, random = scene.canvas, scene.random
    hue = scene.idea.tone or str(random.choice(HUES[:7]))
    green = (
        ("#12291f", "#1d4a35", "#2f6b4a")
        if scene.chance(0.6)
        else ("#1b1430", "#3a2a5c", "#5c4a86")
    )
    picture = mesh(scene, green)
    limit = min(1.0, canvas.width / canvas.height)
    x, y = (0.5 + random.uniform(-0.12, 0.12)), 0.5 + random.uniform(-0.05, 0.05)
    part, across, down = scene.around(picture, x, y, 0.62 * limit)
    far, turn = np.hypot(across, down), np.arctan2(down, across)
    petals = int(random.integers(6, 15))
    layers = int(random.integers(4, 8))
    size = 0.46 * limit
    point = random.uniform(0.5, 1.3)
    part = scene.paint(part, np.exp(-((far / (size * 1.1)) ** 4)) * 0.45, "#050a08")
    light, dark = colour("#fff6ea"), colour("#140612")
    for layer in range(layers):
        share = 1 - layer / layers
        reach = size * (0.22 + 0.78 * share)
        phase = layer * np.pi / petals + random.uniform(-0.06, 0.06)
        wave = np.abs(np.cos(petals * (turn + phase) / 2))
        edge = reach * (0.66 + 0.34 * wave**point)
        mask = np.clip((edge - far) * canvas.height * 0.8, 0, 1)
        out = np.clip(far / np.maximum(edge, 1e-3), 0, 1)
        base = colour(hue) * (0.72 + 0.28 * share)
        tip = base + (light - base) * (0.25 + 0.3 * (1 - share))
        petal = base + (tip - base) * (out**2)[..., None]
        crease = (1 - wave) ** 2 * 0.5 + np.clip(1 - out * 1.6, 0, 1) * 0.55
        petal = petal + (dark - petal) * (crease * 0.8)[..., None]
        shadow = np.clip(1 - np.abs(far - edge) * 26, 0, 1) * 0.35 * (far > edge)
        part = scene.paint(part, shadow, "#12060f")
        part = scene.lay(part, mask, petal.astype(part.dtype))
    heart = np.clip((size * 0.13 - far) * canvas.height, 0, 1)
    seeds = 0.5 + 0.5 * np.sin(far * 900) * np.cos(turn * 34)
    centre = ramp(seeds, [(0, "#7a4a12"), (1, "#ffd65a")])
    scene.lay(part, heart, centre)
    return picture


def studio(scene: Scene) -> Picture:
    """Solids on a stage in front of a wall, as products are shown."""
    canvas, random = scene.canvas, scene.random
    wall = colour(scene.idea.tone or str(random.choice(HUES))) * 0.55 + 0.45 * colour("#f6efe6")
    x, y = canvas.places
    floor = random.uniform(0.68, 0.74)
    spot = canvas.glow(random.uniform(0.3, 0.7), 0.3, 0.8)
    shade = np.where(
        y < floor, 0.72 + 0.34 * spot - 0.1 * y, 0.98 + 0.2 * spot - 0.35 * (y - floor)
    )
    soft = np.clip((y - floor + 0.03) / 0.06, 0, 1)
    shade = np.where(np.abs(y - floor) < 0.03, 0.9 + 0.04 * soft + 0.2 * spot, shade)
    picture = (wall * shade[..., None]).astype(canvas.exact)
    arch = scene.chance(0.6)
    limit = min(1.0, canvas.width / canvas.height)
    if arch:
        half = 0.24 * limit
        inside = np.minimum(half - np.abs((x - 0.5) * canvas.width / canvas.height), floor - y)
        dome = half - np.hypot((x - 0.5) * canvas.width / canvas.height, np.minimum(y - 0.36, 0))
        mask = np.clip(np.minimum(inside, dome) * canvas.height, 0, 1)
        picture = scene.lay(picture, mask * 0.85, (wall * 0.62).astype(picture.dtype))
    tones = [str(code) for code in random.permutation(HUES)]
    picture = _podium(scene, picture, (0.5, floor + 0.06, 0.3 * limit), 0.1, wall * 0.93)
    kinds = random.permutation(["ball", "bottle", "ball", "block"])
    middle = (0.5, floor + 0.015, 0.125 * limit)
    picture = _thing(scene, picture, str(kinds[0]), middle, tones[0])
    for index, side in enumerate((-1, 1, -0.6)):
        shift = side * random.uniform(0.3, 0.42) * limit * canvas.height / canvas.width
        size = random.uniform(0.05, 0.09) * limit
        place = (0.5 + shift, floor + random.uniform(0.12, 0.2), size)
        picture = _thing(scene, picture, str(kinds[1 + index]), place, tones[1 + index])
    return picture


def _podium(
    scene: Scene, picture: Picture, place: tuple[float, float, float], high: float, tone: Picture
) -> Picture:
    canvas = scene.canvas
    x, y, half = place
    part, across, down = scene.around(picture, x, y, half * 1.7)
    across = across / half
    top = 1 - np.hypot(across, down / (half * 0.2))
    foot = 1 - np.hypot(across, (down - high) / (half * 0.2))
    side = ((np.abs(across) < 1) & (down > 0) & (down < high)).astype(picture.dtype)
    whole = np.maximum(np.clip(foot * half * canvas.height * 0.5, 0, 1), side)
    fall = np.hypot(across - 0.08, (down - high - 0.01) / half) / 1.25
    part = scene.paint(part, np.exp(-(fall**4)) * 0.4 * (down > 0), "#20151c")
    lit = 0.78 - 0.36 * across + 0.05 * np.cos(across * 3)
    part = scene.lay(part, whole, (tone * np.clip(lit, 0.3, 1)[..., None]).astype(picture.dtype))
    plate = np.clip(top * half * canvas.height * 0.5, 0, 1)
    scene.lay(part, plate, np.clip(tone * 1.1, 0, 1).astype(picture.dtype))
    return picture


def _thing(
    scene: Scene, picture: Picture, kind: str, place: tuple[float, float, float], code: str
) -> Picture:
    """A ball, a block or a bottle that stands at a place; lit from the left above."""
    canvas = scene.canvas
    x, foot, size = place
    part, across, below = scene.around(picture, x, foot, size * 3.2)
    across = across / size
    shadow = np.exp(-(((across - 0.35) / 1.25) ** 4) - (below / (size * 0.22)) ** 2) * 0.55
    part = scene.paint(part, shadow, "#1b1016")
    tone = colour(code)
    if kind == "ball":
        down = (below + size) / size
        far = np.hypot(across, down)
        up = np.sqrt(np.clip(1 - far**2, 0, 1))
        lit = np.clip(-0.5 * across - 0.6 * down + 0.62 * up, 0, 1)
        gleam = np.clip(-0.42 * across - 0.52 * down + 0.74 * up, 0, 1) ** 40
        mask = np.clip((1 - far) * size * canvas.height + 0.5, 0, 1)
        bounce = np.clip(down - 0.3, 0, 1) * 0.22
        _solid(scene, part, mask, tone, 0.22 + 0.8 * lit + bounce, gleam * 0.8)
        return picture
    tall = 2.9 if kind == "bottle" else 1.7
    down = below / size + tall
    if kind == "bottle":
        half = np.interp(down, [0, 0.55, 0.62, 0.8, 1.25, tall], [0.3, 0.3, 0.24, 0.26, 0.72, 0.72])
    else:
        half = np.full_like(down, 0.8)
    inside = (half - np.abs(across)) * size * canvas.height
    ends = np.minimum(down, tall - down) * size * canvas.height
    mask = np.clip(np.minimum(inside, ends), 0, 1)
    turn = across / np.maximum(half, 1e-3)
    lit = 0.62 - 0.42 * turn + 0.16 * np.cos(turn * 4.2)
    gleam = np.exp(-(((turn + 0.55) / 0.1) ** 2)) * 0.6
    part = _solid(scene, part, mask, tone, np.clip(lit, 0.15, 1.1), gleam)
    if kind == "bottle":
        label = mask * ((down > 1.55) & (down < 2.4))
        part = scene.paint(part, label * 0.85, "#f8f4ec")
        cap = mask * (down < 0.55)
        scene.paint(part, cap * 0.7, "#2a2430")
    return picture


def _solid(
    scene: Scene, picture: Picture, mask: Mask, tone: Picture, lit: Mask, gleam: Mask
) -> Picture:
    body = tone * lit[..., None]
    body = body + (1 - body) * gleam[..., None]
    return scene.lay(picture, mask, np.clip(body, 0, 1).astype(picture.dtype))


def network(scene: Scene) -> Picture:
    """Points of light and the lines between them, over a floor that leads far away."""
    canvas, random = scene.canvas, scene.random
    tone = scene.idea.tone or str(
        random.choice(["#2fd6ff", "#7b5cff", "#26e0a3", "#ff6fb1", "#ffb84d"])
    )
    x, y = canvas.places
    horizon = random.uniform(0.55, 0.68)
    picture = ramp(y, [(0, "#040612"), (horizon, "#0d1738"), (1, "#050816")])
    picture = scene.paint(picture, canvas.glow(0.5, horizon, 0.55, 1.3) * 0.55, tone)
    depth = np.clip((y - horizon) / (1 - horizon), 1e-3, 1)
    run = np.abs(((x - 0.5) / depth * 6) % 1 - 0.5) * depth
    cross = np.abs((1.4 / depth) % 1 - 0.5)
    grid = np.clip(1 - run * 55, 0, 1) + np.clip(1 - cross * (6 + 12 * depth), 0, 1) * 0.6
    picture = scene.paint(picture, np.clip(grid, 0, 1) * depth**0.6 * 0.6 * (y > horizon), tone)
    count = 64
    points = np.stack([random.random(count), random.random(count) * 0.92], axis=1)
    ratio = canvas.width / canvas.height
    gaps = np.hypot(
        (points[:, None, 0] - points[None, :, 0]) * ratio, points[:, None, 1] - points[None, :, 1]
    )
    pairs = [
        (a, b)
        for a in range(count)
        for b in np.argsort(gaps[a])[1:4].tolist()
        if a < b or gaps[a, b] < 0.12
    ]
    links = [(*points[a].tolist(), *points[b].tolist()) for a, b in pairs]
    lines = canvas.shapes(lambda pen, scale: _links(canvas, links, pen, scale))
    picture = scene.paint(picture, lines * 0.45, tone)
    nodes = [(*place, random.uniform(0.003, 0.013)) for place in points.tolist()]
    dots = canvas.shapes(lambda pen, scale: _nodes(canvas, nodes, pen, scale))
    halo = np.asarray(
        Image.fromarray(dots.astype(np.float32))
        .resize((canvas.width // 16, canvas.height // 16), Image.Resampling.BOX)
        .resize((canvas.width, canvas.height), Image.Resampling.BICUBIC)
    )
    picture = scene.paint(picture, np.clip(halo * 2.2, 0, 0.8), tone)
    return scene.paint(picture, dots, "#f4fbff")


def _links(canvas: Canvas, links: Sequence[Sequence[float]], pen: Any, scale: float) -> None:
    wide, high = canvas.width * scale, canvas.height * scale
    for x0, y0, x1, y1 in links:
        pen.line(
            (x0 * wide, y0 * high, x1 * wide, y1 * high), fill=255, width=max(1, int(high / 620))
        )


def _nodes(canvas: Canvas, nodes: Sequence[Sequence[float]], pen: Any, scale: float) -> None:
    wide, high = canvas.width * scale, canvas.height * scale
    for x, y, radius in nodes:
        size = radius * high
        pen.ellipse((x * wide - size, y * high - size, x * wide + size, y * high + size), fill=255)


def people(scene: Scene) -> Picture:
    """Somebody in front of a soft ground; for a team, two or three."""
    canvas, random = scene.canvas, scene.random
    picture = mesh(scene, [str(code) for code in random.permutation(HUES)[:3]])
    _x, _y = canvas.places
    for _ in range(5):
        spot = canvas.disc(random.random(), random.random(), random.uniform(0.05, 0.2))
        picture = scene.paint(picture, spot * 0.1, "#ffffff")
    looks = (stock.AMY, stock.DAVID, stock.MEI, stock.OMAR, stock.ZOE, stock.NOAH)
    crowd = "crowd" in scene.idea.marks
    chosen = random.permutation(len(looks))[: 2 if crowd else 1]
    whole = Image.fromarray((np.clip(picture, 0, 1) * 255 + 0.5).astype(np.uint8)).convert("RGBA")
    clothes = ("#2f3e63", "#b23a5a", "#27406b", "#3f7f6a", "#8a5fb0", "#d8a23c")
    for index, choice in enumerate(chosen.tolist()):
        look = replace(looks[choice], cloth=str(random.choice(clothes)))
        drawn = stock.portrait(look)
        high = int(
            min(canvas.height * 0.92, canvas.width * 0.98 / (1 if len(chosen) == 1 else 1.7))
        )
        drawn = drawn.resize(
            (int(high * drawn.width / drawn.height), high), Image.Resampling.LANCZOS
        )
        share = (index + 1) / (len(chosen) + 1) if len(chosen) > 1 else random.uniform(0.38, 0.62)
        place = (int(share * canvas.width - drawn.width / 2), canvas.height - high)
        whole.alpha_composite(drawn, (max(0, place[0]), place[1]))
    return canvas.shares(whole.convert("RGB"))
