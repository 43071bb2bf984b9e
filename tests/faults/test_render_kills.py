"""Workers that are killed in the middle of a render, at every stage: another takes the job up, it
ends well, and nobody ever sees a part of a file."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psutil
import pytest

from persistence.jobs import Job
from tests.integration.api.conftest import fresh_database
from tests.integration.media.reading import frames, times
from tests.support.face import Client, serve_face
from tests.support.processes import command_of
from tests.support.rendering import download, handlers, working
from tests.support.server import READY_SECONDS, Api, calling, serving

STAGES = ("preparing", "drawing", "joining", "storing", "committing")
TAKEN_UP_SECONDS = 10.0


async def a_film(api: Client) -> str:
    """A video of two seconds with sound, and words."""
    video = await api.make_video()
    for number in range(2):
        scene = await api.make_scene(video, duration=1)
        await api.make_layer(
            scene, properties={"text": f"Scene {number}", "animation": ["slideUp", "fadeOut"]}
        )
        await api.make_layer(
            scene, type="voiceover", properties={"text": "One two three.", "voice_id": ""}
        )
    return video


async def the_job(api: Client, job_id: str, wanted: Callable[[Job], bool]) -> Job:
    async with asyncio.timeout(60):
        while not wanted(job := await api.parts.media.jobs.get(uuid.UUID(job_id))):
            await asyncio.sleep(0.02)
    return job


@pytest.mark.timeout(180)
async def test_a_worker_killed_at_any_stage(postgres_dsn: str, tmp_path: Path) -> None:
    """All stages at once: most of the time they wait for the dead worker to be given up."""
    urls = [await fresh_database(postgres_dsn) for _ in STAGES]
    async with asyncio.TaskGroup() as group:
        for stage, url in zip(STAGES, urls, strict=True):
            group.create_task(killed_at(stage, url, tmp_path / stage))


async def killed_at(stage: str, database_url: str, directory: Path) -> None:
    async with serve_face(database_url) as api:
        video = await a_film(api)
        reply = await api.call("POST", f"/api/v1/videos/{video}/render", {"quality": "360p"})
        job_id = reply.data["job_id"]
        files = api.parts.media.blobs.store.path_of("aa").parents[1]
        await dies(stage, database_url, directory, files)
        died = time.monotonic()
        shown = (await api.call("GET", f"/api/v1/renders/{job_id}")).data["render"]
        assert (shown["status"], shown["output_url"]) == ("processing", None), stage
        assert await owned(api) == 0, "no file is known before all are"
        before = shown["progress"]
        known = await handlers(api, directory / "renders")
        async with working(api, known):
            await the_job(api, job_id, lambda job: job.attempts == 2)
            assert time.monotonic() - died < TAKEN_UP_SECONDS, stage
            shown = (await api.call("GET", f"/api/v1/renders/{job_id}")).data["render"]
            assert shown["progress"] >= before, "progress does not go back"
            job = await the_job(api, job_id, lambda job: job.finished_at is not None)
        assert (job.status, job.attempts) == ("completed", 2), (stage, job.error)
        assert list((directory / "renders").iterdir()) == [], "nothing of either attempt is left"
        await is_whole(api, job_id, directory)
        # What the dead worker had stored without a name goes with the next collection.
        await api.parts.media.blobs.collect(datetime.now(UTC) + timedelta(hours=7))
        stored = {path.name for path in files.rglob("*") if path.is_file()}
        async with api.database.connection() as connection:
            rows = await connection.fetch("SELECT key FROM blobs")
        assert stored == {row["key"] for row in rows}, stage
        await is_whole(api, job_id, directory)


async def dies(stage: str, database_url: str, directory: Path, files: Path) -> None:
    """A worker takes the job up, and is killed when its render reaches the stage."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.support.deadly_worker"),
        *(database_url, str(directory), f"file:{files}", stage),
        stdout=subprocess.DEVNULL,
    )
    try:
        assert await asyncio.wait_for(process.wait(), 60) == -signal.SIGKILL, stage
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


