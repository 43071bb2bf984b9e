"""Socket.IO by its own client: what goes in, what comes out, and who may."""

from __future__ import annotations

import asyncio
from typing import Any
from uuid import uuid4

from tests.e2e.node import NodeClient, NodeClients
from tests.support.server import Api, Server, worker_beside

EMIT = "return await client.emit(name, payload)"
UNTIL_PICTURE = """
    const sorted = (_, value) => value && typeof value === 'object' && !Array.isArray(value)
      ? Object.fromEntries(Object.entries(value).sort()) : value
    const text = JSON.stringify(wanted, sorted)
    await client.until(() => JSON.stringify(client.picture(), sorted) === text)
"""
POLLING = ["polling", "websocket"]
SOCKET = ["websocket"]


async def listener(
    clients: NodeClients, video: str, *, user: str = "alice", **options: Any
) -> NodeClient:
    """A Socket.IO client that has joined."""
    client = await clients.open(
        video, user=user, kind="socket.io", **{"transports": SOCKET, **options}
    )
    if options.get("join", True):
        await client.until("client.joined?.success")
    return client


async def emit(client: NodeClient, name: str, **payload: Any) -> Any:
    return await client.run(EMIT, name=name, payload=payload)


async def emitted(client: NodeClient, name: str, **payload: Any) -> Any:
    """The data of an acknowledgement that is good."""
    answer = await emit(client, name, **payload)
    assert answer["success"] is True, answer
    assert set(answer) == {"success", "data"}
    return answer["data"]


async def refused(client: NodeClient, name: str, **payload: Any) -> str:
    """The code of an acknowledgement that is an error."""
    answer = await emit(client, name, **payload)
    assert set(answer) == {"success", "error"}
    assert answer["success"] is False
    assert {"code", "message"} <= set(answer["error"]) <= {"code", "message", "details"}
    return str(answer["error"]["code"])


async def heard(client: NodeClient, name: str, match: str = "true", **given: Any) -> Any:
    """The payload of the first event of this name that matches; `p` is the payload."""
    code = f"client.heard.find(([n, p]) => n === name && ({match}))?.[1]"
    return await client.until(code, name=name, **given)


async def test_each_event_of_each_door_reaches_all_doors(api: Api, clients: NodeClients) -> None:
    video = await api.make_video()
    await api.share(video, "bob", "editor")
    alice = await listener(clients, video)
    bob = await listener(clients, video, user="bob")

    made = await emitted(alice, "scene:create", video_id=video, text="One", duration=4)
    scene = made["scene"]["id"]
    told = await heard(bob, "scene:created")
    assert told["by"] == "alice"
    assert told["video_id"] == video
    assert told["seq"] == made["seq"]
    assert told["scene"] == made["scene"] == (await api.scenes(video))[0]
    assert told["changes"]["text"] == "One"

    await emitted(
        bob, "scene:update", video_id=video, scene_id=scene, changes={"text": "Two", "duration": 6}
    )
    told = await heard(alice, "scene:updated")
    assert told["by"] == "bob"
    assert told["changes"] == {"text": "Two", "duration": 6, "end_time": 6}
    assert told["scene"] == (await api.scenes(video))[0]

    layer = (await emitted(alice, "layer:create", scene_id=scene, layer={"type": "text"}))["layer"]
    told = await heard(bob, "layer:created")
    assert told["layer"] == layer
    assert (told["scene_id"], told["layer_id"]) == (scene, layer["id"])

    await emitted(bob, "layer:update", layer_id=layer["id"], changes={"enabled": False})
    told = await heard(alice, "layer:updated")
    assert told["changes"] == {"enabled": False}
    assert told["layer"] == {**layer, "enabled": False}
    assert told["by"] == "bob"

    other = await api.make_layer(scene)
    orders = [{"layer_id": other, "order_index": 1}, {"layer_id": layer["id"], "order_index": 2}]
    await emitted(alice, "layers:reorder", scene_id=scene, layer_orders=orders)
    told = await heard(bob, "layers:reordered")
    assert told["scene_id"] == scene
    assert told["layer_orders"] == orders

    second = await api.make_scene(video, text="Last", duration=2)
    orders = [{"scene_id": second, "scene_number": 1}, {"scene_id": scene, "scene_number": 2}]
    await emitted(bob, "scenes:reorder", video_id=video, scene_orders=orders)
    told = await heard(alice, "scenes:reordered")
    assert told["scene_orders"] == [
        {"scene_id": second, "scene_number": 1, "start_time": 0, "end_time": 2},
        {"scene_id": scene, "scene_number": 2, "start_time": 2, "end_time": 8},
    ]

    await emitted(alice, "layer:delete", layer_id=layer["id"])
    told = await heard(bob, "layer:deleted")
    assert told["layer_id"] == layer["id"]
    await emitted(alice, "scene:delete", video_id=video, scene_id=scene)
    told = await heard(bob, "scene:deleted")
    assert (told["scene_id"], told["by"]) == (scene, "alice")

    yjs = await clients.open(video, user="bob")
    await yjs.synced()
    await yjs.run(
        "const one = layer('a0', 'shape', { fill: 'red' })"
        "\nscenes.get(id).get('layers').set(layerId, one)",
        id=second,
        layerId=(drawn := str(uuid4())),
    )
    told = await heard(alice, "layer:created", "p.layer_id === id", id=drawn)
    assert told["by"] == "bob"
    assert told["layer"]["properties"] == {"fill": "red"}
    await yjs.run(
        "scenes.get(id).get('layers').get(layerId).get('properties').set('fill', 'blue')",
        id=second,
        layerId=drawn,
    )
    told = await heard(alice, "layer:updated", "p.layer_id === id", id=drawn)
    assert told["changes"] == {"properties": {"fill": "blue"}}
    await api.call("PUT", f"/layers/{drawn}", {"name": "By REST"})
    told = await heard(alice, "layer:updated", "p.changes.name", id=drawn)
    assert told["by"] == "alice"
    await yjs.until(
        "scenes.get(id).get('layers').get(layerId).get('name') === 'By REST'",
        id=second,
        layerId=drawn,
    )
    seqs = await alice.run("return client.heard.map(([, p]) => p.seq)")
    assert seqs == sorted(seqs)


