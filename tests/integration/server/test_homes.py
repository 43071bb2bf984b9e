"""Connections that go to the home of their video, among several doors on one port."""

from __future__ import annotations

import asyncio
import io
import os
import socket
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from uuid import UUID, uuid4

import aiohttp
import pytest
from aiohttp import web

from api import errors
from server.door import Door
from server.homes import Home, Inboxes

LARGE = 4 << 20


@dataclass(slots=True)
class Port:
    """Doors on one port; each answers with its number.

    Attributes:
        inboxes: of all.
        homes: of each.
        ports: of each door's own: on the shared one, the kernel chooses.
    """

    inboxes: Inboxes
    homes: list[Home]
    ports: list[int]

    def url(self, door: int, path: str) -> str:
        return f"http://127.0.0.1:{self.ports[door]}{path}"

    def video_of(self, home: int) -> UUID:
        """A video that lives there."""
        while True:
            video = uuid4()
            if self.homes[0].of(str(video).encode()) == home:
                return video


@asynccontextmanager
async def doors(count: int, *, deaf: int | None = None) -> AsyncIterator[Port]:
    """So many doors, all open; a deaf one does not look into its inbox."""
    inboxes = Inboxes.make(count)
    homes: list[Home] = []
    ports: list[int] = []
    async with AsyncExitStack() as stack:
        stack.callback(inboxes.close)
        for index in range(count):
            homes.append(Home(index, [os.dup(fd) for fd in inboxes.descriptors()]))
            listener = socket.socket()
            listener.bind(("127.0.0.1", 0))
            ports.append(listener.getsockname()[1])
            runner = web.AppRunner(application(index), handle_signals=False)
            await runner.setup()
            stack.push_async_callback(runner.cleanup)
            door = Door(runner, listener, errors.no_request, None, homes[-1])
            if index == deaf:
                homes[-1].receive = lambda given: None  # type: ignore[method-assign]
            await door.start()
            inboxes.mark(index, is_open=True)
        yield Port(inboxes, homes, ports)


def application(index: int) -> web.Application:
    async def answer(request: web.Request) -> web.StreamResponse:
        if request.path.startswith("/ws/"):
            connection = web.WebSocketResponse()
            await connection.prepare(request)
            await connection.send_str(str(index))
            await connection.close()
            return connection
        body = await request.read()
        return web.json_response({"door": index, "bytes": len(body)})

    app = web.Application(client_max_size=2 * LARGE)
    app.router.add_route("*", "/{path:.*}", answer)
    return app


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    connector = aiohttp.TCPConnector(limit=0, force_close=True)
    async with aiohttp.ClientSession(connector=connector) as session:
        yield session


async def write(
    session: aiohttp.ClientSession, url: str, body: bytes | io.BytesIO = b""
) -> tuple[int, int]:
    async with session.put(url, data=body) as response:
        said = await response.json()
        return said["door"], said["bytes"]


@pytest.mark.parametrize("door", [0, 1])
@pytest.mark.parametrize("home", [0, 1])
async def test_a_write_and_an_editor_come_to_the_home_of_their_video(
    session: aiohttp.ClientSession, door: int, home: int
) -> None:
    async with doors(2) as port:
        video = port.video_of(home)
        for path in (f"/api/v1/videos/{video}/scenes", f"/api/v1/videos/{str(video).upper()}?a"):
            assert await write(session, port.url(door, path), b"{}") == (home, 2)
        async with session.ws_connect(port.url(door, f"/ws/videos/{video}?token=t")) as editor:
            assert await editor.receive_str() == str(home)


@pytest.mark.parametrize(
    "path", ["/", "/api/v1/videos", "/api/v1/scenes/{video}", "/api/v1/videos/x", "/{video}"]
)
async def test_what_names_no_video_is_answered_where_it_came(
    session: aiohttp.ClientSession, path: str
) -> None:
    async with doors(2) as port:
        video = port.video_of(1)
        assert await write(session, port.url(0, path.format(video=video))) == (0, 0)
        async with session.get(port.url(0, f"/api/v1/videos/{video}/scenes")) as response:
            assert (await response.json())["door"] == 0


