"""Jobs: what was asked for, how far it is, and what came of it.

A job's row and its place in the queue are made in one transaction. The queue (pgqueuer) hands a
job to one worker at a time and takes it back from one that died; what workers do with it is in
`persistence.attempts`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final, Literal
from uuid import UUID, uuid5

from pgqueuer.domain.types import JobId

from collab.errors import JobNotFound, TooManyGenerations
from persistence.database import Database
from persistence.queue import queries_on

if TYPE_CHECKING:
    from asyncpg import Record

    from persistence.database import Connection

CHANNEL: Final = "cocut_jobs"
"""Where the id of a job is notified whenever its row changes."""

WEBHOOK: Final = "webhook"
"""The kind of the jobs that tell somebody that a job has ended."""

Status = Literal["queued", "processing", "completed", "failed", "cancelled"]

COLUMNS: Final = """
  j.id, j.kind, j.video_id, j.user_id, u.sub AS user_sub, j.tier, j.input, j.status, j.progress,
  j.state, j.result, j.error, j.attempts, j.created_at, j.started_at, j.finished_at
"""
_RECENT: Final = """
SELECT count(*) AS made, extract(epoch FROM min(created_at) + interval '1 hour' - now()) AS next
FROM (
  SELECT created_at FROM jobs
  WHERE user_id = $1 AND created_at > now() - interval '1 hour' AND status <> 'failed'
    AND kind <> 'webhook'
  ORDER BY created_at DESC LIMIT $2
) recent
"""
_TYPICAL: Final = """
SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY seconds) FROM (
  SELECT extract(epoch FROM finished_at - started_at) AS seconds FROM jobs
  WHERE kind = $1 AND status = 'completed' AND created_at > now() - interval '1 day'
  ORDER BY created_at DESC LIMIT 20
) recent
"""
_LOST: Final = """
SELECT j.id, j.kind FROM jobs j
WHERE j.status IN ('queued', 'processing') AND j.created_at < now() - interval '1 minute'
  AND NOT EXISTS (SELECT FROM pgqueuer q WHERE q.id = j.queue_id)
