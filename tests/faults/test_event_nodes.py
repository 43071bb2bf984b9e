"""Listeners on one node hear what happens on another, and of jobs that run anywhere."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import aiohttp
import asyncpg

from persistence.attempts import Attempts
from persistence.database import Database
from persistence.jobs import Jobs
from tests.e2e.node import NodeClient, node_clients
from tests.e2e.test_events import emitted, heard, listener, refused
from tests.faults.test_nodes import cluster

LAYER = "scenes.get(scene).get('layers').get(id)"


async def test_listeners_on_another_node(tmp_path: Path) -> None:
    async with (
        cluster(tmp_path) as nodes,
        node_clients(nodes.nodes[0]) as here,
        node_clients(nodes.nodes[1]) as there,
    ):
        api = nodes.apis[0]
        video, other = await api.make_video(), await api.make_video()
        scene = await api.make_scene(video)
        layer = await api.make_layer(scene)
        taken = await api.make_layer(await api.make_scene(other))
        await api.share(video, "bob", "editor")
        near = await listener(here, video)
        # Nobody edits on the second node: it hears all the same.
        far = await listener(there, video, user="bob")

        await api.call("PUT", f"/layers/{layer}", {"name": "By REST"})
        for client in (near, far):
            told = await heard(client, "layer:updated", "p.changes.name === 'By REST'")
            assert told["by"] == "alice"
            assert told["layer"]["id"] == layer
        await emitted(far, "layer:update", layer_id=layer, changes={"name": "From afar"})
        for client in (near, far):
            told = await heard(client, "layer:updated", "p.changes.name === 'From afar'")
            assert told["by"] == "bob"

        yjs = await here.open(video)
        await yjs.synced()
        drawn = str(uuid4())
        await yjs.run(
            "doc.transact(() => { const all = scenes.get(scene).get('layers');"
            " all.set(taken, layer('a5', 'text')); all.set(drawn, layer('a6', 'shape')) })",
            scene=scene,
            taken=taken,
            drawn=drawn,
        )
        await yjs.run(f"{LAYER}.set('name', 'Drawn')", scene=scene, id=drawn)
        await yjs.saved()
        for client in (near, far):
            await client.until(
                "client.picture()[id]?.name === 'Drawn' && client.picture()[id].order_index === 2",
                id=drawn,
            )
            # The id of another video's layer is not this video's, on no node.
            names = await client.run("return JSON.stringify(client.heard)")
            assert taken not in names
        shown = {item["id"]: item for item in (await api.scenes(video))[0]["layers"]}
        for client in (near, far):
            picture = await client.run("return client.picture()")
            assert picture == shown

        await check_jobs(nodes.dsn, video, near, far)

        assert (await api.call("DELETE", f"/videos/{video}/members/bob")).status == 200
        told = await heard(far, "video:left")
        assert told["error"]["code"] == "forbidden"
        assert await refused(far, "layer:delete", layer_id=layer) == "layer_not_found"

        # Polling would need all requests of a connection to reach the same node.
        address = f"{nodes.nodes[1].address}/socket.io/?EIO=4&transport=polling"
        async with aiohttp.ClientSession() as session, session.get(address) as reply:
            assert reply.status == 400


async def check_jobs(dsn: str, video: str, near: NodeClient, far: NodeClient) -> None:
    """Jobs that some worker runs are told of on both nodes, in their order, and each end once."""
    database = await Database.connect(dsn, retry_seconds=5)
    try:
        attempts = Attempts(database)
        async with database.connection() as connection:
            user = await connection.fetchval("SELECT id FROM users WHERE sub = 'alice'")
        ends = {
            "render": ("video:render:progress", "video:rendered"),
            "regenerate": ("video:regeneration:progress", "video:regenerated"),
        }
        for kind, (going_on, ended) in ends.items():
            job = await start(database, kind, user, video)
            await attempts.report(job, 40, {"current_scene": 2, "total_scenes": 5})
            for client in (near, far):
                told = await heard(client, going_on, "(p.render ?? p).progress === 40")
                seen = told.get("render", told)
                assert (told["video_id"], told["job_id"]) == (video, str(job.id))
                assert (seen["status"], seen["current_scene"], seen["total_scenes"]) == (
                    *("processing", 2, 5),
                )
                assert seen["estimated_time_remaining"] == 1
            await stop_listening(dsn)
            await attempts.complete(job, {})
            for client in (near, far):
                told = await heard(client, ended)
                assert told["render"]["status"] == "completed"
                assert (told["seq"], told["by"]) == (1, "alice")
        job = await start(database, "image", user, None)
        made = {"media_id": str(uuid4()), "generator": "procedural"}
        await attempts.complete(job, made)
        told = await heard(near, "asset:generated")
        assert (told["job_id"], told["status"]) == (str(job.id), "completed")
        assert (told["generator"], told["media"]) == ("procedural", None), "it was deleted"
        for client in (near, far):
            names = await client.run("return client.heard.map(([n]) => n)")
            assert [names.count(name) for _, name in ends.values()] == [1, 1]
            assert names.count("asset:generated") == (client is near)
    finally:
        await database.close()


async def start(database: Database, kind: str, user: UUID, video: str | None) -> Any:
    job_id = uuid4()
    await Jobs(database).start(
        job_id,
        kind,
        user=user,
        tier="business",
        given={"seq": 1, "scenes": 5, "cost": 1},
        limit=None,
        video_id=None if video is None else UUID(video),
    )
    job = await Attempts(database).begin(job_id)
    assert job is not None
    return job


async def stop_listening(dsn: str) -> None:
    """End the connections on which nodes hear of jobs: what they miss, they must ask for."""
    connection = await asyncpg.connect(dsn)
    try:
        found = await connection.fetch(
            "SELECT pid, pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE application_name = 'cocut notices'"
        )
        assert len(found) == 2
        pids = [row["pid"] for row in found]
        while await connection.fetchval(
            "SELECT count(*) FROM pg_stat_activity WHERE pid = ANY($1::int[])", pids
        ):
            await asyncio.sleep(0.005)
    finally:
        await connection.close()
