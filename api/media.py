"""The media library: listing and uploads of pictures, videos and GIFs."""

from __future__ import annotations

from typing import Any, Final
from uuid import UUID

from api.keys import Parts
from api.pages import pagination
from api.routes import USER, Answer, Call, Route
from api.schemas.media import ManyMedia, MediaForm, MediaQuery, MediaUpload, OneMedia
from api.uploads import Upload, fingerprint_of, take
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
    media = await take(call, call.parts.media.media, "media", MediaForm, _uploaded)
    return Answer({"media": shown(media, call.parts)}, "Media uploaded successfully")


def _uploaded(upload: Upload) -> Media:
    examined = upload.examined
    url, thumbnail_url = upload.links
    return Media(
        id=upload.id,
        type=upload.type.kind,
        title=upload.title,
        url=url,
        thumbnail_url=thumbnail_url,
        source="uploaded",
        category=upload.form.category.strip() or None,
        tags=[],
        dimensions={"width": examined.width, "height": examined.height},
        duration=examined.duration,
        is_premium=False,
        user_id=upload.owner,
        ai_prompt=None,
    )


async def delete_media(call: Call[None, None]) -> Answer:
    """Delete what the caller uploaded or generated, with its files."""
    await call.parts.media.media.delete(
        UUID(call.ids["media_id"]), call.caller.id, by=call.caller.sub
    )
    return Answer(message="Media deleted successfully")


def shown(media: Media, parts: Parts) -> dict[str, Any]:
    """A picture, video or GIF as the API shows it."""
    sign = parts.media.links.sign
    generated = {"ai_prompt": media.ai_prompt, "generator": media.generator}
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
        **(generated if media.source == "ai" else {}),
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
        fingerprint=fingerprint_of("media"),
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
