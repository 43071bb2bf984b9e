"""Properties: defaults, clamps, and what others write wrongly."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.media.looks import (
    animations,
    effect_look,
    media_look,
    number,
    shape_look,
    text_look,
)


@pytest.mark.parametrize(
    ("value", "read"),
    [
        (5, 5.0),
        ("7px", 7.0),
        ("30%", 30.0),
        (True, 1.0),
        (None, 1.0),
        ("x", 1.0),
        (1e9, 100.0),
        (math.nan, 1.0),
        (math.inf, 1.0),
        (-3, 0.0),
        ([], 1.0),
    ],
)
def test_numbers_are_read_or_their_default(value: object, read: float) -> None:
    assert number({"n": value}, "n", 1.0, 0.0, 100.0) == read


@pytest.mark.parametrize(
    ("weight", "read"),
    [("bold", 700), ("normal", 400), (600, 600), ("300", 300), ("semi-bold", 600), (5000, 900)],
)
def test_font_weights(weight: object, read: int) -> None:
    assert text_look({"font_weight": weight}).weight == read


def test_the_requirements_text_layer() -> None:
    look = text_look(
        {
            "text": "Welcome to our product",
            "font_family": "Inter",
            "font_size": 32,
            "font_weight": "bold",
            "font_style": "italic",
            "color": "#ffffff",
            "text_align": "left",
            "position": {"x": 50, "y": 80},
        }
    )
    assert (look.size, look.weight, look.italic, look.color) == (32, 700, True, "#FFFFFF")
    assert (look.align, look.x, look.y) == ("left", 0.5, 0.8)


@pytest.mark.parametrize(
    ("given_", "found"),
    [
        ({"animation": "fadeIn"}, ("fadeIn",)),
        ({"animation": "fade-in"}, ("fadeIn",)),
        ({"animation": ["slideUp", "nonsense", 3]}, ("slideUp",)),
        ({"animation_in": "zoomIn", "animation_out": "fadeOut"}, ("zoomIn", "fadeOut")),
        ({"animation": {"in": 1}}, ()),
        ({}, ()),
    ],
)
def test_animations(given_: dict[str, Any], found: tuple[str, ...]) -> None:
    assert animations(given_) == found


@pytest.mark.parametrize(
    ("properties", "effect", "way"),
    [
        ({"effect": "fade"}, "fade", ""),
        ({"effect_type": "fadeOut"}, "fade", "out"),
        ({"effect": "crossfade"}, "crossfade", ""),
        ({"type": "wipe", "direction": "up"}, "wipe", "up"),
        ({"transition": "slideLeft"}, "slide", "left"),
        ({"effect": "grayscale"}, "adjust", ""),
        ({"effect": "color_adjustment"}, "adjust", ""),
    ],
)
def test_effects_by_their_names(properties: dict[str, Any], effect: str, way: str) -> None:
    look = effect_look(properties)
    assert look is not None
    assert (look.effect, look.way) == (effect, way)


def test_ken_burns_ends() -> None:
    look = media_look({"ken_burns": {"from": {"scale": 1.4, "x": 10}, "to": {"scale": 1}}})
    assert (look.zoom_from, look.zoom_to, look.from_x, look.to_x) == (1.4, 1, 0.1, 0.5)
    assert media_look({"animation": "kenBurns"}).moves
    assert not media_look({"ken_burns": False}).moves


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=8,
)
names = st.sampled_from(
    [
        "text",
        "font_size",
        "font_weight",
        "color",
        "position",
        "scale",
        "opacity",
        "fit",
        "ken_burns",
        "animation",
        "shape",
        "fill",
        "stroke",
        "radius",
        "effect",
        "direction",
        "intensity",
        "width",
        "height",
        "rotation",
        "text_align",
        "loop",
        "hue",
    ]
)


@given(st.dictionaries(names, json_values, max_size=12))
def test_nothing_that_an_editor_writes_fails(properties: dict[str, Any]) -> None:
    text_look(properties)
    media_look(properties)
    shape_look(properties)
    effect_look(properties)
    animations(properties)
