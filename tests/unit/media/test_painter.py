"""The built-in painter: what it understands, and what it makes of it."""

from __future__ import annotations

import io
from typing import get_args

import numpy as np
import pytest
from PIL import Image

from api.schemas.images import Quality, Style
from server.media.images.drawing.idea import idea_of
from server.media.images.drawing.paint import COMPOSITIONS, paint
from server.media.images.drawing.styles import STYLES
from server.media.images.model import SHORTER_SIDE, Wanted

SMALL = (256, 144)


def numbers(image: Image.Image) -> np.ndarray:
    return np.asarray(image.convert("L"), dtype=float)


def test_every_style_and_quality_of_the_api_is_there() -> None:
    assert set(get_args(Style)) == set(STYLES)
    assert set(get_args(Quality)) == set(SHORTER_SIDE)


@pytest.mark.parametrize(
    ("prompt", "subject", "hour", "weather"),
    [
        ("A futuristic cityscape at sunset", "city", "sunset", None),
        ("Berge im Schnee", "mountains", None, "snow"),
        ("夕焼けの海", "sea", "sunset", None),
        ("лес в тумане ночью", "forest", None, None),
        ("un désert, au crépuscule", "desert", "dusk", None),
        ("Two PLANETS", "space", None, None),
        ("जंगल में रात", "forest", "night", None),
        ("مدينة في الليل", "city", None, None),
        ("I see a blue mountain", "mountains", None, None),
        ("qwertz", "abstract", None, None),
        ("seatbelt", "abstract", None, None),
        ("😀😀", "abstract", None, None),
    ],
)
def test_words_it_knows(prompt: str, subject: str, hour: str | None, weather: str | None) -> None:
    idea = idea_of(prompt)
    assert (idea.subject, idea.hour, idea.weather) == (subject, hour, weather)


def test_the_same_words_are_the_same_picture_and_others_another() -> None:
    def made(prompt: str, style: str = "cinematic", size: tuple[int, int] = SMALL) -> bytes:
        image = paint(prompt, style, *size)
        content = io.BytesIO()
        image.save(content, "PNG")
        return content.getvalue()

    assert made("the sea") == made("the sea")
    others = [made("the sea"), made("the sea!"), made("the sea", "sketch"), made("a forest")]
    assert len(set(others)) == 4


@pytest.mark.parametrize("style", sorted(STYLES))
@pytest.mark.parametrize("subject", ["city at night", "mountain lake in the rain", "lorem ipsum"])
def test_every_style_shows_something(subject: str, style: str) -> None:
    image = paint(subject, style, *SMALL)
    assert (image.size, image.mode) == (SMALL, "RGB")
    seen = numbers(image)
    assert seen.std() > 6, "not one colour"
    assert 8 < seen.mean() < 247, "neither black nor white"


@pytest.mark.parametrize("subject", [*COMPOSITIONS, "team of people", "balloons over a meadow"])
def test_every_subject_in_its_shapes(subject: str) -> None:
    for size in ((144, 256),) if "people" in subject else ((144, 256), (160, 200), (256, 144)):
        image = paint(subject, "realistic", *size)
        assert image.size == size
        assert numbers(image).std() > 6


def test_compositions_vary() -> None:
    pictures = [numbers(paint(f"xyzzy {n}", "realistic", 96, 54)) for n in range(8)]
    near = [
        float(np.corrcoef(one.ravel(), other.ravel())[0, 1])
        for index, one in enumerate(pictures)
        for other in pictures[:index]
    ]
    assert max(near) < 0.95


@pytest.mark.parametrize(
    ("ratio", "quality", "size"),
    [
        ("16:9", "high", (1920, 1080)),
        ("9:16", "standard", (720, 1280)),
        ("1:1", "low", (540, 540)),
        ("4:5", "high", (1080, 1350)),
    ],
)
def test_sizes(ratio: str, quality: str, size: tuple[int, int]) -> None:
    wanted = Wanted("x", "comic", ratio, quality)  # type: ignore[arg-type]
    assert wanted.size == size
