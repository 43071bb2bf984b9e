"""An editor's connection after the handshake, on real sockets."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import aiohttp
import pytest
from aiohttp import web

from api.errors import MalformedRequest, response
from api.line import HEARTBEAT_SECONDS, Line, Lines, TakenOver
from api.websocket import BINARY, CONTINUATION, PING, switching
from collab.errors import Draining, Forbidden
from collab.room import BACKLOG_BYTES
from tests.support.frames import client_frame


@dataclass
class Place:
    """A seat that remembers what it was given; `full` has it ask for a pause."""

    frames: list[bytes] = field(default_factory=list)
    full: bool = False
    left: int = 0
    room: asyncio.Event = field(default_factory=asyncio.Event)

    def receive(self, frame: bytes) -> bool:
        self.frames.append(frame)
        return not self.full

    async def drained(self) -> None:
        await self.room.wait()

    def leave(self) -> None:
        self.left += 1


@dataclass
class Door:
    """A server of lines.

    Attributes:
        lines: of the server.
        seat: what everybody gets.
        admit: when everybody gets it.
        taken: the connections.
        refused: the codes.
        now: what the clock says.
        failing: the door breaks down instead.
        runner: of the server.
    """

    limited: bool = False
    seat: Place = field(default_factory=Place)
    admit: asyncio.Event = field(default_factory=asyncio.Event)
    taken: list[Line] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    now: float = 0.0
    failing: bool = False
    runner: web.AppRunner | None = None

    def __post_init__(self) -> None:
        self.admit.set()
        self.lines = Lines(lambda: self.now, 1000, self.refused.append, limited=self.limited)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        try:
            switch = switching(request, "me")
        except MalformedRequest as error:
            return response(error)
        line = self.lines.take(request, "me")
        self.taken.append(line)
        line.channel.write(switch)
        await self.admit.wait()
        if self.failing:
            line.channel.abort()
            raise RuntimeError("broken door")
        line.begin(self.seat)
        return TakenOver()

    async def until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(30):
            while not condition():
                await asyncio.sleep(0.005)


@asynccontextmanager
async def open_to(door: Door) -> AsyncIterator[str]:
    """The address of a server with this door."""
    app = web.Application()
    app.router.add_get("/", door.handle)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    door.runner = runner
    try:
        host, port = runner.addresses[0]
        yield f"http://{host}:{port}/"
    finally:
        await door.lines.close(1)
        await runner.cleanup()


@asynccontextmanager
async def connected(
    door: Door, *, autoping: bool = True
) -> AsyncIterator[aiohttp.ClientWebSocketResponse]:
    async with (
        open_to(door) as url,
        aiohttp.ClientSession() as session,
        session.ws_connect(url, autoping=autoping) as socket,
    ):
        yield socket


async def raw(socket: aiohttp.ClientWebSocketResponse, data: bytes) -> None:
    """Send bytes that no library would."""
    transport = socket._writer.transport
    assert transport is not None
    transport.write(data)


async def test_what_comes_before_the_seat_waits_for_it() -> None:
    door = Door()
    door.admit.clear()
    async with connected(door) as socket:
        await socket.send_bytes(b"early")
        await asyncio.sleep(0.05)
        assert door.seat.frames == []
        door.admit.set()
        await door.until(lambda: door.seat.frames == [b"early"])


async def test_aiohttp_lets_go_of_the_connection() -> None:
    door = Door()
    async with connected(door) as socket:
        await socket.send_bytes(b"one")
        await door.until(lambda: door.seat.frames == [b"one"])
        assert door.runner is not None
        assert door.runner.server is not None
        assert door.runner.server.connections == []
        await socket.send_bytes(b"two")
        await door.until(lambda: len(door.seat.frames) == 2)


async def test_a_full_room_is_not_fed() -> None:
    door = Door(seat=Place(full=True))
    async with connected(door) as socket:
        for number in range(5):
            await socket.send_bytes(bytes((number,)))
        await door.until(lambda: len(door.seat.frames) == 1)
        await asyncio.sleep(0.05)
        assert len(door.seat.frames) == 1
        door.seat.full = False
        door.seat.room.set()
        await door.until(lambda: len(door.seat.frames) == 5)


@pytest.mark.parametrize("kind", [CONTINUATION, PING], ids=["fragments", "pings"])
async def test_frames_of_every_kind_count(kind: int) -> None:
    door = Door(limited=True)
    async with connected(door) as socket:
        start = client_frame(BINARY, b"", last=False) if kind == CONTINUATION else b""
        await raw(socket, start + client_frame(kind, b"", last=kind == PING) * 2000)
        transport = door.taken[0]._transport
        await door.until(lambda: not transport.is_reading())
        transport.abort()


async def test_a_silent_editor_is_asked_and_then_given_up() -> None:
    door = Door()
    async with connected(door, autoping=False) as socket:
        await door.until(lambda: len(door.taken) == 1)
        door.now += HEARTBEAT_SECONDS - 1
        door.lines.look()
        await socket.send_bytes(b"here")
        await door.until(lambda: door.seat.frames == [b"here"])
        door.now += HEARTBEAT_SECONDS
        door.lines.look()
        assert (await socket.receive()).type is aiohttp.WSMsgType.PING
        await socket.pong()
        await socket.send_bytes(b"still")
        await door.until(lambda: len(door.seat.frames) == 2)
        door.now += HEARTBEAT_SECONDS * 1.5
        door.lines.look()
        await socket.receive()
        assert socket.close_code == 1006
        await door.until(lambda: door.seat.left == 1)


async def test_a_close_is_answered() -> None:
    door = Door()
    async with connected(door) as socket:
        await socket.send_bytes(b"bye")
        assert await socket.close(code=4321)
        assert socket.close_code == 4321
        assert door.seat.frames == [b"bye"]
        await door.until(lambda: door.seat.left == 1)


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (client_frame(1, b"text"), 4400),
        (b"\x82\x01a", 4400),
        (client_frame(BINARY, bytes(1001)), 1009),
    ],
    ids=["text", "not masked", "too big"],
)
async def test_a_bad_frame_is_told_to_its_sender(data: bytes, code: int) -> None:
    door = Door()
    async with connected(door) as socket:
        await raw(socket, data)
        message = await socket.receive()
        assert (message.type, message.data) == (aiohttp.WSMsgType.CLOSE, code)
        await door.until(lambda: door.seat.left == 1)
        assert len(door.refused) == 1


async def test_who_is_refused_says_nothing_more() -> None:
    door = Door()
    async with connected(door) as socket:
        await door.until(lambda: len(door.taken) == 1)
        door.taken[0].channel.refuse(Forbidden("no more"))
        await raw(socket, client_frame(BINARY, b"but"))
        assert (await socket.receive()).data == 4403
        await door.until(lambda: door.seat.left == 1)
        assert door.seat.frames == []


async def test_one_who_left_while_being_let_in_keeps_no_seat() -> None:
    door = Door()
    door.admit.clear()
    async with open_to(door) as url, aiohttp.ClientSession() as session:
        async with session.ws_connect(url):
            await door.until(lambda: len(door.taken) == 1)
            door.taken[0].channel.abort()
        door.admit.set()
        await door.until(lambda: door.seat.left == 1)


async def test_a_door_that_breaks_ends_the_connection() -> None:
    door = Door(failing=True)
    async with connected(door) as socket:
        await socket.receive()
        assert socket.close_code == 1006


async def test_closing_waits_for_those_who_answer_and_not_for_others() -> None:
    door = Door()
    async with (
        open_to(door) as url,
        aiohttp.ClientSession() as session,
        session.ws_connect(url) as polite,
        session.ws_connect(url),
    ):
        await door.until(lambda: len(door.taken) == 2)
        for line in door.taken:
            line.channel.refuse(Draining())
        assert (await polite.receive()).data == 1001
        await door.until(lambda: door.seat.left == 1)
        await door.lines.close(0.05)
        await door.until(lambda: door.seat.left == 2)


async def test_a_request_that_asks_for_no_socket_is_answered_as_one() -> None:
    async with (
        open_to(Door()) as url,
        aiohttp.ClientSession() as session,
        session.get(url) as reply,
    ):
        assert reply.status == 400


async def test_pings_of_one_who_does_not_read_are_not_answered() -> None:
    door = Door()
    async with connected(door, autoping=False) as socket:
        await door.until(lambda: bool(door.taken))
        [line] = door.taken
        assert socket._writer.transport is not None
        socket._writer.transport.pause_reading()
        line.channel.write(bytes(16 * BACKLOG_BYTES))  # more than the sockets hold
        held = line.channel.backlog()
        assert held > BACKLOG_BYTES
        await raw(socket, client_frame(PING, bytes(125)) * 100 + client_frame(BINARY, b"edit"))
        await door.until(lambda: bool(door.seat.frames))
        assert line.channel.backlog() <= held
        socket._writer.transport.abort()  # it would be waited for to close
