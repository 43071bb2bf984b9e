"""The models of videos."""

from __future__ import annotations

from typing import Literal

from pydantic import ConfigDict

from api.schemas.base import (
    AspectRatio,
    Given,
    Id,
    Pagination,
    Shown,
    Time,
    Title,
    without_defaults,
)
from api.schemas.watermark import OwnWatermark
from collab.schema import DEFAULT_ASPECT_RATIO


class VideoCreate(Given):
    """A new video."""

    title: Title
    aspect_ratio: AspectRatio = DEFAULT_ASPECT_RATIO


class VideoUpdate(Given):
    """Changes to a video; `watermark` is kept for its renders (business tier), null removes it."""

    title: Title = ""
    aspect_ratio: AspectRatio = DEFAULT_ASPECT_RATIO
    watermark: OwnWatermark | None = None


class Video(Shown):
    """A video; `watermark` only where one is kept on it."""

    model_config = ConfigDict(json_schema_extra=without_defaults)

    id: Id
    title: str
    aspect_ratio: AspectRatio
    role: Literal["owner", "editor", "viewer"]
    owner_id: str
    scene_count: int
    duration: float
    created_at: Time
    updated_at: Time
    watermark: OwnWatermark | None = None


class OneVideo(Shown):
    """One video."""

    video: Video


class ManyVideos(Shown):
    """A page of videos."""

    videos: list[Video]
    pagination: Pagination
