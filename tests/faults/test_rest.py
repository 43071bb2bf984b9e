"""P1, P5, P9: what is changed after a rest is as safe as anything else."""

from __future__ import annotations

import asyncio
import os
import signal
from pathlib import Path

import pytest

from server.hub import TICK_SECONDS
from tests.e2e.editors import Editor, add_scene, editor
from tests.support.postgres import new_postgres
from tests.support.resting import REST_SECONDS, RESTING
from tests.support.server import Api, Server, calling

BACK_SECONDS = 15.0
LONG_SECONDS = 10 * REST_SECONDS + TICK_SECONDS
"""Long enough for a rest, and for the metric that shows it."""


async def rests(api: Api) -> bool:
    """Whether the one open video rests."""
    async with api.session.get(f"{api.server.address}/metrics") as answer:
        return "cocut_rooms_resting 1.0" in await answer.text()


async def rested(api: Api) -> None:
    """Wait until it does."""
    async with asyncio.timeout(BACK_SECONDS):
        while not await rests(api):
            await asyncio.sleep(0.05)


def texts(one: Editor) -> list[str]:
    return sorted(str(scene["text"]) for scene in one.scenes.values())


@pytest.mark.timeout(120)
@pytest.mark.parametrize(
    "killed",
    [
        pytest.param(False, id="the node lives", marks=pytest.mark.slow),
        pytest.param(True, id="the node is killed, too"),
    ],
)
async def test_a_resting_video_is_edited_while_the_database_is_away(
    tmp_path: Path, killed: bool
) -> None:
    postgres = new_postgres(tmp_path / "database")
    dsn = await postgres.start()
    options = ("--database-url", dsn, "--no-worker", "--log-level", "error")
    server = await asyncio.to_thread(Server, tmp_path / "node", *options, program=RESTING)
    try:
        async with calling(server) as api:
            video = await api.make_video()
            async with editor(api, video) as one, editor(api, video) as two:
                await one.change(add_scene("a, before", "a0"))
                await two.until(lambda: len(two.scenes) == 1)
                await rested(api)
                await postgres.stop()
                async with asyncio.timeout(6):
                    await two.change(add_scene("b, during", "a1"))
                    await one.until(lambda: len(one.scenes) == 2)
                    await two.saved()
                # With something in the journal it does not rest, however long it is still.
                await asyncio.sleep(LONG_SECONDS)
                assert not await rests(api)
                await one.change(add_scene("c, later", "a2"))
                await one.saved()
                if killed:
                    os.kill(server.pid, signal.SIGKILL)
                    server.wait()
                await postgres.start()
                expected = texts(one)
                if not killed:
                    await shown(api, video, expected)
                    await rested(api)
                    await two.change(add_scene("d, after", "a3"))
                    await one.until(lambda: len(one.scenes) == 4)
                    expected = texts(one)
        if killed:
            server.kill()
            server = await asyncio.to_thread(Server, tmp_path / "node", *options, program=RESTING)
        async with calling(server) as api:
            await shown(api, video, expected)
            async with editor(api, video) as again:
                assert texts(again) == expected
                if killed:
                    await rested(api)
                    os.kill(server.pid, signal.SIGKILL)
                    server.wait()
        if killed:
            server.kill()
            server = await asyncio.to_thread(Server, tmp_path / "node", *options, program=RESTING)
            async with calling(server) as api:
                await shown(api, video, expected)
        server.ask_to_stop()
        assert server.wait() == 0
    finally:
        server.kill()
        await postgres.stop()


async def shown(api: Api, video: str, expected: list[str]) -> None:
    """Wait until the tables show these texts."""
    async with asyncio.timeout(BACK_SECONDS):
        while True:
            reply = await api.call("GET", f"/videos/{video}/scenes")
            if reply.status == 200:
                found = sorted(scene["text"] for scene in reply.data["scenes"])
                if found == expected:
                    return
            await asyncio.sleep(0.1)
