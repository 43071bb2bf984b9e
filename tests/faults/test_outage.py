"""P5: editors go on while PostgreSQL is away, and nothing of it is lost."""

from __future__ import annotations

import asyncio
import os
import random
import resource
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import asyncpg
import psutil
import pytest
from pycrdt import Map, Text

from collab import protocol
from persistence.embedded import EmbeddedPostgres
from tests.e2e.editors import Editor, add_scene, editor
from tests.support.postgres import new_postgres
from tests.support.server import Api, Server, calling
from tests.support.typists import SHARED, Seen, Typist, settled, stored_ledger, typing

BACK_SECONDS = 15.0
LIMIT = 100_000
"""Bytes that a journal, or the disk under it, has room for."""


@pytest.mark.timeout(120)
@pytest.mark.parametrize("killed", [False, True], ids=["the node lives", "the node is killed, too"])
async def test_editors_go_on_without_the_database(tmp_path: Path, killed: bool) -> None:
    postgres = new_postgres(tmp_path / "database")
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


@asynccontextmanager
async def apart(
    tmp_path: Path, *options: str
) -> AsyncIterator[tuple[EmbeddedPostgres, Server, Api]]:
    """A server, and a PostgreSQL that can be taken away from it."""
    postgres = new_postgres(tmp_path / "database")
    dsn = await postgres.start()
    server = None
    try:
        options = ("--database-url", dsn, "--log-level", "error", *options)
        server = await asyncio.to_thread(Server, tmp_path / "node", *options)
        async with calling(server) as api:
            yield postgres, server, api
        server.ask_to_stop()
        assert server.wait() == 0
    finally:
        if server is not None:
            server.kill()
        await postgres.stop()


async def come_back(api: Api, video: str, lost: Editor) -> None:
    """Connect until it works, and send what the editor kept."""
    async with asyncio.timeout(BACK_SECONDS):
        while True:
            url = api.server.socket_url(video, api.server.token())
            async with api.session.ws_connect(url, max_msg_size=0) as socket:
                again = Editor(socket)
                await again.send(protocol.step_1(again.doc.get_state()))
                try:
                    await again.until(lambda a=again: any(f[:2] == b"\0\1" for f in a.frames))  # type: ignore[misc]
                except AssertionError:
                    assert again.close_code == 1013
                    await asyncio.sleep(0.1)
                    continue
                missing = lost.doc.get_update(again.doc.get_state())
                await again.send(protocol.step_2(missing))
                await again.saved()
                return


@pytest.mark.timeout(120)
@pytest.mark.parametrize("full", ["journal", "disk"])
async def test_what_the_journal_cannot_take_stays_with_its_editors(
    tmp_path: Path, full: str
) -> None:
    options = ("--max-journal-bytes", f"{LIMIT}") if full == "journal" else ()
    async with apart(tmp_path, *options) as (postgres, server, api):
        video = await api.make_video()
        async with editor(api, video) as one, editor(api, video) as two:
            await one.change(add_scene("before", "a0"))
            await two.until(lambda: len(two.scenes) == 1)
            await postgres.stop()
            if full == "disk":
                _, hard = resource.prlimit(server.pid, resource.RLIMIT_FSIZE)
                resource.prlimit(server.pid, resource.RLIMIT_FSIZE, (LIMIT, hard))
            await one.change(add_scene("during", "a1"))
            await two.until(lambda: len(two.scenes) == 2)
            await one.change(add_scene("too much " + "x" * LIMIT, "a2"))
            assert await one.closed() == 1013
            assert await two.closed() == 1013
            assert len(two.scenes) == 2
        if full == "disk":
            resource.prlimit(server.pid, resource.RLIMIT_FSIZE, (hard, hard))
        await postgres.start()
        await come_back(api, video, one)
        assert [scene["text"][:8] for scene in await api.scenes(video)] == [
            "before",
            "during",
            "too much",
        ]


def signal_all(pid: int, sign: signal.Signals) -> None:
    """Send a signal to a process and its children."""
    process = psutil.Process(pid)
    for one in (process, *process.children(recursive=True)):
        one.send_signal(sign)