async def test_two_listeners_an_editor_and_rest_end_with_one_picture(
    api: Api, clients: NodeClients
) -> None:
    video = await api.make_video()
    scene = await api.make_scene(video, duration=60)
    polling = await listener(clients, video, transports=POLLING)
    socket = await listener(clients, video)
    yjs = await clients.open(video)
    await yjs.synced()
    layers = [await api.make_layer(scene, duration=2) for _ in range(4)]

    emits = """
        for (let n = 0; n < 25; n++) {
          const answer = await client.emit('layer:update', {
            layer_id: layers[n % 4],
            changes: { start_time: n / 10 + offset, properties: { [key]: n, last: key } }
          })
          if (!answer.success) throw new Error(JSON.stringify(answer))
        }"""
    types = """
        for (let n = 0; n < 100; n++) {
          const one = scenes.get(scene).get('layers').get(layers[n % 4])
          one.set('name', `Name ${n}`)
          one.get('properties').set('last', 'yjs')
          if (n % 10 === 0) await new Promise((resolve) => setTimeout(resolve, 20))
        }"""

    async def call() -> None:
        for number in range(25):
            body = {"properties": {"rest": number, "last": "rest"}, "enabled": number % 2 == 0}
            reply = await api.call("PUT", f"/layers/{layers[number % 4]}", body)
            assert reply.status == 200, reply.content

    await asyncio.gather(
        polling.run(emits, layers=layers, key="polling", offset=0),
        socket.run(emits, layers=layers, key="socket", offset=5),
        yjs.run(types, scene=scene, layers=layers),
        call(),
    )
    await yjs.saved()
    shown = {layer["id"]: layer for layer in (await api.scenes(video))[0]["layers"]}
    assert all(set(layer["properties"]) >= {"rest", "last"} for layer in shown.values())
    for client in (polling, socket):
        await client.run(UNTIL_PICTURE, wanted=shown)
        assert await client.run("return client.picture()") == shown
        seqs = await client.run("return client.heard.map(([, p]) => p.seq)")
        assert seqs == sorted(seqs)
    assert await polling.run("return client.transports") == ["polling", "websocket"]