FOR UPDATE OF j SKIP LOCKED
"""


@dataclass(frozen=True, slots=True)
class Job:
    """A job's row.

    Attributes:
        user_id, user_sub: who asked for it: the row's id, and the id in every interface.
        tier: the caller's, when they asked.
        input: what was asked for, as the kind's handler takes it.
        progress: percent.
        state: what the handler says while it runs.
        result: what came of it, once it is completed.
        error: `code` and `message`, once it has failed.
        attempts: how often a worker began it.
    """

    id: UUID
    kind: str
    video_id: UUID | None
    user_id: UUID
    user_sub: str
    tier: str
    input: dict[str, Any]
    status: Status
    progress: float
    state: dict[str, Any]
    result: dict[str, Any] | None
    error: dict[str, str] | None
    attempts: int
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None


class Jobs:
    """The jobs of the whole installation."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def start(
        self,
        job_id: UUID,
        kind: str,
        *,
        user: UUID,
        tier: str,
        given: Mapping[str, Any],
        limit: int | None,
        video_id: UUID | None = None,
        priority: int = 0,
    ) -> Job:
        """`enqueue` in a transaction of its own."""
        async with self._database.transaction() as connection:
            return await self.enqueue(
                connection,
                job_id,
                kind,
                user=user,
                tier=tier,
                given=given,
                limit=limit,
                video_id=video_id,
                priority=priority,
            )

    async def enqueue(
        self,
        connection: Connection,
        job_id: UUID,
        kind: str,
        *,
        user: UUID,
        tier: str,
        given: Mapping[str, Any],
        limit: int | None,
        video_id: UUID | None = None,
        priority: int = 0,
    ) -> Job:
        """Make a job and put it into the queue, inside somebody's transaction.

        One that is there already is given back as it is.

        Args:
            connection: the transaction.
            job_id: a fresh id, or the one of an earlier try.
            kind: which handler runs it.
            user: whose it is; the row's id.
            tier: theirs now.
            given: JSON values for the handler.
            limit: how many generations an hour they have; None where it counts for none.
            video_id: what it is about; only those with a role on it see the job.
            priority: higher ones first.

        Raises:
            TooManyGenerations: over the limit.
        """
        there = await self._read(connection, job_id)
        if there is not None:
            return there
        if limit is not None:
            await _require_generation(connection, user, limit)
        [queue_id] = await queries_on(connection).enqueue(kind, job_id.bytes, priority)
        await connection.execute(
            "INSERT INTO jobs (id, kind, video_id, user_id, tier, input, queue_id)"
            " VALUES ($1, $2, $3, $4, $5, $6::text::jsonb, $7)",
            *(job_id, kind, video_id, user, tier, json.dumps(dict(given)), queue_id),
        )
        made = await self._read(connection, job_id)
        assert made is not None
        return made

    async def record(
        self,
        job_id: UUID,
        kind: str,
        *,
        user: UUID,
        tier: str,
        given: Mapping[str, Any],
        result: Mapping[str, Any],
        limit: int | None,
    ) -> Job:
        """Write down what was done at once, without the queue; it counts as a generation.

        One that is there already is given back as it is.

        Raises:
            TooManyGenerations: over the limit.
        """
        async with self._database.transaction() as connection:
            there = await self._read(connection, job_id)
            if there is not None:
                return there
            if limit is not None:
                await _require_generation(connection, user, limit)
            await connection.execute(
                "INSERT INTO jobs (id, kind, user_id, tier, input, status, progress, result,"
                " attempts, started_at, finished_at)"
                " VALUES ($1, $2, $3, $4, $5::text::jsonb, 'completed', 100, $6::text::jsonb, 1,"
                " now(), now())",
                *(job_id, kind, user, tier, json.dumps(dict(given)), json.dumps(dict(result))),
            )
            made = await self._read(connection, job_id)
        assert made is not None
        return made

    async def typical_seconds(self, kind: str, otherwise: float) -> float:
        """How long jobs of a kind took of late, in the middle; `otherwise` where none was done."""
        async with self._database.connection() as connection:
            found = await connection.fetchval(_TYPICAL, kind)
        return otherwise if found is None else float(found)

    async def get(self, job_id: UUID) -> Job:
        """A job.

        Raises:
            JobNotFound: there is none.
        """
        async with self._database.connection() as connection:
            job = await self._read(connection, job_id)
        if job is None:
            raise JobNotFound
        return job

    async def many(self, job_ids: Iterable[UUID]) -> list[Job]:
        """These jobs, oldest first; those that are not there are left out."""
        return await self._several("j.id = ANY($1::uuid[])", list(job_ids))

    async def recent(self) -> list[Job]:
        """The jobs that are going on or ended within a minute, oldest first."""
        return await self._several(
            "j.status = 'processing' OR j.finished_at > now() - interval '1 minute'"
        )

    async def _several(self, condition: str, *given: object) -> list[Job]:
        async with self._database.connection() as connection:
            rows = await connection.fetch(
                f"SELECT {COLUMNS} FROM jobs j JOIN users u ON u.id = j.user_id"  # noqa: S608
                f" WHERE {condition} ORDER BY j.created_at, j.id",
                *given,
            )
        return [job_of(row) for row in rows]

    async def of_video(
        self, video_id: UUID, kinds: Sequence[str], *, page: int, limit: int
    ) -> tuple[list[Job], int]:
        """The jobs of a video, newest first, and how many there are."""
        async with self._database.connection() as connection:
            total = await connection.fetchval(
                "SELECT count(*) FROM jobs WHERE video_id = $1 AND kind = ANY($2::text[])",
                *(video_id, list(kinds)),
            )
            rows = await connection.fetch(
                f"SELECT {COLUMNS} FROM jobs j JOIN users u ON u.id = j.user_id"  # noqa: S608
                " WHERE j.video_id = $1 AND j.kind = ANY($2::text[])"
                " ORDER BY j.created_at DESC, j.id DESC LIMIT $3 OFFSET $4",
                *(video_id, list(kinds), limit, (page - 1) * limit),
            )
        return [job_of(row) for row in rows], total

    async def position(self, job: Job, kinds: Sequence[str]) -> int:
        """A queued job's place among the queued ones of these kinds, from 1; 0 if it is not."""
        if job.status != "queued":
            return 0
        async with self._database.connection() as connection:
            before = await connection.fetchval(
                "SELECT count(*) FROM jobs WHERE status = 'queued' AND kind = ANY($1::text[])"
                " AND (created_at, id) < ($2, $3)",
                *(list(kinds), job.created_at, job.id),
            )
        return int(before) + 1

    async def cancel(self, job_id: UUID) -> Job:
        """Cancel a job that has not ended; a worker that runs it sees it within half a second.

        Raises:
            JobNotFound: there is none.
        """
        async with self._database.transaction() as connection:
            row = await connection.fetchrow(
                "UPDATE jobs SET status = 'cancelled', finished_at = now()"
                " WHERE id = $1 AND status IN ('queued', 'processing') RETURNING queue_id",
                job_id,
            )
            if row is not None:
                if row["queue_id"] is not None:
                    await queries_on(connection).mark_job_as_cancelled([JobId(row["queue_id"])])
                await self.ended(connection, job_id)
            job = await self._read(connection, job_id)
        if job is None:
            raise JobNotFound
        return job

    async def tidy(self) -> int:
        """Put jobs that the queue has lost back into it, and forget the queue's old log.

        Returns:
            How many jobs were put back.
        """
        async with self._database.transaction() as connection:
            lost = await connection.fetch(_LOST)
            for row in lost:
                [queue_id] = await queries_on(connection).enqueue(row["kind"], row["id"].bytes)
                await connection.execute(
                    "UPDATE jobs SET queue_id = $2 WHERE id = $1", row["id"], queue_id
                )
            for table in ("pgqueuer_log", "pgqueuer_statistics"):
                await connection.execute(
                    f"DELETE FROM {table} WHERE created < now() - interval '1 day'"  # noqa: S608
                )
        return len(lost)

    async def ended(self, connection: Connection, job_id: UUID) -> None:
        """Say that a job has ended: to who listens, and to the address that it was given."""
        await tell(connection, job_id)
        row = await connection.fetchrow(
            "SELECT user_id, tier FROM jobs WHERE id = $1 AND input ? 'webhook_url'", job_id
        )
        if row is not None:
            await self.enqueue(
                connection,
                uuid5(job_id, WEBHOOK),
                WEBHOOK,
                user=row["user_id"],
                tier=row["tier"],
                given={"of": str(job_id)},
                limit=None,
            )

    async def _read(self, connection: Connection, job_id: UUID) -> Job | None:
        row = await connection.fetchrow(
            f"SELECT {COLUMNS} FROM jobs j JOIN users u ON u.id = j.user_id"  # noqa: S608
            " WHERE j.id = $1",
            job_id,
        )
        return job_of(row) if row is not None else None


async def _require_generation(connection: Connection, user: UUID, limit: int) -> None:
    await connection.execute(
        "SELECT pg_advisory_xact_lock(hashtextextended('generations ' || $1::text, 0))", str(user)
    )
    row = await connection.fetchrow(_RECENT, user, limit)
    assert row is not None
    if row["made"] >= limit:
        raise TooManyGenerations(limit, float(row["next"] or 0))


async def tell(connection: Connection, job_id: UUID) -> None:
    """Say, once the transaction is committed, that a job's row has changed."""
    await connection.execute("SELECT pg_notify($1, $2)", CHANNEL, str(job_id))


def job_of(row: Record) -> Job:
    """The job of a row of `COLUMNS`."""
    fields: dict[str, Any] = {name: row[name] for name in Job.__slots__}
    for name in ("input", "state", "result", "error"):
        if fields[name] is not None:
            fields[name] = json.loads(fields[name])
    return Job(**fields)
