"""Renders: from a video to a file; starting them, following them, cancelling them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, Final, Literal
from uuid import UUID

from api.callers import tier_of
from api.errors import InvalidFields
from api.keys import MediaParts
from api.links import Links
from api.pages import pagination
from api.permissions import Action
from api.routes import Answer, Call, Route, on_job, on_video
from api.schemas.base import Page
from api.schemas.renders import (
    QUALITIES,
    ManyRenders,
    OneRender,
    RegenerateRequest,
    RegenerationStarted,
    RegenerationStatus,
    RenderRequest,
    RenderStarted,
)
from api.schemas.watermark import OwnWatermark
from api.tiers import allowance, require_no_watermark, require_quality, require_white_label
from api.waiting import at_least
from api.watermarks import picture_key, require_picture
from collab.errors import JobNotFound, StorageQuotaExceeded
from persistence.blobs import key_of
from persistence.jobs import Job
from persistence.renders import KINDS, Outlook
from persistence.scenes import timestamp
from persistence.videos import VideoRecord

BEST_UNASKED: Final = 1080
_WEIGHTS: Final = {"mp4": 1.0, "mov": 1.0, "webm": 2.5, "gif": 2.5, "mp3": 0.2}
"""What a format costs, measured against mp4."""


async def start_render(call: Call[RenderRequest, None]) -> Answer:
    """Start a render of the video as it stands now."""
    body = call.body
    video, tier = await _video(call)
    quality = body.quality or _best(tier)
    require_quality(tier, quality, QUALITIES[quality])
    own = await _own_watermark(call, body.watermark, video, tier)
    marked = body.include_watermark
    if marked is None:
        marked = own is not None or not allowance(tier).no_watermark
    if not marked:
        require_no_watermark(tier)
    options = {
        "quality": quality,
        "aspect_ratio": body.aspect_ratio,
        "format": body.format,
        "watermark": marked,
        "own_watermark": own if marked else None,
    }
    job, outlook = await _start(call, "render", tier, options, body.webhook_url)
    data = {
        "job_id": str(job.id),
        "estimated_time": _seconds(outlook.seconds),
        "queue_position": outlook.position,
    }
    return Answer({**data, **_secret(call, body.webhook_url, job)}, "Video rendering started")


async def start_regeneration(call: Call[RegenerateRequest, None]) -> Answer:
    """Render the video again with the options of its last render, drawing some scenes anew."""
    body = call.body
    unknown = await call.parts.media.renders.unknown_scenes(call.video_id, body.scenes)
    if unknown:
        raise InvalidFields(
            [
                {"field": f"scenes.{place}", "message": "is no scene of this video"}
                for place, scene in enumerate(body.scenes)
                if scene in unknown
            ]
        )
    video, tier = await _video(call)
    options = await call.parts.media.renders.last_options(call.video_id) or {}
    quality = options.get("quality", _best(tier))
    own = options.get("own_watermark") if allowance(tier).white_label else None
    if own is None or own.get("kept", False):
        own = await _own_watermark(call, None, video, tier)
    marked = options.get("watermark", own is not None) or not allowance(tier).no_watermark
    if QUALITIES[quality] > allowance(tier).quality:
        quality = _best(tier)
    options = {
        "quality": quality,
        "aspect_ratio": options.get("aspect_ratio"),
        "format": options.get("format", "mp4"),
        "watermark": marked,
        "own_watermark": own if marked else None,
        "redraw": body.scenes,
        "redraw_all": body.full_regeneration,
    }
    job, outlook = await _start(call, "regenerate", tier, options, body.webhook_url)
    data = {
        "job_id": str(job.id),
        "estimated_time": _seconds(outlook.seconds),
        "status": _plain_status(job.status),
    }
    return Answer({**data, **_secret(call, body.webhook_url, job)}, "Video regeneration started")


async def get_regeneration_status(call: Call[None, None]) -> Answer:
    """How far the video's last regeneration is."""
    renders = call.parts.media.renders
    job = await renders.latest(call.video_id, "regenerate")
    if job is None:
        raise JobNotFound("This video was never regenerated.")
    return Answer(
        regeneration(shown(job, (await renders.outlook([job.id])).get(job.id), set(), None))
    )


