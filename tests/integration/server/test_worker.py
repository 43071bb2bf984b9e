"""Jobs on a real queue: progress, cancel, attempts, workers that die and come back."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from pgqueuer.adapters.drivers.asyncpg import AsyncpgPoolDriver
from pgqueuer.adapters.persistence.queries import Queries
from pgqueuer.domain.models import HealthCheckEvent
from pgqueuer.qm import QueueManager

from collab.errors import Conflict, JobNotFound, TooManyGenerations
from persistence.attempts import Attempts
from persistence.database import Database
from persistence.errors import BlobStoreFailed
from persistence.jobs import Job, Jobs
from persistence.queue import consuming, queries_on
from persistence.users import Users
from server.worker import Handlers, Running, TryAgain, Worker


@asynccontextmanager
async def worker(database: Database, handlers: Handlers) -> AsyncIterator[Worker]:
    one = Worker(database, handlers)
    task = asyncio.create_task(one.run())
    try:
        yield one
    finally:
        one.stop()
        await task


async def start(database: Database, kind: str, limit: int | None = None, **given: Any) -> UUID:
    user = await Users(database).ensure("ada", "free", None)
    job = await Jobs(database).start(
        uuid.uuid4(), kind, user=user, tier="free", given=given, limit=limit
    )
    assert job.status == "queued"
    return job.id


async def until(database: Database, job_id: UUID, done: Callable[[Job], bool]) -> Job:
    async with asyncio.timeout(60):
        while not done(job := await Jobs(database).get(job_id)):
            await asyncio.sleep(0.02)
    return job


async def ended(database: Database, job_id: UUID) -> Job:
    return await until(database, job_id, lambda job: job.finished_at is not None)


async def queued(database: Database) -> int:
    async with database.connection() as connection:
        return int(await connection.fetchval("SELECT count(*) FROM pgqueuer"))


async def test_the_queue_has_the_schema_that_its_library_wants(database: Database) -> None:
    async with database.connection() as connection:
        queries: Queries = queries_on(connection)
        plan = await queries.plan_upgrade()
    assert not list(plan.statements), plan


async def test_a_job_runs_and_reports(database: Database) -> None:
    seen = asyncio.Event()

    async def handler(running: Running) -> Mapping[str, Any]:
        for percent in range(100):
            running.progress(percent, current_scene=percent // 10)
        await seen.wait()
        return {"echo": running.job.input["text"], "by": running.job.user_sub}

    job_id = await start(database, "speech", text="hi")
    async with worker(database, {"speech": handler}):
        job = await until(database, job_id, lambda job: job.progress > 0)
        assert (job.status, job.progress, job.state) == ("processing", 99, {"current_scene": 9})
        seen.set()
        job = await ended(database, job_id)
    assert (job.status, job.progress, job.attempts) == ("completed", 100, 1)
    assert job.result == {"echo": "hi", "by": "ada"}
    assert await queued(database) == 0


async def test_a_job_and_what_it_made_are_stored_together(database: Database) -> None:
    async def handler(running: Running) -> None:
        async with database.transaction() as connection:
            await connection.execute("INSERT INTO secrets (name, value) VALUES ('made', '\\x00')")
            await asyncio.sleep(running.job.input["pause"])
            await running.complete(connection, {"name": "made"})

    job_id = await start(database, "image", pause=0)
    async with worker(database, {"image": handler}):
        job = await ended(database, job_id)
    assert job.result == {"name": "made"}


async def test_a_job_is_queued_with_what_asks_for_it_or_not_at_all(database: Database) -> None:
    user = await Users(database).ensure("ada", "free", None)
    job_id = uuid.uuid4()
    with pytest.raises(Conflict):
        async with database.transaction() as connection:
            await Jobs(database).enqueue(
                connection, job_id, "speech", user=user, tier="free", given={}, limit=1
            )
            raise Conflict("something else failed")
    assert await queued(database) == 0
    with pytest.raises(JobNotFound):
        await Jobs(database).get(job_id)
    await start(database, "speech", limit=1)  # what was undone counts for nothing


@pytest.mark.parametrize(
    ("error", "code", "attempts"),
    [
        (Conflict("no"), "conflict", 1),
        (RuntimeError("a secret"), "internal", 1),
        (BlobStoreFailed("no room in /a/secret/place"), "blob_store", 1),
        (TryAgain("provider_failed", "The provider is busy.", 0.01), "provider_failed", 3),
    ],
)
async def test_failures(database: Database, error: Exception, code: str, attempts: int) -> None:
    async def handler(running: Running) -> Mapping[str, Any]:
        raise error

    job_id = await start(database, "speech")
    async with worker(database, {"speech": handler}):
        job = await ended(database, job_id)
    assert job.error is not None
    assert (job.status, job.error["code"], job.attempts) == ("failed", code, attempts)
    assert "secret" not in job.error["message"]


async def test_cancel_while_it_runs_and_while_it_waits(database: Database) -> None:
    stopped = asyncio.Event()

    async def handler(running: Running) -> Mapping[str, Any]:
        try:
            await asyncio.Event().wait()
        finally:
            stopped.set()
        raise AssertionError

    jobs = Jobs(database)
    running, waiting = await start(database, "speech"), await start(database, "other")
    async with worker(database, {"speech": handler}):
        await until(database, running, lambda job: job.status == "processing")
        began = time.monotonic()
        assert (await jobs.cancel(running)).status == "cancelled"
        await asyncio.wait_for(stopped.wait(), 5)
        assert time.monotonic() - began < 2
        assert (await jobs.cancel(waiting)).status == "cancelled"
    assert (await jobs.get(running)).status == "cancelled"
    assert await queued(database) == 0
    with pytest.raises(JobNotFound):
        await jobs.cancel(uuid.uuid4())


async def test_a_worker_that_is_stopped_hands_its_job_back(database: Database) -> None:
    runs: list[int] = []

    async def handler(running: Running) -> Mapping[str, Any]:
        runs.append(running.job.attempts)
        if len(runs) == 1:
            await asyncio.Event().wait()
        return {}

    job_id = await start(database, "render")
    async with worker(database, {"render": handler}):
        await until(database, job_id, lambda job: job.status == "processing")
    job = await Jobs(database).get(job_id)
    assert (job.status, job.attempts) == ("queued", 0)
    async with worker(database, {"render": handler}):
        job = await ended(database, job_id)
    assert (job.status, runs) == ("completed", [1, 1])


DEADLY = """
import asyncio, os, sys
from persistence.database import Database
from server.worker import Worker
async def die(running):
    print("began", flush=True)
    os.kill(os.getpid(), 9)
