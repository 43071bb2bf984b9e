"""The models of pictures that are made from words."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import ConfigDict, Field

from api.schemas.base import AspectRatio, Given, Id, Shown, without_defaults
from api.schemas.media import Media

MAX_PROMPT = 4000
"""Characters of a prompt."""

Style = Literal[
    "abstract",
    "anime",
    "cinematic",
    "comic",
    "digital_art",
    "fantasy",
    "illustration",
    "minimal",
    "neon",
    "photographic",
    "pixel_art",
    "realistic",
    "sketch",
    "vintage",
    "watercolor",
]
Quality = Literal["low", "standard", "high"]


class ImageGenerate(Given):
    """What the picture shall show, and how; `quality` decides its size."""

    prompt: Annotated[str, Field(min_length=1, max_length=MAX_PROMPT)]
    style: Style = "cinematic"
    aspect_ratio: AspectRatio = "16:9"
    quality: Quality = "standard"


class ImageStarted(Shown):
    """A picture that is being made; `estimated_time` in seconds."""

    job_id: Id
    status: Literal["processing", "completed", "failed", "cancelled"]
    estimated_time: int


class ImageError(Shown):
    """Why a picture could not be made."""

    code: str
    message: str


class ImageStatus(Shown):
    """How far a picture is.

    `media` and `generator` are there once it is completed (`media` is null again once it was
    deleted), `error` if it failed, `estimated_time` while it is made. `generator` is `procedural`
    for a picture that the server composed by rule, else the name of the model.
    """

    model_config = ConfigDict(json_schema_extra=without_defaults)

    job_id: Id
    status: Literal["processing", "completed", "failed", "cancelled"]
    media: Media | None = None
    generator: str | None = None
    error: ImageError | None = None
    estimated_time: int | None = None
