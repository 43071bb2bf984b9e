"""What the stock library holds: each thing with its name, its tags and what makes it.

All of it is made by this project's own code and dedicated to the public domain (CC0 1.0).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

from server.stock import effects, music, people, pictures

ARTIST: Final = "Cocut"
LICENCE: Final = "CC0 1.0 (public domain dedication), made by Cocut's own code"


@dataclass(frozen=True, slots=True)
class Sound:
    """A piece of music or a sound effect; `make` takes a generator and returns a master."""

    title: str
    category: Literal["music", "sound_effects"]
    tags: str
    make: Callable[[Any], Any]
    is_premium: bool = False


@dataclass(frozen=True, slots=True)
class Drawing:
    """A picture; `make` takes a generator and returns an image."""

    title: str
    category: str
    tags: str
    make: Callable[[Any], Any]
    is_premium: bool = False


@dataclass(frozen=True, slots=True)
class Person:
    """An avatar, or a variation of the one that is named by `of`."""

    title: str
    gender: Literal["male", "female", "neutral"]
    style: str
    look: people.Look
    of: str | None = None
    is_premium: bool = False


Item = Sound | Drawing | Person


def _variation(of: str, gender: Any, style: str, look: people.Look) -> Person:
    name = of.removeprefix("avatar-").capitalize()
    return Person(f"{name} ({style.capitalize()})", gender, style, look, of)


CATALOGUE: Final[Mapping[str, Item]] = {
    "music-morning-light": Sound(
        "Morning Light", "music", "acoustic calm uplifting guitar", music.morning_light
    ),
    "music-forward-motion": Sound(
        "Forward Motion", "music", "corporate upbeat energetic", music.forward_motion
    ),
    "music-night-drive": Sound(
        "Night Drive", "music", "synthwave electronic driving", music.night_drive
    ),
    "music-paper-boats": Sound("Paper Boats", "music", "lo-fi chill relaxed", music.paper_boats),
    "music-open-horizon": Sound(
        "Open Horizon", "music", "cinematic ambient wide", music.open_horizon, is_premium=True
    ),
    "music-bright-idea": Sound("Bright Idea", "music", "happy ukulele playful", music.bright_idea),
    "music-deep-focus": Sound("Deep Focus", "music", "minimal electronic steady", music.deep_focus),
    "music-last-train": Sound(
        "Last Train", "music", "piano wistful slow", music.last_train, is_premium=True
    ),
    "effect-whoosh": Sound("Whoosh", "sound_effects", "transition air fast", effects.whoosh),
    "effect-click": Sound("Click", "sound_effects", "button interface tap", effects.click),
    "effect-chime": Sound("Chime", "sound_effects", "bell success done", effects.chime),
    "effect-applause": Sound("Applause", "sound_effects", "crowd clapping", effects.applause),
    "effect-pop": Sound("Pop", "sound_effects", "bubble interface", effects.pop),
    "effect-riser": Sound("Riser", "sound_effects", "transition tension build", effects.riser),
    "effect-impact": Sound("Impact", "sound_effects", "cinematic boom hit", effects.impact),
    "effect-notification": Sound(
        "Notification", "sound_effects", "message interface alert", effects.notification
    ),
    "effect-shutter": Sound("Shutter", "sound_effects", "camera photo", effects.shutter),
    "effect-rain": Sound("Rain", "sound_effects", "nature weather ambience", effects.rain),
    "picture-dawn": Drawing(
        *("Dawn in the Mountains", "Nature", "landscape mountains sunrise"),
        pictures.dawn_in_the_mountains,
    ),
    "picture-lake": Drawing(
        "Lake at Dusk", "Nature", "landscape water evening", pictures.lake_at_dusk
    ),
    "picture-dunes": Drawing("Dunes", "Nature", "landscape desert sand", pictures.dunes),
    "picture-city": Drawing("City at Night", "City", "skyline buildings", pictures.city_at_night),
    "picture-aurora": Drawing(
        *("Northern Lights", "Nature", "landscape sky night forest"),
        pictures.northern_lights,
        is_premium=True,
    ),
    "picture-waves": Drawing("Paper Waves", "Abstract", "sea sun paper", pictures.paper_waves),
    "picture-peach": Drawing("Peach Mist", "Background", "gradient soft warm", pictures.peach_mist),
    "picture-deep-water": Drawing(
        "Deep Water", "Background", "gradient soft blue", pictures.deep_water
    ),
    "picture-bokeh": Drawing(
        "Lights Out of Focus", "Background", "bokeh night", pictures.lights_out_of_focus
    ),
    "picture-flow": Drawing(
        "Flow Lines", "Abstract", "lines colourful", pictures.flow_lines, is_premium=True
    ),
    "picture-terrazzo": Drawing("Terrazzo", "Pattern", "stone floor", pictures.terrazzo),
    "picture-seigaiha": Drawing(
        "Scales of Blue", "Pattern", "seigaiha waves japanese", pictures.scales_of_blue
    ),
    "avatar-amy": Person("Amy", "female", "casual", people.AMY),
    "avatar-amy-professional": _variation(
        *("avatar-amy", "female", "professional"), people.dressed(people.AMY, "blazer", "#2f3e63")
    ),
    "avatar-david": Person("David", "male", "casual", people.DAVID),
    "avatar-david-professional": _variation(
        *("avatar-david", "male", "professional"), people.dressed(people.DAVID, "suit", "#2a2f3a")
    ),
    "avatar-mei": Person("Mei", "female", "creative", people.MEI),
    "avatar-mei-medical": _variation(
        *("avatar-mei", "female", "medical"),
        people.dressed(people.MEI, "coat", "#f4f6f8", "#6fa8c7"),
    ),
    "avatar-omar": Person("Omar", "male", "casual", people.OMAR),
    "avatar-omar-professional": _variation(
        *("avatar-omar", "male", "professional"), people.dressed(people.OMAR, "suit", "#27406b")
    ),
    "avatar-zoe": Person("Zoe", "female", "casual", people.ZOE),
    "avatar-zoe-professional": _variation(
        *("avatar-zoe", "female", "professional"),
        people.dressed(people.ZOE, "blazer", "#b23a5a", "#fff4e0"),
    ),
    "avatar-noah": Person("Noah", "male", "casual", people.NOAH, is_premium=True),
    "avatar-noah-creative": Person(
        *("Noah (Creative)", "male", "creative"),
        people.dressed(people.NOAH, "turtleneck", "#232733"),
        of="avatar-noah",
        is_premium=True,
    ),
}
"""In the order in which lists show them."""
