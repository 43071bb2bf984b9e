"""The stock avatars: six people, each in several clothes, drawn as heads and shoulders."""

from __future__ import annotations

import colorsys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, Literal

from PIL import Image, ImageDraw, ImageFilter

SIZE: Final = (800, 1000)
FINER: Final = 3
"""How much larger they are drawn, so that edges are smooth."""

Hair = Literal["short", "long", "bun", "curly", "bob", "quiff", "none"]
Clothes = Literal["shirt", "hoodie", "suit", "blazer", "turtleneck", "coat"]


@dataclass(frozen=True, slots=True)
class Look:
    """How a person looks; colours as `#rrggbb`.

    Attributes:
        skin, hair_colour, iris, lips: colours.
        hair: the cut.
        clothes, cloth, second: what is worn, its colour, and that of what is under it.
        ground: the thumbnail's.
        beard, glasses, earrings: whether there are any.
        soft: a narrower jaw, fuller lips, longer lashes.
    """

    skin: str
    hair: Hair
    hair_colour: str
    iris: str
    clothes: Clothes
    cloth: str
    second: str
    ground: str
    lips: str = "#b5544d"
    beard: bool = False
    glasses: bool = False
    earrings: bool = False
    soft: bool = False


def shade(code: str, amount: float) -> str:
    """A colour, darker (below 0) or lighter."""
    red, green, blue = (int(code[i : i + 2], 16) / 255 for i in (1, 3, 5))
    hue, light, rich = colorsys.rgb_to_hls(red, green, blue)
    light = light * (1 + amount) if amount < 0 else light + (1 - light) * amount
    # Shadows of light skin would glow orange otherwise.
    rich *= 0.68 if amount < 0 and light > 0.5 else 1
    made = colorsys.hls_to_rgb(hue, max(0.0, min(1.0, light)), rich)
    return "#" + "".join(f"{round(part * 255):02x}" for part in made)


