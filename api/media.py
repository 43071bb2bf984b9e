"""The media library: listing and uploads of pictures, videos and GIFs."""

from __future__ import annotations

from typing import Any, Final
from uuid import UUID

from api.keys import Parts
from api.pages import pagination
from api.routes import USER, Answer, Call, Route
from api.schemas.media import ManyMedia, MediaForm, MediaQuery, MediaUpload, OneMedia
from api.uploads import uploaded
from collab.errors import MediaNotFound
from persistence.media import Media


async def list_media(call: Call[None, MediaQuery]) -> Answer:
    """What the caller may see of the media library, newest first."""
    query = call.query
    found, total = await call.parts.media.media.page(
        call.caller.id,
        kind=None if query.type == "all" else query.type,
        source=query.source,
        category=query.category or None,
        search=query.search,
        page=query.page,
        limit=query.limit,
    )
    return Answer(
        {
            "media": [shown(media, call.parts) for media in found],
            "pagination": pagination(query.page, query.limit, total),
        }
    )


async def upload_media(call: Call[None, None]) -> Answer:
    """Add a picture, video or GIF of the caller's own."""
    parts, caller = call.parts.media, call.caller
    media_id = call.make_id()
    if call.idempotency_key is not None:
        try:
            made = await parts.media.get(media_id, caller.id)
        except MediaNotFound:
            pass
        else:
            return Answer({"media": shown(made, call.parts)}, "Media uploaded successfully")
    async with uploaded(call, "media", MediaForm) as upload:
        examined = upload.examined
        media = Media(
            id=media_id,
            type=upload.type.kind,
            title=upload.form.title.strip() or upload.title,
            url=upload.files[0].path,
            thumbnail_url=upload.files[1].path,
            source="uploaded",
            category=upload.form.category.strip() or None,
            tags=[],
            dimensions={"width": examined.width, "height": examined.height},
            duration=examined.duration,
            is_premium=False,
            user_id=caller.id,
            ai_prompt=None,
        )
        await parts.media.upload(media, upload.files, room=upload.room)
    return Answer({"media": shown(media, call.parts)}, "Media uploaded successfully")


async def delete_media(call: Call[None, None]) -> Answer:
    """Delete what the caller uploaded or generated, with its files."""
    await call.parts.media.media.delete(
        UUID(call.ids["media_id"]), call.caller.id, by=call.caller.sub
    )
    return Answer(message="Media deleted successfully")


def shown(media: Media, parts: Parts) -> dict[str, Any]:
    """A picture, video or GIF as the API shows it."""
    sign = parts.media.links.sign
    return {
        "id": str(media.id),
        "type": media.type,
        "title": media.title,
        "url": sign(media.url),
        "thumbnail_url": sign(media.thumbnail_url),
        "source": media.source,
        "category": media.category,
        "tags": media.tags,
        "dimensions": media.dimensions,
        "duration": media.duration,
        "is_premium": media.is_premium,
    }


ROUTES: Final = (
    Route(
        method="GET",
        path="/api/v1/media/library",
        handler=list_media,
        permission=USER,
        summary="List and search the media library",
        tag="Media",
        query=MediaQuery,
        data=ManyMedia,
    ),
    Route(
        method="POST",
        path="/api/v1/media/upload",
        handler=upload_media,
        permission=USER,
        summary="Upload a picture or a video (jpg, png, gif, mp4, mov)",
        tag="Media",
        form=MediaUpload,
        data=OneMedia,
        status=201,
        idempotent=True,
    ),
    Route(
        method="DELETE",
        path="/api/v1/media/{media_id}",
        handler=delete_media,
        permission=USER,
        summary="Delete an upload or a generated image",
        tag="Media",
    ),
)
