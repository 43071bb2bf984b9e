"""Jobs of the kinds `render` and `regenerate`: a video becomes a file, a poster and captions."""

from __future__ import annotations

import asyncio
import errno
import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any, Final
from uuid import UUID

import psutil
import structlog

from api.tiers import allowance
from collab.errors import CocutError, StorageQuotaExceeded
from collab.schema import is_id
from persistence.blobs import Blob, Blobs, require_room
from persistence.database import Database
from persistence.errors import BlobStoreFailed
from persistence.finishing import finish
from persistence.jobs import Job
from persistence.renders import Renders
from server.media.assets import DEFAULT_LIMITS, FetchLimits, StoredAssets, local_copy
from server.media.errors import AssetMissing, OutOfSpace, RenderError
from server.media.estimate import input_of
from server.media.fetch import Fetcher
from server.media.fonts.book import FontBook
from server.media.model import (
    Progress,
    RenderOptions,
    RenderResult,
    Speech,
    Watermark,
)
from server.media.render import render
from server.media.segments import BlobSegments
from server.worker import JobCancelled, Running

NICE: Final = 10
TURNS: Final = 2
SWEEP_SECONDS: Final = 60.0
KEEP: Final = timedelta(days=30)
"""For how long films are kept."""
_TYPES: Final = {
    "mp4": "video/mp4",
    "webm": "video/webm",
    "gif": "image/gif",
    "mov": "video/quicktime",
    "mp3": "audio/mpeg",
}

_log = structlog.get_logger(__name__)


class RenderFailed(RenderError):
    """The film could not be stored."""


