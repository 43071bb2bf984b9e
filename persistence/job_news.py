"""Waiting for jobs: one connection that listens, for everybody in this process who waits."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any, Final
from uuid import UUID

import asyncpg
import structlog

from persistence.database import CONNECT_SECONDS, Database
from persistence.jobs import CHANNEL, Job, Jobs

LOOK_SECONDS: Final = 1.0
"""How often a waiting job is looked at all the same: the listening connection may be away."""
_AGAIN_SECONDS: Final = 1.0

_log = structlog.get_logger(__name__)


class JobNews:
    """Tells when jobs end; see `listening`."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._jobs = Jobs(database)
        self._waiting: defaultdict[UUID, set[asyncio.Event]] = defaultdict(set)

    @classmethod
    @asynccontextmanager
    async def listening(cls, database: Database) -> AsyncIterator[JobNews]:
        """News for as long as the block runs."""
        news = cls(database)
        task = asyncio.create_task(news._listen())
        try:
            yield news
        finally:
            task.cancel()
            await asyncio.wait({task})

    async def ended(self, job_id: UUID, seconds: float) -> Job:
        """The job, once it has ended, or as it is when the seconds are over.

        Raises:
            JobNotFound: there is none.
        """
        clock = asyncio.get_running_loop().time
        deadline = clock() + seconds
        changed = asyncio.Event()
        self._waiting[job_id].add(changed)
        try:
            while True:
                changed.clear()
                job = await self._jobs.get(job_id)
                left = deadline - clock()
                if job.finished_at is not None or left <= 0:
                    return job
                with suppress(TimeoutError):
                    await asyncio.wait_for(changed.wait(), min(left, LOOK_SECONDS))
        finally:
            self._waiting[job_id].discard(changed)
            if not self._waiting[job_id]:
                del self._waiting[job_id]

    async def _listen(self) -> None:
        while True:
            ended = asyncio.Event()
            try:
                connection = await asyncpg.connect(self._database.dsn, timeout=CONNECT_SECONDS)
                try:
                    connection.add_termination_listener(lambda _, ended=ended: ended.set())
                    await connection.add_listener(CHANNEL, self._heard)
                    await ended.wait()
                finally:
                    connection.terminate()
            except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
                # Meanwhile whoever waits looks for himself.
                _log.warning("job_news_away", reason=str(error))
            await asyncio.sleep(_AGAIN_SECONDS)

    def _heard(self, connection: Any, pid: int, channel: str, payload: object) -> None:
        for changed in self._waiting.get(UUID(str(payload)), ()):
            changed.set()
