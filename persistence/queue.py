"""pgqueuer, with the names that the migrations gave its tables and no others.

Its defaults come from environment variables as general as `CHANNEL` and `FUNCTION`.
"""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final, cast

from pgqueuer.adapters.drivers.asyncpg import AsyncpgDriver, AsyncpgPoolDriver
from pgqueuer.adapters.persistence.qb import (
    QueryBuilderEnvironment,
    QueryQueueBuilder,
    QuerySchedulerBuilder,
)
from pgqueuer.adapters.persistence.queries import Queries
from pgqueuer.domain.errors import FailingListenerError
from pgqueuer.domain.models import HealthCheckEvent
from pgqueuer.domain.settings import DBSettings, Durability
from pgqueuer.domain.types import Channel
from pgqueuer.ports.driver import Driver
from pgqueuer.qm import QueueManager

if TYPE_CHECKING:
    from persistence.database import Connection, Database


_ASKED: Final = 5
"""How often a listener is asked for a sign of life before it counts as dead."""


class Consumer(QueueManager):
    """A `QueueManager` that does not give up its listener because of one question.

    It asks for the first time while it still begins to listen; an answer that was given before
    that is never heard, and the queue would be begun anew every ten seconds.
    """

    async def listener_healthy(
        self, timeout: timedelta = timedelta(seconds=10)
    ) -> HealthCheckEvent:
        """Wait for a sign of life, asked for several times in `timeout`.

        Raises:
            FailingListenerError: there is none.
        """
        for _ in range(_ASKED - 1):
            with suppress(FailingListenerError):
                return await super().listener_healthy(timeout / _ASKED)
        return await super().listener_healthy(timeout / _ASKED)


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


def manager(database: Database) -> Consumer:
    """A consumer of the queue, on connections of the pool."""
    queries = _queries(AsyncpgPoolDriver(cast("Any", database.pool)))
    return Consumer(queries, channel=settings().channel)


def _queries(driver: Driver) -> Queries:
    names = settings()
    return Queries(
        driver,
        QueryBuilderEnvironment(names),
        QueryQueueBuilder(names),
        QuerySchedulerBuilder(names),
    )
