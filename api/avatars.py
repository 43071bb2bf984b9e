"""The avatars."""

from __future__ import annotations

from typing import Any, Final

from api.keys import Parts
from api.pages import pagination
from api.routes import USER, Answer, Call, Route
from api.schemas.avatars import AvatarQuery, ManyAvatars
from persistence.avatars import Avatar


async def list_avatars(call: Call[None, AvatarQuery]) -> Answer:
    """The avatars that the caller may see, each with its variations, newest first."""
    query = call.query
    found, total = await call.parts.media.avatars.page(
        call.caller.id,
        gender=None if query.gender == "all" else query.gender,
        which=query.category,
        search=query.search,
        page=query.page,
        limit=query.limit,
    )
    return Answer(
        {
            "avatars": [shown(avatar, call.parts) for avatar in found],
            "pagination": pagination(query.page, query.limit, total),
        }
    )


def shown(avatar: Avatar, parts: Parts) -> dict[str, Any]:
    """An avatar as the API shows it."""
    sign = parts.media.links.sign
    return {
        "id": str(avatar.id),
        "name": avatar.name,
        "gender": avatar.gender,
        "style": avatar.style,
        "thumbnail_url": sign(avatar.thumbnail_url),
        "preview_url": sign(avatar.preview_url),
        "video_url": sign(avatar.video_url),
        "is_premium": avatar.is_premium,
        "variations": [
            {
                "id": str(variation.id),
                "name": variation.name,
                "thumbnail_url": sign(variation.thumbnail_url),
            }
            for variation in avatar.variations
        ],
    }


ROUTES: Final = (
    Route(
        method="GET",
        path="/api/v1/avatars",
        handler=list_avatars,
        permission=USER,
        summary="List and search the avatars",
        tag="Avatars",
        query=AvatarQuery,
        data=ManyAvatars,
    ),
)