async def test_a_large_body_comes_whole_wherever_it_is_read(
    session: aiohttp.ClientSession,
) -> None:
    async with doors(2) as port:
        url = port.url(0, f"/api/v1/videos/{port.video_of(1)}/scenes")
        door, size = await write(session, url, io.BytesIO(os.urandom(LARGE)))
        assert size == LARGE
        # Its first part may have been more than can be passed on: then it is read where it came.
        assert door in (0, 1)


async def test_a_first_part_that_no_message_can_hold_is_read_where_it_came() -> None:
    async with doors(2) as port:
        body = bytes(1 << 18)
        head = (
            f"PUT /api/v1/videos/{port.video_of(1)} HTTP/1.1\r\nHost: x\r\n"
            f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n"
        )
        kept: list[bytes] = []
        ours, theirs = socket.socketpair()
        with theirs:
            transport, _ = await asyncio.get_running_loop().create_connection(
                asyncio.Protocol, sock=ours
            )
            assert port.homes[0].pass_on(transport, head.encode() + body, kept.append)
            assert kept == [head.encode() + body]
            assert transport.is_reading()
            transport.abort()


async def test_a_keep_alive_connection_moves_with_its_requests() -> None:
    async with doors(2) as port, aiohttp.ClientSession() as session:
        for home in (1, 0, 0, 1, 1):
            url = port.url(0, f"/api/v1/videos/{port.video_of(home)}")
            assert await write(session, url, b"1234") == (home, 4)
            async with session.get(port.url(0, "/")) as response:
                assert (await response.json())["door"] == home
        async with session.ws_connect(port.url(0, f"/ws/videos/{port.video_of(0)}")) as editor:
            assert await editor.receive_str() == "0"


async def test_what_an_inbox_has_no_room_for_waits_until_it_has(
    session: aiohttp.ClientSession,
) -> None:
    async with doors(2, deaf=1) as port:
        url = port.url(0, f"/api/v1/videos/{port.video_of(1)}")
        asked = [asyncio.create_task(write(session, url)) for _ in range(600)]
        outbox = port.homes[0]._outboxes[1]
        async with asyncio.timeout(60):
            while not outbox._waiting:
                await asyncio.sleep(0)
        taken: list[socket.socket] = []

        def take(connection: socket.socket, begun: bytes) -> None:
            assert begun.startswith(b"PUT /api/v1/videos/")
            connection.setblocking(True)
            connection.sendall(
                b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 21\r\n\r\n"
                b'{"door":9, "bytes":9}'
            )
            taken.append(connection)

        Home.receive(port.homes[1], take)
        assert await asyncio.gather(*asked) == [(9, 9)] * 600
        for connection in taken:
            connection.close()


def every(home: Home, videos: list[bytes]) -> dict[bytes, int]:
    return {video: home.of(video) for video in videos}


async def test_who_dies_or_comes_moves_its_own_videos_only() -> None:
    inboxes = Inboxes.make(3)
    home = Home(0, [os.dup(fd) for fd in inboxes.descriptors()])
    videos = [str(UUID(int=number)).encode() for number in range(3000)]
    assert set(every(home, videos).values()) == {0}  # nobody is open yet
    for index in range(3):
        inboxes.mark(index, is_open=True)
    before = every(home, videos)
    assert all(900 < count < 1100 for count in Counter(before.values()).values())
    inboxes.mark(1, is_open=False)
    without = every(home, videos)
    assert 1 not in without.values()
    assert all(without[video] == before[video] for video in videos if before[video] != 1)
    inboxes.mark(1, is_open=True)
    assert every(home, videos) == before
    home.close()
    inboxes.close()