async def list_renders(call: Call[None, Page]) -> Answer:
    """The renders and regenerations of a video, newest first."""
    media, query = call.parts.media, call.query
    jobs, total = await media.jobs.of_video(
        call.video_id, KINDS, page=query.page, limit=query.limit
    )
    return Answer(
        {
            "renders": await show(media, call.video_id, jobs),
            "pagination": pagination(query.page, query.limit, total),
        }
    )


async def get_render(call: Call[None, None]) -> Answer:
    """One render."""
    media = call.parts.media
    job = await media.renders.get(UUID(call.ids["job_id"]))
    [render] = await show(media, call.video_id, [job])
    return Answer({"render": render})


async def cancel_render(call: Call[None, None]) -> Answer:
    """Cancel a render that has not ended; one that has stays as it is."""
    media = call.parts.media
    job = await media.jobs.cancel(UUID(call.ids["job_id"]))
    [render] = await show(media, call.video_id, [job])
    said = "Render cancelled" if job.status == "cancelled" else "The render has ended already"
    return Answer({"render": render}, said)


async def show(media: MediaParts, video_id: UUID, jobs: Sequence[Job]) -> list[dict[str, Any]]:
    """Renders of a video as the API shows them, with links to those of their files that are still
    there."""
    outlook = await media.renders.outlook(
        [job.id for job in jobs if job.status in ("queued", "processing")]
    )
    keys = {key for job in jobs for link in _links(job) if (key := key_of(link)) is not None}
    there = await media.blobs.usable(keys, video_id) if keys else set()
    return [shown(job, outlook.get(job.id), there, media.links) for job in jobs]


def shown(
    job: Job, outlook: Outlook | None, there: set[str], links: Links | None
) -> dict[str, Any]:
    """A render as the API shows it.

    Args:
        job: it.
        outlook: what is ahead of it, if it has not ended.
        there: the keys of the files that are there.
        links: signs the links to them; without it there are none.
    """
    state, result = job.state, job.result or {}
    left = outlook.seconds if outlook is not None else 0.0
    total, done = int(state.get("total_scenes", job.input["scenes"])), job.status == "completed"

    def link(name: str) -> str | None:
        path = result.get(name)
        if links is None or path is None or key_of(path) not in there:
            return None
        return links.sign(path)

    return {
        "job_id": str(job.id),
        "kind": job.kind,
        "status": job.status,
        "progress": math.floor(job.progress),
        "current_scene": total if done else int(state.get("current_scene", 0)),
        "total_scenes": total,
        "estimated_time_remaining": _seconds(left) if left else 0,
        "queue_position": outlook.position if outlook is not None else 0,
        "seq": job.input["seq"],
        "warnings": list(result.get("warnings", [])),
        "error": job.error,
        "output_url": link("output"),
        "poster_url": link("poster"),
        "captions_url": link("captions"),
        "created_at": timestamp(job.created_at),
        "finished_at": None if job.finished_at is None else timestamp(job.finished_at),
    }


def regeneration(render: Mapping[str, Any]) -> dict[str, Any]:
    """How far a regeneration is, of what `shown` says."""
    names = ("progress", "current_scene", "total_scenes", "estimated_time_remaining")
    return {"status": _plain_status(render["status"]), **{name: render[name] for name in names}}


async def _start(
    call: Call[Any, None],
    kind: Literal["render", "regenerate"],
    tier: str,
    options: dict[str, Any],
    webhook_url: str | None,
) -> tuple[Job, Outlook]:
    media, caller = call.parts.media, call.caller
    room = allowance(caller.tier).storage_bytes
    if await media.blobs.used(caller.id) >= room:
        raise StorageQuotaExceeded(f"Your tier has room for {room:,} bytes, and they are used.")
    await at_least(call, call.grant.head.seq)
    given = {
        **options,
        "premium": allowance(tier).premium_assets,
        "address": media.links.base,
        **({} if webhook_url is None else {"webhook_url": webhook_url}),
    }
    size = QUALITIES[options["quality"]] / BEST_UNASKED
    job = await media.renders.start(
        call.make_id(),
        kind,
        video_id=call.video_id,
        user=caller.id,
        tier=caller.tier,
        limit=allowance(caller.tier).generations_an_hour,
        given=given,
        weight=size * size * _WEIGHTS[options["format"]],
        premium=allowance(tier).premium_assets,
        estimate=media.estimate,
    )
    outlook = (await media.renders.outlook([job.id])).get(job.id, Outlook(0, 0.0))
    return job, outlook


