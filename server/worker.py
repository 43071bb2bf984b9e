"""The worker: takes jobs from the queue and runs what is registered for their kinds."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final, Protocol
from uuid import UUID

import structlog
from pgqueuer.domain import errors as queue_errors
from pgqueuer.domain import models
from pgqueuer.qm import QueueManager

from api.errors import body as client_error
from collab.errors import CocutError, Unavailable
from persistence.attempts import MAX_ATTEMPTS, Attempts
from persistence.blobs import Blobs
from persistence.database import Database
from persistence.errors import BlobStoreFailed
from persistence.jobs import Job, Jobs
from persistence.queue import consuming

if TYPE_CHECKING:
    from persistence.database import Connection

HEARTBEAT: Final = timedelta(seconds=4)
"""After this long without a sign of life, a worker's job is given to another."""
POLL: Final = timedelta(seconds=1)
REPORT_SECONDS: Final = 0.25
CHECK_SECONDS: Final = 0.25
AGAIN_SECONDS: Final = 1.0
TIDY_SECONDS: Final = 3600.0

LANES: Final = ((frozenset({"render", "regenerate"}), 2), (frozenset({"image"}), 4))
"""Kinds that take long wait in queues of their own, so that speech does not wait for films; and how
many of each queue one worker runs."""
AT_ONCE: Final = 4
"""How many jobs of all other kinds one worker runs."""

_log = structlog.get_logger(__name__)


class TryAgain(CocutError):
    """Raised by a handler for what may go well later; after the third attempt the job fails.

    Args:
        code: of the job's error, if it was the last attempt.
        message: a sentence for a person.
        delay: seconds until the next attempt.
    """

    def __init__(self, code: str, message: str, delay: float = AGAIN_SECONDS) -> None:
        super().__init__(message)
        self.code = code
        self.delay = delay


class JobCancelled(Exception):
    """The attempt does not count any more; what it has begun must be undone."""


class Running:
    """One attempt of a job, as its handler sees it.

    When the job is cancelled, the handler's task is.

    Attributes:
        job: what to do.
    """

    def __init__(self, job: Job, attempts: Attempts) -> None:
        self.job = job
        self._attempts = attempts
        self._percent = 0.0
        self._state: dict[str, Any] = {}
        self._news = asyncio.Event()

    def progress(self, percent: float, **state: Any) -> None:
        """Say how far it is; may be called as often as one likes.

        Args:
            percent: 0 to 100.
            state: JSON values that the job's row then holds under these names.
        """
        self._percent = percent
        self._state.update(state)
        self._news.set()

    async def complete(self, connection: Connection, result: Mapping[str, Any]) -> None:
        """End the job inside the transaction that stores what it made; return None afterwards.

        Raises:
            JobCancelled: it was cancelled meanwhile; let it undo the transaction.
        """
        if not await self._attempts.complete(self.job, result, connection):
            raise JobCancelled

    async def follow(self, task: asyncio.Task[Any]) -> None:
        """Write progress down, and cancel `task` once the attempt does not count any more."""
        while True:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._news.wait(), CHECK_SECONDS)
            try:
                if self._news.is_set():
                    self._news.clear()
                    state, self._state = self._state, {}
                    stands = await self._attempts.report(self.job, self._percent, state)
                else:
                    stands = await self._attempts.stands(self.job)
            except Unavailable:
                continue
            if not stands:
                task.cancel()
                return
            await asyncio.sleep(REPORT_SECONDS)


class JobHandler(Protocol):
    """What runs the jobs of one kind.

    It returns the job's result (JSON values), or None when it has called `Running.complete`
    itself. A `CocutError` fails the job with its code and message; `TryAgain` puts it back.
    """

    def __call__(self, running: Running) -> Awaitable[Mapping[str, Any] | None]:
        """Run one attempt."""
        ...


Handlers = dict[str, JobHandler]
"""Job kind -> what runs it."""


