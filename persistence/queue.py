"""pgqueuer, with the names that the migrations gave its tables and no others.

Its defaults come from environment variables as general as `CHANNEL` and `FUNCTION`.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, cast

from pgqueuer.adapters.drivers.asyncpg import AsyncpgDriver, AsyncpgPoolDriver
from pgqueuer.adapters.persistence.qb import (
    QueryBuilderEnvironment,
    QueryQueueBuilder,
    QuerySchedulerBuilder,
)
from pgqueuer.adapters.persistence.queries import Queries
from pgqueuer.domain.settings import DBSettings, Durability
from pgqueuer.domain.types import Channel
from pgqueuer.ports.driver import Driver
from pgqueuer.qm import QueueManager

if TYPE_CHECKING:
    from persistence.database import Connection, Database


def settings() -> DBSettings:
    """The names of the queue's tables."""
    return DBSettings(
        prefix="",
        db_schema=None,
        channel=Channel("ch_pgqueuer"),
        function="fn_pgqueuer_changed",
        statistics_table="pgqueuer_statistics",
        queue_status_type="pgqueuer_status",
        queue_table="pgqueuer",
        queue_table_log="pgqueuer_log",
        trigger="tg_pgqueuer_changed",
        schedules_table="pgqueuer_schedules",
        durability=Durability.durable,
        widen_id=True,
    )


def queries_on(connection: Connection) -> Queries:
    """The queue inside somebody's transaction."""
    return _queries(AsyncpgDriver(cast("Any", connection)))


@asynccontextmanager
async def consuming(database: Database) -> AsyncIterator[QueueManager]:
    """A consumer of the queue, on connections of the pool.

    It listens before it runs: pgqueuer asks whether its listener is alive before it has one, and
    takes one whose connection is still being opened for dead, ten seconds later.
    """
    queries, channel = _queries(AsyncpgPoolDriver(cast("Any", database.pool))), settings().channel
    async with queries.driver:
        await queries.driver.add_listener(channel, lambda payload: None)
        yield QueueManager(queries, channel=channel)


def _queries(driver: Driver) -> Queries:
    names = settings()
    return Queries(
        driver,
        QueryBuilderEnvironment(names),
        QueryQueueBuilder(names),
        QuerySchedulerBuilder(names),
    )
