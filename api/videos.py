"""Videos: making, listing, renaming and deleting them."""

from __future__ import annotations

from typing import Any, Final

from aiohttp import web

from api.editing import change
from api.pages import pagination
from api.permissions import Action
from api.projections import answer, render
from api.routes import USER, Answer, Call, Route, on_video
from api.schemas.base import MinSeq, SearchPage
from api.schemas.videos import ManyVideos, OneVideo, VideoCreate, VideoUpdate
from api.tiers import require_white_label
from api.waiting import at_least
from api.watermarks import require_picture
from collab import edits
from collab.errors import VideoNotFound
from persistence.scenes import timestamp
from persistence.videos import VideoRecord


async def create_video(call: Call[VideoCreate, None]) -> Answer:
    """Make a video whose owner is the caller."""
    video = await _made_before(call) or await _make(call)
    return Answer({"video": shown(video)}, "Video created successfully", seq=video.seq)


async def _made_before(call: Call[VideoCreate, None]) -> VideoRecord | None:
    if call.idempotency_key is None:
        return None
    try:
        return await call.parts.videos.get(call.make_id(), call.caller.sub)
    except VideoNotFound:
        return None


async def _make(call: Call[VideoCreate, None]) -> VideoRecord:
    body = call.body
    client_id = call.parts.new_id().int >> 96
    first = edits.initial_update(client_id, body.title, body.aspect_ratio)
    return await call.parts.videos.create(
        call.make_id(),
        owner=call.caller.sub,
        title=body.title,
        aspect_ratio=body.aspect_ratio,
        first_update=first,
    )


async def list_videos(call: Call[None, SearchPage]) -> Answer:
    """The videos that the caller has a role on, the last changed first."""
    query = call.query
    found = await call.parts.videos.list(
        call.caller.sub, page=query.page, limit=query.limit, search=query.search
    )
    return Answer(
        {
            "videos": [shown(video) for video in found.videos],
            "pagination": pagination(query.page, query.limit, found.total),
        }
    )


async def get_video(call: Call[None, MinSeq]) -> web.Response:
    """One video."""
    await at_least(call, call.query.min_seq)
    video = await call.parts.videos.get(call.video_id, call.caller.sub)
    return answer(call.request, render({"video": shown(video)}, video.projected_seq))


async def update_video(call: Call[VideoUpdate, None]) -> Answer:
    """Rename a video, change its shape, or keep a watermark on it."""
    given = call.body.given()
    marked = "watermark" in given
    mark = given.pop("watermark", None)
    if mark is not None:
        require_white_label(call.caller.tier)
        await require_picture(call.parts.media, call.video_id, mark)
    seq = call.grant.head.seq
    if given or not marked:
        seq = await change(call, edits.update_video(given))
    if marked:
        kept = None if mark is None else mark.model_dump()
        await call.parts.videos.set_watermark(call.video_id, kept)
    video = await call.parts.videos.get(call.video_id, call.caller.sub)
    return Answer({"video": shown(video)}, "Video updated successfully", seq=seq)


async def delete_video(call: Call[None, None]) -> Answer:
    """Delete a video, with everything in it."""
    await call.parts.videos.delete(call.video_id, by=call.caller.sub)
    call.parts.access.moved(call.video_id)
    await call.parts.rooms.access_changed(call.video_id)
    return Answer(message="Video deleted successfully")


def shown(video: VideoRecord) -> dict[str, Any]:
    """A video as the API shows it."""
    return {
        "id": str(video.id),
        "title": video.title,
        "aspect_ratio": video.aspect_ratio,
        "role": video.role,
        "owner_id": video.owner_id,
        "scene_count": video.scene_count,
        "duration": video.duration,
        "created_at": timestamp(video.created_at),
        "updated_at": timestamp(video.updated_at),
        **({} if video.watermark is None else {"watermark": video.watermark}),
    }


ROUTES: Final = (
    Route(
        method="POST",
        path="/api/v1/videos",
        handler=create_video,
        permission=USER,
        summary="Make a video",
        tag="Videos",
        body=VideoCreate,
        data=OneVideo,
        status=201,
        idempotent=True,
    ),
    Route(
        method="GET",
        path="/api/v1/videos",
        handler=list_videos,
        permission=USER,
        summary="List and search the caller's videos",
        tag="Videos",
        query=SearchPage,
        data=ManyVideos,
    ),
    Route(
        method="GET",
        path="/api/v1/videos/{video_id}",
        handler=get_video,
        permission=on_video(Action.READ),
        summary="Get a video",
        tag="Videos",
        query=MinSeq,
        data=OneVideo,
        conditional=True,
    ),
    Route(
        method="PUT",
        path="/api/v1/videos/{video_id}",
        handler=update_video,
        permission=on_video(Action.MANAGE),
        summary="Rename a video, change its shape, or keep a watermark on it",
        tag="Videos",
        body=VideoUpdate,
        data=OneVideo,
    ),
    Route(
        method="DELETE",
        path="/api/v1/videos/{video_id}",
        handler=delete_video,
        permission=on_video(Action.MANAGE),
        summary="Delete a video",
        tag="Videos",
    ),
)
