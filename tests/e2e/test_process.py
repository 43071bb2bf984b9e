"""The life of a server: how it starts, when it may not, and how it ends."""

from __future__ import annotations

import asyncio
import json
import signal
import subprocess
import time
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from collab.errors import DatabaseAway
from server.settings import Settings
from server.storage import open_database
from tests.e2e.editors import Editor, add_scene, connection, editor
from tests.e2e.node import node_clients
from tests.support.postgres import in_database, new_postgres
from tests.support.server import (
    READY_SECONDS,
    STOP_SECONDS,
    Api,
    Server,
    calling,
    closed_port,
    command,
    environment,
    fail_to_start,
    serving,
)

AT_ONCE = 100


def test_a_second_server_on_a_data_directory_is_refused(server: Server) -> None:
    code, said = fail_to_start(server.data_dir)
    assert code == 1
    [line] = said
    assert line.startswith("cocut: Another server")
    assert str(server.pid) in line
    assert str(server.data_dir) in line
    assert "--data-dir" in line


def test_a_database_that_refuses_is_named_at_once(tmp_path: Path, postgres_dsn: str) -> None:
    began = time.monotonic()
    code, said = fail_to_start(
        tmp_path / "data", "--database-url", in_database(postgres_dsn, "nothing")
    )
    assert code == 1
    [line] = said
    assert line.startswith("cocut: ")
    assert '"nothing" does not exist' in line
    assert time.monotonic() - began < 10


async def test_a_database_that_is_away_is_waited_for_and_then_named(tmp_path: Path) -> None:
    with closed_port() as port:
        url = f"postgresql://cocut:hunter2@127.0.0.1:{port}/cocut"
        settings = Settings(data_dir=tmp_path, database_url=url)
        began = time.monotonic()
        with pytest.raises(DatabaseAway, match="--database-url") as raised:
            async with open_database(settings, retry_seconds=0.5):
                pass
    assert 0.3 < time.monotonic() - began < 5
    assert "\n" not in str(raised.value)
    assert "hunter2" not in str(raised.value)


async def test_a_database_that_comes_late_is_used(tmp_path: Path) -> None:
    postgres = new_postgres(tmp_path / "database")
    dsn = await postgres.start()
    await postgres.stop()
    starting = asyncio.create_task(
        asyncio.to_thread(Server, tmp_path / "data", "--database-url", dsn)
    )
    try:
        log = tmp_path / "data.log"
        async with asyncio.timeout(READY_SECONDS):
            while not log.exists() or "waiting_for_database" not in log.read_text():
                await asyncio.sleep(0.05)
        await postgres.start()
        server = await starting
        try:
            async with calling(server) as api:
                await api.make_scene(await api.make_video())
            server.stop()
        finally:
            server.kill()
    finally:
        await asyncio.gather(starting, return_exceptions=True)
        await postgres.stop()


def test_a_server_that_waits_for_its_database_can_be_stopped(tmp_path: Path) -> None:
    with closed_port() as port:
        url = f"postgresql://cocut:hunter2@127.0.0.1:{port}/cocut"
        with subprocess.Popen(
            command(tmp_path / "data", "--database-url", url),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=tmp_path,
            env=environment(),
        ) as process:
            assert process.stderr is not None
            line = process.stderr.readline()
            process.send_signal(signal.SIGTERM)
            out, rest = process.communicate(timeout=STOP_SECONDS)
    assert json.loads(line)["event"] == "waiting_for_database"
    assert "hunter2" not in line + rest
    assert out == ""
    assert process.returncode == 0, rest


async def test_all_who_open_a_video_at_once_get_all_edits(api: Api) -> None:
    video = await api.make_video()
    async with AsyncExitStack() as stack:
        token = api.server.token()
        entering = (
            stack.enter_async_context(connection(api, video, token)) for _ in range(AT_ONCE)
        )
        editors = list(await asyncio.gather(*entering))

        async def work(one: Editor, number: int) -> None:
            await one.change(add_scene(f"{number}"))
            await one.join()
            await one.until(lambda: len(one.scenes) == AT_ONCE)

        await asyncio.gather(*(work(one, number) for number, one in enumerate(editors)))
        states = [one.scenes.to_py() for one in editors]
    assert all(state == states[0] for state in states)
    texts = [scene["text"] for scene in await api.scenes(video)]
    assert sorted(texts, key=int) == [f"{number}" for number in range(AT_ONCE)]


async def test_sigterm_closes_with_1001_and_keeps_everything(tmp_path: Path) -> None:
    data_dir = tmp_path / "data"
    with serving(data_dir) as first:
        port = first.address.rpartition(":")[2]
        async with calling(first) as api, node_clients(first) as clients:
            video = await api.make_video()
            client = await clients.open(video)
            await client.synced()
            await client.run("scenes.set(crypto.randomUUID(), scene('a0', 'Before'))")
            async with editor(api, video) as one:
                await one.until(lambda: len(one.scenes) == 1)
                for number in range(50):
                    await one.change(add_scene(f"{number}", order="a1"))
                first.ask_to_stop()
                began = time.monotonic()
                assert await one.closed() == 1001
            assert await asyncio.to_thread(first.wait) == 0
            assert time.monotonic() - began < STOP_SECONDS
            await client.until("client.closes.length")
            assert (await client.run("return client.closes"))[0] == 1001
            await client.run("scenes.set(crypto.randomUUID(), scene('a2', 'Meanwhile'))")
            with serving(data_dir, "--port", port) as second:
                await client.synced()
                await client.saved()
                async with calling(second) as again:
                    texts = [scene["text"] for scene in await again.scenes(video)]
                    # What came back to its author before the end is there, and nothing twice.
                    returned = {scene["text"] for scene in (one.scenes.to_py() or {}).values()}
                    assert len(texts) == len(set(texts))
                    assert texts[0] == "Before"
                    assert texts[-1] == "Meanwhile"
                    assert len(texts) == 52
                    assert returned <= set(texts)
                    state = await client.state()
                    assert {scene["text"] for scene in state["scenes"].values()} == set(texts)
        assert not [line for line in first.lines if line["level"] == "error"]
