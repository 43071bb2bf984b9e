"""Pictures that are made from words: asking for one, and how far it is."""

from __future__ import annotations

import math
from typing import Any, Final
from uuid import UUID

from api.errors import InvalidFields
from api.keys import Parts
from api.media import shown as shown_media
from api.routes import USER, Answer, Call, Route
from api.schemas.images import ImageGenerate, ImageStarted, ImageStatus
from api.tiers import allowance
from collab.errors import JobNotFound, MediaNotFound, StorageQuotaExceeded
from persistence.jobs import Job
from persistence.texts import one_line

KIND: Final = "image"


async def generate_image(call: Call[ImageGenerate, None]) -> Answer:
    """Start to make a picture; it will be in the caller's media library."""
    body, media, caller = call.body, call.parts.media, call.caller
    prompt = one_line(body.prompt)
    if not prompt:
        raise InvalidFields([{"field": "prompt", "message": "says nothing that can be seen"}])
    allowed = allowance(caller.tier)
    if await media.blobs.used(caller.id) >= allowed.storage_bytes:
        raise StorageQuotaExceeded(
            f"Your tier has room for {allowed.storage_bytes:,} bytes, and they are used."
        )
    job = await media.jobs.start(
        *(call.make_id(), KIND),
        user=caller.id,
        tier=caller.tier,
        given={
            "prompt": prompt,
            "style": body.style,
            "aspect_ratio": body.aspect_ratio,
            "quality": body.quality,
        },
        limit=allowed.generations_an_hour,
    )
    return Answer(
        {
            "job_id": str(job.id),
            "status": _plain_status(job),
            "estimated_time": await _estimate(call.parts, job),
        }
    )


async def get_image_status(call: Call[None, None]) -> Answer:
    """How far a picture is that the caller asked for."""
    return Answer(await show(await _own_job(call), call.parts))


async def cancel_image(call: Call[None, None]) -> Answer:
    """Cancel a picture that is not made yet; one that is stays as it is."""
    job = await call.parts.media.jobs.cancel((await _own_job(call)).id)
    said = "Image cancelled" if job.status == "cancelled" else "The image has ended already"
    return Answer(await show(job, call.parts), said)


async def show(job: Job, parts: Parts) -> dict[str, Any]:
    """A picture's job as the API shows it."""
    data: dict[str, Any] = {"job_id": str(job.id), "status": _plain_status(job)}
    if job.result is not None:
        try:
            found = await parts.media.media.get(UUID(job.result["media_id"]), job.user_id)
            data["media"] = shown_media(found, parts)
        except MediaNotFound:
            data["media"] = None
        data["generator"] = job.result["generator"]
    elif job.error is not None:
        data["error"] = job.error
    elif job.finished_at is None:
        data["estimated_time"] = await _estimate(parts, job)
    return data


async def _own_job(call: Call[Any, Any]) -> Job:
    job = await call.parts.media.jobs.get(UUID(call.ids["job_id"]))
    if job.kind != KIND or job.user_id != call.caller.id:
        raise JobNotFound
    return job


async def _estimate(parts: Parts, job: Job) -> int:
    """Seconds until it will be there, as pictures took of late, with those before it."""
    media = parts.media
    each = await media.jobs.typical_seconds(KIND, media.image_seconds)
    before = await media.jobs.position(job, (KIND,))
    return max(1, math.ceil(each * max(1, before)))


def _plain_status(job: Job) -> str:
    return "processing" if job.status == "queued" else job.status


ROUTES: Final = (
    Route(
        method="POST",
        path="/api/v1/media/generate-ai",
        handler=generate_image,
        permission=USER,
        summary="Make a picture from words",
        tag="Media",
        body=ImageGenerate,
        data=ImageStarted,
        status=201,
        idempotent=True,
    ),
    Route(
        method="GET",
        path="/api/v1/media/ai-status/{job_id}",
        handler=get_image_status,
        permission=USER,
        summary="See how far a picture is that is made from words",
        tag="Media",
        data=ImageStatus,
    ),
    Route(
        method="DELETE",
        path="/api/v1/media/ai-status/{job_id}",
        handler=cancel_image,
        permission=USER,
        summary="Cancel a picture that is made from words",
        tag="Media",
        data=ImageStatus,
    ),
)
