"""The model of what a layer names."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from api.schemas.base import Id, Shown


class Asset(Shown):
    """A file of a library, as a video may show or play it."""

    id: Id
    type: Literal["audio", "image", "video", "gif"]
    url: str
    video_url: Annotated[
        str | None, Field(description="an avatar's film, which is shown rather than its picture")
    ]


class OneAsset(Shown):
    """What a layer names."""

    asset: Asset