async def test_what_may_not_be_asked_is_refused_with_rests_codes(
    api: Api, clients: NodeClients
) -> None:
    video, other = await api.make_video(), await api.make_video()
    theirs = await api.make_video("mallory")
    scene = await api.make_scene(video)
    layer = await api.make_layer(scene)
    elsewhere = await api.make_layer(await api.make_scene(other))
    await api.share(video, "eve", "viewer")
    alice = await listener(clients, video)
    eve = await listener(clients, video, user="eve")
    mallory = await listener(clients, theirs, user="mallory")
    off = {"enabled": False}

    assert await refused(alice, "layer:update", layer_id=elsewhere, changes=off) == "forbidden"
    assert await refused(eve, "layer:update", layer_id=layer, changes=off) == "forbidden"
    assert await refused(mallory, "video:join", video_id=video) == "video_not_found"
    assert await refused(mallory, "layer:update", layer_id=layer, changes=off) == "layer_not_found"
    assert await refused(mallory, "scene:create", video_id=video) == "video_not_found"
    assert await refused(mallory, "layer:create", scene_id=scene, type="text") == "scene_not_found"
    assert await refused(alice, "layer:update", layer_id=layer, changes={"x": 1}) == (
        "invalid_fields"
    )
    assert await refused(alice, "layer:update", changes=off) == "invalid_fields"
    assert await refused(alice, "layer:update", layer_id="1", changes=off) == "layer_not_found"
    assert await refused(alice, "layer:update", layer_id=layer, changes=7) == "invalid_fields"
    assert await refused(alice, "layer:update", layer_id=layer, video_id=other, changes=off) == (
        "video_not_found"
    )
    assert await refused(alice, "layer:delete", layer_id=str(uuid4())) == "layer_not_found"
    assert await refused(alice, "video:join", video_id=str(uuid4())) == "video_not_found"
    assert await refused(alice, "video:explode", video_id=video) == "not_found"
    for payload in (None, "text", 5, [], ["x"]):
        answer = await alice.run(EMIT, name="layer:update", payload=payload)
        assert answer["error"]["code"] == "invalid_fields"
    nul = await alice.run(
        EMIT, name="layer:update", payload={"layer_id": layer, "changes": {"name": "a\0b"}}
    )
    assert nul["error"]["code"] == "invalid_fields"

    # What was refused has changed nothing, and told nobody; who left hears nothing more.
    await emitted(eve, "video:leave", video_id=video)
    await emitted(alice, "layer:update", layer_id=layer, changes={"name": "Only this"})
    await heard(alice, "layer:updated")
    for client, count in ((alice, 1), (eve, 0), (mallory, 0)):
        assert await client.run("return client.heard.length") == count


async def test_who_is_nobody_does_not_get_in(
    server: Server, api: Api, clients: NodeClients
) -> None:
    video = await api.make_video()
    for token in ("", "garbage", server.token(now=0)):
        client = await listener(clients, video, token=token, join=False)
        [error] = await client.until("client.errors.length && client.errors")
        assert error["data"]["code"] == "unauthenticated"


async def test_a_listener_is_out_when_its_role_its_token_or_the_video_ends(
    server: Server, api: Api, clients: NodeClients
) -> None:
    video = await api.make_video()
    scene = await api.make_scene(video)
    await api.share(video, "bob", "editor")
    bob = await listener(clients, video, user="bob")
    brief = await listener(clients, video, token=server.token(ttl_seconds=2))
    alice = await listener(clients, video)

    assert (await api.call("DELETE", f"/videos/{video}/members/bob")).status == 200
    told = await heard(bob, "video:left")
    assert told["video_id"] == video
    assert told["error"]["code"] == "forbidden"
    await brief.until("client.reasons.includes('io server disconnect')")
    before = await bob.run("return client.heard.length")
    await emitted(alice, "scene:update", video_id=video, scene_id=scene, changes={"text": "Secret"})
    await heard(alice, "scene:updated")
    assert await refused(bob, "scene:update", video_id=video, scene_id=scene, changes={}) == (
        "video_not_found"
    )
    assert await bob.run("return client.heard.length") == before

    assert (await api.call("DELETE", f"/videos/{video}")).status == 200
    told = await heard(alice, "video:left")
    assert told["error"]["code"] == "video_not_found"


