"""The light of a picture: the colours of its sky, its sun, and what stands far and near."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from server.media.canvas import colour

Stops = Sequence[tuple[float, str]]


@dataclass(frozen=True, slots=True)
class Light:
    """Colours at one hour.

    Attributes:
        sky: from the top (0) to the horizon (1).
        sun: the disc itself, or the moon.
        glow: around it.
        haze: what lies between here and far away.
        far, near: the tones of the most distant and the nearest things.
        lit: how many windows are.
        dark: stars are seen.
    """

    sky: Stops
    sun: str
    glow: str
    haze: str
    far: str
    near: str
    lit: float
    dark: bool = False

    def tone(self, depth: float) -> str:
        """The tone at a depth: 0 far away, 1 here."""
        far, near = colour(self.far), colour(self.near)
        mixed = far + (near - far) * depth
        return "#" + "".join(f"{round(part * 255):02x}" for part in mixed)


LIGHTS: Final[Mapping[str, Light]] = {
    "dawn": Light(
        ((0, "#2b3a67"), (0.45, "#8e7cc3"), (0.75, "#f7b2a0"), (1, "#ffe0b5")),
        *("#fff6e0", "#ffd9a0", "#f0c3b8", "#b39bc4", "#1a2140", 0.12),
    ),
    "day": Light(
        ((0, "#2474c9"), (0.55, "#7fbdec"), (1, "#e2f2f8")),
        *("#fffbe8", "#fff4cf", "#d3e6f2", "#8cb2cf", "#1d4036", 0.05),
    ),
    "sunset": Light(
        ((0, "#241a4f"), (0.4, "#8a3176"), (0.72, "#ee6338"), (0.9, "#ffab4a"), (1, "#ffdf9a")),
        *("#fff0c2", "#ffb75c", "#f0996b", "#a2557c", "#190e26", 0.22),
    ),
    "dusk": Light(
        ((0, "#101c42"), (0.5, "#474b8c"), (0.8, "#bb6d90"), (1, "#f4ab7c")),
        *("#fdf3d8", "#f7c6a4", "#a782a8", "#5f568c", "#0e1230", 0.3),
    ),
    "night": Light(
        ((0, "#040818"), (0.6, "#0f2148"), (1, "#2c3f73")),
        *("#fdf3d6", "#b9cdf5", "#2b3c6c", "#32457a", "#050814", 0.42),
        dark=True,
    ),
    "storm": Light(
        ((0, "#2a313e"), (0.55, "#5b6775"), (1, "#a9b4bb")),
        *("#e9eef0", "#cdd6db", "#98a5ae", "#71808d", "#14191f", 0.25),
    ),
}
