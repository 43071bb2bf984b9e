"""Several processes on one port."""

from __future__ import annotations

import asyncio
import os
import signal
from contextlib import AsyncExitStack
from pathlib import Path

import aiohttp
import psutil

from tests.e2e.editors import Editor, add_scene, editor
from tests.support.processes import command_of
from tests.support.redis import redis_running
from tests.support.server import Api, calling, serving


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
            async with asyncio.timeout(60):
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


async def test_each_worker_tells_the_metrics_of_all(tmp_path: Path) -> None:
    with redis_running() as redis:
        options = ("--workers", "2", "--redis-url", redis.url, "--rate-limits", "off")
        with serving(tmp_path / "data", *options) as server:
            keepers: set[int] = set()
            async with calling(server) as api, AsyncExitStack() as stack:
                editors = 0
                while len(keepers) < 2:
                    assert editors < 40
                    one = await stack.enter_async_context(editor(api, await api.make_video()))
                    keepers.add(keeper_of(workers_of(server.pid), port_of(one)))
                    await one.change(add_scene("counted"))
                    await one.saved()
                    editors += 1
                for name, wanted in (
                    ("cocut_editors{}", editors),
                    ('cocut_edits_total{door="yjs",}', editors),
                    ("cocut_batch_size_count{}", editors),
                ):
                    for _ in range(12):  # each of the workers answers some of them
                        async with asyncio.timeout(10):
                            while await told(api, name) != wanted:
                                await asyncio.sleep(0.1)


async def told(api: Api, name: str) -> float:
    """What a metric is in all workers together, asked for on a connection of its own."""
    names = [name.replace("}", f'worker="{index}"}}') for index in range(2)]
    async with aiohttp.ClientSession() as session:
        return sum([await Api(api.server, session).metric(each) for each in names])


def keeper_of(workers: list[psutil.Process], port: int) -> int:
    """The worker that has a client's connection, by the client's port."""
    (keeper,) = (
        worker.pid
        for worker in workers
        for connection in worker.net_connections("tcp")
        if connection.raddr and connection.raddr.port == port
    )
    return keeper


def port_of(one: Editor) -> int:
    port: int = one.socket.get_extra_info("sockname")[1]
    return port


async def test_the_editors_of_a_video_are_at_one_worker(tmp_path: Path) -> None:
    with redis_running() as redis:
        options = ("--workers", "2", "--redis-url", redis.url, "--rate-limits", "off")
        with serving(tmp_path / "data", *options) as server:
            workers = workers_of(server.pid)
            keepers: list[int] = []
            async with calling(server) as api, AsyncExitStack() as stack:
                while len(set(keepers)) < len(workers):
                    assert len(keepers) < 40
                    video = await api.make_video()
                    editors = [await stack.enter_async_context(editor(api, video)) for _ in "1234"]
                    (keeper,) = {keeper_of(workers, port_of(one)) for one in editors}
                    keepers.append(keeper)


async def test_a_killed_workers_videos_are_kept_by_the_other(tmp_path: Path) -> None:
    with redis_running() as redis:
        options = ("--workers", "2", "--redis-url", redis.url, "--rate-limits", "off")
        with serving(tmp_path / "data", *options) as server:
            workers = workers_of(server.pid)
            async with calling(server) as api:
                video = await api.make_video()
                scene = await api.make_scene(video)
                async with editor(api, video) as one:
                    home = keeper_of(workers, port_of(one))
                    os.kill(home, signal.SIGKILL)
                    assert await one.closed() == 1006
                async with asyncio.timeout(30):
                    while not any(line["event"] == "worker_died" for line in server.lines):
                        await asyncio.sleep(0.01)
                (other,) = (worker for worker in workers if worker.pid != home)
                async with editor(api, video) as one, editor(api, video) as two:
                    assert {keeper_of([other], port_of(each)) for each in (one, two)} == {other.pid}
                    assert scene in one.scenes
                    assert scene in two.scenes
            server.ask_to_stop()
            assert server.wait() == 0
