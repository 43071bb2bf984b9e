"""Renders over REST, with a worker that really renders."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from server.worker import Handlers
from tests.integration.media.reading import movie_seconds
from tests.support.face import Client
from tests.support.rendering import download, ended, handlers, working

pytestmark = pytest.mark.asyncio(loop_scope="module")

FIELDS = {
    *("job_id", "kind", "status", "progress", "current_scene", "total_scenes"),
    *("estimated_time_remaining", "queue_position", "seq", "warnings", "error", "output_url"),
    *("poster_url", "captions_url", "created_at", "finished_at"),
}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def known(api: Client, tmp_path_factory: pytest.TempPathFactory) -> Handlers:
    return await handlers(api, tmp_path_factory.mktemp("renders"))


@pytest_asyncio.fixture(loop_scope="module")
async def worker(api: Client, known: Handlers) -> AsyncIterator[None]:
    async with working(api, known):
        yield


async def a_video(api: Client, scenes: int = 2) -> tuple[str, list[str], list[str]]:
    """A video of half a second a scene, with a text in each."""
    video = await api.make_video()
    made, texts = [], []
    for number in range(scenes):
        scene = await api.make_scene(video, duration=0.5)
        made.append(scene)
        texts.append(await api.make_layer(scene, properties={"text": f"Scene {number}"}))
    return video, made, texts


async def test_a_render_and_what_comes_of_it(api: Client, worker: None, tmp_path: Path) -> None:
    video, scenes, _ = await a_video(api)
    await api.make_layer(
        scenes[0], type="voiceover", properties={"text": "Hello there.", "voice_id": ""}
    )
    started = await api.call("POST", f"/api/v1/videos/{video}/render", {"quality": "360p"})
    assert started.status == 201
    assert set(started.data) == {"job_id", "estimated_time", "queue_position"}
    assert started.data["estimated_time"] >= 1
    done = await ended(api, started.data["job_id"])
    assert set(done) == FIELDS
    assert (done["status"], done["error"], done["progress"]) == ("completed", None, 100)
    assert (done["kind"], done["total_scenes"], done["queue_position"]) == ("render", 2, 0)
    film = await download(api, done["output_url"])
    assert film.headers["Content-Type"] == "video/mp4"
    (tmp_path / "film.mp4").write_bytes(film.content)
    assert movie_seconds(tmp_path / "film.mp4") == pytest.approx(1.0, abs=0.05)
    assert (await download(api, done["poster_url"])).content[:3] == b"\xff\xd8\xff"
    captions = (await download(api, done["captions_url"])).content.decode()
    assert captions.startswith("WEBVTT")
    assert "Hello" in captions
    listed = await api.call("GET", f"/api/v1/videos/{video}/renders")
    assert [one["job_id"] for one in listed.data["renders"]] == [done["job_id"]]
    assert listed.data["pagination"]["total_items"] == 1
