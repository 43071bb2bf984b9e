"""Listeners and what happens to a server: its database goes away, it is stopped, it is killed."""

from __future__ import annotations

import asyncio
import os
import signal
from pathlib import Path

import pytest

from tests.benchmarks.servers import free_port
from tests.e2e.node import NodeClient, node_clients
from tests.e2e.test_events import emitted, heard, listener, refused
from tests.support.postgres import new_postgres
from tests.support.server import Server, calling

TYPE = "scenes.get(scene).set('duration', n); await client.saved()"


async def durations(client: NodeClient) -> list[float]:
    """The durations of scenes that a listener has heard of, in order."""
    found: list[float] = await client.run(
        "return client.heard.filter(([n, p]) => n === 'scene:updated' && 'duration' in p.changes)"
        ".map(([, p]) => p.changes.duration)"
    )
    return found


@pytest.mark.timeout(120)
async def test_listeners_while_the_server_and_its_database_go_and_come(tmp_path: Path) -> None:
    postgres = new_postgres(tmp_path / "database")
    dsn = await postgres.start()
    options = ("--database-url", dsn, "--log-level", "error", "--port", str(free_port()))
    server = await asyncio.to_thread(Server, tmp_path / "node", *options)
    try:
        async with calling(server) as api, node_clients(server) as clients:
            video = await api.make_video()
            scene = await api.make_scene(video)
            polling = await listener(clients, video, transports=["polling"])
            socket = await listener(clients, video)
            yjs = await clients.open(video)
            await yjs.synced()
            await yjs.run(TYPE, scene=scene, n=1)
            for client in (polling, socket):
                await heard(client, "scene:updated", "p.scene.duration === 1")

            # Without its database nothing is told that is not stored, and all of it afterwards.
            await postgres.stop()
            await yjs.run(TYPE, scene=scene, n=2)
            await yjs.run(TYPE, scene=scene, n=3)
            at = {"video_id": video, "scene_id": scene}
            for client in (polling, socket):
                code = await refused(client, "scene:update", **at, changes={"duration": 9})
                assert code == "database_away"
                assert await durations(client) == [1]
            await postgres.start()
            for client in (polling, socket):
                await heard(client, "scene:updated", "p.scene.duration === 3")
                told = await durations(client)
                assert told == sorted(set(told)) and told[-1] == 3 and 9 not in told

            # Whoever listened comes back by itself after a restart, and after a crash.
            for number, how in enumerate((signal.SIGTERM, signal.SIGKILL), 4):
                os.kill(server.pid, how)
                assert server.wait() == (0 if how == signal.SIGTERM else -how)
                server.kill()
                for client in (polling, socket):
                    await client.until("client.joined === null")
                server = await asyncio.to_thread(Server, tmp_path / "node", *options)
                for client in (polling, socket):
                    await client.until("client.joined?.success")
                await check_alive(scene, number, polling, socket)
        server.ask_to_stop()
        assert server.wait() == 0
    finally:
        server.kill()
        await postgres.stop()


async def check_alive(scene: str, number: int, *clients: NodeClient) -> None:
    """Each listener can write, and all hear it."""
    for place, client in enumerate(clients):
        name = f"{number}.{place}"
        made = await emitted(
            client, "layer:create", scene_id=scene, layer={"type": "text", "name": name}
        )
        for other in clients:
            told = await heard(other, "layer:created", f"p.layer.name === '{name}'")
            assert told["layer_id"] == made["layer"]["id"]
