"""A worker that renders, on the database and the files of a face, and what tests ask of it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from persistence.blobs import shared_secret
from persistence.jobs import WEBHOOK
from server.media.assets import DEFAULT_LIMITS, FetchLimits
from server.media.fetch import Fetcher, is_public
from server.media.fonts.book import FontBook
from server.media.speech.studio import RenderSpeech
from server.providers import speech_studio
from server.render_job import RenderJob
from server.settings import Settings
from server.webhook_job import WebhookJob
from server.worker import Handlers, Worker
from tests.support.face import Client, Reply

ENDED = ("completed", "failed", "cancelled")


async def handlers(
    api: Client,
    directory: Path,
    *,
    allowed: Callable[[str], bool] = is_public,
    limits: FetchLimits = DEFAULT_LIMITS,
    delays: tuple[float, float] = (0.05, 0.05),
) -> Handlers:
    """What a worker does.

    Args:
        api: the face whose jobs it takes.
        directory: for what it makes.
        allowed: which addresses it may fetch from.
        limits: how much.
        delays: before a webhook is tried again.
    """
    media, fetcher = api.parts.media, Fetcher(allowed=allowed)
    studio = await speech_studio(Settings(data_dir=directory), api.database, media.blobs, directory)
    render = RenderJob(
        api.database,
        media.blobs,
        media.renders,
        fetcher,
        lambda place: RenderSpeech(studio, media.blobs, place),
        directory,
        FontBook(),
        limits,
    )
    secret = await shared_secret(api.database, "links")
    hook = WebhookJob(media.renders, media.blobs, fetcher, secret, time.time, delays)
    return {"render": render, "regenerate": render, WEBHOOK: hook}


@asynccontextmanager
async def working(api: Client, known: Handlers) -> AsyncIterator[Worker]:
    """A worker for a while."""
    worker = Worker(api.database, known)
    task = asyncio.create_task(worker.run())
    try:
        yield worker
    finally:
        worker.stop()
        await task


async def render(api: Client, video: str, **body: Any) -> dict[str, Any]:
    """Ask for a render and wait for its end."""
    body = {"quality": "360p", **body}
    reply = await api.call("POST", f"/api/v1/videos/{video}/render", body)
    assert reply.status == 201, reply.content
    return await ended(api, reply.data["job_id"])


async def ended(
    api: Client, job_id: str, done: Callable[[dict[str, Any]], bool] | None = None
) -> dict[str, Any]:
    """The render once it has ended, or is as asked for."""
    async with asyncio.timeout(60):
        while True:
            reply = await api.call("GET", f"/api/v1/renders/{job_id}")
            found: dict[str, Any] = reply.data["render"]
            if found["status"] in ENDED if done is None else done(found):
                return found
            await asyncio.sleep(0.05)


async def download(api: Client, link: str) -> Reply:
    """What a signed link leads to."""
    parts = urlsplit(link)
    reply = await api.call("GET", f"{parts.path}?{parts.query}", user=None)
    assert reply.status == 200, reply.content
    return reply
