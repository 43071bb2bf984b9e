"""The services of the compose file, with the commands and variables that it gives them.

There are no containers here: names and ports of services become addresses on loopback, and volumes
become directories. All else is run as it is written.
"""

from __future__ import annotations

import asyncio
import os
import secrets
import shlex
import subprocess
from collections.abc import Sequence
from contextlib import AsyncExitStack
from copy import copy
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import aiohttp
import asyncpg
import pytest

from persistence.embedded import binaries
from tests.e2e.editors import add_scene, editor
from tests.support import deploy, files
from tests.support.caddy import caddy_running
from tests.support.link import Link, link_to
from tests.support.postgres import new_postgres
from tests.support.redis import RedisServer, redis_running
from tests.support.server import STOP_SECONDS, Api, Server

DOTENV: Final = {
    "DOMAIN": "video.example.com",
    "COCUT_JWT_SECRET": secrets.token_urlsafe(36),
    "POSTGRES_PASSWORD": secrets.token_hex(24),
}
NODES: Final = ("server-1", "server-2")
ENOUGH: Final = 40
"""Videos that two nodes are sure to share."""

BY_REQUEST: Final = 'cocut_edits_total{door="api"}'


@pytest.mark.timeout(180)
async def test_the_services_of_the_compose_file_work_together(tmp_path: Path) -> None:
    services = deploy.compose(DOTENV)["services"]
    async with AsyncExitStack() as stack:
        postgres = new_postgres(tmp_path / "postgres")
        dsn = await postgres.start()
        stack.push_async_callback(postgres.stop)
        link = stack.enter_context(link_to(dsn))
        await make_database(dsn, services["postgres"]["environment"])
        check_postgres(services["postgres"], link)
        program, *options = services["redis"]["command"]
        assert program == "redis-server"
        redis = stack.enter_context(redis_running(*options))
        check_redis(services["redis"], redis)
        at = {
            "postgres:5432": f"127.0.0.1:{link.port}",
            "redis:6379": f"127.0.0.1:{redis.port}",
        }
        session = await stack.enter_async_context(aiohttp.ClientSession())
        nodes = []
        for name in NODES:
            node = await asyncio.to_thread(started, services[name], tmp_path, at)
            stack.callback(node.kill)
            check_node(node)
            nodes.append(Api(node, session))
        await work_together(*nodes)
        upstreams = {
            f"{name}:8080": urlsplit(api.server.address).netloc
            for name, api in zip(NODES, nodes, strict=True)
        }
        caddy = stack.enter_context(caddy_running(tmp_path / "caddy", DOTENV["DOMAIN"], upstreams))
        async with caddy.session() as outside:
            front = copy(nodes[0].server)
            front.address = caddy.address
            await work_behind_caddy(Api(front, outside), *nodes)
        for name, api in zip(NODES, nodes, strict=True):
            grace = services[name]["stop_grace_period"]
            assert float(grace.removesuffix("s")) > STOP_SECONDS
            await asyncio.to_thread(api.server.stop)


def started(service: dict[str, Any], place: Path, at: dict[str, str]) -> Server:
    """A node as its container would run it."""
    program, *options = service.get("command", deploy.image_command())
    assert program == "cocut"
    volumes = dict(reversed(volume.split(":")) for volume in service["volumes"])
    settings = {**deploy.image_environment(), **service["environment"]}
    assert (settings["COCUT_HOST"], settings["COCUT_PORT"]) == ("0.0.0.0", "8080")
    settings |= {"COCUT_HOST": "127.0.0.1", "COCUT_PORT": "0"}
    for inside, volume in volumes.items():
        settings = {
            name: value.replace(inside, str(place / volume))
            if value.removeprefix("file:") == inside
            else value
            for name, value in settings.items()
        }
    for name, address in at.items():
        settings = {key: value.replace(name, address) for key, value in settings.items()}
    return Server(Path(settings["COCUT_DATA_DIR"]), *options, settings=settings)


async def make_database(dsn: str, variables: dict[str, str]) -> None:
    """What PostgreSQL's image makes of its variables."""
    user, name = variables["POSTGRES_USER"], variables["POSTGRES_DB"]
    connection = await asyncpg.connect(dsn)
    try:
        password = variables["POSTGRES_PASSWORD"]
        await connection.execute(f"CREATE ROLE {user} LOGIN PASSWORD '{password}'")
        await connection.execute(f"CREATE DATABASE {name} OWNER {user}")
    finally:
        await connection.close()