@dataclass(frozen=True, slots=True)
class RenderJob:
    """Runs them; see `JobHandler`.

    Attributes:
        database, blobs, renders: where everything is.
        fetcher: gets the files that layers name on other servers.
        speech: what speaks, with files in the directory that it is given.
        directory: for what is being made; a directory in it for each attempt.
        fonts: shared by all renders.
        limits: of what is fetched.
        turns: for the segments that are drawn at the same time, of all renders together.
    """

    database: Database
    blobs: Blobs
    renders: Renders
    fetcher: Fetcher
    speech: Callable[[Path], Speech]
    directory: Path
    fonts: FontBook
    limits: FetchLimits = DEFAULT_LIMITS
    turns: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(TURNS))

    async def keep_swept(self, every: float = SWEEP_SECONDS) -> None:
        """Sweep now and then, until it is cancelled: a job that has killed its last worker, or was
        cancelled after that, is not begun again."""
        while True:
            await asyncio.sleep(every)
            try:
                await self.sweep()
            except (CocutError, OSError) as error:
                _log.warning("not_swept", reason=str(error))

    async def sweep(self) -> None:
        """Remove what workers that were killed have left behind."""
        found = await asyncio.to_thread(self._attempts)
        running = await self.renders.under_way({job_id for job_id, _ in found}) if found else set()
        for job_id, path in found:
            if job_id not in running:
                await asyncio.to_thread(_clear, path)
        await self.renders.forget()

    async def __call__(self, running: Running) -> None:
        """Render, store, and end the job in the transaction that names what was stored."""
        job = running.job
        place = self.directory / f"{job.id}-{job.attempts}"
        for job_id, path in await asyncio.to_thread(self._attempts):
            if job_id == job.id:
                await asyncio.to_thread(_clear, path)
        try:
            await asyncio.to_thread(_make, place)
            await self._render(running, place)
        except OSError as error:
            if error.errno in (errno.ENOSPC, errno.EDQUOT):
                raise OutOfSpace from error
            raise
        finally:
            await finish(asyncio.to_thread(shutil.rmtree, place, ignore_errors=True))

    def _attempts(self) -> list[tuple[UUID, Path]]:
        self.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        return [
            (UUID(path.name[:36]), path)
            for path in self.directory.iterdir()
            if is_id(path.name[:36])
        ]

    async def _render(self, running: Running, place: Path) -> None:
        job = running.job
        assert job.video_id is not None
        video = await self.renders.frozen(job.id)
        assets = StoredAssets(
            job.video_id,
            self.blobs,
            self.renders,
            self.fetcher,
            place / "assets",
            premium=job.input["premium"],
            limits=self.limits,
        )
        warnings: list[str] = []

        def heard(step: Progress) -> None:
            state: dict[str, Any] = {
                "stage": step.stage,
                "current_scene": step.current_scene,
                "total_scenes": len(video.scenes),
            }
            if step.stage != "preparing":
                # What is there already is not known before; the estimate of the request holds.
                state["estimated_time_remaining"] = round(step.estimated_time_remaining, 1)
            # The last of it is storing.
            running.progress(min(step.percent, 99), **state)

        try:
            result = await render(
                input_of(video),
                await self._options(job, place, warnings),
                assets,
                self.speech(place / "speech"),
                BlobSegments(self.blobs, place / "segments"),
                place / "film",
                progress=heard,
                cancelled=asyncio.Event(),
                fonts=self.fonts,
                turns=self.turns,
            )
        finally:
            await assets.close()
        running.progress(99, stage="storing", estimated_time_remaining=0)
        await self._store(running, result, [*warnings, *result.warnings])

    async def _options(self, job: Job, place: Path, warnings: list[str]) -> RenderOptions:
        given = job.input
        mark = Watermark() if given["watermark"] else None
        own = given.get("own_watermark")
        if mark is not None and own is not None:
            mark = await self._own_mark(own, place, warnings)
        return RenderOptions(
            given["quality"],
            given["aspect_ratio"],
            given["format"],
            mark,
            redraw=frozenset(given.get("redraw", ())),
            redraw_all=given.get("redraw_all", False),
            workers=TURNS,
            nice=NICE,
        )

    async def _own_mark(
        self, own: dict[str, Any], place: Path, warnings: list[str]
    ) -> Watermark | None:
        try:
            if own["key"] is None:
                raise AssetMissing("it was deleted")
            image = await local_copy(self.blobs, own["key"], place / "assets")
        except AssetMissing as error:
            warnings.append(f"The watermark's picture cannot be shown: {error}.")
            return None
        return Watermark("", image, own["position"], float(own["scale"]), float(own["opacity"]))

    async def _store(self, running: Running, result: RenderResult, warnings: list[str]) -> None:
        job = running.job
        stored: list[Blob] = []
        try:
            film = await self._keep(job, result.path, _TYPES[job.input["format"]], stored)
            poster = await self._keep(job, result.poster, "image/jpeg", stored)
            vtt = await self._keep(job, result.captions_vtt, "text/vtt", stored)
            await self._keep(job, result.captions_srt, "application/x-subrip", stored, beside=vtt)
            made: dict[str, Any] = {
                "output": film.path,
                "poster": poster.path,
                "captions": vtt.path,
                "duration": result.duration,
                "warnings": warnings,
                "drawn_scenes": result.drawn_scenes,
                "reused_scenes": result.reused_scenes,
                "worked": round(result.worked, 3),
            }
            async with self.database.transaction() as connection:
                room = allowance(job.tier).storage_bytes
                size = sum(blob.size for blob in stored)
                await require_room(connection, job.user_id, size, room)
                for blob in stored:
                    await self.blobs.add(connection, blob, keep=KEEP)
                await running.complete(connection, made)
        except (OutOfSpace, RenderFailed, StorageQuotaExceeded, JobCancelled):
            # After any other failure the rows may be there all the same; the collector will know.
            await self.blobs.store.delete([blob.key for blob in stored])
            raise

    async def _keep(
        self,
        job: Job,
        path: Path,
        content_type: str,
        stored: list[Blob],
        beside: Blob | None = None,
    ) -> Blob:
        try:
            blob = await self.blobs.store_file(
                path, content_type, owner=job.user_id, video_id=job.video_id, beside=beside
            )
        except BlobStoreFailed as error:
            cause = error.__cause__
            if isinstance(cause, OSError) and cause.errno in (errno.ENOSPC, errno.EDQUOT):
                raise OutOfSpace from error
            raise RenderFailed("The film could not be stored; try again later.") from error
        stored.append(blob)
        return blob


def _clear(attempt: Path) -> None:
    """Remove what an attempt that does not count any more has left, and end what works on it: the
    processes of a worker that was killed go on by themselves."""
    inside = f"{attempt}{os.sep}"
    for process in psutil.process_iter():
        try:
            if any(word.startswith(inside) for word in process.cmdline()):
                process.kill()
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            continue
    shutil.rmtree(attempt, ignore_errors=True)


def _make(place: Path) -> None:
    for name in ("assets", "speech", "segments"):
        (place / name).mkdir(mode=0o700, parents=True)
