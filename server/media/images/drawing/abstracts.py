"""Compositions of nothing in particular: for prompts that the painter knows no word of."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np

from server.media.canvas import Picture, colour, ramp
from server.media.images.drawing.scene import Scene

SETS: Final = (
    ("#0b132b", "#3a506b", "#5bc0be", "#f4d35e", "#ee964b"),
    ("#22223b", "#4a4e69", "#9a8c98", "#c9ada7", "#f2e9e4"),
    ("#264653", "#2a9d8f", "#e9c46a", "#f4a261", "#e76f51"),
    ("#2b2d42", "#8d99ae", "#edf2f4", "#ef233c", "#ffb703"),
    ("#10002b", "#5a189a", "#c77dff", "#ff6d9f", "#ffd6a5"),
    ("#013a63", "#2a6f97", "#61a5c2", "#f7ede2", "#f28482"),
    ("#1b4332", "#40916c", "#95d5b2", "#fefae0", "#dda15e"),
    ("#3d0c11", "#d80032", "#f78ca2", "#f9dec9", "#1b1f3b"),
)
"""Five colours that go together, dark first."""


def palette(scene: Scene) -> list[str]:
    """Colours for one picture; with the prompt's own, where it names one."""
    chosen = list(SETS[int(scene.random.integers(len(SETS)))])
    if scene.idea.tone is not None:
        chosen[2] = scene.idea.tone
    return chosen


def mesh(scene: Scene, tones: Sequence[str]) -> Picture:
    """Soft spots of colour that run into each other."""
    canvas, random = scene.canvas, scene.random
    x, y = canvas.places
    ground = colour(tones[0]).astype(canvas.exact)
    picture: Picture = np.broadcast_to(ground, (canvas.height, canvas.width, 3)).copy()
    bend = canvas.clouds(random, 2.6) - 0.5
    ratio = canvas.width / canvas.height
    for tone in [*tones, *tones]:
        px, py = random.uniform(-0.1, 1.1, 2)
        radius = random.uniform(0.3, 0.62) * max(1.0, ratio * 0.7)
        far = np.hypot((x - px) * ratio + bend * 0.35, y - py + bend * 0.25)
        picture = scene.paint(picture, np.exp(-((far / radius) ** 2)) * 0.85, tone)
    return picture


def gradients(scene: Scene) -> Picture:
    """Silk: folds of colour."""
    canvas, random = scene.canvas, scene.random
    tones = palette(scene)
    picture = mesh(scene, tones)
    x, y = canvas.places
    bend = canvas.clouds(random, 2.6) * random.uniform(1.6, 2.6)
    angle = random.uniform(0, np.pi)
    fold = np.sin((x * np.cos(angle) + y * np.sin(angle)) * random.uniform(5, 9) + bend * 4.5)
    picture = scene.paint(picture, np.clip(fold, 0, 1) ** 3 * 0.42, "#ffffff")
    return scene.paint(picture, np.clip(-fold, 0, 1) ** 2 * 0.45, tones[0])


def flow(scene: Scene) -> Picture:
    """Lines that follow a wind."""
    canvas, random = scene.canvas, scene.random
    tones = palette(scene)
    wind = canvas.clouds(random, 2.4) * 2 * np.pi * random.uniform(0.7, 1.3)
    lean = random.uniform(0, 2 * np.pi)
    lines: list[tuple[str, float, list[tuple[float, float]]]] = []
    step = canvas.height / 150
    for number in range(620):
        x, y = random.uniform(0, canvas.width), random.uniform(0, canvas.height)
        points = []
        for _ in range(int(random.integers(18, 60))):
            column, row = int(x), int(y)
            if not (0 <= column < canvas.width and 0 <= row < canvas.height):
                break
            points.append((x, y))
            turn = wind[row, column] + lean
            x, y = x + step * np.cos(turn), y + step * np.sin(turn)
        if len(points) > 3:
            tone = tones[1 + number % (len(tones) - 1)]
            lines.append((tone, random.uniform(0.0015, 0.009) * canvas.height, points))
    return canvas.painted(tones[0], lambda pen, scale: _strokes(lines, pen, scale))


def _strokes(
    lines: Sequence[tuple[str, float, list[tuple[float, float]]]], pen: Any, scale: float
) -> None:
    for tone, width, points in lines:
        pen.line(
            [(x * scale, y * scale) for x, y in points],
            fill=tone,
            width=max(1, int(width * scale)),
            joint="curve",
        )
        for x, y in (points[0], points[-1]):
            half = width * scale / 2
            pen.ellipse(
                (x * scale - half, y * scale - half, x * scale + half, y * scale + half), fill=tone
            )


