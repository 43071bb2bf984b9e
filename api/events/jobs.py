"""The events that tell of jobs, whichever process runs them.

A job's row is the truth: what is heard is only that it changed. A row that changed several times
before it was read is told of once.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

import structlog

from api import images
from api.events.payloads import Event
from collab.errors import Unavailable
from persistence.blobs import key_of
from persistence.jobs import CHANNEL, Job
from persistence.notices import Notices
from persistence.scenes import timestamp

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
    """

    def __init__(self, parts: Parts, events: Events, dsn: str) -> None:
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
        if not self._events.empty:
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
        if self._told.get(job.id) == stands:
            return
        names = _NAMES.get(job.kind)
        if names is None:
            await self._tell_of_asset(job)
        elif job.video_id is not None and self._events.listened(job.video_id):
            event = (names[job.status == "completed"], await self._payload(job))
            self._events.announce(job.video_id, event)
        self._told[job.id] = stands
        if len(self._told) > REMEMBERED:
            self._told.popitem(last=False)

    async def _payload(self, job: Job) -> dict[str, Any]:
        told = {
            "video_id": str(job.video_id),
            "job_id": str(job.id),
            "seq": job.input.get("seq"),
            "by": job.user_sub,
            "render": await self._render(job),
        }
        return {**told, **_status(job)} if job.kind == "regenerate" else told

    async def _render(self, job: Job) -> dict[str, Any]:
        media, result = self._parts.media, job.result or {}
        links = {name: result.get(name) for name in ("output", "poster", "captions")}
        keys = {key for link in links.values() if link and (key := key_of(link)) is not None}
        there = await media.blobs.usable(keys, job.video_id) if keys and job.video_id else set()

        def link(name: str) -> str | None:
            path = links[name]
            return media.links.sign(path) if path and key_of(path) in there else None

        return {
            "job_id": str(job.id),
            "kind": job.kind,
            **_status(job),
            "status": job.status,
            "queue_position": await media.jobs.position(job, tuple(_NAMES)),
            "seq": job.input.get("seq"),
            "warnings": list(result.get("warnings", [])),
            "error": job.error,
            "output_url": link("output"),
            "poster_url": link("poster"),
            "captions_url": link("captions"),
            "created_at": timestamp(job.created_at),
            "finished_at": None if job.finished_at is None else timestamp(job.finished_at),
        }

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


def _status(job: Job) -> dict[str, Any]:
    """How far a regeneration or render is, as the API shows it."""
    state = job.state
    return {
        "status": "processing" if job.status == "queued" else job.status,
        "progress": int(job.progress),
        "current_scene": int(state.get("current_scene", 0)),
        "total_scenes": int(state.get("total_scenes", job.input.get("scenes", 0))),
        "estimated_time_remaining": int(state.get("estimated_time_remaining", 0)),
    }
