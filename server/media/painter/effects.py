"""Effects on a whole picture, and transitions between two."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache
from typing import Final

from PIL import Image, ImageFilter

from server.media.looks import EffectLook
from server.media.motion import Motion
from server.media.painter.picture import Picture, Planes, Sprite, even
from server.media.plan import Canvas, Transition

_SEPIA: Final = (112, 142)


def apply_effect(
    picture: Picture, look: EffectLook, motions: Sequence[Motion], frame: int, canvas: Canvas
) -> Picture:
    """The picture under an effect at a frame of its scene; the one given may be changed."""
    if look.effect == "fade":
        part = _fade(motions, frame)
        if part <= 0:
            return picture
        return picture.mixed(Picture.solid(picture.size, look.color), part)
    if look.effect == "blur":
        return blurred(picture, look.radius * canvas.unit)
    if look.effect == "vignette":
        picture.paste(_vignette(picture.size, look.intensity, look.color), 0, 0)
        return picture
    return adjusted(picture, look)


def _fade(motions: Sequence[Motion], frame: int) -> float:
    for motion in motions:
        if motion.first <= frame < motion.end:
            part = (frame - motion.first + 1) / (motion.end - motion.first)
            return part if motion.kind == "fadeTo" else 1 - part
    return 0.0


def blurred(picture: Picture, radius: float) -> Picture:
    """A Gaussian blur of `radius` pixels; a large one is done on a smaller picture."""
    if radius < 0.5:
        return picture
    shrink = 1 if radius < 6 else 2 if radius < 12 else 4

    def plane(image: Image.Image, reach: float) -> Image.Image:
        size = image.size
        if shrink > 1:
            image = image.reduce(shrink)
        image = image.filter(ImageFilter.GaussianBlur(reach / shrink))
        return image.resize(size, Image.Resampling.BILINEAR) if shrink > 1 else image

    y, u, v = picture.planes
    return Picture((plane(y, radius), plane(u, radius / 2), plane(v, radius / 2)))


@lru_cache(maxsize=8)
def _vignette(size: tuple[int, int], intensity: float, colour: str) -> Sprite:
    # The radial gradient is 0 in the middle and 255 at the middle of the sides of its square.
    slope = Image.radial_gradient("L").resize(size, Image.Resampling.BICUBIC)
    table = [round(255 * intensity * min(1.0, max(0.0, i / 255 - 0.35) / 0.65)) for i in range(256)]
    return Sprite(Picture.solid(size, colour).planes).masked(slope.point(table))


def adjusted(picture: Picture, look: EffectLook) -> Picture:
    """Brightness, contrast, saturation, hue, temperature and sepia."""
    y, u, v = picture.planes
    gain = look.brightness * look.contrast
    y = y.point(
        [
            _clamp(((i - 16) * look.brightness - 109.5) * look.contrast + 125.5, 16, 235)
            for i in range(256)
        ]
    )
    if look.hue:
        turn = math.radians(look.hue)
        c, s = math.cos(turn), math.sin(turn)
        middle = 128 * (1 - c + s), 128 * (1 - s - c)
        turned = Image.merge("RGB", (u, v, v)).convert(
            "RGB", (c, -s, 0, middle[0], s, c, 0, middle[1], 0, 0, 1, 0)
        )
        u, v, _ = turned.split()
    strength = look.saturation * min(max(gain, 0.0), 1.5)
    warm = 24 * look.temperature
    tables = [
        [
            _clamp(
                (128 + (i - 128) * strength + shift) * (1 - look.sepia) + tone * look.sepia, 16, 240
            )
            for i in range(256)
        ]
        for shift, tone in ((-warm, _SEPIA[0]), (warm, _SEPIA[1]))
    ]
    return Picture((y, u.point(tables[0]), v.point(tables[1])))


def _clamp(value: float, low: int, high: int) -> int:
    return min(max(round(value), low), high)


def joined(scene: Picture, other: Picture, transition: Transition, part: float) -> Picture:
    """A frame of a transition: `part` (0 to 1) of the way from one picture to the next."""
    before, after = (other, scene) if transition.incoming else (scene, other)
    if transition.effect == "crossfade":
        return before.mixed(after, part)
    width, height = before.size
    dx, dy = {"left": (-1, 0), "right": (1, 0), "up": (0, -1), "down": (0, 1)}[
        transition.way or "left"
    ]
    result = before.copy()
    if transition.effect == "slide":
        x, y = even(dx * width * part), even(dy * height * part)
        result.paste(Sprite(before.planes), x, y)
        result.paste(Sprite(after.planes), x - dx * width, y - dy * height)
        return result
    x, y = even(width * part) if dx else width, even(height * part) if dy else height
    left, top = (width - x if dx < 0 else 0), (height - y if dy < 0 else 0)
    box = (left, top, left + x, top + y)
    if x and y:
        result.paste(Sprite(_cropped(after.planes, box)), left, top)
    return result


def _cropped(planes: Planes, box: tuple[int, int, int, int]) -> Planes:
    half = (box[0] // 2, box[1] // 2, box[2] // 2, box[3] // 2)
    return planes[0].crop(box), planes[1].crop(half), planes[2].crop(half)
