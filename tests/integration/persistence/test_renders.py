"""How long renders wait, from what is in the queue."""

from __future__ import annotations

import json
import uuid
from uuid import UUID

import pytest

from persistence.database import Database
from persistence.jobs import Jobs
from persistence.renders import SECONDS_PER_COST, Outlook, Renders
from persistence.users import Users


class Queue:
    """A queue of renders, whose rows are written as workers would.

    Args:
        database: where it is.
        user: whose renders they are.
    """

    def __init__(self, database: Database, user: UUID) -> None:
        self._database, self._user = database, user
        self._renders = Renders(database, Jobs(database))
        self._age = 1000

    async def add(
        self,
        cost: float,
        *,
        worker: UUID | None = None,
        beats: bool = True,
        progress: float = 0,
        left: float | None = None,
        took: float | None = None,
        worked: float | None = None,
    ) -> UUID:
        """Add a render that was asked for after those before.

        Args:
            cost: what it was expected to cost.
            worker: what runs it; it waits if None.
            beats: whether that worker is alive.
            progress: percent.
            left: how many seconds its own work takes yet, if it says so.
            took: it is done, after that many seconds.
            worked: in so many of them it had its turn, if it says so.
        """
        job_id = uuid.uuid4()
        self._age -= 1
        runs = worker is not None
        status = "completed" if took is not None else "processing" if runs else "queued"
        state = {} if left is None else {"stage": "drawing", "estimated_time_remaining": left}
        async with self._database.transaction() as connection:
            queued = await connection.fetchval(
                "INSERT INTO pgqueuer (priority, queue_manager_id, status, entrypoint, heartbeat)"
                " VALUES (0, $1, $2::text::pgqueuer_status, 'render', now() - $3 * interval '1 s')"
                " RETURNING id",
                *(worker, "picked" if runs else "queued", 0 if beats else 30),
            )
            await connection.execute(
                "INSERT INTO jobs (id, kind, user_id, tier, input, status, progress, state,"
                " queue_id, result, attempts, created_at, started_at, finished_at)"
                " VALUES ($1, 'render', $2, 'free', $3::text::jsonb, $4, $5, $6::text::jsonb, $7,"
                " $8::text::jsonb, 1,"
                " now() - $9 * interval '1 s', now() - $9 * interval '1 s',"
                " now() + ($10::float8 - $9) * interval '1 s')",
                *(job_id, self._user, json.dumps({"cost": cost}), status, progress),
                *(json.dumps(state), queued),
                *(json.dumps({} if worked is None else {"worked": worked}), self._age, took),
            )
        return job_id

    async def outlook(self, *jobs: UUID) -> list[tuple[int, float]]:
        """The place and the seconds of each."""
        found = await self._renders.outlook(jobs)
        return [(found[job].position, round(found[job].seconds, 3)) for job in jobs]


@pytest.fixture
async def queue(database: Database) -> Queue:
    return Queue(database, await Users(database).ensure("ada", "free", None))


async def test_one_that_is_begun_waits_for_those_that_its_worker_began_before(
    queue: Queue,
) -> None:
    one, other = uuid.uuid4(), uuid.uuid4()
    first = await queue.add(50, worker=one, progress=20, left=40)
    elsewhere = await queue.add(500, worker=other, left=300)
    second = await queue.add(30, worker=one, left=7)
    assert await queue.outlook(first, second, elsewhere) == [(0, 40), (0, 47), (0, 300)]


async def test_what_says_nothing_yet_goes_by_its_cost(queue: Queue) -> None:
    one = uuid.uuid4()
    first = await queue.add(50, worker=one, progress=20)
    second = await queue.add(30, worker=one)
    wanted = [40 * SECONDS_PER_COST, 70 * SECONDS_PER_COST]
    assert [seconds for _, seconds in await queue.outlook(first, second)] == wanted


async def test_one_that_waits_counts_what_runs_and_waits_before_it(queue: Queue) -> None:
    await queue.add(50, worker=uuid.uuid4(), left=40)
    waiting = [await queue.add(cost) for cost in (10, 20)]
    later = await queue.add(1)
    wanted = [(1, 50), (2, 70), (3, 71)]
    assert await queue.outlook(*waiting, later) == wanted


async def test_workers_share_what_waits(queue: Queue) -> None:
    for _ in range(2):
        await queue.add(50, worker=uuid.uuid4(), left=40)
    waiting = [await queue.add(10) for _ in range(2)]
    assert await queue.outlook(*waiting) == [(1, 50), (2, 55)]


async def test_a_worker_that_gives_no_sign_of_life_does_not_count(queue: Queue) -> None:
    await queue.add(50, worker=uuid.uuid4(), left=40)
    await queue.add(50, worker=uuid.uuid4(), left=40, beats=False)
    assert await queue.outlook(await queue.add(10)) == [(1, 90)]


async def test_the_speed_is_that_of_work_and_not_of_waiting(queue: Queue) -> None:
    await queue.add(10, took=90, worked=20)
    await queue.add(10, took=40)
    assert await queue.outlook(await queue.add(10)) == [(1, 30)]


async def test_what_has_ended_or_never_was_has_no_outlook(database: Database, queue: Queue) -> None:
    done = await queue.add(10, took=1)
    found = await Renders(database, Jobs(database)).outlook([done, uuid.uuid4()])
    assert found == {}
    first = await queue.add(10)
    assert await Renders(database, Jobs(database)).outlook([first]) == {first: Outlook(1, 1.0)}
