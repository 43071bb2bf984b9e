"""WebSockets without a library: they send what they are told to, and do nothing by themselves."""

from __future__ import annotations

import asyncio
import base64
import os

from yarl import URL

from tests.support.server import Api


async def shake_hands(
    api: Api, video: str, user: str
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """Connect a user to a video."""
    url = URL(api.server.socket_url(video, api.server.token(user)))
    certificate = api.server.certificate
    trusted = certificate.client() if certificate is not None else None
    reader, writer = await asyncio.open_connection(url.host, url.port, ssl=trusted)
    writer.write(
        f"GET {url.path_qs} HTTP/1.1\r\nHost: {url.authority}\r\nUpgrade: websocket\r\n"
        "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: "
        f"{base64.b64encode(os.urandom(16)).decode()}\r\n\r\n".encode()
    )
    assert b" 101 " in await reader.readuntil(b"\r\n\r\n")
    return reader, writer
