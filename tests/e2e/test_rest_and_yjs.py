"""What one door writes, the other shows: REST and y-websocket's provider on one video."""

from __future__ import annotations

import json
from typing import Any
from uuid import uuid4

from tests.e2e.node import NodeClients
from tests.support.server import Api

TEXTS = (
    "[...scenes.values()].sort((a, b) => a.get('order') < b.get('order') ? -1 : 1)"
    ".map((s) => s.get('text').toString())"
)

GARBAGE = """
const uuid = () => crypto.randomUUID()
video.set('title', 5); video.set('aspect_ratio', 'round'); video.set('background', ['#000000'])
scenes.set('not an id', scene('a0', 'no id'))
scenes.set(uuid().toUpperCase(), scene('a0', 'upper case'))
scenes.set(uuid(), 'a text'); scenes.set(uuid(), null); scenes.set(uuid(), [1, 2])
scenes.set(uuid(), new Y.Text('no map')); scenes.set(uuid(), new Y.Array())
scenes.set(uuid(), new Y.Map(Object.entries({ order: 7, text: {}, duration: 'l', layers: 3 })))
const odd = scene('a1', 'x'.repeat(300000)); odd.set('duration', NaN); odd.set('is_expanded', 'yes')
scenes.set(uuid(), odd)
const bad = new Y.Map(); const good = scene(generateKeyBetween(null, 'a0'), 'Good')
scenes.set(goodId, good); good.set('layers', bad)
const add = (fields) => { const one = layer('a0', 'text'); bad.set(uuid(), one)
  for (const [key, value] of Object.entries(fields)) one.set(key, value) }
bad.set(layerId, layer('a0', 'text', { text: 'fine', a_url: 'https://example.com/a.png' }))
bad.set('nobody', layer('a0', 'text')); bad.set(uuid(), 5); bad.set(uuid(), new Y.Map())
add({ type: 'virus' }); add({ type: ['text'] })
add({ start_time: -5, duration: Infinity, name: 'n'.repeat(5000), enabled: 3 })
add({ duration: -0, start_time: 1e308, name: null, properties: 'none' })
add({ properties: new Y.Map(Object.entries({
  x_url: 'javascript:alert(1)', y_url: 'data:text/html,x', nan: NaN, big: 'b'.repeat(200000),
  bytes: new Uint8Array(9), 'null\\0': '\\0', ['__proto__']: { a: 1 }, half: '\\ud800'
})) })
let deep = 1; for (let i = 0; i < 80; i++) deep = { deep }
add({ properties: new Y.Map([['deep', deep]]) })
doc.getMap('mine').set('anything', [NaN, { a: 1n }])
await client.saved()
"""


async def test_what_an_editor_writes_is_shown_by_rest(api: Api, clients: NodeClients) -> None:
    video = await api.make_video()
    editor = await clients.open(video)
    await editor.synced()
    ids = await editor.run(
        """
        const [sceneId, layerId] = [crypto.randomUUID(), crypto.randomUUID()]
        const first = scene(generateKeyBetween(null, null), 'Welcome')
        scenes.set(sceneId, first)
        first.get('layers').set(layerId, layer('a0', 'text', { text: 'Hello', size: 12 }))
        first.get('text').insert(7, ', everybody')
        await client.saved()
        return [sceneId, layerId]
        """
    )
    [scene] = await api.scenes(video)
    assert (scene["id"], scene["text"]) == (ids[0], "Welcome, everybody")
    assert (scene["scene_number"], scene["duration"]) == (1, 5)
    [layer] = scene["layers"]
    assert (layer["id"], layer["type"], layer["name"]) == (ids[1], "text", "A text")
    assert (layer["start_time"], layer["duration"], layer["end_time"]) == (0, 2.5, 2.5)
    assert layer["properties"] == {"text": "Hello", "size": 12}


async def test_what_rest_writes_is_seen_by_an_editor(api: Api, clients: NodeClients) -> None:
    video = await api.make_video()
    editor = await clients.open(video)
    await editor.synced()
    scene = await api.make_scene(video, text="One", duration=3)
    layer = await api.make_layer(scene, name="Title", properties={"text": "Hi", "size": 3})
    at = "scenes.get(id)?.get('layers').get(layer)"
    assert await editor.until(f"{at}?.get('name')", id=scene, layer=layer) == "Title"
    reply = await api.call("PUT", f"/layers/{layer}", {"properties": {"size": 4, "text": None}})
    assert reply.status == 200
    await editor.until(f"{at}.get('properties').get('size') === 4", id=scene, layer=layer)
    state = await editor.state()
    assert state["scenes"][scene]["layers"][layer]["properties"] == {"size": 4}
    reply = await api.call("PUT", f"/videos/{video}", {"title": "Renamed"})
    assert reply.status == 200
    await editor.until("video.get('title') === 'Renamed'")
    assert (await api.call("DELETE", f"/layers/{layer}")).status == 200
    await editor.until(f"!{at}", id=scene, layer=layer)
    assert (await api.call("DELETE", f"/videos/{video}/scenes/{scene}")).status == 200
    await editor.until("scenes.size === 0")


