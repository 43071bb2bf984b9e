"""What a worker is made of: the database, the files, and a handler for each kind of job."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

import structlog

from persistence.blobs import Blobs, shared_secret
from persistence.database import Database
from persistence.filestore import FileStore
from persistence.jobs import WEBHOOK, Jobs
from persistence.media import MediaLibrary
from persistence.migrations import migrate
from persistence.renders import Renders
from server.image_job import ImageJob
from server.media.fetch import Fetcher
from server.media.fonts.book import FontBook
from server.media.speech.studio import RenderSpeech
from server.providers import image_provider, speech_studio
from server.render_job import RenderJob
from server.scratch import scratch
from server.settings import Settings
from server.signals import StopSignal
from server.speech_job import SpeechJob
from server.storage import open_database
from server.webhook_job import WebhookJob
from server.worker import Handlers, working

_log = structlog.get_logger(__name__)


async def work(settings: Settings, stop: StopSignal | None = None) -> int:
    """Run a worker until it is told to end; returns the exit code.

    Args:
        settings: where the database and the files are.
        stop: what tells it, if more than signals may.

    Raises:
        CocutError, OSError: it could not start; the message says why and what to do.
    """
    stop = stop or StopSignal()
    with stop.ending():
        async with AsyncExitStack() as stack:
            with stop.starting():
                database = await stack.enter_async_context(open_database(settings))
                await migrate(database)
                blobs = Blobs(database, FileStore.open(settings.files_url()))
                handlers = await stack.enter_async_context(make_handlers(settings, database, blobs))
                await stack.enter_async_context(working(database, blobs, handlers))
            _log.info("worker_started", kinds=sorted(handlers))
            await stop.wait()
            _log.info("worker_stopping")
    return 0


@asynccontextmanager
async def make_handlers(
    settings: Settings, database: Database, blobs: Blobs
) -> AsyncIterator[Handlers]:
    """The handlers, and what they share, for as long as the worker runs."""
    async with scratch(settings.data_dir) as room:
        studio = await speech_studio(settings, database, blobs, room)
        renders, fetcher = Renders(database, Jobs(database)), Fetcher()
        render = RenderJob(
            database,
            blobs,
            renders,
            fetcher,
            lambda directory: RenderSpeech(studio, blobs, directory),
            settings.data_dir / "renders",
            FontBook(),
        )
        await render.sweep()
        secret = await shared_secret(database, "links")
        handlers: Handlers = {
            "speech": SpeechJob(studio),
            "image": ImageJob(
                database, blobs, MediaLibrary(database, blobs), image_provider(settings), room
            ),
            "render": render,
            "regenerate": render,
            WEBHOOK: WebhookJob(renders, blobs, fetcher, secret, time.time),
        }
        sweeping = asyncio.ensure_future(render.keep_swept())
        try:
            yield handlers
        finally:
            sweeping.cancel()
            await asyncio.wait({sweeping})
