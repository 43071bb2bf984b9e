"""A small y-websocket server with faults on demand, for the load generator's own tests.

It merges what arrives within a few milliseconds into one update, as Cocut does, keeps the document
in memory, and serves it over REST as well.
"""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from aiohttp import WSMsgType, web
from pycrdt import Doc, merge_updates

from collab.encoding import read_bytes, varuint

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


@dataclass
class Faults:
    """What the server does wrong.

    Attributes:
        unsent: number of the batch that the first connection does not get.
        altered: number of the batch that the first connection gets with its last byte changed.
        forgotten: number of the batch that all get and the document does not.
        closed: number of the batch after which the first connection is closed.
        refuse: answer every upgrade with 403.
    """

    unsent: int = -1
    altered: int = -1
    forgotten: int = -1
    closed: int = -1
    refuse: bool = False


@dataclass
class Room:
    faults: Faults
    pause: float = 0.005
    document: Doc[Any] = field(default_factory=Doc)
    sockets: list[web.WebSocketResponse] = field(default_factory=list)
    batch: list[bytes] = field(default_factory=list)
    batches: int = 0
    arrived: asyncio.Event = field(default_factory=asyncio.Event)

    async def serve(self, request: web.Request) -> web.StreamResponse:
        if self.faults.refuse:
            return web.Response(status=403)
        socket = web.WebSocketResponse(compress=False, max_msg_size=0)
        await socket.prepare(request)
        await socket.send_bytes(b"\0\0" + _sized(self.document.get_state()))
        async for message in socket:
            if message.type is WSMsgType.BINARY:
                await self._read(socket, message.data)
        if socket in self.sockets:
            self.sockets.remove(socket)
        return socket

    async def _read(self, socket: web.WebSocketResponse, data: bytes) -> None:
        if data[0] == 1:
            for other in list(self.sockets):
                await other.send_bytes(data)
        elif data[1] == 0:
            vector, _ = read_bytes(data, 2)
            self.sockets.append(socket)
            await socket.send_bytes(b"\0\1" + _sized(self.document.get_update(vector)))
        else:
            self.batch.append(read_bytes(data, 2)[0])
            self.arrived.set()

    async def run(self) -> None:
        while True:
            await self.arrived.wait()
            await asyncio.sleep(self.pause)
            self.arrived.clear()
            updates, self.batch = self.batch, []
            update = merge_updates(*updates)
            if update == b"\0\0":
                continue
            number = self.batches
            self.batches += 1
            if number != self.faults.forgotten:
                self.document.apply_update(update)
            frame = b"\0\2" + _sized(update)
            for place, socket in enumerate(list(self.sockets)):
                if place == 0 and number == self.faults.unsent:
                    continue
                if place == 0 and number == self.faults.altered:
                    await socket.send_bytes(frame[:-1] + bytes((frame[-1] ^ 1,)))
                    continue
                await socket.send_bytes(frame)
                if place == 0 and number == self.faults.closed:
                    await socket.close(code=1013)


def _sized(data: bytes) -> bytes:
    return varuint(len(data)) + data


@asynccontextmanager
async def room_server(faults: Faults | None = None) -> AsyncIterator[str]:
    """Serve one room at every path; yields the WebSocket address."""
    room = Room(faults or Faults())
    app = web.Application()
    app.router.add_get("/{room}", room.serve)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0, backlog=1024)
    await site.start()
    port = runner.addresses[0][1]
    task = asyncio.create_task(room.run())
    try:
        yield f"ws://127.0.0.1:{port}"
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await runner.cleanup()
