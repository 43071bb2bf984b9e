"""The models of renders."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Annotated, Final, Literal

from pydantic import ConfigDict, Field

from api.schemas.base import (
    AspectRatio,
    Given,
    GivenId,
    Id,
    Pagination,
    Shown,
    Time,
    without_defaults,
)
from api.schemas.watermark import OwnWatermark

Quality = Literal["360p", "480p", "720p", "1080p", "1440p", "2160p"]
QUALITIES: Final[Mapping[str, int]] = MappingProxyType(
    {"360p": 360, "480p": 480, "720p": 720, "1080p": 1080, "1440p": 1440, "2160p": 2160}
)
"""The shorter side of the picture in pixels, ascending."""
Format = Literal["mp4", "webm", "gif", "mov", "mp3"]
Status = Literal["queued", "processing", "completed", "failed", "cancelled"]
WebhookUrl = Annotated[
    str,
    Field(
        max_length=2000,
        pattern=r"^https?://[^\s\x00-\x1f]+$",
        description="told when the job has ended; see the documentation of webhooks",
    ),
]


class RenderRequest(Given):
    """How to render. The largest quality and the watermark go by the tier of the video's owner; a
    `watermark` goes before the one that is kept on the video."""

    quality: Quality | None = None
    aspect_ratio: AspectRatio | None = None
    format: Format = "mp4"
    include_watermark: bool | None = None
    watermark: OwnWatermark | None = None
    webhook_url: WebhookUrl | None = None


class RegenerateRequest(Given):
    """Which scenes to draw anew; the options are those of the last render."""

    scenes: Annotated[list[GivenId], Field(max_length=500)] = []  # noqa: RUF012
    full_regeneration: bool = False
    webhook_url: WebhookUrl | None = None


class _Started(Shown):
    model_config = ConfigDict(json_schema_extra=without_defaults)

    job_id: Id
    estimated_time: Annotated[int, Field(description="seconds, with the wait")]
    webhook_secret: str = ""


class RenderStarted(_Started):
    """A render that was asked for; `webhook_secret` only with a `webhook_url`."""

    queue_position: int


class RegenerationStarted(_Started):
    """A regeneration that was asked for; `webhook_secret` only with a `webhook_url`."""

    status: Status


class RegenerationStatus(Shown):
    """How far the last regeneration is."""

    status: Literal["processing", "completed", "failed", "cancelled"]
    progress: int
    current_scene: int
    total_scenes: int
    estimated_time_remaining: int


class RenderError(Shown):
    """Why a render failed."""

    code: str
    message: str


class Render(Shown):
    """A job of rendering or regeneration."""

    job_id: Id
    kind: Literal["render", "regenerate"]
    status: Status
    progress: Annotated[int, Field(description="percent")]
    current_scene: int
    total_scenes: int
    estimated_time_remaining: Annotated[int, Field(description="seconds")]
    queue_position: Annotated[int, Field(description="0 once it does not wait any more")]
    seq: Annotated[int, Field(description="of the video, as it is rendered")]
    warnings: list[str]
    error: RenderError | None
    output_url: str | None
    poster_url: str | None
    captions_url: Annotated[
        str | None,
        Field(description="WebVTT; the same link with `.srt` in place of `.vtt` gives SubRip"),
    ]
    created_at: Time
    finished_at: Time | None


class OneRender(Shown):
    """One render."""

    render: Render


class ManyRenders(Shown):
    """A page of a video's renders, newest first."""

    renders: list[Render]
    pagination: Pagination