class Pen:
    """Draws in units of the finished picture."""

    def __init__(self) -> None:
        self.image = Image.new("RGBA", (SIZE[0] * FINER, SIZE[1] * FINER), (0, 0, 0, 0))
        self._draw = ImageDraw.Draw(self.image)

    def oval(self, x: float, y: float, wide: float, high: float, fill: str) -> None:
        """An ellipse around a point; `wide` and `high` are its radii."""
        self._draw.ellipse(_scaled((x - wide, y - high, x + wide, y + high)), fill=fill)

    def shape(self, points: Sequence[tuple[float, float]], fill: str) -> None:
        """A closed smooth curve through points."""
        self._draw.polygon(_scaled_points(_smooth(points)), fill=fill)

    def sharp(self, points: Sequence[tuple[float, float]], fill: str) -> None:
        """A polygon."""
        self._draw.polygon(_scaled_points(points), fill=fill)

    def line(self, points: Sequence[tuple[float, float]], fill: str, width: float) -> None:
        """A curve through points, its ends round."""
        curve = _smooth(points, closed=False)
        self._draw.line(_scaled_points(curve), fill=fill, width=int(width * FINER), joint="curve")
        for x, y in (points[0], points[-1]):
            self.oval(x, y, width / 2, width / 2, fill)

    def ring(self, x: float, y: float, wide: float, high: float, fill: str, width: float) -> None:
        """An ellipse's outline."""
        box = _scaled((x - wide, y - high, x + wide, y + high))
        self._draw.ellipse(box, outline=fill, width=int(width * FINER))

    def veil(self, x: float, y: float, wide: float, high: float, fill: str, opacity: float) -> None:
        """A blurred ellipse that stays on what is drawn already."""
        layer = Image.new("L", self.image.size, 0)
        box = _scaled((x - wide, y - high, x + wide, y + high))
        ImageDraw.Draw(layer).ellipse(box, fill=int(255 * opacity))
        small = layer.resize((SIZE[0] // 2, SIZE[1] // 2))
        soft = small.filter(ImageFilter.GaussianBlur(min(wide, high) / 6)).resize(layer.size)
        drawn = self.image.getchannel("A")
        tone = Image.new("RGBA", self.image.size, fill)
        self.image = Image.composite(tone, self.image, soft)
        self.image.putalpha(drawn)
        self._draw = ImageDraw.Draw(self.image)


def portrait(look: Look) -> Image.Image:
    """A person, on nothing."""
    pen = Pen()
    _hair_behind(pen, look)
    _body(pen, look)
    _head(pen, look)
    if look.beard:
        _beard(pen, look)
    _features(pen, look)
    _hair_before(pen, look)
    if look.glasses:
        for x in (325, 475):
            pen.ring(x, 405, 62, 52, "#2b2b33", 8)
        pen.line([(387, 398), (400, 392), (413, 398)], "#2b2b33", 8)
    return pen.image.resize(SIZE, Image.Resampling.LANCZOS)


def thumbnail(drawn: Image.Image, look: Look, side: int = 480) -> Image.Image:
    """A person's head on a ground of a colour."""
    big = Image.new("RGB", (side * 2, side * 2), look.ground)
    pen = ImageDraw.Draw(big)
    pen.ellipse((side * 0.18, side * 0.18, side * 1.82, side * 1.82), fill=shade(look.ground, 0.35))
    high = side * 2 * 1.12
    person = drawn.resize((int(high * SIZE[0] / SIZE[1]), int(high)), Image.Resampling.LANCZOS)
    big.paste(person, ((side * 2 - person.width) // 2, int(side * 0.1)), person)
    return big.resize((side, side), Image.Resampling.LANCZOS)


def _body(pen: Pen, look: Look) -> None:
    cloth, dark = look.cloth, shade(look.cloth, -0.22)
    neck = shade(look.skin, -0.16)
    pen.shape([(330, 560), (470, 560), (480, 690), (510, 760), (290, 760), (320, 690)], neck)
    shoulders = [
        (400, 715), (505, 725), (610, 765), (700, 830), (738, 930), (748, 1060),
        (52, 1060), (62, 930), (100, 830), (190, 765), (295, 725),
    ]  # fmt: skip
    pen.shape(shoulders, cloth)
    if look.clothes in ("suit", "blazer", "coat"):
        pen.sharp([(322, 722), (478, 722), (400, 1010)], look.second)
        pen.shape([(330, 690), (470, 690), (462, 740), (400, 800), (338, 740)], neck)
        for flip in (1, -1):
            lapel = ((478, 705), (545, 770), (520, 830), (548, 850), (402, 1010), (462, 760))
            side = [(400 + flip * (x - 400), y) for x, y in lapel]
            pen.sharp(side, dark)
            tip = ((470, 700), (492, 735), (440, 800), (402, 775))
            collar = [(400 + flip * (x - 400), y) for x, y in tip]
            pen.sharp(collar, shade(look.second, -0.06))
        if look.clothes == "suit":
            tie = shade(look.ground, -0.45)
            pen.sharp([(384, 778), (416, 778), (424, 812), (376, 812)], shade(tie, -0.2))
            pen.sharp([(378, 812), (422, 812), (432, 985), (400, 1010), (368, 985)], tie)
    elif look.clothes == "hoodie":
        pen.shape([(300, 690), (400, 800), (500, 690), (570, 745), (400, 880), (230, 745)], dark)
        pen.shape([(325, 700), (475, 700), (455, 752), (400, 800), (345, 752)], neck)
        for x in (362, 438):
            pen.line([(x, 815), (x + (x - 400) * 0.1, 940)], shade(cloth, 0.55), 9)
    elif look.clothes == "turtleneck":
        pen.shape([(316, 628), (400, 650), (484, 628), (496, 735), (400, 765), (304, 735)], dark)
        pen.line([(318, 670), (400, 692), (482, 670)], shade(cloth, -0.34), 5)
    else:
        pen.shape([(310, 700), (490, 700), (468, 762), (400, 806), (332, 762)], neck)
        pen.line([(306, 712), (338, 775), (400, 815), (462, 775), (494, 712)], dark, 14)
    for flip in (1, -1):
        crease = [(400 + flip * dx, y) for dx, y in ((238, 860), (232, 930), (240, 1010))]
        pen.line(crease, dark, 6)


def _head(pen: Pen, look: Look) -> None:
    skin, dark = look.skin, shade(look.skin, -0.14)
    jaw = 118 if look.soft else 132
    for flip in (1, -1):
        pen.oval(400 + flip * 176, 425, 30, 48, dark)
        pen.oval(400 + flip * 174, 425, 24, 40, skin)
    if look.clothes != "turtleneck":
        pen.veil(400, 640, 95, 45, shade(look.skin, -0.4), 0.55)
    face = [
        (400, 205), (505, 228), (568, 310), (574, 420), (552, 520), (400 + jaw - 10, 592),
        (455, 640), (400, 652), (345, 640), (410 - jaw, 592), (248, 520), (226, 420),
        (232, 310), (295, 228),
    ]  # fmt: skip
    pen.shape(face, skin)
    for x in (292, 508):
        pen.veil(x, 492, 46, 34, "#e8604c", 0.2 if look.soft else 0.12)
    pen.veil(400, 270, 110, 45, shade(look.skin, 0.3), 0.25)
    if look.earrings:
        for x in (226, 574):
            pen.oval(x, 482, 11, 11, "#e8c15a")


def _features(pen: Pen, look: Look) -> None:
    line = shade(look.skin, -0.5)
    brow = shade(look.hair_colour, -0.25) if look.hair != "none" else "#3a2a22"
    for flip in (1, -1):

        def at(dx: float, y: float, flip: int = flip) -> tuple[float, float]:
            return 400 + flip * dx, y

        eye = at(75, 408)
        pen.shape([at(38, 412), at(58, 389), at(90, 386), at(116, 408), at(92, 428), at(58, 429)],
                  "#fdfbf7")  # fmt: skip
        pen.oval(*eye, 21, 22, look.iris)
        pen.oval(*eye, 10.5, 11, "#17120f")
        pen.oval(eye[0] + 7, eye[1] - 8, 5.5, 5.5, "#ffffff")
        lid = 9 if look.soft else 7
        pen.line([at(36, 411), at(56, 388), at(90, 383), at(119, 406)], "#2a1b17", lid)
        if look.soft:
            pen.line([at(112, 399), at(128, 390)], "#2a1b17", 6)
        high, thick = (338, 11) if look.soft else (342, 17)
        pen.line([at(34, high + 12), at(74, high - 6), at(124, high + 10)], brow, thick)
    pen.line([(404, 430), (414, 480), (420, 500), (402, 512)], shade(look.skin, -0.24), 7)
    pen.line([(378, 506), (386, 513)], shade(look.skin, -0.24), 6)
    full = 9 if look.soft else 4
    pen.shape([(340, 552), (374, 549 - full / 2), (400, 553), (426, 549 - full / 2), (460, 552),
               (432, 584), (400, 592 + full), (368, 584)], look.lips)  # fmt: skip
    pen.shape([(352, 555), (400, 559), (448, 555), (426, 572), (400, 576), (374, 572)], "#fffaf5")
    pen.line(
        [(338, 551), (352, 556), (400, 560), (448, 556), (462, 551)], shade(look.lips, -0.35), 4
    )
    for x, turn in ((330, -1), (470, 1)):
        pen.line([(x, 540), (x + 7 * turn, 551), (x + 3 * turn, 562)], shade(line, 0.35), 4)


def _beard(pen: Pen, look: Look) -> None:
    tone = look.hair_colour
    pen.shape(
        [(232, 440), (252, 505), (300, 525), (352, 522), (400, 532), (448, 522), (500, 525),
         (548, 505), (568, 440), (560, 540), (520, 625), (455, 672), (400, 682), (345, 672),
         (280, 625), (240, 540)],
        tone,
    )  # fmt: skip
    pen.oval(400, 615, 26, 12, shade(tone, 0.12))


def _hair_behind(pen: Pen, look: Look) -> None:
    tone = shade(look.hair_colour, -0.25)
    if look.hair == "long":
        pen.shape([(400, 150), (545, 180), (625, 320), (640, 560), (660, 800), (560, 850),
                   (240, 850), (140, 800), (160, 560), (175, 320), (255, 180)], tone)  # fmt: skip
    elif look.hair == "bob":
        pen.shape([(400, 155), (550, 185), (625, 330), (628, 520), (590, 640), (400, 600),
                   (210, 640), (172, 520), (175, 330), (250, 185)], tone)  # fmt: skip
    elif look.hair == "bun":
        pen.oval(400, 128, 88, 80, tone)
        pen.oval(392, 118, 60, 52, shade(look.hair_colour, 0.08))
    elif look.hair == "curly":
        for x, y, r in ((215, 330, 92), (240, 220, 96), (330, 150, 96), (430, 138, 98),
                        (535, 185, 98), (585, 280, 92), (600, 380, 74), (200, 420, 74),
                        (212, 500, 58), (592, 470, 60)):  # fmt: skip
            pen.oval(x, y, r, r, tone)


def _hair_before(pen: Pen, look: Look) -> None:
    tone, light = look.hair_colour, shade(look.hair_colour, 0.16)
    if look.hair in ("long", "bob"):
        end = 560 if look.hair == "bob" else 700
        pen.shape([(392, 178), (300, 180), (205, 260), (180, 400), (190, end), (236, end - 30),
                   (238, 420), (262, 330), (330, 275), (400, 215)], tone)  # fmt: skip
        pen.shape([(380, 178), (500, 176), (596, 260), (620, 400), (610, end), (564, end - 30),
                   (562, 420), (540, 345), (470, 300), (392, 212)], tone)  # fmt: skip
        pen.line([(470, 205), (545, 265), (582, 360)], light, 9)
        pen.line([(300, 215), (235, 290), (212, 380)], light, 9)
    elif look.hair == "bun":
        pen.shape([(400, 172), (290, 190), (222, 280), (222, 400), (246, 330), (310, 262),
                   (400, 244), (490, 262), (554, 330), (578, 400), (578, 280), (510, 190)],
                  tone)  # fmt: skip
        pen.line([(300, 225), (340, 205), (395, 196)], light, 8)
    elif look.hair == "curly":
        for x, y, r in ((262, 262, 52), (330, 222, 56), (405, 208, 56), (480, 218, 56),
                        (545, 262, 50)):  # fmt: skip
            pen.oval(x, y, r, r, tone)
        for x, y in ((290, 190), (372, 160), (466, 165), (545, 215), (238, 265)):
            pen.line([(x - 20, y + 8), (x, y - 8), (x + 20, y + 6)], light, 8)
    elif look.hair == "quiff":
        pen.shape([(232, 402), (216, 300), (250, 200), (330, 140), (430, 112), (540, 150),
                   (590, 240), (582, 320), (570, 402), (556, 320), (520, 262), (430, 262),
                   (330, 250), (268, 290), (246, 340)], tone)  # fmt: skip
        pen.line([(320, 205), (400, 160), (500, 168)], light, 10)
        pen.line([(300, 240), (390, 200), (480, 210)], light, 7)
    elif look.hair == "short":
        pen.shape([(228, 410), (212, 310), (240, 215), (320, 165), (400, 155), (490, 165),
                   (562, 215), (588, 310), (572, 410), (562, 330), (530, 280), (400, 254),
                   (275, 280), (240, 330)], tone)  # fmt: skip
        pen.line([(300, 215), (360, 192), (430, 188)], light, 9)


def _scaled(box: Sequence[float]) -> tuple[float, ...]:
    return tuple(edge * FINER for edge in box)


def _scaled_points(points: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    return [(x * FINER, y * FINER) for x, y in points]


def _smooth(
    points: Sequence[tuple[float, float]], *, closed: bool = True, each: int = 14
) -> list[tuple[float, float]]:
    """A Catmull-Rom curve through points."""
    count = len(points)
    if count < 3:
        return list(points)
    found = []
    for i in range(count if closed else count - 1):
        corners = [
            points[k % count] if closed else points[max(0, min(count - 1, k))]
            for k in range(i - 1, i + 3)
        ]
        found += [_between(corners, step / each) for step in range(each)]
    return found if closed else [*found, points[-1]]


def _between(corners: Sequence[Any], t: float) -> tuple[float, float]:
    (ax, ay), (bx, by), (cx, cy), (dx, dy) = corners

    def spline(a: float, b: float, c: float, d: float) -> float:
        slope = (c - a) * t
        bend = (2 * a - 5 * b + 4 * c - d) * t * t
        return 0.5 * (2 * b + slope + bend + (3 * b - a - 3 * c + d) * t**3)

    return spline(ax, bx, cx, dx), spline(ay, by, cy, dy)


AMY: Final = Look(
    *("#f2c6a8", "long", "#6b3f2a", "#4f7d5b", "shirt", "#e2725b", "#ffffff", "#f6d9c4"),
    soft=True, lips="#c8575a", earrings=True,
)  # fmt: skip
DAVID: Final = Look(
    *("#8d5a3c", "short", "#1d1613", "#3b2417", "hoodie", "#3f6c8f", "#ffffff", "#bcd9e8"),
    lips="#7a4038", beard=True,
)  # fmt: skip
MEI: Final = Look(
    *("#f0cfae", "bob", "#1e1a22", "#3d2a22", "turtleneck", "#5b7f6b", "#ffffff", "#d3e7d6"),
    soft=True, lips="#c4545c", glasses=True,
)  # fmt: skip
OMAR: Final = Look(
    *("#d3a27a", "quiff", "#2b1d17", "#4a3020", "shirt", "#d8a23c", "#ffffff", "#f7e6bd"),
    lips="#a35a4c", beard=True,
)  # fmt: skip
ZOE: Final = Look(
    *("#6f452e", "curly", "#241712", "#2f1d14", "shirt", "#8a5fb0", "#ffffff", "#e3d3f0"),
    soft=True, lips="#9c4450", earrings=True,
)  # fmt: skip
NOAH: Final = Look(
    *("#f3d3bd", "quiff", "#b9743a", "#4a7fa5", "hoodie", "#667085", "#ffffff", "#d8dee8"),
    lips="#b9665c", glasses=True,
)  # fmt: skip


def dressed(look: Look, clothes: Clothes, cloth: str, second: str = "#ffffff") -> Look:
    """The same person in other clothes."""
    return replace(look, clothes=clothes, cloth=cloth, second=second)
