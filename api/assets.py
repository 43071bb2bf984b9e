"""What a layer's `*_id` names, for whoever may see the video: as a render of it would find it."""

from __future__ import annotations

from typing import Final
from uuid import UUID

from api.permissions import Action
from api.routes import Answer, Call, Route, on_video
from api.schemas.assets import OneAsset
from collab.errors import AudioNotFound, AvatarNotFound, MediaNotFound, NotFound
from persistence.blobs import key_of

_MISSING: Final[dict[str, type[NotFound]]] = {
    "audio": AudioNotFound,
    "media": MediaNotFound,
    "avatar": AvatarNotFound,
}


async def get_audio_of_video(call: Call[None, None]) -> Answer:
    """The piece of audio that a layer of the video names."""
    return await _answer("audio", call)


async def get_media_of_video(call: Call[None, None]) -> Answer:
    """The picture, film or GIF that a layer of the video names."""
    return await _answer("media", call)


async def get_avatar_of_video(call: Call[None, None]) -> Answer:
    """The avatar that a layer of the video names, with its film if it has one."""
    return await _answer("avatar", call)


async def _answer(kind: str, call: Call[None, None]) -> Answer:
    media, row_id = call.parts.media, call.ids[f"{kind}_id"]
    row = await media.renders.library_file(kind, UUID(row_id))
    links = [] if row is None else [link for link in (row.link, row.film) if link]
    stored = {link: key for link in links if (key := key_of(link)) is not None}
    usable = await media.blobs.usable(stored.values(), call.video_id) if stored else set()
    shown = {link for link in links if link not in stored or stored[link] in usable}
    if row is None or row.link not in shown:
        raise _MISSING[kind]("It was deleted, or belongs to none of the video's people.")
    sign = media.links.sign
    asset = {
        "id": row_id,
        "type": row.kind or "image",
        "url": sign(row.link),
        "video_url": sign(row.film if row.film in shown else None),
    }
    return Answer({"asset": asset})


ROUTES: Final = tuple(
    Route(
        method="GET",
        path=f"/api/v1/videos/{{video_id}}/{place}",
        handler=handler,
        permission=on_video(Action.READ),
        summary=f"Get {what} that a layer names",
        tag="Videos",
        data=OneAsset,
    )
    for place, handler, what in (
        ("audio/{audio_id}", get_audio_of_video, "the sound"),
        ("media/{media_id}", get_media_of_video, "the picture or film"),
        ("avatars/{avatar_id}", get_avatar_of_video, "the avatar"),
    )
)
