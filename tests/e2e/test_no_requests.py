"""What comes over a connection and is no request: refused in the API's shape, and not repeated."""

from __future__ import annotations

import asyncio
import json
from urllib.parse import urlsplit

import pytest

from tests.support.server import Api

SECRET = b"token=" + b"s" * 9000
HEAD = b"POST /api/v1/videos HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"


async def answer(api: Api, sent: bytes) -> tuple[bytes, bytes]:
    """The head and the body of the answer to these bytes, after which the server hangs up."""
    address = urlsplit(api.server.address)
    reader, writer = await asyncio.open_connection(address.hostname, address.port)
    writer.write(sent)
    async with asyncio.timeout(5):
        head, _, body = (await reader.read()).partition(b"\r\n\r\n")
    writer.close()
    return head, body


@pytest.mark.parametrize(
    "sent",
    [
        b"NONSENSE\r\n\r\n",
        b"GET / HTTP/1.1\r\n\r\n",
        b"GET /x?" + SECRET + b" HTTP/1.1\r\nHost: a\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nX: " + SECRET + b"\r\n\r\n",
        b"GET /\xff HTTP/1.1\r\nHost: a\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nsss: \r\nBad Header: sss\r\n\r\n",
        HEAD + b"Content-Length: -1\r\n\r\n{}",
        HEAD + b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n{}",
        HEAD + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n",
    ],
)
async def test_what_is_no_request(api: Api, sent: bytes) -> None:
    errors = [line for line in api.server.lines if line["level"] == "error"]
    head, body = await answer(api, sent)
    assert head.startswith((b"HTTP/1.0 400 ", b"HTTP/1.1 400 "))
    assert b"X-Request-Id: " in head
    assert b"Content-Type: application/json" in head
    shown = json.loads(body)
    assert (shown["success"], shown["error"]["code"]) == (False, "malformed_request")
    assert "sss" not in shown["error"]["message"]
    assert [line for line in api.server.lines if line["level"] == "error"] == errors


async def test_a_body_that_does_not_unpack(api: Api) -> None:
    errors = [line for line in api.server.lines if line["level"] == "error"]
    headers = {"Content-Encoding": "gzip", "Content-Type": "application/json"}
    headers["Authorization"] = f"Bearer {api.server.token()}"
    async with api.session.post(
        f"{api.server.address}/api/v1/videos", data=b"abcde", headers=headers
    ) as response:
        assert response.status == 400
        assert (await response.json())["error"]["code"] == "malformed_body"
    assert [line for line in api.server.lines if line["level"] == "error"] == errors


@pytest.mark.parametrize(
    "headers",
    [
        b"Connection: close\r\n",
        b"Upgrade: websocket\r\nConnection: close\r\nSec-WebSocket-Version: 13\r\n",
        b"Upgrade: websocket\r\nConnection: upgrade, close\r\nSec-WebSocket-Version: 99\r\n"
        b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n",
        b"Upgrade: websocket\r\nConnection: upgrade, close\r\nSec-WebSocket-Version: 13\r\n"
        b"Sec-WebSocket-Key: abc\r\n",
        b"Upgrade: websocket\r\nConnection: upgrade, close\r\nSec-WebSocket-Version: 13\r\n"
        b"Sec-WebSocket-Key: \xff\xfe\r\n",
    ],
)
async def test_what_is_no_websocket(api: Api, headers: bytes) -> None:
    video = await api.make_video()
    head, body = await answer(
        api, f"GET /ws/videos/{video} HTTP/1.1\r\nHost: a\r\n".encode() + headers + b"\r\n"
    )
    assert head.startswith(b"HTTP/1.1 400 ")
    error = json.loads(body)["error"]
    assert error["code"] == "malformed_request"
    assert "WebSocket" in error["message"]
