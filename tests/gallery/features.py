"""One small film for each thing that can be drawn."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from collab.schema import LayerRow
from server.media.model import Watermark
from tests.integration.media.stage import Script, layer

Film = Script
LOREM = "The quick brown fox jumps over the lazy dog"
BACK = layer("media", 0, 2, media_id="photo.jpg")


def _text(**properties: Any) -> Film:
    given = {"text": "Hello, world", "font_size": 110, **properties}
    return Script().scene(2, layer("text", 0, 2, **given))


def _media(**properties: Any) -> Film:
    return Script().scene(2, layer("media", 0, 2, **{"media_id": "photo.jpg", **properties}))


def _shape(**properties: Any) -> Film:
    given = {"width": 40, "height": 40, "stroke_width": 16, **properties}
    return Script().scene(2, layer("shape", 0, 2, **given))


def _effect(**properties: Any) -> Film:
    return Script().scene(
        2,
        BACK,
        layer("text", 0, 2, text="Effect", font_size=120),
        layer("effect", 0, 2, **properties),
    )


def _transition(effect: str, **properties: Any) -> Film:
    return (
        Script()
        .scene(1, layer("media", 0, 1, media_id="photo.jpg"))
        .scene(
            1,
            layer("media", 0, 1, media_id="other.jpg"),
            layer("effect", 0, 1, effect=effect, **properties),
        )
    )


def _going_out() -> Film:
    """A transition at the end of a scene."""
    return (
        Script()
        .scene(
            1.5,
            layer("media", 0, 1.5, media_id="photo.jpg"),
            layer("effect", 0.5, 1, effect="crossfade"),
        )
        .scene(0.5, layer("media", 0, 1, media_id="other.jpg"))
    )


def _shaped(ratio: str) -> Film:
    return Script(aspect_ratio=ratio).scene(2, BACK, layer("text", 0, 2, text=ratio))


def _example() -> Film:
    """The scene of the requirements: every layer of it is to be seen."""
    layers: list[LayerRow] = [
        layer("audio", 0, 2, audio_id="music.wav", volume=0.7, fade_in=0.5, fade_out=0.5),
        layer("voiceover", 0, 2, voice_id="en-US-Neural2-A", text="Welcome to our demo"),
        layer(
            "avatar",
            0,
            2,
            avatar_id="avatar.png",
            position={"x": 50, "y": 50},
            scale=1.0,
            animation="talking",
        ),
        layer(
            "text",
            0,
            1.5,
            text="Welcome to our product",
            font_family="Inter",
            font_size=32,
            font_weight="bold",
            font_style="normal",
            color="#FFFFFF",
            text_align="center",
            position={"x": 50, "y": 80},
            animation="fadeIn",
        ),
        layer("media", 0, 2, media_id="photo.jpg", position={"x": 50, "y": 50}, scale=1.0),
    ]
    return Script().scene(2, *layers)


def _entrances() -> dict[str, Callable[[], Film]]:
    names = ("fadeIn", "fadeOut", "slideUp", "slideDown", "slideLeft", "slideRight", "zoomIn")
    return {
        f"animation-{name}": lambda name=name: _text(animation=name, animation_duration=1.6)  # type: ignore[misc]
        for name in names
    }


FEATURES: dict[str, Callable[[], Film]] = {
    "example-of-the-requirements": _example,
    "text-bold": lambda: _text(font_weight="bold"),
    "text-light-italic": lambda: _text(font_weight=300, font_style="italic"),
    "text-colour-and-background": lambda: _text(color="#FFD040", background_color="#802040"),
    "text-outline-and-shadow": lambda: _text(outline_color="#000000", outline_width=8, shadow=True),
    "text-left-wrapped": lambda: _text(text=LOREM, text_align="left", max_width=60),
    "text-right-wrapped": lambda: _text(text=LOREM, text_align="right", max_width=60),
    "text-position": lambda: _text(position={"x": 30, "y": 20}),
    "text-scripts": lambda: _text(text="Привет 你好 안녕\nनमस्ते สวัสดี\nשלום السلام", font_size=90),  # noqa: RUF001
    "text-emoji": lambda: _text(text="😀 👩‍🚀 🇩🇪 ❤️"),
    **_entrances(),
    "animation-typewriter": lambda: _text(text=LOREM, animation="typewriter"),
    "media-cover": lambda: _media(),
    "media-contain": lambda: _media(media_id="clip.mp4", fit="contain"),
    "media-fill": lambda: _media(media_id="logo.png", fit="fill"),
    "media-scale-position-opacity": lambda: _media(
        scale=0.5, position={"x": 70, "y": 35}, opacity=0.6
    ),
    "media-transparent": lambda: _media(media_id="logo.png", scale=0.4),
    "media-video-trimmed": lambda: _media(media_id="clip.mp4", trim_start=1.5, loop=False),
    "media-opacity-in-order": lambda: Script().scene(
        2,
        layer("shape", 0, 2, shape="ellipse", fill="#E04040", width=30, height=50),
        layer("media", 0, 2, media_id="logo.png", scale=0.5, opacity=0.5),
        layer("text", 0, 2, text="On top", font_size=60, opacity=0.8),
    ),
    "media-video": lambda: _media(media_id="clip.mp4"),
    "media-gif": lambda: _media(media_id="spin.gif", scale=0.5),
    "media-ken-burns": lambda: _media(ken_burns={"from": {"scale": 1}, "to": {"scale": 1.6}}),
    "media-missing": lambda: _media(media_id="nothing.jpg"),
    "shape-rectangle": lambda: _shape(shape="rectangle", fill="#E04040", radius=40),
    "shape-ellipse": lambda: _shape(shape="ellipse", fill="#40A0E0", stroke="#FFFFFF"),
    "shape-line": lambda: _shape(shape="line", stroke="#FFD040", height=0, rotation=20),
    "shape-arrow": lambda: _shape(shape="arrow", stroke="#60E080", height=0),
    "avatar-talking": lambda: Script().scene(
        2,
        BACK,
        layer("avatar", 0, 2, avatar_id="avatar.png", animation="talking", scale=0.8),
    ),
    "avatar-video": lambda: Script().scene(
        2, BACK, layer("avatar", 0, 2, avatar_id="clip.mp4", scale=0.5, position={"x": 70, "y": 60})
    ),
    "effect-fade": lambda: _effect(effect="fade"),
    "effect-fade-to-white": lambda: _effect(effect="fadeOut", color="#FFFFFF"),
    "effect-blur": lambda: _effect(effect="blur", radius=20),
    "effect-vignette": lambda: _effect(effect="vignette", intensity=0.9),
    "effect-brightness-contrast": lambda: _effect(effect="color", brightness=1.2, contrast=1.3),
    "effect-saturation": lambda: _effect(effect="color", saturation=0.3),
    "effect-hue": lambda: _effect(effect="color", hue=120),
    "effect-temperature": lambda: _effect(effect="color", temperature=0.9),
    "effect-grayscale": lambda: _effect(effect="grayscale"),
    "effect-sepia": lambda: _effect(effect="sepia"),
    "transition-crossfade": lambda: _transition("crossfade"),
    "transition-wipe": lambda: _transition("wipeLeft"),
    "transition-wipe-down": lambda: _transition("wipe", direction="down"),
    "transition-slide": lambda: _transition("slideUp"),
    "transition-slide-right": lambda: _transition("slideRight"),
    "transition-out": _going_out,
    "tall": lambda: Script(aspect_ratio="9:16").scene(2, BACK, layer("text", 0, 2, text="Tall")),
    "square": lambda: _shaped("1:1"),
    "four-to-five": lambda: _shaped("4:5"),
    "watermark": lambda: _media(),
}
WATERMARKS = {"watermark": Watermark()}
