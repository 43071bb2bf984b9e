"""WebSockets without a library: they send what they are told to, and do nothing by themselves."""

from __future__ import annotations

import asyncio
import base64
import os
import struct

from yarl import URL

from tests.support.server import Api


def masked(opcode: int, body: bytes) -> bytes:
    """A frame of a client, with a mask of zeros."""
    assert len(body) < 65_536
    length = bytes((len(body),)) if len(body) < 126 else b"\x7e" + struct.pack(">H", len(body))
    return bytes((0x80 | opcode, 0x80 | length[0])) + length[1:] + bytes(4) + body


async def shake_hands(
    api: Api, video: str, user: str
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """Connect a user to a video."""
    url = URL(api.server.socket_url(video, api.server.token(user)))
    reader, writer = await asyncio.open_connection(url.host, url.port)
    writer.write(
        f"GET {url.path_qs} HTTP/1.1\r\nHost: {url.authority}\r\nUpgrade: websocket\r\n"
        "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: "
        f"{base64.b64encode(os.urandom(16)).decode()}\r\n\r\n".encode()
    )
    assert b" 101 " in await reader.readuntil(b"\r\n\r\n")
    return reader, writer
