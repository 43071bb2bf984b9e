"""What is asked of OpenAI's models for images, and which answers are taken."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from server.media.fetch import Fetcher
from server.media.images.model import Wanted
from server.media.images.openai import OpenAiImages
from server.media.provider import Endpoint
from tests.support.providers import KEY, Provider, providing


def images(provider: Provider, model: str) -> OpenAiImages:
    endpoint = Endpoint(f"{provider.url}/v1/", KEY, model, seconds=10, patience=10)
    return OpenAiImages(endpoint, Fetcher([endpoint.origin]))


@pytest.mark.parametrize(
    ("model", "wanted", "asked"),
    [
        (
            "gpt-image-1",
            Wanted("A rose", "pixel_art", "16:9", "standard"),
            {"size": "1536x1024", "quality": "medium"},
        ),
        (
            "gpt-image-1",
            Wanted("A rose", "pixel_art", "4:5", "low"),
            {"size": "1024x1536", "quality": "low"},
        ),
        (
            "dall-e-3",
            Wanted("A rose", "pixel_art", "9:16", "high"),
            {"size": "1024x1792", "quality": "hd", "response_format": "b64_json"},
        ),
        (
            "dall-e-2",
            Wanted("A rose", "pixel_art", "16:9", "high"),
            {"size": "1024x1024", "response_format": "b64_json"},
        ),
    ],
)
async def test_each_model_is_asked_for_what_it_has(
    tmp_path: Path, model: str, wanted: Wanted, asked: dict[str, Any]
) -> None:
    async with providing() as provider:
        one = images(provider, model)
        await one.make(wanted, tmp_path)
    prompt = "A rose\n\nStyle: pixel art."
    assert provider.asked == [{"model": model, "prompt": prompt, "n": 1, **asked}]
    assert one.name == model


@pytest.mark.parametrize("form", ["PNG", "JPEG", "WEBP"])
async def test_forms_of_pictures(tmp_path: Path, form: str) -> None:
    async with providing() as provider:
        provider.form = form
        made = await images(provider, "any").make(Wanted("A rose", "comic", "1:1", "low"), tmp_path)
    with Image.open(made.path) as image, Image.open(made.thumbnail) as small:
        assert (
            (image.format, image.size)
            == ("JPEG", (made.width, made.height))
            == (*("JPEG", (360, 360)),)
        )
        assert small.size == (360, 360)
