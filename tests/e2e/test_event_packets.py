"""Socket.IO by hand: what no client sends costs its sender alone, on both transports."""

from __future__ import annotations

import asyncio
import io
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

import aiohttp
import pytest

from tests.e2e.node import NodeClients
from tests.e2e.test_events import heard, listener
from tests.support.server import Api

WAIT_SECONDS = 30.0
QUERY = "EIO=4&transport="
DEEP = "[" * 100_000 + "]" * 100_000

PACKETS = {
    "nothing": "",
    "no known type": "x",
    "a number without end": "9" * 400,
    "a message without a type": "4",
    "no known type of message": "49",
    "an event without data": "42",
    "an event of broken JSON": '42["scene:update",{',
    "an event that is no list": '42{"a":1}',
    "an event without a name": "42[]",
    "a name that is no string": "42[5,{}]",
    "a reserved name": '42["connect",{}]',
    "another reserved name": '42["disconnect"]',
    "a deep event": f'42["layer:update",{DEEP}]',
    "an acknowledgement of nothing": "4377[1]",
    "a broken acknowledgement": "437[",
    "an id too large for a number": f'42{"9" * 5000}["video:join",{{}}]',
    "a binary event": '451-["layer:update",{"_placeholder":true,"num":0}]',
    "a binary event of a million parts": '451000000-["x"]',
    "a binary acknowledgement": '461-7[{"_placeholder":true,"num":0}]',
    "a probe that is none": "2probe",
    "an upgrade out of nowhere": "5",
    "an open packet": '0{"sid":"x"}',
    "a noop": "6",
    "a pong that nobody asked for": "3",
    "a close packet": "1",
    "an error packet": '44{"message":"x"}',
    "another namespace": "40/admin,",
    "an event for another namespace": '42/admin,["video:join",{}]',
    "a namespace without end": "40/" + "a" * 100_000,
    "leaving another namespace": "41/admin,",
    "a second connect": '40{"token":"x"}',
    "a connect of broken JSON": "40{",
    "a surrogate by itself": '42["layer:update",{"layer_id":"\\ud800"}]',
    "not a number": '42["layer:update",{"layer_id":"x","changes":{"duration":NaN}}]',
    "a large number": '42["layer:update",{"layer_id":"x","changes":{"duration":1e999}}]',
    "digits without end": f'42["layer:update",{{"layer_id":"x","changes":{"9" * 5000}}}]',
}

HARMLESS = {
    "an acknowledgement of nothing",
    "a probe that is none",
    "an upgrade out of nowhere",
    "a noop",
    "a pong that nobody asked for",
    "another namespace",
    "an event for another namespace",
    "a namespace without end",
    "leaving another namespace",
    "a second connect",
    "a surrogate by itself",
    "not a number",
    "a large number",
}
"""What changes nothing, and leaves its sender connected."""


@asynccontextmanager
async def connection(api: Api) -> AsyncIterator[aiohttp.ClientWebSocketResponse]:
    """A WebSocket on which nothing of Socket.IO was said yet."""
    url = f"{api.server.address}/socket.io/?{QUERY}websocket"
    async with api.session.ws_connect(url, max_msg_size=0) as socket:
        opened = await socket.receive_str(timeout=WAIT_SECONDS)
        assert json.loads(opened[1:])["maxPayload"] == 1024 * 1024
        yield socket


@asynccontextmanager
async def joined(
    api: Api, video: str, user: str = "alice"
) -> AsyncIterator[aiohttp.ClientWebSocketResponse]:
    """A WebSocket whose user has joined a video."""
    async with connection(api) as socket:
        await socket.send_str("40" + json.dumps({"token": api.server.token(user)}))
        assert (await socket.receive_str(timeout=WAIT_SECONDS)).startswith("40{")
        assert (await asked(socket, 1, "video:join", video_id=video))["success"]
        yield socket


async def asked(
    socket: aiohttp.ClientWebSocketResponse, number: int, name: str, **payload: Any
) -> Any:
    """The acknowledgement of an event; what comes before it is left."""
    await socket.send_str(f"42{number}{json.dumps([name, payload])}")
    while not (text := await socket.receive_str(timeout=WAIT_SECONDS)).startswith(f"43{number}["):
        pass
    return json.loads(text[len(f"43{number}") :])[0]


