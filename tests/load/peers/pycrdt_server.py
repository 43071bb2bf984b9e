"""A pycrdt-websocket server without storage, on uvloop: `python pycrdt_server.py PORT`."""

from __future__ import annotations

import asyncio
import sys

import uvloop
from aiohttp import WSMsgType, web
from pycrdt.websocket import WebsocketServer


class Socket:
    """One connection, as pycrdt-websocket wants it."""

    def __init__(self, path: str, socket: web.WebSocketResponse) -> None:
        self.path = path
        self._socket = socket

    def __aiter__(self) -> Socket:
        return self

    async def __anext__(self) -> bytes:
        try:
            return await self.recv()
        except ConnectionError:
            raise StopAsyncIteration from None

    async def send(self, message: bytes) -> None:
        await self._socket.send_bytes(message)

    async def recv(self) -> bytes:
        message = await self._socket.receive()
        if message.type is not WSMsgType.BINARY:
            raise ConnectionError
        data: bytes = message.data
        return data


async def main(port: int) -> None:
    async with WebsocketServer(auto_clean_rooms=False) as rooms:

        async def serve(request: web.Request) -> web.WebSocketResponse:
            socket = web.WebSocketResponse(compress=False, max_msg_size=0)
            await socket.prepare(request)
            await rooms.serve(Socket(request.path, socket))
            return socket

        app = web.Application()
        app.router.add_get("/{room}", serve)
        runner = web.AppRunner(app)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", port, backlog=4096).start()
        print("ready", flush=True)
        await asyncio.Event().wait()


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as loop:
        loop.run(main(int(sys.argv[1])))
