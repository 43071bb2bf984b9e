"""Connections over TLS, on real sockets and both event loops."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import pytest
import uvloop

from api.encrypted import PIECE_BYTES, Encrypted
from tests.support.tls import Certificate, make_certificate

LARGE: Final = bytes(range(256)) * 4 * 8192
"""8 MB: more than all on the way holds."""

SOCKET_BYTES: Final = 64 * 1024
"""What each end's socket is asked to hold; it holds twice as much."""

ON_THE_WAY: Final = 1024 * 1024
"""More than the sockets and what stands before and behind them hold."""

FACTORIES: Final = {"uvloop": uvloop.new_event_loop, "asyncio": None}


class Heard(asyncio.Protocol):
    """What arrives, and whether the connection has ended."""

    def __init__(self) -> None:
        self.data = b""
        self.ended = asyncio.Event()

    def data_received(self, data: bytes) -> None:
        self.data += data

    def connection_lost(self, exc: Exception | None) -> None:
        self.ended.set()


@dataclass
class Connection:
    """Both ends: the server's is `encrypted`, and `heard` its protocol."""

    encrypted: Encrypted
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    heard: Heard = field(default_factory=Heard)


class _Accepted(asyncio.Protocol):
    def __init__(self, accepted: asyncio.Future[asyncio.Transport]) -> None:
        self._accepted = accepted

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._accepted.set_result(transport)  # type: ignore[arg-type]


@asynccontextmanager
async def connected(certificate: Certificate) -> AsyncIterator[Connection]:
    loop = asyncio.get_running_loop()
    accepted: asyncio.Future[asyncio.Transport] = loop.create_future()
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate.cert, certificate.key)
    listener, client = socket.socket(), socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SOCKET_BYTES)
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SOCKET_BYTES)
    listener.bind(("127.0.0.1", 0))
    server = await loop.create_server(
        lambda: _Accepted(accepted), sock=listener, ssl=context, ssl_shutdown_timeout=1
    )
    client.setblocking(False)
    await loop.sock_connect(client, listener.getsockname())
    reader, writer = await asyncio.open_connection(
        sock=client, ssl=certificate.client(), server_hostname="127.0.0.1"
    )
    encrypted = Encrypted(await accepted)
    connection = Connection(encrypted, reader, writer)
    encrypted.set_protocol(connection.heard)
    try:
        yield connection
    finally:
        encrypted.abort()
        writer.transport.abort()
        await connection.heard.ended.wait()
        server.close()
        await server.wait_closed()


@pytest.fixture(params=list(FACTORIES))
def run(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[_Test], None]:
    """Runs a test on a connection."""

    async def on_a_connection(test: _Test) -> None:
        async with asyncio.timeout(20), connected(make_certificate(tmp_path)) as connection:
            await test(connection)

    def run(test: _Test) -> None:
        with asyncio.Runner(loop_factory=FACTORIES[request.param]) as runner:
            runner.run(on_a_connection(test))

    return run


_Test = Callable[[Connection], Awaitable[None]]
_Run = Callable[[_Test], None]


async def until(condition: Callable[[], bool]) -> None:
    while not condition():
        await asyncio.sleep(0.005)


def test_the_backlog_is_what_has_not_left_and_shrinks_with_it(run: _Run) -> None:
    async def test(connection: Connection) -> None:
        encrypted, reader = connection.encrypted, connection.reader
        frames = [LARGE, b"small", LARGE[: 3 * PIECE_BYTES], b"last"]
        for frame in frames:
            encrypted.write(frame)
        wanted = b"".join(frames)
        had = bytearray()
        backlogs = []
        while len(had) < len(wanted):
            backlogs.append(encrypted.get_write_buffer_size())
            assert len(wanted) - len(had) - ON_THE_WAY < backlogs[-1] <= len(wanted) - len(had)
            had += await reader.readexactly(min(PIECE_BYTES, len(wanted) - len(had)))
        assert had == wanted
        await until(lambda: encrypted.get_write_buffer_size() == 0)
        assert backlogs == sorted(backlogs, reverse=True)
        encrypted.write(b"at once")
        assert await reader.readexactly(7) == b"at once"

    run(test)


def test_closing_sends_what_waits(run: _Run) -> None:
    async def test(connection: Connection) -> None:
        encrypted = connection.encrypted
        encrypted.write(LARGE)
        encrypted.close()
        assert encrypted.is_closing()
        encrypted.close()
        assert await connection.reader.read(-1) == LARGE
        connection.writer.close()
        await connection.heard.ended.wait()
        encrypted.close()
        assert encrypted.get_write_buffer_size() == 0

    run(test)


def test_aborting_sends_no_more(run: _Run) -> None:
    async def test(connection: Connection) -> None:
        encrypted = connection.encrypted
        encrypted.write(LARGE)
        encrypted.abort()
        assert encrypted.get_write_buffer_size() == 0
        await connection.heard.ended.wait()
        had = 0
        with contextlib.suppress(ConnectionError):
            while data := await connection.reader.read(PIECE_BYTES):
                had += len(data)
        assert had < ON_THE_WAY

    run(test)


def test_an_end_by_the_other_side_is_heard(run: _Run) -> None:
    async def test(connection: Connection) -> None:
        encrypted = connection.encrypted
        encrypted.write(LARGE)
        connection.writer.transport.abort()
        await connection.heard.ended.wait()
        assert encrypted.is_closing()
        for _ in range(10):
            encrypted.write(LARGE)
        assert encrypted.get_write_buffer_size() == 0

    run(test)


def test_what_arrives_waits_while_reading_rests(run: _Run) -> None:
    async def test(connection: Connection) -> None:
        encrypted, heard = connection.encrypted, connection.heard
        encrypted.pause_reading()
        assert not encrypted.is_reading()
        connection.writer.write(b"early")
        encrypted.write(b"sent")
        assert await connection.reader.readexactly(4) == b"sent"
        assert heard.data == b""
        encrypted.resume_reading()
        await until(lambda: heard.data == b"early")

    run(test)