async def test_a_text_changed_by_rest_keeps_what_is_typed(api: Api, clients: NodeClients) -> None:
    video = await api.make_video()
    scene = await api.make_scene(video, text="The cat sat on the mat")
    editor = await clients.open(video)
    await editor.synced()
    await editor.run(
        """
        const text = scenes.get(id).get('text')
        const start = Y.createRelativePositionFromTypeIndex(text, 4)
        client.cursor = () => Y.createAbsolutePositionFromRelativePosition(start, doc).index
        text.insert(text.length, '.')
        await client.saved()
        """,
        id=scene,
    )
    body = {"text": "Yes: the cat sat on the mat."}
    assert (await api.call("PUT", f"/videos/{video}/scenes/{scene}", body)).status == 200
    await editor.until("scenes.get(id).get('text').toString().startsWith('Yes')", id=scene)
    assert await editor.run("return client.cursor()") == len("Yes: the ")


async def test_order_keys_of_both_sides_fit(api: Api, clients: NodeClients) -> None:
    video = await api.make_video()
    editor = await clients.open(video)
    await editor.synced()
    await editor.run(
        """
        let key = null
        for (const text of ['A', 'B', 'C']) {
          scenes.set(crypto.randomUUID(), scene(key = generateKeyBetween(key, null), text))
        }
        await client.saved()
        """
    )
    await api.make_scene(video, text="A+", scene_number=2)
    await api.make_scene(video, text="0", scene_number=1)
    await api.make_scene(video, text="D")
    await editor.until(f"{TEXTS}.join() === '0,A,A+,B,C,D'")
    await editor.run(
        """
        const keys = [...scenes.values()].map((s) => s.get('order')).sort()
        scenes.set(crypto.randomUUID(), scene(generateKeyBetween(keys[2], keys[3]), 'A++'))
        await client.saved()
        """
    )
    assert [s["text"] for s in await api.scenes(video)] == ["0", "A", "A+", "A++", "B", "C", "D"]


async def test_garbage_in_a_document_leaves_the_rest_to_be_served(
    api: Api, clients: NodeClients
) -> None:
    video = await api.make_video()
    editor = await clients.open(video)
    await editor.synced()
    good, layer = str(uuid4()), str(uuid4())
    await editor.run(GARBAGE, goodId=good, layerId=layer)
    scenes = await api.scenes(video)
    _strictly_json((await api.call("GET", f"/videos/{video}/scenes")).content)
    assert [len(scene["text"]) for scene in scenes] == [len("Good"), 20_000, 0]
    assert [scene["scene_number"] for scene in scenes] == [1, 2, 3]
    assert all(0 < scene["duration"] <= 86_400 for scene in scenes)
    first = scenes[0]
    assert first["id"] == good
    kept = {one["id"]: one for one in first["layers"]}
    assert len(kept) == 5
    assert kept[layer]["properties"] == {"text": "fine", "a_url": "https://example.com/a.png"}
    for one in kept.values():
        assert one["type"] == "text"
        assert 0 <= one["start_time"] <= 86_400
        assert 0 < one["duration"] <= 86_400
        assert isinstance(one["enabled"], bool)
        assert len(one["name"]) <= 255
        assert not {"x_url", "y_url"} & one["properties"].keys()
    shown = (await api.call("GET", f"/videos/{video}")).data["video"]
    assert (shown["aspect_ratio"], shown["scene_count"]) == ("16:9", 3)
    added = await api.make_scene(video, text="Still fine")
    await editor.until("scenes.has(id)", id=added)


