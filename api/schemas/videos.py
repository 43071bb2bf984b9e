"""The models of videos."""

from __future__ import annotations

from typing import Literal

from api.schemas.base import AspectRatio, Given, Id, Pagination, Shown, Time, Title
from collab.schema import DEFAULT_ASPECT_RATIO


class VideoCreate(Given):
    """A new video."""

    title: Title
    aspect_ratio: AspectRatio = DEFAULT_ASPECT_RATIO


class VideoUpdate(Given):
    """Changes to a video."""

    title: Title = ""
    aspect_ratio: AspectRatio = DEFAULT_ASPECT_RATIO


class Video(Shown):
    """A video."""

    id: Id
    title: str
    aspect_ratio: AspectRatio
    role: Literal["owner", "editor", "viewer"]
    owner_id: str
    scene_count: int
    duration: float
    created_at: Time
    updated_at: Time


class OneVideo(Shown):
    """One video."""

    video: Video


class ManyVideos(Shown):
    """A page of videos."""

    videos: list[Video]
    pagination: Pagination
