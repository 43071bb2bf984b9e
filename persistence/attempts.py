"""Attempts: what workers do with the jobs that the queue hands them.

Attempts are counted, and whoever writes says which attempt is writing, so that a worker that was
given up for dead changes nothing any more.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from persistence.database import Database
from persistence.jobs import COLUMNS, Job, Jobs, Status, job_of, tell

if TYPE_CHECKING:
    from persistence.database import Connection

MAX_ATTEMPTS: Final = 3

_BEGIN: Final = f"""
WITH j AS (
  UPDATE jobs SET status = 'processing', attempts = attempts + 1,
    started_at = coalesce(started_at, now())
  WHERE id = $1 AND status IN ('queued', 'processing') AND attempts < {MAX_ATTEMPTS}
  RETURNING *
)
SELECT {COLUMNS} FROM j JOIN users u ON u.id = j.user_id
"""  # noqa: S608
_FAIL_POISON: Final = f"""
UPDATE jobs SET status = 'failed', finished_at = now(), error = jsonb_build_object(
  'code', 'worker_died',
  'message', 'The job ended the worker that ran it three times, and is not tried again.')
WHERE id = $1 AND status IN ('queued', 'processing') AND attempts >= {MAX_ATTEMPTS}
RETURNING id
"""  # noqa: S608
_END: Final = """
UPDATE jobs SET status = $3, progress = CASE WHEN $3 = 'completed' THEN 100 ELSE progress END,
  result = $4::text::jsonb, error = $5::text::jsonb, finished_at = now()
WHERE id = $1 AND attempts = $2 AND status = 'processing'
RETURNING id
"""
_PROGRESS: Final = """
UPDATE jobs SET progress = greatest(progress, $3), state = state || $4::text::jsonb
WHERE id = $1 AND attempts = $2 AND status = 'processing'
RETURNING id
"""


class Attempts:
    """The attempts at all jobs."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._jobs = Jobs(database)

    async def made(self, job_id: UUID) -> int:
        """How often a job was begun."""
        async with self._database.connection() as connection:
            found = await connection.fetchval("SELECT attempts FROM jobs WHERE id = $1", job_id)
        return int(found or 0)

    async def begin(self, job_id: UUID) -> Job | None:
        """Begin an attempt; None when there is nothing to do any more.

        A job that was begun too often already fails for good.
        """
        async with self._database.transaction() as connection:
            row = await connection.fetchrow(_BEGIN, job_id)
            if row is None:
                if await connection.fetchval(_FAIL_POISON, job_id) is not None:
                    await self._jobs.ended(connection, job_id)
                return None
            await tell(connection, job_id)
        return job_of(row)

    async def report(self, job: Job, percent: float, state: Mapping[str, Any]) -> bool:
        """Write down how far an attempt is; False when it should end: it was cancelled, or taken
        over by another worker."""
        async with self._database.connection() as connection:
            found = await connection.fetchval(
                _PROGRESS, job.id, job.attempts, percent, json.dumps(dict(state))
            )
            if found is not None:
                await tell(connection, job.id)
        return found is not None

    async def stands(self, job: Job) -> bool:
        """Whether an attempt still counts: nobody cancelled it or took it over."""
        async with self._database.connection() as connection:
            found = await connection.fetchval(
                "SELECT id FROM jobs WHERE id = $1 AND attempts = $2 AND status = 'processing'",
                *(job.id, job.attempts),
            )
        return found is not None

    async def complete(
        self, job: Job, result: Mapping[str, Any], connection: Connection | None = None
    ) -> bool:
        """End an attempt that went well.

        Args:
            job: the attempt.
            result: JSON values.
            connection: the transaction that stores what the result names.

        Returns:
            False when the attempt does not count any more; the transaction must then be undone.
        """
        if connection is not None:
            return await self._end(connection, job, "completed", result, None)
        async with self._database.transaction() as own:
            return await self._end(own, job, "completed", result, None)

    async def fail(self, job: Job, code: str, message: str) -> None:
        """End an attempt that failed for good."""
        async with self._database.transaction() as connection:
            error = {"code": code, "message": message}
            await self._end(connection, job, "failed", None, error)

    async def hand_back(self, job: Job, *, counted: bool) -> None:
        """Give an attempt up, for a later one; `counted` is false when it was not its fault."""
        async with self._database.connection() as connection:
            await connection.execute(
                "UPDATE jobs SET status = 'queued', attempts = attempts - $3"
                " WHERE id = $1 AND attempts = $2 AND status = 'processing'",
                *(job.id, job.attempts, 0 if counted else 1),
            )
            await tell(connection, job.id)

    async def _end(
        self,
        connection: Connection,
        job: Job,
        status: Status,
        result: Mapping[str, Any] | None,
        error: Mapping[str, str] | None,
    ) -> bool:
        found = await connection.fetchval(
            _END,
            *(job.id, job.attempts, status),
            None if result is None else json.dumps(dict(result)),
            None if error is None else json.dumps(dict(error)),
        )
        if found is not None:
            await self._jobs.ended(connection, job.id)
        return found is not None
