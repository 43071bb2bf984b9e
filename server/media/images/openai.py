"""Pictures of any server that speaks OpenAI's `/v1/images/generations`."""

from __future__ import annotations

import asyncio
import base64
import binascii
import json
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from api.mediatypes import HEAD, sniff
from server.media.errors import FetchFailed, ImageProviderFailed, PromptRefused
from server.media.fetch import Answered, Fetcher
from server.media.images.model import Made, Wanted
from server.media.probe import probe
from server.media.provider import Endpoint, GaveUp, Refused, ask

MAX_BYTES: Final = 40 << 20
"""Of a picture."""
MAX_ANSWER: Final = MAX_BYTES * 4 // 3 + (1 << 20)
"""Of an answer, which may hold the picture in base 64."""
FETCH_SECONDS: Final = 20.0
FORMS: Final = ("png", "jpg", "webp")

_SIZES: Final[Mapping[str, tuple[str, str, str]]] = MappingProxyType(
    {
        "dall-e-2": ("1024x1024", "1024x1024", "1024x1024"),
        "dall-e-3": ("1792x1024", "1024x1792", "1024x1024"),
    }
)
_SIZES_OF_OTHERS: Final = ("1536x1024", "1024x1536", "1024x1024")
"""The sizes to ask a model for: wide, tall, square; the picture is then cut to its ratio."""
_QUALITIES: Final[Mapping[str, Mapping[str, str]]] = MappingProxyType(
    {"dall-e-2": {}, "dall-e-3": {"low": "standard", "standard": "standard", "high": "hd"}}
)
_QUALITIES_OF_OTHERS: Final = {"low": "low", "standard": "medium", "high": "high"}


class OpenAiImages:
    """The provider; see `ImageProvider`.

    Args:
        endpoint: whom to ask.
        fetch: that trusts the endpoint's origin.
    """

    usual_seconds = 30.0

    def __init__(self, endpoint: Endpoint, fetch: Fetcher) -> None:
        self.name = endpoint.model
        self._endpoint = endpoint
        self._fetch = fetch

    async def make(self, wanted: Wanted, directory: Path) -> Made:
        """Have it made; see `ImageProvider.make`."""
        try:
            answer = await ask(
                self._fetch,
                self._endpoint,
                "images/generations",
                self._request(wanted),
                _check,
                max_bytes=MAX_ANSWER,
            )
        except Refused as error:
            raise PromptRefused(
                f"The image provider does not make this picture: {error}."
            ) from error
        except GaveUp as error:
            raise ImageProviderFailed(f"The image provider failed: {error}") from error
        source = directory / "answer"
        found = _first(answer)
        assert found is not None
        if "b64_json" in found:
            content = await asyncio.to_thread(_decoded, found["b64_json"])
            await asyncio.to_thread(source.write_bytes, content)
        else:
            await self._download(found["url"], source)
        return await _taken(source, wanted, directory)

    def _request(self, wanted: Wanted) -> dict[str, Any]:
        model = self._endpoint.model
        wide, high = wanted.ratio
        shape = 0 if wide > high else 1 if wide < high else 2
        style = wanted.style.replace("_", " ")
        given: dict[str, Any] = {
            "model": model,
            "prompt": f"{wanted.prompt}\n\nStyle: {style}.",
            "n": 1,
            "size": _SIZES.get(model, _SIZES_OF_OTHERS)[shape],
        }
        quality = _QUALITIES.get(model, _QUALITIES_OF_OTHERS).get(wanted.quality)
        if quality is not None:
            given["quality"] = quality
        if model in _SIZES:
            # Newer models always send the picture itself, and refuse to be asked for it.
            given["response_format"] = "b64_json"
        return given

    async def _download(self, url: str, target: Path) -> None:
        try:
            await self._fetch.get(url, target, max_bytes=MAX_BYTES, seconds=FETCH_SECONDS)
        except FetchFailed as error:
            raise ImageProviderFailed(
                f"The image provider's picture could not be fetched: {error}"
            ) from error


async def _taken(source: Path, wanted: Wanted, directory: Path) -> Made:
    """What is stored of a picture from elsewhere: opened in a child, cut to the ratio, encoded
    anew.

    Raises:
        ImageProviderFailed: it is no picture that can be read.
    """
    form = await asyncio.to_thread(_form, source)
    if form not in FORMS:
        raise ImageProviderFailed("The image provider sent something that is no picture.")
    answer = await probe("generated", form, source, directory, wanted.aspect_ratio)
    if "refused" in answer:
        raise ImageProviderFailed(
            f"The image provider sent a picture that cannot be used: {answer['refused']}"
        )
    return Made(
        *(directory / answer["path"], "image/jpeg"),
        *(directory / answer["thumbnail"], "image/jpeg"),
        *(answer["width"], answer["height"]),
    )


def _check(answer: Answered) -> str | None:
    if _first(answer) is None:
        return "it sends no picture"
    return None


def _first(answer: Answered) -> dict[str, str] | None:
    """The first picture of an answer: itself in base 64, or its URL."""
    try:
        found = json.loads(answer.body)["data"][0]
        given = {name: found.get(name) for name in ("b64_json", "url")}
    except (ValueError, LookupError, TypeError, AttributeError):
        return None
    if isinstance(given["b64_json"], str) and _readable(given["b64_json"]):
        return {"b64_json": given["b64_json"]}
    if isinstance(given["url"], str) and given["url"]:
        return {"url": given["url"]}
    return None


def _readable(text: str) -> bool:
    """Whether a text begins like a picture in base 64."""
    try:
        return sniff(base64.b64decode(text[: HEAD * 4 // 3 // 4 * 4], validate=True)) in FORMS
    except (binascii.Error, ValueError):
        return False


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode(text)
    except (binascii.Error, ValueError) as error:
        raise ImageProviderFailed("The image provider sent a picture that is damaged.") from error


def _form(source: Path) -> str | None:
    with source.open("rb") as file:
        return sniff(file.read(HEAD))