async def ended_or_alive(socket: aiohttp.ClientWebSocketResponse) -> int | None:
    """The code that a connection was closed with; None if it answers still."""
    with suppress(ConnectionError):
        await socket.send_str('4299["video:leave",{"video_id":"x"}]')
    while True:
        message = await socket.receive(timeout=WAIT_SECONDS)
        if message.type is not aiohttp.WSMsgType.TEXT:
            assert socket.close_code is not None
            return socket.close_code
        if message.data.startswith("4399["):
            assert json.loads(message.data[4:])[0]["error"]["code"] == "video_not_found"
            return None


@pytest.fixture
async def scene(api: Api) -> tuple[str, str]:
    """A video, and a scene in it."""
    video = await api.make_video()
    return video, await api.make_scene(video)


async def test_what_is_no_packet_costs_its_sender_alone(
    api: Api, clients: NodeClients, scene: tuple[str, str]
) -> None:
    video, id_ = scene
    calm = await listener(clients, video)
    outcomes = dict[str, int | None]()
    for name, packet in PACKETS.items():
        async with joined(api, video) as socket:
            await socket.send_str(packet)
            outcomes[name] = await ended_or_alive(socket)
    assert {name for name, code in outcomes.items() if code is None} == HARMLESS
    assert set(outcomes.values()) == {None, 1000, 1002}
    await api.call("PUT", f"/videos/{video}/scenes/{id_}", {"text": "Calm"})
    await heard(calm, "scene:updated", "p.scene.text === 'Calm'")
    assert await calm.run("return client.heard.length") == 1
    assert await calm.run("return client.reasons") == []


async def test_what_is_not_text_or_too_big_ends_the_connection(
    api: Api, scene: tuple[str, str]
) -> None:
    video, id_ = scene
    text = "x" * 1024 * 1024
    huge = json.dumps(["scene:update", {"video_id": video, "scene_id": id_, "text": text}])
    async with joined(api, video) as socket:
        await socket.send_bytes(b"42[]")
        assert await ended_or_alive(socket) == 1000
    async with joined(api, video) as socket:
        await socket.send_str(f"42{huge}")
        assert await ended_or_alive(socket) in (1009, 1006)  # what was not read resets it
    async with joined(api, video) as socket:
        await socket._writer.send_frame(b"42\xff", aiohttp.WSMsgType.TEXT)
        assert await ended_or_alive(socket) == 1007
    shown = (await api.call("GET", f"/videos/{video}/scenes")).data["scenes"]
    assert [scene["text"] for scene in shown] == [""]


async def test_who_never_says_who_it_is_is_not_kept(api: Api) -> None:
    idle = Poller(api)
    await idle.open()
    upgrade = idle.url.replace("polling", "websocket")
    async with (
        connection(api) as silent,
        connection(api) as wrong,
        connection(api) as left,
        api.session.ws_connect(upgrade) as unused,
    ):
        await wrong.send_str("40/admin,")
        assert (await wrong.receive_str(timeout=WAIT_SECONDS)).startswith("44/admin,")
        await left.send_str("40" + json.dumps({"token": api.server.token()}))
        await left.receive_str(timeout=WAIT_SECONDS)
        await left.send_str("41")
        for socket in (silent, wrong, left, unused):
            message = await socket.receive(timeout=15)
            assert message.type is aiohttp.WSMsgType.CLOSE


class Poller:
    """A connection that polls."""

    def __init__(self, api: Api) -> None:
        self._session = api.session
        self._url = f"{api.server.address}/socket.io/?{QUERY}polling"
        self.token = api.server.token()
        self.sid = ""

    async def open(self) -> None:
        [opened] = await self.poll()
        self.sid = json.loads(opened[1:])["sid"]
        assert await self.post("40" + json.dumps({"token": self.token})) == 200
        assert [packet[:3] for packet in await self.poll()] == ["40{"]

    @property
    def url(self) -> str:
        return f"{self._url}&sid={self.sid}" if self.sid else self._url

    async def poll(self) -> list[str]:
        async with self._session.get(self.url) as reply:
            assert reply.status == 200
            return (await reply.text()).split("\x1e")

    async def post(self, data: Any) -> int:
        async with self._session.post(self.url, data=data) as reply:
            if reply.status != 200:
                assert (await reply.json())["error"]["code"] in {"bad_input", "body_too_big"}
            return reply.status

    async def ended(self) -> bool:
        async with self._session.get(self.url) as reply:
            return reply.status == 400 or (await reply.text()) in {"1", "6"}