class Worker:
    """Runs jobs until it is stopped.

    Args:
        database: with the queue.
        handlers: by kind; jobs of other kinds are left to other workers.
    """

    def __init__(self, database: Database, handlers: Handlers) -> None:
        self._database = database
        self._attempts = Attempts(database)
        self._handlers = handlers
        self._stop = asyncio.Event()
        self._queues: list[QueueManager] = []
        self._running: set[asyncio.Task[Any]] = set()
        # A job whose last attempt ended its worker is not run beside another such one: whichever
        # of them does it again, the other's attempts are not spent on it.
        self._suspects = asyncio.Lock()

    async def run(self) -> None:
        """Take jobs until `stop`; returns when none is running any more."""
        async with asyncio.TaskGroup() as group:
            left = set(self._handlers)
            for lane, at_once in (*LANES, (left.copy(), AT_ONCE)):
                kinds, left = left & lane, left - lane
                if kinds:
                    group.create_task(self._take(sorted(kinds), at_once))

    def stop(self) -> None:
        """Hand back what is running, and end `run`."""
        self._stop.set()
        for queue in self._queues:
            queue.shutdown.set()
        for task in self._running:
            task.cancel()

    async def _take(self, kinds: list[str], at_once: int) -> None:
        log = _log.bind(kinds=kinds)
        while not self._stop.is_set():
            try:
                async with consuming(self._database) as queue:
                    await self._consume(queue, kinds, at_once)
            except Exception as error:
                log.error("queue_lost", exc_info=error)
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._stop.wait(), AGAIN_SECONDS)

    async def _consume(self, queue: QueueManager, kinds: list[str], at_once: int) -> None:
        for kind in kinds:
            queue.entrypoint(kind, accepts_context=False)(self._one)
        self._queues.append(queue)
        try:
            if self._stop.is_set():
                return
            await queue.run(
                dequeue_timeout=POLL,
                batch_size=max(1, at_once // 2),
                max_concurrent_tasks=at_once,
                shutdown_on_listener_failure=True,
                heartbeat_timeout=HEARTBEAT,
                log_aggregation_interval=timedelta(0),
            )
        finally:
            self._queues.remove(queue)

    async def _one(self, queued: models.Job) -> None:
        assert queued.payload is not None
        job_id = UUID(bytes=queued.payload)
        try:
            if await self._attempts.made(job_id):
                async with self._suspects:
                    await self._attempt(job_id)
            else:
                await self._attempt(job_id)
        except Unavailable as error:
            raise queue_errors.RetryRequested(timedelta(seconds=AGAIN_SECONDS)) from error

    async def _attempt(self, job_id: UUID) -> None:
        if self._stop.is_set():
            raise queue_errors.RetryRequested
        job = await self._attempts.begin(job_id)
        if job is None:
            return
        log = _log.bind(job=str(job.id), kind=job.kind, attempt=job.attempts)
        running = Running(job, self._attempts)
        task = asyncio.ensure_future(self._handlers[job.kind](running))
        following = asyncio.ensure_future(running.follow(task))
        self._running.add(task)
        try:
            await asyncio.wait({task})
        finally:
            self._running.discard(task)
            following.cancel()
            await asyncio.wait({following})
            if not task.done():
                task.cancel()
                await asyncio.wait({task})
        await self._settle(job, task, log)

    async def _settle(
        self, job: Job, task: asyncio.Task[Any], log: structlog.typing.FilteringBoundLogger
    ) -> None:
        if task.cancelled():
            if not self._stop.is_set():
                log.info("job_cancelled")
                return
            await self._attempts.hand_back(job, counted=False)
            log.info("job_handed_back")
            raise queue_errors.RetryRequested
        error = task.exception()
        if error is None:
            result = task.result()
            if result is not None:
                await self._attempts.complete(job, result)
            log.info("job_completed")
        elif isinstance(error, JobCancelled):
            log.info("job_cancelled")
        elif isinstance(error, TryAgain | Unavailable) and job.attempts < MAX_ATTEMPTS:
            log.warning("job_failed_for_now", reason=str(error))
            await self._attempts.hand_back(job, counted=isinstance(error, TryAgain))
            delay = error.delay if isinstance(error, TryAgain) else AGAIN_SECONDS
            raise queue_errors.RetryRequested(timedelta(seconds=delay))
        elif isinstance(error, CocutError):
            log.warning("job_failed", code=error.code, reason=str(error))
            # Where files cannot be stored is for the operator.
            away = isinstance(error, BlobStoreFailed)
            said = client_error(error)["message"] if away else str(error)
            await self._attempts.fail(job, error.code, said)
        else:
            log.error("job_failed", exc_info=error)
            await self._attempts.fail(job, "internal", "Something went wrong on the server.")


async def keep_tidy(
    blobs: Blobs, jobs: Jobs, stop: asyncio.Event, now: Callable[[], datetime]
) -> None:
    """Collect orphaned files and put lost jobs back, now and once an hour, until `stop`."""
    while not stop.is_set():
        try:
            lost, removed = await jobs.tidy(), await blobs.collect(now())
            if lost or removed:
                _log.info("tidied", jobs_put_back=lost, files_removed=removed)
        except (CocutError, OSError) as error:
            _log.warning("not_tidied", reason=str(error))
        with suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), TIDY_SECONDS)


@asynccontextmanager
async def working(database: Database, blobs: Blobs, handlers: Handlers) -> AsyncIterator[Worker]:
    """A worker that runs inside this process for a while."""
    worker, stop = Worker(database, handlers), asyncio.Event()
    async with asyncio.TaskGroup() as group:
        group.create_task(worker.run())
        group.create_task(keep_tidy(blobs, Jobs(database), stop, lambda: datetime.now(UTC)))
        try:
            yield worker
        finally:
            stop.set()
            worker.stop()
