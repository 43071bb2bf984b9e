"""Frames that go straight to a socket."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, cast

import pytest
import uvloop

from api.channel import SocketChannel

FRAMES = [bytes((number % 256,)) * (1 + number * 37 % 5000) for number in range(2000)]


class Accepted(asyncio.Protocol):
    def __init__(self, transport: asyncio.Future[asyncio.WriteTransport]) -> None:
        self._transport = transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport.set_result(cast("asyncio.WriteTransport", transport))


@asynccontextmanager
async def connected() -> AsyncIterator[tuple[SocketChannel, asyncio.WriteTransport, socket.socket]]:
    """A channel, its transport, and the editor's end of the connection."""
    loop = asyncio.get_running_loop()
    accepted: asyncio.Future[asyncio.WriteTransport] = loop.create_future()
    async with await loop.create_server(lambda: Accepted(accepted), "127.0.0.1", 0) as server:
        with socket.socket() as editor:
            editor.setblocking(False)
            await loop.sock_connect(editor, server.sockets[0].getsockname())
            transport = await accepted
            try:
                yield (
                    SocketChannel(transport, lambda error: None),
                    transport,
                    editor,
                )
            finally:
                transport.abort()


def run(test: Any, loop: str) -> None:
    factory = uvloop.new_event_loop if loop == "uvloop" else None
    with asyncio.Runner(loop_factory=factory) as runner:
        runner.run(test())


@pytest.mark.parametrize("loop", ["uvloop", "asyncio"])
def test_what_the_socket_does_not_take_comes_later_and_in_order(loop: str) -> None:
    async def test() -> None:
        async with connected() as (channel, _, editor):
            for frame in FRAMES:
                channel.write(frame)
            assert channel.backlog() > 0
            wanted, had = b"".join(FRAMES), bytearray()
            while len(had) < len(wanted):
                had += await asyncio.get_running_loop().sock_recv(editor, 1 << 20)
                if len(had) == len(wanted):
                    break
            assert had == wanted
            assert channel.backlog() == 0
            channel.write(b"straight")
            assert await asyncio.get_running_loop().sock_recv(editor, 100) == b"straight"

    run(test, loop)


@pytest.mark.parametrize("loop", ["uvloop", "asyncio"])
def test_nothing_is_written_to_a_handle_that_may_be_somebody_elses(loop: str) -> None:
    async def test() -> None:
        async with connected() as (channel, transport, editor):
            transport.abort()
            channel.write(b"too late")
            assert await asyncio.get_running_loop().sock_recv(editor, 100) == b""
            async with connected() as (_, _, other):
                channel.write(b"for the first")
                with pytest.raises(BlockingIOError):
                    other.recv(100)

    run(test, loop)


@pytest.mark.parametrize("loop", ["uvloop", "asyncio"])
def test_an_editor_that_has_gone_makes_no_noise(loop: str) -> None:
    async def test() -> None:
        async with connected() as (channel, transport, editor):
            editor.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            editor.close()
            for _ in range(3):
                channel.write(b"anybody?")
            async with asyncio.timeout(30):
                while not transport.is_closing():
                    await asyncio.sleep(0)

    run(test, loop)
