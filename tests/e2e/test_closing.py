"""A connection that the server ends: its editor hears why, whatever it is doing meanwhile."""

from __future__ import annotations

import asyncio
import socket
import struct
from pathlib import Path
from urllib.parse import urlsplit

from tests.e2e.sockets import shake_hands
from tests.support.frames import client_frame
from tests.support.server import Api, calling, serving
from tests.support.tls import make_certificate


async def read_frame(reader: asyncio.StreamReader) -> tuple[int, bytes]:
    head = await reader.readexactly(2)
    length = head[1]
    if length == 126:
        (length,) = struct.unpack(">H", await reader.readexactly(2))
    return head[0] & 0x0F, await reader.readexactly(length)


async def close_code(reader: asyncio.StreamReader) -> int:
    """Read to the close frame."""
    while True:
        opcode, body = await read_frame(reader)
        if opcode == 8:
            return int.from_bytes(body[:2], "big")


async def test_a_close_waits_for_its_answer_and_no_longer_than_it_must(api: Api) -> None:
    await close_both(api)


async def test_so_it_does_over_tls(tmp_path: Path) -> None:
    certificate = make_certificate(tmp_path)
    with serving(tmp_path / "data", "--log-level", "warning", certificate=certificate) as server:
        async with calling(server) as api:
            await close_both(api)


async def close_both(api: Api) -> None:
    """Remove a user with two connections, of which one answers the close."""
    async with asyncio.timeout(30):
        video = await api.make_video()
        await api.share(video, "bob", "editor")
        answering, silent = [await shake_hands(api, video, "bob") for _ in range(2)]
        # What is on its way while the server closes must not reset the connection.
        for _ in range(200):
            answering[1].write(client_frame(2, b"\x7f" * 1000))
        await api.call("DELETE", f"/videos/{video}/members/bob")
        assert await close_code(answering[0]) == 4403
        for _ in range(50):
            answering[1].write(client_frame(2, b"\x7f" * 1000))
        await answering[1].drain()
        answering[1].write(client_frame(8, (4403).to_bytes(2, "big")))
        assert await answering[0].read() == b""
        assert await close_code(silent[0]) == 4403
        try:
            rest = await silent[0].read()
        except ConnectionResetError:
            rest = b""
        assert rest == b""
        for _, writer in (answering, silent):
            writer.close()


async def test_leaving_before_the_handshake_is_answered_is_no_error(api: Api) -> None:
    # The server's end, with that of all tests, sees that it complained of nothing.
    address = urlsplit(api.server.address)
    video = await api.make_video()
    for _ in range(20):
        with socket.create_connection((address.hostname, address.port or 80)) as left:
            left.sendall(
                f"GET /ws/videos/{video} HTTP/1.1\r\nHost: {address.netloc}\r\n"
                "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n".encode()
            )
            left.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    await api.call("GET", f"/videos/{video}")
