"""Pictures as the encoder takes them: planes of luma and halved chroma, BT.709, limited range.

Drawing in these planes costs a third of drawing in RGB and needs no conversion for each frame.
All sizes and positions are even, so that the chroma planes fit.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
from PIL import Image, ImageColor, ImageFilter, ImageOps

_KR, _KG, _KB = 0.2126, 0.7152, 0.0722
_LUMA, _CHROMA = 219 / 255, 224 / 255
_BT709: Final = (
    *(_KR * _LUMA, _KG * _LUMA, _KB * _LUMA, 16.0),
    *(c * _CHROMA / (2 * (1 - _KB)) for c in (-_KR, -_KG, 1 - _KB)),
    128.0,
    *(c * _CHROMA / (2 * (1 - _KR)) for c in (1 - _KR, -_KG, -_KB)),
    128.0,
)

_R, _B = 2 * (1 - _KR) / _CHROMA, 2 * (1 - _KB) / _CHROMA
_G: Final = (-_B * _KB / _KG, -_R * _KR / _KG)
_BACK: Final = (
    *(1 / _LUMA, 0.0, _R, -16 / _LUMA - 128 * _R),
    *(1 / _LUMA, *_G, -16 / _LUMA - 128 * sum(_G)),
    *(1 / _LUMA, _B, 0.0, -16 / _LUMA - 128 * _B),
)

_MARGIN: Final = 4
"""Pixels around a sprite that moves, so that its edges can lie between those of the picture."""
_SEEN: Final = (0, *(255,) * 255)

Size = tuple[int, int]
Planes = tuple[Image.Image, Image.Image, Image.Image]


def to_planes(rgb: Image.Image) -> Planes:
    """Luma and halved chroma of an RGB image with even sides."""
    y, u, v = rgb.convert("RGB", _BT709).split()
    half = (rgb.width // 2, rgb.height // 2)
    return y, u.resize(half, Image.Resampling.BOX), v.resize(half, Image.Resampling.BOX)


def colour_of(name: str) -> tuple[int, int, int]:
    """Luma and chroma of `#RRGGBB`."""
    pixel = Image.new("RGB", (1, 1), ImageColor.getrgb(name)).convert("RGB", _BT709)
    value = pixel.getpixel((0, 0))
    assert isinstance(value, tuple)
    return int(value[0]), int(value[1]), int(value[2])


def _margined(plane: Image.Image, margin: int) -> Image.Image:
    return Image.fromarray(np.pad(np.asarray(plane), margin, mode="edge"))


def even(value: float) -> int:
    """The nearest even number."""
    return 2 * round(value / 2)


def faded(mask: Image.Image, alpha: float) -> Image.Image:
    """A mask times `alpha`."""
    return mask if alpha >= 1 else mask.point([round(i * alpha) for i in range(256)])


@dataclass(slots=True)
class Sprite:
    """A thing to paste: planes, and masks in full and half size (None where it is opaque)."""

    planes: Planes
    mask: Image.Image | None = None
    half_mask: Image.Image | None = None

    @property
    def size(self) -> Size:
        """Width and height in pixels, even."""
        return self.planes[0].size

    @classmethod
    def of(cls, image: Image.Image) -> Sprite:
        """Planes of an RGB or RGBA image; odd sides are filled up."""
        size = image.width + image.width % 2, image.height + image.height % 2
        if image.mode != "RGBA":
            image = image.convert("RGB")
            if image.size != size:
                image = image.resize(size)
            return cls(to_planes(image))
        if image.size != size:
            grown = Image.new("RGBA", size)
            grown.paste(image, (0, 0))
            image = grown
        mask = image.getchannel("A")
        if mask.getextrema() == (255, 255):
            return cls(to_planes(image.convert("RGB")))
        half = (size[0] // 2, size[1] // 2)
        # Premultiplied, so that colours behind transparent pixels do not bleed into the edges; and
        # around the edges their own colour, so that they keep it between pixels, too.
        weighed = image.convert("RGBa")
        near = weighed.filter(ImageFilter.BoxBlur(_MARGIN)).convert("RGBA").convert("RGB")
        small = weighed.resize(half, Image.Resampling.BOX).convert("RGBA")
        whole = Image.composite(image.convert("RGB"), near, mask.point(_SEEN))
        coarse = Image.composite(
            small.convert("RGB"),
            near.resize(half, Image.Resampling.BOX),
            small.getchannel("A").point(_SEEN),
        )
        y = whole.convert("RGB", _BT709).getchannel(0)
        _, u, v = coarse.convert("RGB", _BT709).split()
        return cls((y, u, v), mask, small.getchannel("A"))

    def window(self, box: tuple[float, float, float, float], size: Size) -> Sprite:
        """The part `box` (fractional pixels) scaled to `size` (even)."""
        half = (size[0] // 2, size[1] // 2)
        small = (box[0] / 2, box[1] / 2, box[2] / 2, box[3] / 2)

        def scaled(plane: Image.Image, full: bool) -> Image.Image:
            return plane.resize(
                size if full else half,
                Image.Resampling.BILINEAR,
                box=box if full else small,
                reducing_gap=None,
            )

        y, u, v = self.planes
        planes = scaled(y, True), scaled(u, False), scaled(v, False)
        if self.mask is None or self.half_mask is None:
            return Sprite(planes)
        return Sprite(planes, scaled(self.mask, True), scaled(self.half_mask, False))

    def framed(self) -> Sprite:
        """The same with a transparent margin, which `moved` needs."""
        half = _MARGIN // 2
        y, u, v = self.planes
        mask = self.mask if self.mask is not None else Image.new("L", y.size, 255)
        small = self.half_mask if self.half_mask is not None else Image.new("L", u.size, 255)
        return Sprite(
            (_margined(y, _MARGIN), _margined(u, half), _margined(v, half)),
            ImageOps.expand(mask, _MARGIN),
            ImageOps.expand(small, half),
        )

    def moved(self, left: float, top: float, factor: float) -> tuple[Sprite, int, int]:
        """A framed sprite at a place and in a size between pixels, and where to paste it.

        Args:
            left: of what is within the margin, in pixels.
            top: the same.
            factor: on its size, 0.5 or more.
        """
        width, height = (side - 2 * _MARGIN for side in self.size)
        x, y = 2 * math.floor(left / 2), 2 * math.floor(top / 2)
        right = max(x + 2, 2 * math.ceil((left + width * factor) / 2))
        bottom = max(y + 2, 2 * math.ceil((top + height * factor) / 2))
        box = (
            *((x - left) / factor + _MARGIN, (y - top) / factor + _MARGIN),
            *((right - left) / factor + _MARGIN, (bottom - top) / factor + _MARGIN),
        )
        return self.window(box, (right - x, bottom - y)), x, y

    def masked(self, mask: Image.Image) -> Sprite:
        """The same with another mask of its size."""
        half = (mask.width // 2, mask.height // 2)
        return Sprite(self.planes, mask, mask.resize(half, Image.Resampling.BOX))


@dataclass(slots=True)
class Picture:
    """A whole frame."""

    planes: Planes

    @classmethod
    def solid(cls, size: Size, colour: str) -> Picture:
        """A frame of one colour."""
        y, u, v = colour_of(colour)
        half = (size[0] // 2, size[1] // 2)
        return cls((Image.new("L", size, y), Image.new("L", half, u), Image.new("L", half, v)))

    @property
    def size(self) -> Size:
        """Width and height in pixels."""
        return self.planes[0].size

    def copy(self) -> Picture:
        """A frame of its own."""
        y, u, v = self.planes
        return Picture((y.copy(), u.copy(), v.copy()))

    def paste(self, sprite: Sprite, left: float, top: float, alpha: float = 1.0) -> None:
        """Lay a sprite over the frame; what hangs over the edge is cut off."""
        if alpha <= 0:
            return
        x, y = even(left), even(top)
        mask, half = sprite.mask, sprite.half_mask
        if mask is None and alpha < 1:
            mask = Image.new("L", sprite.size, round(255 * alpha))
            half = Image.new("L", sprite.planes[1].size, round(255 * alpha))
        elif mask is not None and half is not None:
            mask, half = faded(mask, alpha), faded(half, alpha)
        self.planes[0].paste(sprite.planes[0], (x, y), mask)
        self.planes[1].paste(sprite.planes[1], (x // 2, y // 2), half)
        self.planes[2].paste(sprite.planes[2], (x // 2, y // 2), half)

    def mixed(self, other: Picture, part: float) -> Picture:
        """This frame and `part` (0 to 1) of another."""
        mine, theirs = self.planes, other.planes
        return Picture(
            (
                Image.blend(mine[0], theirs[0], part),
                Image.blend(mine[1], theirs[1], part),
                Image.blend(mine[2], theirs[2], part),
            )
        )

    def image(self) -> Image.Image:
        """The frame as RGB."""
        y, u, v = self.planes
        wide = [plane.resize(y.size, Image.Resampling.BILINEAR) for plane in (u, v)]
        return Image.merge("RGB", (y, *wide)).convert("RGB", _BACK)

    def chunks(self) -> tuple[bytes, ...]:
        """The planes' bytes, which one after the other are `yuv420p`."""
        return tuple(plane.tobytes() for plane in self.planes)
