"""Texts: wrapped, shaped, in as many fonts as they need."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from PIL import Image, ImageColor, ImageDraw, ImageFilter, ImageFont

from server.media.fonts.book import FontBook, Run, clusters
from server.media.fonts.direction import is_right_to_left
from server.media.looks import TextLook
from server.media.painter.breaks import last_break
from server.media.plan import Canvas

_SLANT: Final = 0.2
_OTHER_FONTS_BOLD: Final = 600
"""The weight from which fonts other than Inter, which have one, are thickened."""


@dataclass(frozen=True, slots=True)
class Line:
    """One line as laid out: its left edge and top in the image, its width, its runs as seen.

    `edges` are the places, as parts of its width, where its first, second, ... cluster ends.
    """

    left: float
    top: float
    width: float
    runs: tuple[Run, ...]
    rtl: bool
    edges: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Lettering:
    """A drawn text.

    Attributes:
        image: RGBA, trimmed to what the text needs.
        lines: where its lines are, for the typewriter.
        line_height: pixels.
        cut: whether it was too long for the picture.
    """

    image: Image.Image
    lines: tuple[Line, ...]
    line_height: float
    cut: bool

    def reveal(self, part: float) -> Image.Image:
        """A mask (L, the image's size) that shows the first `part` of the text."""
        mask = Image.new("L", self.image.size, 0)
        draw = ImageDraw.Draw(mask)
        shown = round(part * sum(len(line.edges) for line in self.lines))
        for line in self.lines:
            if shown <= 0:
                break
            whole = shown >= len(line.edges)
            width = line.width + self.line_height if whole else line.width * line.edges[shown - 1]
            top = 0.0 if line is self.lines[0] else line.top
            bottom = line.top + self.line_height - 1
            if line is self.lines[-1]:
                bottom = self.image.height
            if line.rtl:
                right = line.left + line.width
                draw.rectangle((right - width, top, right + self.line_height, bottom), 255)
            else:
                draw.rectangle((line.left - self.line_height, top, line.left + width, bottom), 255)
            shown -= len(line.edges)
        return mask


def letter(look: TextLook, canvas: Canvas, fonts: FontBook) -> Lettering:
    """Draw a text.

    Args:
        look: the text and how it looks.
        canvas: the picture it is for; lines are broken at `look.max_width` of it, and lines that
            can not be seen at all are left out.
        fonts: the font book.
    """
    size = max(4, round(look.size * canvas.unit))
    height = size * look.line_height
    limit = look.max_width * canvas.width
    most = int(canvas.height * 1.5 / height) + 2
    broken, cut = _wrap(look.text, limit, most, fonts, size, look.weight)
    laid = [(runs, _width(runs, fonts, size, look.weight), rtl) for runs, rtl in broken]
    widest = max((width for _, width, _ in laid), default=0.0)
    pad = round(size * (0.5 if look.background else 0.35) + look.outline_width * canvas.unit)
    box = (
        min(int(widest) + 2 * pad + 1, canvas.width * 3),
        int(height * max(1, len(laid))) + 2 * pad + 1,
    )
    plain = ImageColor.getrgb(look.color)[:3]
    image = Image.new("RGBA", box, (*plain, 0))
    lines = []
    for number, (runs, width, rtl) in enumerate(laid):
        free = widest - width
        shift = {"left": 0.0, "center": free / 2, "right": free}[look.align]
        left, top = pad + shift, pad + number * height
        lines.append(Line(left, top, width, runs, rtl, _edges(runs, rtl, fonts, size, look.weight)))
        baseline = top + height / 2 + size * 0.36
        if not look.italic:
            _draw_line(ImageDraw.Draw(image), look, runs, left, baseline, fonts, size, canvas.unit)
            continue
        above = max(0, round(baseline - 1.5 * size))
        upright = Image.new("RGBA", (box[0], min(box[1] - above, 3 * size)), (*plain, 0))
        pen, down = ImageDraw.Draw(upright), baseline - above
        _draw_line(pen, look, runs, left, down, fonts, size, canvas.unit)
        image.alpha_composite(_slanted(upright, down), (0, above))
    image = _backed(image, look, size)
    return Lettering(image, tuple(lines), height, cut)


def _wrap(
    text: str, limit: float, most: int, fonts: FontBook, size: int, weight: int
) -> tuple[list[tuple[tuple[Run, ...], bool]], bool]:
    lines: list[tuple[tuple[Run, ...], bool]] = []
    for paragraph in text.replace("\r\n", "\n").replace("\t", "    ").split("\n"):
        rtl = is_right_to_left(paragraph)
        rest = paragraph
        while True:
            if len(lines) >= most:
                return lines, True
            line, rest = _first_line(rest, limit, fonts, size, weight)
            lines.append((tuple(fonts.visual_runs(line, rtl)), rtl))
            if not rest:
                break
    return lines, False


def _first_line(
    text: str, limit: float, fonts: FontBook, size: int, weight: int
) -> tuple[str, str]:
    """The longest start of `text` that fits and may end there, and the rest."""
    # No line holds more characters than this, however narrow they are.
    window = text[: max(8, int(limit / max(1, size * 0.1)))]
    if len(window) == len(text) and _measure(window, fonts, size, weight) <= limit:
        return text, ""
    parts = list(clusters(window))
    low, high = 1, len(parts)
    while low < high:
        middle = (low + high + 1) // 2
        if _measure("".join(parts[:middle]), fonts, size, weight) <= limit:
            low = middle
        else:
            high = middle - 1
    line = "".join(parts[: last_break(parts, low)])
    return line.rstrip(), text[len(line) :].lstrip(" ")


def _measure(text: str, fonts: FontBook, size: int, weight: int) -> float:
    return _width(tuple(fonts.runs(text)), fonts, size, weight)


def _width(runs: tuple[Run, ...], fonts: FontBook, size: int, weight: int) -> float:
    return sum(_length(run, fonts.face(run.font, size, weight)) for run in runs)


def _length(run: Run, face: ImageFont.FreeTypeFont) -> float:
    return face.getlength(run.text, direction=_direction(run))


def _direction(run: Run) -> str:
    return "rtl" if run.rtl else "ltr"


def _edges(
    runs: tuple[Run, ...], rtl: bool, fonts: FontBook, size: int, weight: int
) -> tuple[float, ...]:
    in_order = reversed(runs) if rtl else runs
    ends, at = [], 0.0
    for run in in_order:
        face = fonts.face(run.font, size, weight)
        for cluster in clusters(run.text):
            at += face.getlength(cluster)
            ends.append(at)
    return tuple(end / at if at else 1.0 for end in ends)


def _draw_line(
    draw: ImageDraw.ImageDraw,
    look: TextLook,
    runs: tuple[Run, ...],
    left: float,
    baseline: float,
    fonts: FontBook,
    size: int,
    unit: float,
) -> None:
    for run in runs:
        face = fonts.face(run.font, size, look.weight)
        bold = look.weight >= _OTHER_FONTS_BOLD and not fonts.is_first(run.font)
        stroke = size / 40 if bold and not fonts.is_emoji(run.font) else 0.0
        outline = look.outline_width * unit if look.outline is not None else 0.0
        if outline and not fonts.is_emoji(run.font):
            draw.text(
                (left, baseline),
                run.text,
                fill=look.outline,
                font=face,
                anchor="ls",
                direction=_direction(run),
                stroke_width=outline + stroke,
                stroke_fill=look.outline,
            )
        draw.text(
            (left, baseline),
            run.text,
            fill=look.color,
            font=face,
            anchor="ls",
            direction=_direction(run),
            stroke_width=stroke,
            embedded_color=fonts.is_emoji(run.font),
        )
        left += _length(run, face)


def _slanted(line: Image.Image, baseline: float) -> Image.Image:
    return line.transform(
        line.size,
        Image.Transform.AFFINE,
        (1, _SLANT, -_SLANT * baseline, 0, 1, 0),
        Image.Resampling.BICUBIC,
    )


def _backed(image: Image.Image, look: TextLook, size: int) -> Image.Image:
    if look.shadow:
        alpha = image.getchannel("A").filter(ImageFilter.GaussianBlur(size / 12))
        shade = Image.new("RGBA", image.size, (0, 0, 0, 0))
        shade.putalpha(alpha.point([round(i * 0.7) for i in range(256)]))
        moved = Image.new("RGBA", image.size, (0, 0, 0, 0))
        moved.paste(shade, (round(size / 20), round(size / 20)))
        image = Image.alpha_composite(moved, image)
    if look.background is not None:
        back = Image.new("RGBA", image.size, (0, 0, 0, 0))
        ImageDraw.Draw(back).rounded_rectangle(
            (0, 0, image.width - 1, image.height - 1), size / 5, fill=look.background
        )
        image = Image.alpha_composite(back, image)
    return image
