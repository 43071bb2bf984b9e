"""Several processes on one port."""

from __future__ import annotations

import asyncio
import os
import signal
from pathlib import Path

import psutil

from tests.support.processes import command_of
from tests.support.redis import redis_running
from tests.support.server import calling, serving


def workers_of(pid: int) -> list[psutil.Process]:
    children = psutil.Process(pid).children()
    return [child for child in children if "server.worker_process" in command_of(child)]


async def test_a_worker_that_dies_is_started_again(tmp_path: Path) -> None:
    with redis_running() as redis:
        options = ("--workers", "2", "--redis-url", redis.url)
        with serving(tmp_path / "data", *options) as server:
            first, second = workers_of(server.pid)
            async with calling(server) as api:
                await api.make_video()
            os.kill(first.pid, signal.SIGKILL)
            async with asyncio.timeout(20):
                while len([w for w in workers_of(server.pid) if w.pid != first.pid]) < 2:
                    await asyncio.sleep(0.05)
            async with calling(server) as api:
                await api.make_video()
            workers = workers_of(server.pid)
            assert second.pid in [worker.pid for worker in workers]
            server.ask_to_stop()
            assert server.wait() == 0
            assert not any(worker.is_running() for worker in workers)


async def test_workers_do_not_outlive_their_supervisor(tmp_path: Path) -> None:
    with redis_running() as redis:
        options = ("--workers", "2", "--redis-url", redis.url)
        with serving(tmp_path / "data", *options) as server:
            workers = workers_of(server.pid)
            os.kill(server.pid, signal.SIGKILL)
            assert server.wait() == -signal.SIGKILL
            gone, alive = await asyncio.to_thread(psutil.wait_procs, workers, 15)
            assert (len(gone), alive) == (2, [])
