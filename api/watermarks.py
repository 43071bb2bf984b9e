"""Marks of somebody's own: in a request to render, or kept on a video."""

from __future__ import annotations

from uuid import UUID

from api.errors import InvalidFields
from api.keys import MediaParts
from api.schemas.watermark import OwnWatermark
from collab.schema import is_id
from persistence.blobs import key_of


async def require_picture(media: MediaParts, video_id: UUID, mark: OwnWatermark) -> str:
    """The key of the picture of a mark that somebody asks for.

    Raises:
        InvalidFields: there is no such picture, or the video may not use it.
    """
    key = await picture_key(media, video_id, mark.media_id)
    if key is None:
        raise InvalidFields(
            [{"field": "watermark.media_id", "message": "is no picture that this video may use"}]
        )
    return key


async def picture_key(media: MediaParts, video_id: UUID, media_id: str) -> str | None:
    """The key of a picture of the media library, if the video may use it."""
    found = await media.renders.library_file("media", UUID(media_id)) if is_id(media_id) else None
    key = None if found is None or found.kind != "image" else key_of(found.link)
    return key if key is not None and key in await media.blobs.usable([key], video_id) else None