def blocks(scene: Scene) -> Picture:
    """Circles, quarters and stripes in a grid, as posters had them a hundred years ago."""
    canvas, random = scene.canvas, scene.random
    tones = palette(scene)
    rows = int(random.integers(4, 7)) if not scene.tall else int(random.integers(6, 9))
    size = canvas.height / rows
    tiles = [
        (
            column,
            row,
            int(random.integers(7)),
            int(random.integers(4)),
            [str(t) for t in random.permutation(tones)[:3]],
        )
        for row in range(rows)
        for column in range(int(canvas.width / size) + 1)
    ]
    picture = canvas.painted(tones[-1], lambda pen, scale: _tiles(tiles, size, pen, scale))
    paper = canvas.clouds(random, 0.9)
    return scene.paint(picture, np.clip(paper - 0.5, 0, 1) * 0.22, "#ffffff")


def _tiles(tiles: Sequence[Any], size: float, pen: Any, scale: float) -> None:
    side = size * scale
    for column, row, kind, turn, (ground, first, second) in tiles:
        x, y = column * side, row * side
        box = (x, y, x + side, y + side)
        pen.rectangle(box, fill=ground)
        if kind == 0:
            pen.ellipse(
                (x + side * 0.1, y + side * 0.1, x + side * 0.9, y + side * 0.9), fill=first
            )
            pen.ellipse(
                (x + side * 0.32, y + side * 0.32, x + side * 0.68, y + side * 0.68), fill=second
            )
        elif kind in (1, 2):
            cx, cy = x + side * (turn % 2), y + side * (turn // 2)
            for share, tone in ((1.0, first), (0.62, second), (0.28, ground)):
                r = side * share
                start = {0: 0, 1: 90, 2: 270, 3: 180}[turn]
                pen.pieslice((cx - r, cy - r, cx + r, cy + r), start, start + 90, fill=tone)
        elif kind == 3:
            for stripe in range(4):
                at = stripe * side / 4
                edge = (
                    (x, y + at, x + side, y + at + side / 8)
                    if turn % 2
                    else (x + at, y, x + at + side / 8, y + side)
                )
                pen.rectangle(edge, fill=first)
        elif kind == 4:
            corners = [(x, y), (x + side, y), (x + side, y + side), (x, y + side)]
            pen.polygon(
                [corners[turn], corners[(turn + 1) % 4], corners[(turn + 2) % 4]], fill=first
            )
        elif kind == 5:
            start = turn * 90
            pen.pieslice(box, start, start + 180, fill=first)
        else:
            for dot in range(9):
                px, py = x + side * (0.22 + 0.28 * (dot % 3)), y + side * (0.22 + 0.28 * (dot // 3))
                pen.ellipse(
                    (px - side * 0.07, py - side * 0.07, px + side * 0.07, py + side * 0.07),
                    fill=second,
                )


def rings(scene: Scene) -> Picture:
    """Contours, as on a map of a land that nobody has seen."""
    canvas, random = scene.canvas, scene.random
    tones = palette(scene)
    land = canvas.clouds(random, random.uniform(2.2, 2.8), random.uniform(0.8, 1.4))
    levels = int(random.integers(9, 16))
    step = np.floor(land * levels) / (levels - 1)
    stops = [(index / (len(tones) - 1), tone) for index, tone in enumerate(tones)]
    picture = ramp(np.clip(step, 0, 1), stops)
    rise = np.gradient(land, axis=0) + np.gradient(land, axis=1)
    picture = scene.paint(picture, np.clip(rise * 90, 0, 0.35), "#ffffff")
    picture = scene.paint(picture, np.clip(-rise * 90, 0, 0.4), tones[0])
    phase = (land * levels) % 1
    edge = np.clip(1 - phase * 3.2, 0, 1) * 0.5
    return scene.paint(picture, edge, tones[0])


def orbs(scene: Scene) -> Picture:
    """Glass balls that float before a soft ground."""
    canvas, random = scene.canvas, scene.random
    tones = palette(scene)
    picture = mesh(scene, [tones[0], tones[1], tones[2]])
    limit = min(1.0, canvas.width / canvas.height)
    sizes = sorted(random.uniform(0.04, 0.24, 9) * limit)
    for index, size in enumerate(sizes):
        place = random.uniform(0.06, 0.94), random.uniform(0.08, 0.92)
        part, across, down = scene.around(picture, *place, size * 1.9)
        across, down = across / size, down / size
        far = np.hypot(across, down)
        up = np.sqrt(np.clip(1 - far**2, 0, 1))
        mask = np.clip((1 - far) * size * canvas.height + 0.5, 0, 1)
        lit = np.clip(-0.45 * across - 0.6 * down + 0.66 * up, 0, 1)
        first, second = colour(tones[2 + index % 3]), colour(tones[index % 2])
        body = second + (first - second) * lit[..., None]
        gleam = np.clip(-0.4 * across - 0.5 * down + 0.77 * up, 0, 1) ** 50
        rim = np.clip(far, 0, 1) ** 6 * 0.45
        body = body + (1 - body) * np.clip(gleam + rim * np.clip(down, 0, 1), 0, 1)[..., None]
        shadow = np.exp(-((np.hypot(across - 0.25, down - 0.35) / 1.15) ** 6)) * 0.3
        part = scene.paint(part, shadow, tones[0])
        scene.lay(part, mask, body.astype(picture.dtype))
    return picture


ABSTRACTS: Final = (gradients, flow, blocks, rings, orbs)
