"""y-py with ypy-websocket's provider, in a process of its own: `ypy_client.py URL`.

Each line on standard input is a JSON object; each is answered by one on standard output:

    {"edit": {"scene": id, "layer": id,                add a scene with a layer,
              "text": id, "shared_layer": id}}         write into a scene's text and its layer
    {"until": state}                                   wait until the document looks like this

A request of which nothing comes ends with the process.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Callable
from typing import Any

import aiohttp
import y_py
from ypy_websocket.websocket_provider import WebsocketProvider

# Their stubs know no arguments.
new_map: Any = y_py.YMap
new_text: Any = y_py.YText


class Channel:
    """aiohttp's socket as the provider wants one."""

    path = "video"

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self.taken = asyncio.Event()
        self._socket = socket

    def __aiter__(self) -> Channel:
        return self

    async def __anext__(self) -> bytes:
        # Who asks for the next message has dealt with the last one. (y-py's own observers do not
        # say so: reading a document is a transaction, too.)
        self.taken.set()
        message = await self._socket.receive()
        if message.type is not aiohttp.WSMsgType.BINARY:
            raise StopAsyncIteration
        return bytes(message.data)

    async def send(self, message: bytes) -> None:
        await self._socket.send_bytes(message)

    async def recv(self) -> bytes:
        return await self.__anext__()

    async def until(self, condition: Callable[[], bool]) -> None:
        while not condition():
            self.taken.clear()
            await self.taken.wait()


def edit(doc: Any, scene: str, layer: str, text: str, shared_layer: str) -> None:
    scenes = doc.get_map("scenes")
    fields = {"order": "a3", "text": new_text("y-py"), "duration": 5, "is_expanded": False}
    properties = new_map({"text": "from y-py", "size": 4, "nested": {"a": [1, True, None]}})
    layers = new_map(
        {
            layer: new_map(
                {
                    "order": "a0",
                    "type": "text",
                    "name": "y-py",
                    "enabled": True,
                    "start_time": 0,
                    "duration": 2.5,
                    "properties": properties,
                }
            )
        }
    )
    with doc.begin_transaction() as transaction:
        scenes.set(transaction, scene, new_map({**fields, "layers": layers}))
        shared = scenes[text]["text"]
        shared.insert(transaction, len(shared), " +y-py")
        edited = scenes[text]["layers"][shared_layer]["properties"]
        edited.set(transaction, "y-py", "a3")


def state(doc: Any) -> Any:
    return {name: json.loads(doc.get_map(name).to_json()) for name in ("video", "scenes")}


async def main(url: str) -> None:
    doc = y_py.YDoc()
    async with aiohttp.ClientSession() as session, session.ws_connect(url) as socket:
        channel = Channel(socket)
        async with WebsocketProvider(doc, channel):
            while line := await asyncio.to_thread(sys.stdin.readline):
                await answer(doc, channel, json.loads(line))
                print(json.dumps(state(doc)), flush=True)


async def answer(doc: Any, channel: Channel, request: dict[str, Any]) -> None:
    if "edit" in request:
        await channel.until(lambda: request["edit"]["text"] in state(doc)["scenes"])
        edit(doc, **request["edit"])
    else:
        await channel.until(lambda: state(doc) == request["until"])


asyncio.run(main(sys.argv[1]))