async def _video(call: Call[Any, None]) -> tuple[VideoRecord, str]:
    """The video, and the tier that it goes by."""
    video = await call.parts.videos.get(call.video_id, call.caller.sub)
    return video, tier_of(video, call.caller)


async def _own_watermark(
    call: Call[Any, None], asked: OwnWatermark | None, video: VideoRecord, tier: str
) -> dict[str, Any] | None:
    """What a job knows of the mark that was asked for, or else is kept on the video.

    The `key` of one that is kept is None when its picture was deleted.

    Raises:
        TierRequired: the tier has no marks of its own.
        InvalidFields: there is no such picture, or the video may not use it.
    """
    media = call.parts.media
    key: str | None
    if asked is not None:
        require_white_label(tier)
        mark, key = asked, await require_picture(media, call.video_id, asked)
    elif video.watermark is not None and allowance(tier).white_label:
        mark = OwnWatermark(**video.watermark)
        key = await picture_key(media, call.video_id, mark.media_id)
    else:
        return None
    return {**mark.model_dump(exclude={"media_id"}), "key": key, "kept": asked is None}


def _best(tier: str) -> str:
    most = min(BEST_UNASKED, allowance(tier).quality)
    return max((q for q, pixels in QUALITIES.items() if pixels <= most), key=QUALITIES.__getitem__)


def _secret(call: Call[Any, None], webhook_url: str | None, job: Job) -> dict[str, str]:
    if webhook_url is None:
        return {}
    return {"webhook_secret": call.parts.media.links.webhook_secret(job.id)}


def _plain_status(status: str) -> str:
    return "processing" if status == "queued" else status


def _seconds(seconds: float) -> int:
    return max(1, math.ceil(seconds))


def _links(job: Job) -> list[str]:
    result = job.result or {}
    return [result[name] for name in ("output", "poster", "captions") if result.get(name)]


ROUTES: Final = (
    Route(
        method="POST",
        path="/api/v1/videos/{video_id}/render",
        handler=start_render,
        permission=on_video(Action.EDIT),
        summary="Render the video",
        tag="Renders",
        body=RenderRequest,
        data=RenderStarted,
        status=201,
        idempotent=True,
    ),
    Route(
        method="POST",
        path="/api/v1/videos/{video_id}/regenerate",
        handler=start_regeneration,
        permission=on_video(Action.EDIT),
        summary="Render the video again after changes",
        tag="Renders",
        body=RegenerateRequest,
        data=RegenerationStarted,
        status=201,
        idempotent=True,
    ),
    Route(
        method="GET",
        path="/api/v1/videos/{video_id}/regeneration-status",
        handler=get_regeneration_status,
        permission=on_video(Action.READ),
        summary="See how far the last regeneration is",
        tag="Renders",
        data=RegenerationStatus,
    ),
    Route(
        method="GET",
        path="/api/v1/videos/{video_id}/renders",
        handler=list_renders,
        permission=on_video(Action.READ),
        summary="List the renders of a video",
        tag="Renders",
        query=Page,
        data=ManyRenders,
    ),
    Route(
        method="GET",
        path="/api/v1/renders/{job_id}",
        handler=get_render,
        permission=on_job(Action.READ),
        summary="Get a render",
        tag="Renders",
        data=OneRender,
    ),
    Route(
        method="DELETE",
        path="/api/v1/renders/{job_id}",
        handler=cancel_render,
        permission=on_job(Action.EDIT),
        summary="Cancel a render",
        tag="Renders",
        data=OneRender,
    ),
)
