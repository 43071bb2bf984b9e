"""The model of a mark of somebody's own."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from api.schemas.base import Given, GivenId

Corner = Literal["top-left", "top-right", "bottom-left", "bottom-right", "center"]


class OwnWatermark(Given):
    """A mark of one's own (business tier): a picture of the media library, where and how large."""

    media_id: GivenId
    position: Corner = "bottom-right"
    scale: Annotated[float, Field(ge=0.01, le=1, description="of the picture's width")] = 0.15
    opacity: Annotated[float, Field(ge=0, le=1)] = 0.6
