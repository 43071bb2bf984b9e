"""The models of media."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from api.schemas.base import FormTitle, Id, Pagination, SearchPage, Shown, without_defaults


class MediaQuery(SearchPage):
    """Which media: without `source`, the stock and the caller's own."""

    type: Literal["all", "image", "video", "gif"] = "all"
    source: Literal["stock", "ai", "uploaded"] | None = None
    category: Annotated[str, Field(max_length=100, pattern=r"^[^\x00]*$")] = ""


class MediaForm(BaseModel):
    """An upload of a picture (jpg, png, gif; 20 MB) or a video (mp4, mov; 500 MB)."""

    model_config = ConfigDict(extra="forbid", frozen=True, json_schema_extra=without_defaults)

    title: FormTitle = ""
    category: Annotated[str, Field(max_length=100)] = ""


class MediaUpload(MediaForm):
    """The form as it is sent."""

    file: Annotated[str, Field(json_schema_extra={"format": "binary"})]


class Dimensions(Shown):
    """Pixels."""

    width: int
    height: int


class Media(Shown):
    """A picture, video or GIF; `duration` in seconds, null for pictures.

    Generated ones say what they were asked for and what made them.
    """

    model_config = ConfigDict(json_schema_extra=without_defaults)

    id: Id
    type: Literal["image", "video", "gif"]
    title: str
    url: str
    thumbnail_url: str
    source: Literal["stock", "ai", "uploaded"]
    category: str | None
    tags: list[str]
    dimensions: Dimensions | None
    duration: float | None
    is_premium: bool
    ai_prompt: str | None = None
    generator: str | None = None


class OneMedia(Shown):
    """One picture, video or GIF."""

    media: Media


class ManyMedia(Shown):
    """A page of media."""

    media: list[Media]
    pagination: Pagination