@pytest.mark.timeout(120)
async def test_a_database_that_freezes_holds_nobody_up(tmp_path: Path) -> None:
    async with apart(tmp_path) as (postgres, _, api):
        video = await api.make_video()
        assert postgres.pid is not None
        async with editor(api, video) as one, editor(api, video) as two:
            await one.change(add_scene("0", "a0"))
            await two.until(lambda: len(two.scenes) == 1)
            clock = asyncio.get_running_loop().time
            signal_all(postgres.pid, signal.SIGSTOP)
            thaw = clock() + 5
            try:
                number, slowest = 1, 0.0
                while clock() < thaw:
                    began = clock()
                    await one.change(add_scene(f"{number}", "a1"))
                    number += 1
                    await two.until(lambda n=number: len(two.scenes) == n)  # type: ignore[misc]
                    slowest = max(slowest, clock() - began)
                    await asyncio.sleep(0.05)
            finally:
                signal_all(postgres.pid, signal.SIGCONT)
            # A second of patience, an append that is given a second, and what a test machine adds.
            assert slowest < 4
            assert 10 < number < 400
            await one.change(add_scene("last", "a2"))
            await one.saved()
        async with asyncio.timeout(BACK_SECONDS):
            while len(texts := [scene["text"] for scene in await api.scenes(video)]) <= number:
                await asyncio.sleep(0.1)
        assert sorted(texts) == sorted([*(f"{n}" for n in range(number)), "last"])
        connection = await asyncpg.connect(await postgres.start())
        head = await connection.fetchval("SELECT seq FROM video_heads WHERE video_id = $1", video)
        rows = await connection.fetch("SELECT seq FROM video_updates WHERE video_id = $1", video)
        base = await connection.fetchval(
            "SELECT coalesce(max(seq), 0) FROM video_snapshots WHERE video_id = $1", video
        )
        await connection.close()
        assert sorted(row["seq"] for row in rows) == list(range(base + 1, head + 1))


async def test_a_token_ends_on_time_while_the_database_is_frozen(tmp_path: Path) -> None:
    async with apart(tmp_path) as (postgres, server, api):
        video = await api.make_video()
        assert postgres.pid is not None
        async with editor(api, video, token=server.token(ttl_seconds=3)) as one:
            signal_all(postgres.pid, signal.SIGSTOP)
            try:
                async with asyncio.timeout(8):
                    assert await one.closed() == 4401
            finally:
                signal_all(postgres.pid, signal.SIGCONT)


@pytest.mark.parametrize(
    "killed",
    [
        pytest.param(False, id="the node lives", marks=pytest.mark.slow),
        pytest.param(True, id="the node is killed, too"),
    ],
)
@pytest.mark.parametrize(
    "seconds", [4, pytest.param(30, marks=[pytest.mark.slow, pytest.mark.timeout(300)])]
)
async def test_two_hundred_edits_a_second_outlive_the_database(
    tmp_path: Path, seconds: float, killed: bool
) -> None:
    rng, seen = random.Random(7), Seen()
    postgres = new_postgres(tmp_path / "database")
    dsn = await postgres.start()
    options = ("--database-url", dsn, "--no-worker", "--log-level", "error", "--rate-limits", "off")
    server = await asyncio.to_thread(Server, tmp_path / "node", *options)
    try:
        async with aiohttp.ClientSession() as session:
            video = await Api(server, session).make_video()
            typists = [
                Typist(session, lambda: server.socket_url(video, server.token()), number, seen)
                for number in range(1, 11)
            ]
            typists[0].scenes[SHARED] = Map({"text": Text("Once upon a time")})
            async with typing(typists, rng, 200) as type_now:
                await asyncio.gather(*(typist.synced.wait() for typist in typists))
                type_now.set()
                await asyncio.sleep(1)
                await postgres.stop()
                changes = seen.changes
                await asyncio.sleep(seconds)
                # After a second of patience they went on seeing each other's edits.
                async with asyncio.timeout(BACK_SECONDS):
                    while seen.changes - changes <= 100 * (seconds - 2):
                        await asyncio.sleep(0.01)
                if killed:
                    os.kill(server.pid, signal.SIGKILL)
                    assert server.wait() == -signal.SIGKILL
                await postgres.start()
                if killed:
                    server.kill()
                    server = await asyncio.to_thread(Server, tmp_path / "node", *options)
                await asyncio.sleep(1)
                type_now.clear()
                await settled(typists, 20)
            api = Api(server, session)
            document = await api.call("GET", f"/videos/{video}/document")
            assert seen.lost(stored_ledger(document.content)) == []
            async with asyncio.timeout(BACK_SECONDS):
                while True:
                    shown = {scene["id"]: scene["text"] for scene in await api.scenes(video)}
                    if shown == typists[0].texts:
                        break
                    await asyncio.sleep(0.1)
        server.ask_to_stop()
        assert server.wait() == 0
    finally:
        server.kill()
        await postgres.stop()
