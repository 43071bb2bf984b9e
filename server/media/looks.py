"""A layer's properties as typed values: what is missing or malformed becomes its default, what is
out of range is clamped.

Positions and sizes are fractions of the picture (0.5 is the middle); the centre of a thing is what
stands at its position. Lengths in pixels (`size`, `stroke_width`, `radius`) are those of a picture
whose shorter side is 1080, and scale with the quality.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from collab.schema import is_colour

Properties = Mapping[str, Any]

_WEIGHTS: Final = {
    "thin": 100,
    "extralight": 200,
    "light": 300,
    "normal": 400,
    "regular": 400,
    "medium": 500,
    "semibold": 600,
    "bold": 700,
    "extrabold": 800,
    "black": 900,
}
ANIMATIONS: Final = (
    "fadeIn",
    "fadeOut",
    "slideUp",
    "slideDown",
    "slideLeft",
    "slideRight",
    "zoomIn",
    "typewriter",
    "talking",
    "kenBurns",
)
TRANSITIONS: Final = {
    "crossfade": ("crossfade", ""),
    "dissolve": ("crossfade", ""),
    "wipe": ("wipe", "left"),
    "slide": ("slide", "left"),
    "push": ("slide", "left"),
    **{f"{kind}{way}": (kind, way) for kind in ("wipe", "slide") for way in ("left", "right")},
    **{f"{kind}{way}": (kind, way) for kind in ("wipe", "slide") for way in ("up", "down")},
}
_ADJUSTMENTS: Final = (
    "color",
    "colour",
    "coloradjust",
    "coloradjustment",
    "coloradjustments",
    "colouradjustments",
    "brightness",
    "contrast",
    "saturation",
    "grayscale",
    "greyscale",
    "sepia",
)


@dataclass(frozen=True, slots=True)
class TextLook:
    """How a text looks; `weight` 100 to 900, `max_width` a fraction of the picture's width."""

    text: str
    family: str
    size: float
    weight: int
    italic: bool
    color: str
    align: str
    x: float
    y: float
    opacity: float
    line_height: float
    max_width: float
    background: str | None
    outline: str | None
    outline_width: float
    shadow: bool


@dataclass(frozen=True, slots=True)
class MediaLook:
    """How a picture, video or avatar lies in the frame.

    At scale 1 it covers the frame (`cover`), fits into it (`contain`) or is stretched to it
    (`fill`); `zoom_from` and `zoom_to` are the ends of a Ken Burns move (1, 1: none), which also
    travels from focus `from_x, from_y` to `to_x, to_y` (fractions of the picture).
    """

    x: float
    y: float
    scale: float
    opacity: float
    fit: str
    zoom_from: float
    zoom_to: float
    from_x: float
    from_y: float
    to_x: float
    to_y: float
    trim: float
    loop: bool

    @property
    def moves(self) -> bool:
        """Whether there is a Ken Burns move."""
        return self.zoom_from != 1 or self.zoom_to != 1

    @property
    def fills_frame(self) -> bool:
        """Whether it hides all that lies beneath it, so that it is the scene's backdrop."""
        centred = abs(self.x - 0.5) < 1e-6 and abs(self.y - 0.5) < 1e-6
        return centred and self.scale >= 1 and self.opacity >= 1 and self.fit != "contain"


@dataclass(frozen=True, slots=True)
class ShapeLook:
    """A shape; width and height are fractions of the picture's, rotation in degrees clockwise."""

    shape: str
    x: float
    y: float
    width: float
    height: float
    fill: str | None
    stroke: str | None
    stroke_width: float
    radius: float
    rotation: float
    opacity: float


@dataclass(frozen=True, slots=True)
class EffectLook:
    """An effect on what lies beneath it, or a transition between scenes.

    `effect` is fade, blur, vignette, adjust or a transition (crossfade, wipe, slide); factors
    are around 1, `temperature` and `hue` around 0 (-1 to 1, degrees).
    """

    effect: str
    way: str
    color: str
    intensity: float
    radius: float
    brightness: float
    contrast: float
    saturation: float
    hue: float
    temperature: float
    sepia: float

    @property
    def is_transition(self) -> bool:
        """Whether it joins two scenes."""
        return self.effect in ("crossfade", "wipe", "slide")


