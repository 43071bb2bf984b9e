"""P5: editors go on while PostgreSQL is away, and nothing of it is lost."""

from __future__ import annotations

import asyncio
import os
import signal
from pathlib import Path

import pytest

from persistence.embedded import EmbeddedPostgres
from tests.e2e.editors import add_scene, editor
from tests.support.server import Server, calling

BACK_SECONDS = 15.0


@pytest.mark.timeout(120)
@pytest.mark.parametrize("killed", [False, True], ids=["the node lives", "the node is killed, too"])
async def test_editors_go_on_without_the_database(tmp_path: Path, killed: bool) -> None:
    postgres = EmbeddedPostgres(tmp_path / "database")
    dsn = await postgres.start()
    options = ("--database-url", dsn, "--no-worker", "--log-level", "error")
    server = await asyncio.to_thread(Server, tmp_path / "node", *options)
    try:
        async with calling(server) as api:
            video = await api.make_video()
            async with editor(api, video) as one, editor(api, video) as two:
                await one.change(add_scene("before", "a0"))
                await two.until(lambda: len(two.scenes) == 1)
                await postgres.stop()
                async with asyncio.timeout(6):
                    await one.change(add_scene("during", "a1"))
                    await two.until(lambda: len(two.scenes) == 2)
                    await one.saved()
                async with api.session.get(f"{server.address}/readyz") as answer:
                    assert answer.status == 503
                    assert "journal" in await answer.text()
                path = f"/videos/{video}/scenes"
                assert (await api.call("POST", path, {"text": "no"})).status == 503
                if killed:
                    os.kill(server.pid, signal.SIGKILL)
                    server.wait()
                await postgres.start()
        if killed:
            server.kill()
            server = await asyncio.to_thread(Server, tmp_path / "node", *options)
        async with calling(server) as api, asyncio.timeout(BACK_SECONDS):
            while True:
                reply = await api.call("GET", f"/videos/{video}/scenes")
                if reply.status == 200 and len(reply.data["scenes"]) == 2:
                    break
                await asyncio.sleep(0.1)
            assert [scene["text"] for scene in reply.data["scenes"]] == ["before", "during"]
            async with api.session.get(f"{server.address}/metrics") as answer:
                assert "cocut_database_up 1.0" in await answer.text()
        server.ask_to_stop()
        assert server.wait() == 0
    finally:
        server.kill()
        await postgres.stop()
