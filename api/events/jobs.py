"""The events that tell of jobs, whichever process runs them.

A job's row is the truth: what is heard is only that it changed. A row that changed several times
before it was read is told of once.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

import structlog

from api import images, renders
from api.events.payloads import Event
from collab.errors import Unavailable
from persistence.jobs import CHANNEL, Job
from persistence.notices import Notices

if TYPE_CHECKING:
    from api.events.door import Events
    from api.keys import Parts

PACE_SECONDS: Final = 0.1
RETRY_SECONDS: Final = 1.0
REMEMBERED: Final = 10_000

_log = structlog.get_logger(__name__)

_NAMES: Final = {
    "render": ("video:render:progress", "video:rendered"),
    "regenerate": ("video:regeneration:progress", "video:regenerated"),
}


class JobEvents:
    """Tells the listeners of a video of its renders, and users of what was made for them.

    Args:
        parts: with the jobs.
        events: the way to listeners.
        dsn: of the database that the jobs are in.
        ended: told the kind and the outcome of each job that has ended, wherever it ran.
    """

    def __init__(
        self, parts: Parts, events: Events, dsn: str, ended: Callable[[str, str], None]
    ) -> None:
        self._ended = ended
        self._parts = parts
        self._events = events
        self._changed: set[UUID] = set()
        self._missed = False
        self._wake = asyncio.Event()
        self._told: OrderedDict[UUID, tuple[str, float, Any]] = OrderedDict()
        self._notices = Notices(dsn, CHANNEL, self._hear, self._miss)
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to listen."""
        self._notices.start()
        self._task = asyncio.get_running_loop().create_task(self._run())

    async def close(self) -> None:
        """Stop."""
        await self._notices.close()
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    def _hear(self, payload: str) -> None:
        self._changed.add(UUID(payload))
        self._wake.set()

    def _miss(self) -> None:
        self._missed = True
        self._wake.set()

    async def _run(self) -> None:
        jobs = self._parts.media.jobs
        while True:
            await self._wake.wait()
            self._wake.clear()
            missed, self._missed = self._missed, False
            changed, self._changed = self._changed, set()
            try:
                found = await (jobs.recent() if missed else jobs.many(changed))
                for job in found:
                    await self._tell(job)
            except Unavailable:
                self._missed = True
                self._wake.set()
                await asyncio.sleep(RETRY_SECONDS)
            except Exception:  # noqa: BLE001 - said; the next job must be told of
                _log.exception("job_not_told")
            await asyncio.sleep(PACE_SECONDS)

    async def _tell(self, job: Job) -> None:
        stands = (job.status, job.progress, job.state)
        before = self._told.get(job.id)
        if before == stands:
            return
        names = _NAMES.get(job.kind)
        if names is None:
            await self._tell_of_asset(job)
        elif job.video_id is not None and self._events.listened(job.video_id):
            event = (names[job.status == "completed"], await self._payload(job, job.video_id))
            self._events.announce(job.video_id, event)
        if job.finished_at is not None and (before is None or before[0] != job.status):
            self._ended(job.kind, job.status)
        self._told[job.id] = stands
        if len(self._told) > REMEMBERED:
            self._told.popitem(last=False)

    async def _payload(self, job: Job, video_id: UUID) -> dict[str, Any]:
        [render] = await renders.show(self._parts.media, video_id, [job])
        told = {
            "video_id": str(video_id),
            "job_id": str(job.id),
            "seq": job.input.get("seq"),
            "by": job.user_sub,
            "render": render,
        }
        return {**told, **renders.regeneration(render)} if job.kind == "regenerate" else told

    async def _tell_of_asset(self, job: Job) -> None:
        if job.status != "completed":
            return
        payload = {
            "job_id": str(job.id),
            "kind": job.kind,
            "status": job.status,
            "video_id": None if job.video_id is None else str(job.video_id),
            "by": job.user_sub,
            **await self._asset(job),
        }
        event: Event = ("asset:generated", payload)
        if job.video_id is None:
            self._events.tell_user(job.user_sub, event)
        else:
            self._events.announce(job.video_id, event)

    async def _asset(self, job: Job) -> dict[str, Any]:
        """What a job has made, as the API shows it."""
        if job.kind == images.KIND:
            return await images.show(job, self._parts)
        links, result = self._parts.media.links, job.result or {}
        shown: dict[str, Any] = links.sign_all(result, links.keys_in(result))
        return shown