@pytest.mark.slow
@pytest.mark.timeout(180)
async def test_a_render_that_kills_three_workers_fails_and_leaves_nothing(
    postgres_dsn: str, tmp_path: Path
) -> None:
    url = await fresh_database(postgres_dsn)
    async with serve_face(url) as api:
        video = await a_film(api)
        reply = await api.call("POST", f"/api/v1/videos/{video}/render", {"quality": "360p"})
        job_id = reply.data["job_id"]
        files = api.parts.media.blobs.store.path_of("aa").parents[1]
        for stage in ("drawing", "storing", "committing"):
            await dies(stage, url, tmp_path, files)
        left = tmp_path / "renders" / f"{job_id}-3"
        assert left.exists()
        known = await handlers(api, tmp_path / "renders")
        render: Any = known["render"]
        sweeping = asyncio.create_task(render.keep_swept(0.1))
        async with working(api, known):
            job = await the_job(api, job_id, lambda job: job.finished_at is not None)
            async with asyncio.timeout(30):
                while list((tmp_path / "renders").iterdir()):
                    await asyncio.sleep(0.05)
        sweeping.cancel()
        await asyncio.wait({sweeping})
        assert (job.status, job.attempts) == ("failed", 3)
        shown = (await api.call("GET", f"/api/v1/renders/{job_id}")).data["render"]
        assert (shown["status"], shown["error"]["code"]) == ("failed", "worker_died")
        assert "three times" in shown["error"]["message"]
        for link in ("output_url", "poster_url", "captions_url"):
            assert shown[link] is None
        assert (shown["queue_position"], shown["estimated_time_remaining"]) == (0, 0)
        assert await owned(api) == 0
        # What was stored without a name goes with the next collection; segments stay for the next.
        await api.parts.media.blobs.collect(datetime.now(UTC) + timedelta(hours=7))
        stored = {path.name for path in files.rglob("*") if path.is_file()}
        assert not {name for name in stored if name.endswith((".mp4", ".vtt", ".srt"))}
        async with api.database.connection() as connection:
            rows = await connection.fetch("SELECT key FROM blobs")
        assert stored == {row["key"] for row in rows}
        # Nothing is wrong with the video's next render.
        again = await api.call("POST", f"/api/v1/videos/{video}/render", {"quality": "360p"})
        async with working(api, known):
            job = await the_job(api, again.data["job_id"], lambda job: job.finished_at is not None)
        assert job.status == "completed", job.error
        await is_whole(api, again.data["job_id"], tmp_path)


async def owned(api: Client) -> int:
    """How many files people have."""
    async with api.database.connection() as connection:
        found: int = await connection.fetchval(
            "SELECT count(*) FROM blobs WHERE owner_id IS NOT NULL"
        )
    return found


async def is_whole(api: Client, job_id: str, directory: Path) -> None:
    """The film can be had, and every frame of it is there."""
    shown = (await api.call("GET", f"/api/v1/renders/{job_id}")).data["render"]
    film = directory / "film.mp4"
    film.write_bytes((await download(api, shown["output_url"])).content)
    assert len(times(film)) == 60
    assert len(frames(film, 640, 360)) == 60
    for link in ("poster_url", "captions_url"):
        assert (await download(api, shown[link])).content


def worker_of(pid: int) -> psutil.Process | None:
    """The worker that a server started, once it runs."""
    for child in psutil.Process(pid).children(recursive=True):
        try:
            if "server.worker_child" in child.cmdline():
                return child
        except (psutil.NoSuchProcess, psutil.ZombieProcess):
            continue
    return None


async def rendered(api: Api, job_id: str, wanted: Callable[[dict[str, Any]], bool]) -> Any:
    async with asyncio.timeout(60):
        while True:
            shown = (await api.call("GET", f"/renders/{job_id}")).data["render"]
            if wanted(shown):
                return shown
            await asyncio.sleep(0.02)


async def test_a_server_starts_its_worker_again_and_ends_what_that_left_behind(
    tmp_path: Path,
) -> None:
    with serving(tmp_path / "data", worker=True) as server:
        async with calling(server) as api:
            video = await api.make_video()
            scene = await api.make_scene(video, duration=6)
            await api.make_layer(scene, duration=6, properties={"text": "Hello"})
            body = {"quality": "480p", "format": "webm"}
            reply = await api.call("POST", f"/videos/{video}/render", body)
            job_id = reply.data["job_id"]

            def converting() -> list[psutil.Process]:
                found = psutil.Process(server.pid).children(recursive=True) + orphans()
                return [one for one in found if "libvpx-vp9" in command_of(one)]

            def orphans() -> list[psutil.Process]:
                return [
                    one
                    for one in psutil.process_iter()
                    if any(str(tmp_path) in word for word in command_of(one))
                ]

            async with asyncio.timeout(60):
                while not converting():
                    await asyncio.sleep(0.01)
            left = converting()
            worker = worker_of(server.pid)
            assert worker is not None
            os.kill(worker.pid, signal.SIGKILL)
            async with asyncio.timeout(READY_SECONDS):
                while len([line for line in server.lines if line["event"] == "worker_started"]) < 2:
                    await asyncio.sleep(0.05)
            async with asyncio.timeout(TAKEN_UP_SECONDS):
                while any(one.is_running() for one in left):
                    await asyncio.sleep(0.05)
            shown = await rendered(api, job_id, lambda one: one["finished_at"] is not None)
            assert (shown["status"], shown["error"]) == ("completed", None)
        server.ask_to_stop()
        assert server.wait() == 0