Look = TextLook | MediaLook | ShapeLook | EffectLook


def number(properties: Properties, name: str, default: float, low: float, high: float) -> float:
    """A finite number between `low` and `high`; numeric strings such as `12px` or `50%` count."""
    value = properties.get(name, default)
    if isinstance(value, str):
        try:
            value = float(value.strip().removesuffix("px").removesuffix("%"))
        except ValueError:
            return default
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return default
    return min(max(float(value), low), high)


def string(properties: Properties, name: str, default: str = "") -> str:
    """A string property."""
    value = properties.get(name, default)
    return value if isinstance(value, str) else default


def colour(properties: Properties, names: tuple[str, ...], default: str | None) -> str | None:
    """The first of the named properties that is a colour (`#RGB`, `#RRGGBB`)."""
    for name in names:
        value = properties.get(name)
        if isinstance(value, str):
            if is_colour(value):
                return value.upper()
            if len(value) == 4 and is_colour("#" + "".join(c * 2 for c in value[1:])):
                return "#" + "".join(c * 2 for c in value[1:]).upper()
            if value in ("none", "transparent"):
                return None
    return default


def _position(properties: Properties, default_y: float = 50) -> tuple[float, float]:
    position = properties.get("position")
    if not isinstance(position, Mapping):
        position = {}
    x = number(position, "x", 50, -200, 300) / 100
    return x, number(position, "y", default_y, -200, 300) / 100


def animations(properties: Properties) -> tuple[str, ...]:
    """The known animations that a layer asks for, by `animation` (one or a list),
    `animation_in` and `animation_out`."""
    asked: list[object] = []
    for name in ("animation", "animation_in", "animation_out"):
        value = properties.get(name)
        asked += value if isinstance(value, list) else [value]
    by_name = {_plain(name): name for name in ANIMATIONS}
    found = [by_name.get(_plain(value)) for value in asked if isinstance(value, str)]
    return tuple(dict.fromkeys(name for name in found if name is not None))


def _plain(name: str) -> str:
    return "".join(c for c in name.lower() if c.isalnum())


def text_look(properties: Properties) -> TextLook:
    """Read a text layer."""
    x, y = _position(properties)
    weight = properties.get("font_weight", "normal")
    named = _WEIGHTS.get(_plain(weight)) if isinstance(weight, str) else None
    align = string(properties, "text_align", "center")
    outline = colour(properties, ("outline_color", "stroke_color"), None)
    return TextLook(
        text=string(properties, "text"),
        family=string(properties, "font_family", "Inter")[:100],
        size=number(properties, "font_size", 32, 4, 1000),
        weight=named or round(number(properties, "font_weight", 400, 100, 900)),
        italic=string(properties, "font_style") in ("italic", "oblique"),
        color=colour(properties, ("color",), "#FFFFFF") or "#FFFFFF",
        align=align if align in ("left", "center", "right") else "center",
        x=x,
        y=y,
        opacity=number(properties, "opacity", 1, 0, 1),
        line_height=number(properties, "line_height", 1.25, 0.7, 4),
        max_width=number(properties, "max_width", 90, 5, 200) / 100,
        background=colour(properties, ("background_color", "background"), None),
        outline=outline,
        outline_width=number(properties, "outline_width", 2 if outline else 0, 0, 50),
        shadow=properties.get("shadow") is True,
    )


