"""Shapes: rectangle, ellipse, line, arrow; drawn large and scaled down for smooth edges."""

from __future__ import annotations

from typing import Final

from PIL import Image, ImageColor, ImageDraw

from server.media.looks import ShapeLook
from server.media.plan import Canvas

_FINER: Final = 2


def draw_shape(look: ShapeLook, canvas: Canvas) -> Image.Image:
    """The shape as RGBA, its centre in the middle of the image."""
    line = look.stroke_width * canvas.unit * _FINER if look.stroke is not None else 0.0
    arrow = look.shape == "arrow"
    head = max(4 * line, 10.0) if arrow else 0.0
    width = min(look.width, 2) * canvas.width * _FINER
    height = min(look.height, 2) * canvas.height * _FINER
    pad = round(line / 2 + head) + 2 * _FINER
    size = round(width) + 2 * pad, round(height) + 2 * pad
    clear = (*ImageColor.getrgb(look.fill or look.stroke or "#FFFFFF")[:3], 0)
    image = Image.new("RGBA", size, clear)
    draw = ImageDraw.Draw(image)
    box = (pad, pad, size[0] - pad - 1, size[1] - pad - 1)
    stroke = round(line)
    if look.shape == "ellipse":
        draw.ellipse(box, look.fill, look.stroke if stroke else None, max(1, stroke))
    elif look.shape == "rectangle":
        radius = min(look.radius * canvas.unit * _FINER, width / 2, height / 2)
        draw.rounded_rectangle(
            box, radius, look.fill, look.stroke if stroke else None, max(1, stroke)
        )
    else:
        _draw_line(draw, look, box, stroke, head)
    if look.rotation % 360:
        image = image.rotate(-look.rotation, Image.Resampling.BICUBIC, expand=True, fillcolor=clear)
    small = max(1, image.width // _FINER), max(1, image.height // _FINER)
    return image.convert("RGBa").resize(small, Image.Resampling.BOX).convert("RGBA")


def _draw_line(
    draw: ImageDraw.ImageDraw,
    look: ShapeLook,
    box: tuple[int, int, int, int],
    stroke: int,
    head: float,
) -> None:
    """From the left top to the right bottom of the box (level, if it has no height)."""
    colour = look.stroke or "#FFFFFF"
    left, top, right, bottom = box
    dx, dy = right - left, bottom - top
    length = max(1.0, (dx * dx + dy * dy) ** 0.5)
    ux, uy = dx / length, dy / length
    back = head if look.shape == "arrow" else 0.0
    draw.line((left, top, right - ux * back, bottom - uy * back), colour, max(1, stroke))
    if back:
        tip, wing = (right, bottom), head * 0.55
        foot = right - ux * back, bottom - uy * back
        draw.polygon(
            [
                tip,
                (foot[0] - uy * wing, foot[1] + ux * wing),
                (foot[0] + uy * wing, foot[1] - ux * wing),
            ],
            fill=colour,
        )
