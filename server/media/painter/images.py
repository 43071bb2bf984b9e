"""Opening pictures that others made, and what stands in for one that is missing."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Final

from PIL import Image, ImageDraw, ImageOps

from server.media.colours import in_srgb
from server.media.errors import AssetBroken
from server.media.fonts.book import FontBook
from server.media.looks import TextLook
from server.media.painter.text import letter
from server.media.plan import Canvas

FORMATS: Final = ("PNG", "JPEG", "GIF", "WEBP")
MOST_PIXELS: Final = 50_000_000


def open_image(path: Path, wanted: tuple[int, int]) -> Image.Image:
    """The picture in a file, RGB or RGBA, upright.

    Args:
        path: a PNG, JPEG, GIF (its first frame) or WebP file; no other format is tried.
        wanted: the size that is needed; a larger JPEG is decoded at a fraction of its size.

    Raises:
        AssetBroken: it is none of these, damaged, or has more than `MOST_PIXELS`.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            with Image.open(path, formats=FORMATS) as image:
                if image.width * image.height > MOST_PIXELS:
                    raise AssetBroken(
                        f"a picture of {image.width} x {image.height} pixels is too large"
                    )
                if image.format == "JPEG":
                    image.draft("RGB", wanted)
                return in_srgb(ImageOps.exif_transpose(image))
    except (OSError, ValueError, SyntaxError, EOFError, Image.DecompressionBombError) as error:
        raise AssetBroken("the picture is damaged or of a format that is not known") from error


def placeholder(size: tuple[int, int], label: str, canvas: Canvas, fonts: FontBook) -> Image.Image:
    """A visible stand-in: a crossed box with the layer's name."""
    image = Image.new("RGB", size, "#5B6070")
    draw = ImageDraw.Draw(image)
    line = max(2, round(4 * canvas.unit))
    draw.line((0, 0, *size), "#7C8296", line)
    draw.line((0, size[1], size[0], 0), "#7C8296", line)
    draw.rectangle((0, 0, size[0] - 1, size[1] - 1), outline="#A4AABD", width=line)
    look = TextLook(
        text=f"{label[:60]}\nis missing",
        family="Inter",
        size=36,
        weight=500,
        italic=False,
        color="#FFFFFF",
        align="center",
        x=0.5,
        y=0.5,
        opacity=1,
        line_height=1.25,
        max_width=0.8 * size[0] / canvas.width,
        background="#5B6070",
        outline=None,
        outline_width=0,
        shadow=False,
    )
    text = letter(look, canvas, fonts).image
    image.paste(text, ((size[0] - text.width) // 2, (size[1] - text.height) // 2), text)
    return image