async def test_what_is_posted_is_taken_or_refused_and_never_lost(
    api: Api, scene: tuple[str, str]
) -> None:
    video, id_ = scene
    poller = Poller(api)
    await poller.open()
    assert await poller.post(f'420["video:join",{{"video_id":"{video}"}}]') == 200
    assert json.loads((await poller.poll())[0][3:])[0]["success"]
    # The real client sends in one request what was emitted while another one was under way.
    many = [
        f'42{n}["scene:update",{{"video_id":"{video}","scene_id":"{id_}","text":"{n}"}}]'
        for n in range(1, 41)
    ]
    assert await poller.post("\x1e".join(many)) == 200
    got = list[str]()
    async with asyncio.timeout(WAIT_SECONDS):
        while sum(packet.startswith("43") for packet in got) < len(many):
            got += [packet for packet in await poller.poll() if packet != "6"]
    assert all('"success":true' in packet for packet in got if packet.startswith("43"))
    assert (await api.scenes(video))[0]["text"] == "40"
    for body, status in (
        ("", 400),
        ("x", 400),
        (b"\xff\xfe", 400),
        ("3\x1e", 400),
        ("b" + "A" * 100, 400),
        (io.BytesIO(b"42" + b"x" * 1024 * 1024), 413),
        ("3\x1e" * 100_000, 400),
    ):
        bad = Poller(api)
        await bad.open()
        assert await bad.post(body) == status, body
        assert await bad.ended(), body
    assert await poller.post("1") == 200
    assert await poller.post("3") == 400
    for sid in ("", "x", "../..", poller.sid):
        poller.sid = sid
        assert await poller.post("3") == 400


async def test_requests_that_are_none_of_the_protocol(api: Api) -> None:
    path = f"{api.server.address}/socket.io/"
    for method, query, status in (
        ("GET", "", 400),
        ("GET", "EIO=3&transport=polling", 400),
        ("GET", "EIO=4&transport=carrier-pigeon", 400),
        ("GET", "EIO=4&transport=websocket", 400),
        ("GET", "EIO=4&transport=polling&sid=x", 400),
        ("GET", "EIO=4&transport=polling&j=x", 400),
        ("POST", "EIO=4&transport=polling", 400),
        ("PUT", "EIO=4&transport=polling", 405),
        ("DELETE", "EIO=4&transport=polling", 405),
    ):
        async with api.session.request(method, f"{path}?{query}") as reply:
            assert reply.status == status, (method, query)
    # One connection has one WebSocket.
    poller = Poller(api)
    await poller.open()
    url = poller.url.replace("polling", "websocket")
    async with api.session.ws_connect(url) as first:
        for _ in range(3):
            with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
                await api.session.ws_connect(url)
            assert refused.value.status == 400
        await first.send_str("2probe")
        assert await first.receive_str(timeout=WAIT_SECONDS) == "3probe"
        await first.send_str("5")
        assert (await asked(first, 1, "video:leave", video_id="x"))["success"] is False
        with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
            await api.session.ws_connect(url)
        assert refused.value.status == 400


async def test_other_sites_may_poll_if_the_server_says_so(api: Api) -> None:
    url = Poller(api).url
    for origin, may in (("https://app.example", True), ("https://evil.example", False)):
        asks = {"Origin": origin, "Access-Control-Request-Method": "POST"}
        async with api.session.options(url, headers=asks) as reply:
            assert (reply.status == 204) is may
        async with api.session.get(url, headers={"Origin": origin}) as reply:
            allowed = reply.headers.get("Access-Control-Allow-Origin")
            assert allowed == (origin if may else None)
            assert "Access-Control-Allow-Credentials" not in reply.headers
            assert "Set-Cookie" not in reply.headers