async def test_who_becomes_a_viewer_hears_and_writes_no_more(
    api: Api, clients: NodeClients
) -> None:
    video = await api.make_video()
    scene = await api.make_scene(video)
    await api.share(video, "bob", "editor")
    bob = await listener(clients, video, user="bob")
    at = {"video_id": video, "scene_id": scene}
    await emitted(bob, "scene:update", **at, changes={"text": "Mine"})
    await api.share(video, "bob", "viewer")
    assert await refused(bob, "scene:update", **at, changes={"text": "Still"}) == "forbidden"
    await api.call("PUT", f"/videos/{video}/scenes/{scene}", {"text": "Heard"})
    await heard(bob, "scene:updated", "p.scene.text === 'Heard'")
    assert "Still" not in await bob.run("return JSON.stringify(client.heard)")


async def test_a_listener_that_lost_its_connection_comes_back(
    api: Api, clients: NodeClients
) -> None:
    video = await api.make_video()
    scene = await api.make_scene(video)
    for transports in (SOCKET, POLLING):
        client = await listener(clients, video, transports=transports)
        await client.run("client.socket.io.engine.close()")
        await client.until("client.reasons.length === 1 && client.joined?.success")
        text = f"After {transports[0]}"
        await api.call("PUT", f"/videos/{video}/scenes/{scene}", {"text": text})
        await heard(client, "scene:updated", "p.scene.text === text", text=text)


async def test_a_flood_costs_its_sender_alone(api: Api, clients: NodeClients) -> None:
    video = await api.make_video()
    scene = await api.make_scene(video)
    layer = await api.make_layer(scene)
    await api.share(video, "flood", "editor")
    alice = await listener(clients, video)
    flooding = await listener(clients, video, user="flood")
    binary = await listener(clients, video, user="flood")
    # A connection may send 500 at once, and then 100 a second.
    flood = """
        const began = performance.now()
        const asked = [...Array(60).keys()].map((n) =>
          client.emit('layer:update', { layer_id: layer, changes: { name: `Flood ${n}` } }))
        const unknown = [...Array(540).keys()].map(() => client.emit('no:such', {}))
        client.acks = Promise.all([Promise.all(asked), Promise.all(unknown)])
          .then(([good, bad]) => [good.every((a) => a.success), bad.every((a) => !a.success),
                                  performance.now() - began])
    """
    await flooding.run(flood, layer=layer)
    await binary.run("client.socket.emit('layer:update', new Uint8Array(1000))")
    await binary.until("client.reasons.length > 0")
    for number in range(5):
        await emitted(
            alice,
            "scene:update",
            video_id=video,
            scene_id=scene,
            changes={"text": f"Calm {number}"},
        )
    await heard(alice, "scene:updated", "p.scene.text === 'Calm 4'")
    good, bad, milliseconds = await flooding.run("return await client.acks")
    assert (good, bad) == (True, True)
    assert milliseconds > 900
    last = await heard(alice, "layer:updated", "p.layer.name === 'Flood 59'")
    assert last["by"] == "flood"
    numbers = await alice.run(
        "return client.heard.filter(([n]) => n === 'layer:updated')"
        ".map(([, p]) => Number(p.layer.name.split(' ')[1]))"
    )
    assert numbers == sorted(set(numbers))


async def test_a_picture_is_told_of_to_who_asked_for_it(
    api: Api, clients: NodeClients, server: Server
) -> None:
    video = await api.make_video()
    await api.share(video, "bob", "editor")
    alice, bob = [await listener(clients, video, user=user) for user in ("alice", "bob")]
    with worker_beside(server):
        asked = {"prompt": "A lake", "quality": "low"}
        reply = await api.call("POST", "/media/generate-ai", asked)
        job_id = reply.data["job_id"]
        told = await heard(alice, "asset:generated")
    assert (told["job_id"], told["kind"], told["status"]) == (job_id, "image", "completed")
    assert (told["video_id"], told["generator"]) == (None, "procedural")
    shown = (await api.call("GET", f"/media/ai-status/{job_id}")).data
    assert told["media"] == shown["media"]
    assert told["media"]["ai_prompt"] == "A lake"
    async with api.session.get(told["media"]["url"]) as response:
        assert (response.status, response.content_type) == (200, "image/jpeg")
    scene = await api.make_scene(video, text="Afterwards")
    await heard(bob, "scene:created", "p.scene_id === id", id=scene)
    names = await bob.run("return client.heard.map(([n]) => n)")
    assert "asset:generated" not in names