def media_look(properties: Properties, default_fit: str = "cover") -> MediaLook:
    """Read a media or avatar layer."""
    x, y = _position(properties)
    fit = string(properties, "fit", default_fit)
    burns = properties.get("ken_burns", "kenBurns" in animations(properties))
    ends = burns if isinstance(burns, Mapping) else {}
    start, end = ends.get("from"), ends.get("to")
    start = start if isinstance(start, Mapping) else {}
    end = end if isinstance(end, Mapping) else {}
    zoom = 1.0, 1.0
    if burns and burns != "none":
        out = string(properties, "ken_burns") in ("out", "zoomOut", "zoom_out")
        first, last = (1.15, 1.0) if out else (1.0, 1.15)
        zoom = (
            number(start, "scale", number(ends, "zoom_from", first, 1, 4), 1, 4),
            number(end, "scale", number(ends, "zoom_to", last, 1, 4), 1, 4),
        )
    return MediaLook(
        x=x,
        y=y,
        scale=number(properties, "scale", 1, 0.01, 20),
        opacity=number(properties, "opacity", 1, 0, 1),
        fit=fit if fit in ("cover", "contain", "fill") else default_fit,
        zoom_from=zoom[0],
        zoom_to=zoom[1],
        from_x=number(start, "x", 50, 0, 100) / 100,
        from_y=number(start, "y", 50, 0, 100) / 100,
        to_x=number(end, "x", 50, 0, 100) / 100,
        to_y=number(end, "y", 50, 0, 100) / 100,
        trim=number(properties, "trim_start", 0, 0, 86_400),
        loop=properties.get("loop", True) is not False,
    )


def shape_look(properties: Properties) -> ShapeLook:
    """Read a shape layer."""
    x, y = _position(properties)
    shape = string(properties, "shape", string(properties, "shape_type", "rectangle"))
    shape = {"rect": "rectangle", "square": "rectangle", "circle": "ellipse"}.get(shape, shape)
    if shape not in ("rectangle", "ellipse", "line", "arrow"):
        shape = "rectangle"
    drawn = shape in ("line", "arrow")
    scale = number(properties, "scale", 1, 0.01, 20)
    return ShapeLook(
        shape=shape,
        x=x,
        y=y,
        width=number(properties, "width", 30, 0, 400) / 100 * scale,
        height=number(properties, "height", 0 if drawn else 30, 0, 400) / 100 * scale,
        fill=colour(properties, ("fill", "fill_color", "color"), None if drawn else "#FFFFFF"),
        stroke=colour(properties, ("stroke", "stroke_color", "color"), "#FFFFFF" if drawn else None)
        if drawn or "stroke" in properties or "stroke_color" in properties
        else None,
        stroke_width=number(properties, "stroke_width", 6 if drawn else 2, 0, 500),
        radius=number(
            properties, "radius", number(properties, "border_radius", 0, 0, 2000), 0, 2000
        ),
        rotation=number(properties, "rotation", 0, -3600, 3600),
        opacity=number(properties, "opacity", 1, 0, 1),
    )


def effect_look(properties: Properties) -> EffectLook | None:
    """Read an effect layer; None if it names no known effect."""
    named = ""
    for name in ("effect", "effect_type", "transition", "type", "kind"):
        named = named or _plain(string(properties, name))
    way = _plain(string(properties, "direction"))
    if named in TRANSITIONS:
        effect, default_way = TRANSITIONS[named]
        way = way if way in ("left", "right", "up", "down") else default_way
    elif named in ("fade", "fadein", "fadeout"):
        effect, way = "fade", way or named.removeprefix("fade")
    elif named in ("blur", "vignette"):
        effect = named
    elif named in _ADJUSTMENTS:
        effect = "adjust"
    else:
        return None
    strength = number(properties, "intensity", 0.5 if effect in ("blur", "vignette") else 1, 0, 5)
    single = {
        name: number(properties, "value", strength, 0, 5)
        for name in ("brightness", "contrast", "saturation")
        if name == named
    }
    grey = 1 - min(strength, 1) if named in ("grayscale", "greyscale") else 1.0
    return EffectLook(
        effect=effect,
        way=way,
        color=colour(properties, ("color",), "#000000") or "#000000",
        intensity=min(strength, 1),
        radius=number(properties, "radius", 40 * min(strength, 1), 0, 200),
        brightness=number(properties, "brightness", single.get("brightness", 1), 0, 5),
        contrast=number(properties, "contrast", single.get("contrast", 1), 0, 5),
        saturation=number(properties, "saturation", single.get("saturation", grey), 0, 5),
        hue=number(properties, "hue", 0, -360, 360),
        temperature=number(properties, "temperature", 0, -1, 1),
        sepia=min(strength, 1) if named == "sepia" else number(properties, "sepia", 0, 0, 1),
    )
