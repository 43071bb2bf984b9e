"""A worker that dies over an image: it is made once all the same."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from tests.support.providers import KEY, providing
from tests.support.server import Api, calling, serving, worker_beside

SECONDS = 60.0
TAKEN_UP_SECONDS = 10.0
"""From when there is a worker again."""


async def until_ended(api: Api, job_id: str) -> dict[str, Any]:
    async with asyncio.timeout(SECONDS):
        while True:
            data: dict[str, Any] = (await api.call("GET", f"/media/ai-status/{job_id}")).data
            if data["status"] != "processing":
                return data
            await asyncio.sleep(0.1)


async def start(api: Api, prompt: str) -> str:
    reply = await api.call("POST", "/media/generate-ai", {"prompt": prompt, "quality": "low"})
    assert reply.status == 201, reply.content
    return str(reply.data["job_id"])


async def test_a_worker_killed_over_an_image(tmp_path: Path) -> None:
    async with providing() as provider:
        options = ("--image-url", provider.url, "--image-key", KEY)
        with serving(tmp_path / "data") as server:
            async with calling(server) as api:
                provider.todo[:] = ["slow"]
                job_id = await start(api, "Made by the second worker")
                with worker_beside(server, *options) as first:
                    async with asyncio.timeout(SECONDS):
                        while not provider.slow:
                            await asyncio.sleep(0.05)
                    first.kill()
                    first.wait()
                with worker_beside(server, *options):
                    async with asyncio.timeout(TAKEN_UP_SECONDS):
                        while len(provider.asked) < 2:
                            await asyncio.sleep(0.05)
                    data = await until_ended(api, job_id)
                    assert data["status"] == "completed", data
                listed = (await api.call("GET", "/media/library?source=ai")).data["media"]
                assert [media["id"] for media in listed] == [data["media"]["id"]]
                assert len(provider.asked) == 2
                ended = 'cocut_jobs_total{kind="image",outcome="completed"}'
                assert await api.metric(ended) == 1
        left = [str(path) for path in (tmp_path / "data" / "incoming").glob("*/files/*")]
        assert not left, "what the killed one had begun"
