"""Clients of the field, on one video: each edits, and all end with the same document."""

from __future__ import annotations

import asyncio
import json
import secrets
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import aiohttp
import pytest
from pycrdt import Doc, Map, Provider, Text

from collab.update import read_state_vector
from tests.e2e.node import NodeClient, NodeClients
from tests.support.server import Api, environment

WAIT_SECONDS = 20.0

ADD_SCENE = """
const added = scene(order, name)
doc.transact(() => {
  scenes.set(sceneId, added)
  const properties = { text: `from ${name}`, nested: { a: [1, true, null] } }
  added.get('layers').set(layerId, layer('a0', 'text', properties))
  const text = scenes.get(shared).get('text')
  text.insert(text.length, ` +${name}`)
  scenes.get(shared).get('layers').get(sharedLayer).get('properties').set(name, order)
})
"""
SAME = "JSON.stringify(sorted(client.state())) === JSON.stringify(sorted(expected))"
SORTED = """
const leaf = (value) => value === null || typeof value !== 'object' || Array.isArray(value)
const sorted = (value) => leaf(value) ? value
  : Object.fromEntries(Object.keys(value).sort().map((key) => [key, sorted(value[key])]))
"""


class PycrdtClient:
    """pycrdt with its own provider."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        # y-py cuts client ids to 32 bits, and then takes the edits of such a client for its own;
        # Yjs has no longer ones.
        self.doc: Doc[Any] = Doc(client_id=secrets.randbits(32))
        self.video: Map[Any] = self.doc.get("video", type=Map)
        self.scenes: Map[Any] = self.doc.get("scenes", type=Map)
        self._socket = socket
        self._changed = asyncio.Event()
        self._subscription = self.doc.observe(lambda _: self._changed.set())

    path = "video"

    def __aiter__(self) -> PycrdtClient:
        return self

    async def __anext__(self) -> bytes:
        return await self.recv()

    async def send(self, message: bytes) -> None:
        await self._socket.send_bytes(message)

    async def recv(self) -> bytes:
        message = await self._socket.receive()
        if message.type is not aiohttp.WSMsgType.BINARY:
            raise StopAsyncIteration
        return bytes(message.data)

    def state(self) -> Any:
        return {"video": self.video.to_py(), "scenes": self.scenes.to_py()}

    async def until(self, state: Any) -> None:
        async with asyncio.timeout(WAIT_SECONDS):
            while self.state() != state:
                await self._changed.wait()
                self._changed.clear()

    def add_scene(self, order: str, name: str, shared: str, layer_id: str) -> None:
        properties = Map({"text": f"from {name}", "nested": {"a": [1, True, None]}})
        layer = {
            "order": "a0", "type": "text", "name": name, "enabled": True, "start_time": 0.0,
            "duration": 2.5, "properties": properties,
        }  # fmt: skip
        fields = {
            "order": order, "text": Text(name), "duration": 5.0, "is_expanded": False,
            "layers": Map({str(uuid4()): Map(layer)}),
        }  # fmt: skip
        with self.doc.transaction():
            self.scenes[str(uuid4())] = Map(fields)
            text = self.scenes[shared]["text"]
            text += f" +{name}"
            self.scenes[shared]["layers"][layer_id]["properties"][name] = order


@asynccontextmanager
async def pycrdt_client(api: Api, video: str) -> AsyncIterator[PycrdtClient]:
    url = api.server.socket_url(video, api.server.token())
    async with api.session.ws_connect(url) as socket:
        client = PycrdtClient(socket)
        async with Provider(client.doc, client) as provider:
            await asyncio.wait_for(provider.synced.wait(), WAIT_SECONDS)
            yield client
            await socket.close()


class YpyClient:
    """y-py with ypy-websocket's provider, in another process: it may take its own down."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    async def ask(self, **request: Any) -> Any:
        """Send a request; returns the document as it is then."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(request).encode() + b"\n")
        line = await asyncio.wait_for(self._process.stdout.readline(), WAIT_SECONDS)
        return json.loads(line)


@asynccontextmanager
async def ypy_client(api: Api, video: str) -> AsyncIterator[YpyClient]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, str(Path(__file__).with_name("ypy_client.py"))),
        api.server.socket_url(video, api.server.token()),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        env=environment(),
    )
    try:
        yield YpyClient(process)
    finally:
        process.kill()
        await process.wait()


async def _adds_scene(
    client: NodeClient, order: str, name: str, shared: str, layer_id: str
) -> None:
    ids = {"sceneId": str(uuid4()), "layerId": str(uuid4()), "sharedLayer": layer_id}
    await client.run(ADD_SCENE, order=order, name=name, shared=shared, **ids)


async def _agree(client: NodeClient, state: Any) -> None:
    await client.run(f"{SORTED}; await client.until(() => {SAME})", expected=state)


async def _stored(api: Api, video: str) -> Doc[Any]:
    """The document as REST gives it."""
    doc: Doc[Any] = Doc()
    doc.apply_update((await api.call("GET", f"/videos/{video}/document")).content)
    return doc


def _clocks(doc: Doc[Any]) -> dict[int, int]:
    return dict(read_state_vector(doc.get_state()))


def _state_of(doc: Doc[Any]) -> Any:
    return {name: doc.get(name, type=Map).to_py() for name in ("video", "scenes")}


async def test_all_clients_end_with_one_document(api: Api, clients: NodeClients) -> None:
    if sys.version_info >= (3, 13):
        pytest.skip("y-py has no wheel for this Python")
    video = await api.make_video()
    shared = await api.make_scene(video, text="REST", duration=5)
    layer_id = await api.make_layer(shared, properties={"REST": "a0"})
    y_websocket = await clients.open(video)
    y_sweet = await clients.open(video, kind="y-sweet")
    await y_websocket.synced()
    await y_sweet.synced()
    async with pycrdt_client(api, video) as of_pycrdt, ypy_client(api, video) as of_ypy:
        await asyncio.gather(
            _adds_scene(y_websocket, "a1", "y-websocket", shared, layer_id),
            _adds_scene(y_sweet, "a2", "y-sweet", shared, layer_id),
            of_ypy.ask(
                edit={
                    "scene": str(uuid4()),
                    "layer": str(uuid4()),
                    "text": shared,
                    "shared_layer": layer_id,
                }
            ),
        )
        of_pycrdt.add_scene("a4", "pycrdt", shared, layer_id)
        added = await api.call("POST", f"/videos/{video}/scenes", {"text": "by REST"})
        assert added.status == 201
        await y_websocket.until("scenes.size === 6")
        await of_pycrdt.until(await y_websocket.state())
        await asyncio.gather(y_websocket.saved(), y_sweet.saved())

        stored = await _stored(api, video)
        state = _state_of(stored)
        await _agree(y_websocket, state)
        await _agree(y_sweet, state)
        await of_pycrdt.until(state)
        assert await of_ypy.ask(until=state) == state
        assert _clocks(of_pycrdt.doc) == _clocks(stored)

    seen = await api.scenes(video)
    names = ["y-websocket", "y-sweet", "y-py", "pycrdt"]
    assert [scene["text"] for scene in seen[1:5]] == names
    assert all(f" +{name}" in seen[0]["text"] for name in names)
    [edited] = seen[0]["layers"]
    written = dict(zip(["REST", *names], ["a0", "a1", "a2", "a3", "a4"], strict=True))
    assert edited["properties"] == written
    for scene in seen[1:5]:
        [layer] = scene["layers"]
        assert layer["properties"]["text"] == f"from {scene['text']}"
        assert layer["properties"]["nested"] == {"a": [1, True, None]}
        assert layer["duration"] == 2.5
    assert {scene["id"] for scene in seen} == set(state["scenes"])


async def test_y_sweet_hears_that_its_edits_are_saved(api: Api, clients: NodeClients) -> None:
    video = await api.make_video()
    client = await clients.open(video, kind="y-sweet")
    await client.synced()
    await client.saved()
    assert await client.run(
        "scenes.set(crypto.randomUUID(), scene('a0', 'Kept')); return provider.hasLocalChanges"
    )
    await client.until("!provider.hasLocalChanges")
    assert [scene["text"] for scene in await api.scenes(video)] == ["Kept"]


async def test_two_type_in_one_text_at_once(api: Api, clients: NodeClients) -> None:
    video = await api.make_video()
    scene = await api.make_scene(video, text="--")
    one, other = await clients.open(video), await clients.open(video)
    await one.synced()
    await other.synced()
    typing = """
        const text = scenes.get(id).get('text')
        for (let i = 0; i < 100; i++) {
          text.insert(at === 'start' ? i : text.length, letter)
          if (i % 10 === 0) await new Promise((resolve) => setImmediate(resolve))
        }
        await client.saved()
    """
    await asyncio.gather(
        one.run(typing, id=scene, at="start", letter="a"),
        other.run(typing, id=scene, at="end", letter="z"),
    )
    await one.until("scenes.get(id).get('text').length === 202", id=scene)
    await other.until("scenes.get(id).get('text').length === 202", id=scene)
    expected = "a" * 100 + "--" + "z" * 100
    for client in (one, other):
        assert (await client.state())["scenes"][scene]["text"] == expected
    assert [seen["text"] for seen in await api.scenes(video)] == [expected]
