"""The database of a data directory, opened by whichever command needs it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Final

import structlog

from collab.errors import DatabaseAway
from persistence.database import Database
from persistence.embedded import EmbeddedPostgres
from persistence.migrations import migrate
from server.settings import Settings

RETRY_SECONDS: Final = 30.0

_log = structlog.get_logger(__name__)


@asynccontextmanager
async def open_database(
    settings: Settings, *, retry_seconds: float = RETRY_SECONDS
) -> AsyncIterator[Database]:
    """The database that the settings name, or the embedded one, started if it is not running.

    Raises:
        DatabaseAway: it does not answer.
        StorageError: it does not let us in, is too old, or could not be started.
    """
    async with AsyncExitStack() as stack:
        dsn = settings.database_url
        if dsn is None:
            settings.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
            postgres = EmbeddedPostgres(settings.data_dir)
            dsn = await postgres.start()
            stack.push_async_callback(postgres.stop)
        database = await _connect(dsn, retry_seconds)
        stack.push_async_callback(database.close)
        yield database


async def _connect(dsn: str, retry_seconds: float) -> Database:
    said = ""

    def say_once(reason: str) -> None:
        nonlocal said
        if reason != said:
            _log.warning("waiting_for_database", reason=reason, seconds=retry_seconds)
            said = reason

    try:
        return await Database.connect(dsn, retry_seconds=retry_seconds, on_wait=say_once)
    except DatabaseAway as error:
        raise DatabaseAway(
            f"{error}; start it, or correct --database-url, or leave that out for the embedded one"
        ) from error


async def bring_up_to_date(settings: Settings) -> int:
    """Apply the migrations that are missing, and name them on standard output."""
    async with open_database(settings) as database:
        applied = await migrate(database)
    print("\n".join(applied) if applied else "the schema is up to date")
    return 0
