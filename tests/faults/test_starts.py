"""Servers that start while PostgreSQL, or Redis, is away."""

from __future__ import annotations

import asyncio
import errno
import json
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from persistence.database import CONNECT_SECONDS
from persistence.embedded import EmbeddedPostgres
from server.storage import RETRY_SECONDS
from tests.e2e.editors import add_scene, editor
from tests.faults.test_nodes import cluster
from tests.support.postgres import new_postgres
from tests.support.server import READY_SECONDS, STOP_SECONDS, closed_port, command, environment

BACK_SECONDS = 10.0
REDIS_UP = "cocut_redis_up"


@pytest.mark.slow
@pytest.mark.timeout(180)
async def test_a_database_that_is_away_ends_the_start_and_says_what_to_do(tmp_path: Path) -> None:
    """Nobody listens at its port; or it is there, and says nothing."""
    postgres = new_postgres(tmp_path / "database")
    dsn = await postgres.start()
    try:
        with stopped(postgres), closed_port() as port:
            nowhere = f"postgresql://cocut:hunter2@127.0.0.1:{port}/cocut"
            silent, refusing = await asyncio.gather(
                asyncio.to_thread(refused_start, tmp_path / "silent", dsn),
                asyncio.to_thread(refused_start, tmp_path / "refusing", nowhere),
            )
    finally:
        await postgres.stop()
    todo = "start it, or correct --database-url, or leave that out for the embedded one\n"
    assert silent == f"cocut: PostgreSQL does not answer: it took too long; {todo}"
    refused = f"[Errno {errno.ECONNREFUSED}] Connection refused"
    assert refusing == f"cocut: PostgreSQL does not answer: {refused}; {todo}"


def refused_start(data_dir: Path, dsn: str) -> str:
    """What a server says that gives up waiting for its database, after the line that it waits."""
    with subprocess.Popen(
        command(data_dir, "--database-url", dsn),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=data_dir.parent,
        env=environment(),
    ) as process:
        assert process.stderr is not None
        waiting = json.loads(process.stderr.readline())
        began = time.monotonic()
        out, rest = process.communicate(timeout=RETRY_SECONDS + READY_SECONDS)
        took = time.monotonic() - began
    assert (waiting["event"], waiting["seconds"]) == ("waiting_for_database", RETRY_SECONDS)
    assert (out, process.returncode) == ("", 1)
    # It was first said after an attempt, and the last attempt may take as long again.
    assert RETRY_SECONDS - CONNECT_SECONDS - 1 < took < RETRY_SECONDS + STOP_SECONDS
    return rest


@contextmanager
def stopped(postgres: EmbeddedPostgres) -> Iterator[None]:
    """A PostgreSQL that takes no connection, though its socket is there."""
    pid_file = postgres.data_dir / "postgres" / "postmaster.pid"
    pid = int(pid_file.read_text().splitlines()[0])
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


@pytest.mark.timeout(120)
async def test_redis_that_is_away_at_the_start_is_not_waited_for(tmp_path: Path) -> None:
    async with cluster(tmp_path) as nodes:
        video = await nodes.apis[0].make_video()
        nodes.kill(0)
        nodes.redis.kill()
        await nodes.start(0)
        one, two = nodes.apis
        assert await one.metric(REDIS_UP) == 0
        async with editor(one, video) as near, editor(two, video) as far:
            await near.change(add_scene("without it"))
            await far.until(lambda: len(far.scenes) == 1)
            nodes.redis.start()
            async with asyncio.timeout(BACK_SECONDS):
                while not await one.metric(REDIS_UP) or not await two.metric(REDIS_UP):
                    await asyncio.sleep(0.02)
            await far.change(add_scene("with it"))
            await near.until(lambda: len(near.scenes) == 2)
