"""What a worker is made of: the database, the files, and a handler for each kind of job."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import structlog

from persistence.blobs import Blobs
from persistence.database import Database
from persistence.filestore import FileStore
from persistence.migrations import migrate
from server.settings import Settings
from server.storage import open_database
from server.worker import Handlers, stop_signal, working

_log = structlog.get_logger(__name__)


async def work(settings: Settings, parent: asyncio.Event | None = None) -> int:
    """Run a worker until it is told to end; returns the exit code.

    Args:
        settings: where the database and the files are.
        parent: set when the server that started it has gone.

    Raises:
        CocutError, OSError: it could not start; the message says why and what to do.
    """
    stop = parent or asyncio.Event()
    told = stop_signal()
    async with open_database(settings) as database:
        await migrate(database)
        blobs = Blobs(database, FileStore.open(settings.files_url()))
        async with (
            make_handlers(settings, database, blobs) as handlers,
            working(database, blobs, handlers),
        ):
            _log.info("worker_started", kinds=sorted(handlers))
            waiting = [asyncio.ensure_future(event.wait()) for event in (stop, told)]
            await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
            for task in waiting:
                task.cancel()
            _log.info("worker_stopping")
    return 0


@asynccontextmanager
async def make_handlers(
    settings: Settings, database: Database, blobs: Blobs
) -> AsyncIterator[Handlers]:
    """The handlers, and what they share, for as long as the worker runs."""
    handlers: Handlers = {}
    yield handlers