async def main():
    database = await Database.connect(sys.argv[1], retry_seconds=5)
    print("started", flush=True)
    await Worker(database, {"poison": die}).run()
asyncio.run(main())
"""


async def test_a_job_that_kills_its_worker_three_times_fails(
    database: Database, database_url: str
) -> None:
    job_id = await start(database, "poison")
    for _ in range(3):
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-c", DEADLY, database_url), stdout=subprocess.PIPE
        )
        assert process.stdout is not None
        assert await process.stdout.readline() == b"started\n"
        began = time.monotonic()
        assert await process.stdout.readline() == b"began\n"
        assert time.monotonic() - began < 10, "taken up again within ten seconds"
        assert await process.wait() == -signal.SIGKILL

    async def never(running: Running) -> Mapping[str, Any]:
        raise AssertionError

    async with worker(database, {"poison": never}):
        job = await ended(database, job_id)
    assert job.error is not None
    assert (job.status, job.error["code"], job.attempts) == ("failed", "worker_died", 3)


async def test_an_attempt_that_was_given_up_changes_nothing(database: Database) -> None:
    attempts = Attempts(database)
    job_id = await start(database, "speech")
    first, second = await attempts.begin(job_id), await attempts.begin(job_id)
    assert first is not None
    assert second is not None
    assert not await attempts.report(first, 50, {})
    assert not await attempts.complete(first, {"by": "the dead"})
    assert await attempts.complete(second, {"by": "the living"})
    assert (await Jobs(database).get(job_id)).result == {"by": "the living"}


async def test_generations_an_hour(database: Database) -> None:
    for _ in range(3):
        await start(database, "speech", limit=3)
    with pytest.raises(TooManyGenerations) as caught:
        await start(database, "image", limit=3)
    assert 3590 < caught.value.retry_after <= 3601
    await start(database, "internal", limit=None)
    async with database.connection() as connection:
        await connection.execute("UPDATE jobs SET created_at = now() - interval '61 minutes'")
    await start(database, "speech", limit=3)


async def test_many_at_once_do_not_pass_the_limit(database: Database) -> None:
    made = await asyncio.gather(
        *(start(database, "speech", limit=5) for _ in range(12)), return_exceptions=True
    )
    assert sum(isinstance(one, UUID) for one in made) == 5
    assert sum(isinstance(one, TooManyGenerations) for one in made) == 7


async def test_what_the_queue_lost_is_put_back(database: Database) -> None:
    job_id = await start(database, "speech")
    async with database.connection() as connection:
        await connection.execute("DELETE FROM pgqueuer")
        await connection.execute("UPDATE jobs SET created_at = now() - interval '2 minutes'")
    assert await Jobs(database).tidy() == 1
    assert await Jobs(database).tidy() == 0

    async def handler(running: Running) -> Mapping[str, Any]:
        return {"pid": os.getpid()}

    async with worker(database, {"speech": handler}):
        assert (await ended(database, job_id)).status == "completed"


async def test_a_slow_connection_of_a_listener_is_not_taken_for_a_dead_one(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    listen, healthy = AsyncpgPoolDriver.add_listener, QueueManager.listener_healthy
    connected = False
    answered = asyncio.Event()

    async def slow(self: AsyncpgPoolDriver, channel: str, callback: Any) -> None:
        nonlocal connected
        if not connected:
            await asyncio.sleep(0.3)
        connected = True
        await listen(self, channel, callback)

    async def heard(self: QueueManager, timeout: timedelta) -> HealthCheckEvent:
        event = await healthy(self, timedelta(seconds=2))
        answered.set()
        return event

    monkeypatch.setattr(AsyncpgPoolDriver, "add_listener", slow)
    monkeypatch.setattr(QueueManager, "listener_healthy", heard)
    async with consuming(database) as queue:
        running = asyncio.create_task(queue.run(shutdown_on_listener_failure=True))
        await asyncio.wait_for(answered.wait(), 30)
        queue.shutdown.set()
        await running


async def test_speech_does_not_wait_for_what_takes_long(database: Database) -> None:
    release = asyncio.Event()

    async def long(running: Running) -> Mapping[str, Any]:
        await release.wait()
        return {}

    async def short(running: Running) -> Mapping[str, Any]:
        return {"said": "it"}

    kinds = ("render", "image")
    waiting = [await start(database, kind) for kind in kinds for _ in range(6)]
    async with worker(database, {**dict.fromkeys(kinds, long), "speech": short}):
        spoken = await ended(database, await start(database, "speech"))
        assert spoken.result == {"said": "it"}
        release.set()
        for job_id in waiting:
            assert (await ended(database, job_id)).status == "completed"