async def test_of_ten_thousand_scenes_the_first_are_shown(api: Api, clients: NodeClients) -> None:
    video = await api.make_video()
    editor = await clients.open(video)
    await editor.synced()
    await editor.run(
        """
        for (let part = 0; part < 10; part++) {
          doc.transact(() => {
            for (let i = 0; i < 1000; i++) {
              const order = 'c' + String(part * 1000 + i + 1000).slice(-4).replace(/0$/, 'V')
              scenes.set(crypto.randomUUID(), new Y.Map([['order', order]]))
            }
          })
        }
        await client.saved()
        """
    )
    scenes = await api.scenes(video)
    assert len(scenes) == 500
    assert [scene["scene_number"] for scene in scenes] == [*range(1, 501)]
    reply = await api.call("POST", f"/videos/{video}/scenes", {"text": "One more"})
    assert reply.status == 422
    shown = {scene["id"] for scene in scenes}
    beyond = next(id_ for id_ in (await editor.state())["scenes"] if id_ not in shown)
    for method, path, body in (
        ("GET", f"/videos/{video}/scenes/{beyond}", None),
        ("PUT", f"/videos/{video}/scenes/{beyond}", {"text": "Found"}),
        ("DELETE", f"/videos/{video}/scenes/{beyond}", None),
        ("POST", f"/scenes/{beyond}/layers", {"type": "text"}),
    ):
        reply = await api.call(method, path, body)
        assert (reply.status, reply.code) == (404, "scene_not_found"), method
    # Once there is room for it, it is shown, and can be edited.
    hidden = [*(await editor.state())["scenes"]]
    for scene in list(shown)[:10]:
        assert (await api.call("DELETE", f"/videos/{video}/scenes/{scene}")).status == 200
    now = [scene["id"] for scene in await api.scenes(video)]
    assert len(now) == 500
    [*_, last] = now
    assert last in hidden and last not in shown
    reply = await api.call("PUT", f"/videos/{video}/scenes/{last}", {"text": "Found"})
    assert (reply.status, reply.data["scene"]["text"]) == (200, "Found")


async def test_ids_of_another_video_are_not_taken_over(api: Api, clients: NodeClients) -> None:
    mine, theirs = await api.make_video(), await api.make_video(user="bob")
    scene = await api.make_scene(mine, text="A secret")
    layer = await api.make_layer(scene, name="A secret layer")
    before = await api.scenes(mine)
    bob = await clients.open(theirs, user="bob")
    await bob.synced()
    own = str(uuid4())
    await bob.run(
        """
        scenes.set(id, scene('a0', 'Taken')); scenes.set(own, scene('a1', 'Own'))
        scenes.get(id).get('layers').set(layerId, layer('a0', 'audio', { volume: 1 }))
        scenes.get(own).get('layers').set(layerId, layer('a0', 'audio', { volume: 1 }))
        scenes.get(own).get('layers').set(crypto.randomUUID(), layer('a1', 'text'))
        await client.saved()
        """,
        id=scene,
        own=own,
        layerId=layer,
    )

    async def as_bob(method: str, path: str, body: Any = None) -> Any:
        return await api.call(method, path, body, user="bob")

    head = await as_bob("GET", f"/videos/{theirs}/document")
    shown = await as_bob("GET", f"/videos/{theirs}/scenes?min_seq={head.seq}")
    assert [one["text"] for one in shown.data["scenes"]] == ["Own"]
    assert [one["type"] for one in shown.data["scenes"][0]["layers"]] == ["text"]
    for method, path, body in (
        ("GET", f"/layers/{layer}", None),
        ("PUT", f"/layers/{layer}", {"name": "Taken"}),
        ("DELETE", f"/layers/{layer}", None),
        ("PUT", f"/layers/{layer}/toggle-visibility", {"enabled": False}),
        ("GET", f"/videos/{theirs}/scenes/{scene}", None),
        ("PUT", f"/videos/{theirs}/scenes/{scene}", {"text": "Changed"}),
        ("DELETE", f"/videos/{theirs}/scenes/{scene}", None),
        ("POST", f"/scenes/{scene}/layers", {"type": "text"}),
        ("GET", f"/videos/{mine}/scenes", None),
        ("GET", f"/videos/{mine}/document", None),
    ):
        reply = await as_bob(method, path, body)
        assert reply.status == 404, (method, path, reply.content)
        assert b"secret" not in reply.content
    assert await api.scenes(mine) == before
    reply = await api.call("PUT", f"/layers/{layer}", {"name": "Still mine"})
    assert reply.status == 200
    assert (await bob.state())["scenes"][scene]["text"] == "Taken"
    assert (await bob.state())["scenes"][own]["layers"][layer]["name"] == "A audio"
    assert (await api.call("DELETE", f"/layers/{layer}")).status == 200
    again = await as_bob("GET", f"/videos/{theirs}/scenes")
    assert len(again.data["scenes"][0]["layers"]) == 1


def _strictly_json(content: bytes) -> None:
    def refuse(name: str) -> None:
        raise AssertionError(name)

    json.loads(content, parse_constant=refuse)