def check_postgres(service: dict[str, Any], link: Link) -> None:
    """Run the check that the nodes wait for."""
    kind, line = service["healthcheck"]["test"]
    assert kind == "CMD-SHELL"
    where = {"PGHOST": "127.0.0.1", "PGPORT": f"{link.port}"}
    program, *arguments = shlex.split(line)
    subprocess.run(
        [str(binaries() / program), *arguments], check=True, env={**os.environ, **where}, timeout=30
    )


def check_redis(service: dict[str, Any], redis: RedisServer) -> None:
    """Run the check that the nodes wait for."""
    kind, program, *arguments = service["healthcheck"]["test"]
    assert kind == "CMD"
    command = [str(redis.program(program)), "-p", f"{redis.port}", *arguments]
    assert subprocess.run(command, capture_output=True, check=True, timeout=30).stdout == b"PONG\n"


def check_node(node: Server) -> None:
    """Run the image's own check on a node."""
    port = urlsplit(node.address).port
    command = [part.replace("127.0.0.1:8080", f"127.0.0.1:{port}") for part in deploy.image_check()]
    assert any(f":{port}/" in part for part in command)
    subprocess.run(command, check=True, timeout=30)


async def work_together(one: Api, two: Api) -> None:
    """An edit, and a file, of one node are on the other; links begin with the public address."""
    video = await one.make_video()
    async with editor(one, video) as near, editor(two, video) as far:
        await near.change(add_scene("Hello"))
        await far.until(lambda: len(far.scenes) == 1)
        await far.saved()
    assert [scene["text"] for scene in await two.scenes(video)] == ["Hello"]
    form = aiohttp.FormData()
    picture = files.picture()
    form.add_field("file", picture, filename="a.png", content_type="image/png")
    headers = {"Authorization": f"Bearer {one.server.token()}"}
    where = f"{one.server.address}/api/v1/media/upload"
    async with one.session.post(where, data=form, headers=headers) as answer:
        assert answer.status == 201, await answer.text()
        link = (await answer.json())["data"]["media"]["url"]
    public = f"https://{DOTENV['DOMAIN']}"
    assert link.startswith(f"{public}/api/v1/blobs/")
    async with two.session.get(two.server.address + link.removeprefix(public)) as answer:
        assert answer.status == 200
        assert await answer.read()


async def work_behind_caddy(front: Api, *nodes: Api) -> None:
    """Editors and requests of a video are sent to one node, and to the other when it has gone."""
    async with front.session.get(f"{front.server.address}/metrics") as answer:
        assert answer.status == 404
    async with front.session.get(f"{front.server.address}/healthz") as answer:
        assert answer.status == 200
        assert answer.headers.getall("Strict-Transport-Security") == ["max-age=31536000"]
    homes: dict[int, str] = {}
    for _ in range(ENOUGH):
        video = await front.make_video()
        homes.setdefault(await home_of(video, front, nodes), video)
        if len(homes) == len(nodes):
            break
    assert set(homes) == set(range(len(nodes))), "all videos are on one node"
    async with editor(front, homes[0]) as moved, editor(front, homes[1]) as unmoved:
        await moved.change(add_scene("before"))
        await moved.saved()
        nodes[0].server.ask_to_stop()
        assert await moved.closed() == 1001
        await asyncio.to_thread(nodes[0].server.stop)
        async with editor(front, homes[0]) as back:
            assert len(back.scenes) == 2, "one of a request, and one of an editor"
            await front.make_scene(homes[0], text="after")
            await back.until(lambda: len(back.scenes) == 3)
        await unmoved.change(add_scene("stayed"))
        await unmoved.saved()


async def home_of(video: str, front: Api, nodes: Sequence[Api]) -> int:
    """The one node that has all of a video's editors, and what is written by requests."""
    editors = [await node.metric("cocut_editors") for node in nodes]
    edits = [await node.metric(BY_REQUEST) for node in nodes]
    async with AsyncExitStack() as stack:
        for _ in range(3):
            await stack.enter_async_context(editor(front, video))
        await front.make_scene(video, text="by request")
        for place, node in enumerate(nodes):
            editors[place] = await node.metric("cocut_editors") - editors[place]
            edits[place] = await node.metric(BY_REQUEST) - edits[place]
    assert sorted(editors) == [0, 3]
    assert edits == [count / 3 for count in editors]
    return editors.index(3)
