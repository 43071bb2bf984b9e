"""Floods: what comes too fast is not read, and what never comes is not waited for."""

from __future__ import annotations

import asyncio
import statistics
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import psutil
import pytest
from pycrdt import Doc, Map, MapEvent
from yarl import URL

from collab import protocol
from collab.encoding import write_varuint
from collab.protocol import Update
from server.door import FIRST_REQUEST_SECONDS
from server.load.swarm import allow_files
from tests.e2e.editors import add_scene, editor
from tests.e2e.sockets import shake_hands
from tests.support.face import Reply
from tests.support.frames import client_frame
from tests.support.server import Api, Server, calling, serving

EDITORS = 100
EDITS = 100
EDITS_PER_SECOND = 50.0
ROUNDS = 8
NOISE_SECONDS = 0.005
FLOOD_PER_SECOND = 50_000
HANDSHAKES = 2_000


class Crowd:
    """Editors who edit at an even pace; one of them notes when it hears of each edit.

    Attributes:
        delays: from sending an edit to hearing of it, in seconds.
    """

    def __init__(self, sockets: list[aiohttp.ClientWebSocketResponse]) -> None:
        self._listener, *self._writers = sockets
        self._docs: list[Doc[Any]] = [Doc() for _ in self._writers]
        self._heard: Doc[Any] = Doc()
        self._sent: dict[str, float] = {}
        self._number = 0
        self.delays: list[float] = []

    async def listen(self) -> None:
        """Hear what the others do."""
        edits = self._heard.get("edits", type=Map)
        subscription = edits.observe(self._note)
        async for message in self._listener:
            read = protocol.read_frame(message.data)
            if isinstance(read, Update):
                self._heard.apply_update(read.update)
        edits.unobserve(subscription)

    async def drain(self, writer: aiohttp.ClientWebSocketResponse) -> None:
        """Read what a writer hears."""
        async for _ in writer:
            pass

    def tasks(self) -> list[asyncio.Task[None]]:
        """What has to run meanwhile."""
        return [
            asyncio.create_task(self.listen()),
            *(asyncio.create_task(self.drain(writer)) for writer in self._writers),
        ]

    async def p99(self) -> float:
        """Have the editors edit for a while."""
        self.delays.clear()
        due = time.perf_counter()
        for _ in range(EDITS):
            self._number += 1
            at = self._number % len(self._writers)
            doc, name = self._docs[at], str(self._number)
            before = doc.get_state()
            doc.get("edits", type=Map)[name] = 1
            frame = b"".join(protocol.update(doc.get_update(before)))
            self._sent[name] = time.perf_counter()
            await self._writers[at].send_bytes(frame)
            due += 1 / EDITS_PER_SECOND
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
        async with asyncio.timeout(20):
            while self._sent:
                await asyncio.sleep(0.01)
        return statistics.quantiles(self.delays, n=100)[98]

    def _note(self, event: MapEvent) -> None:
        now = time.perf_counter()
        self.delays += [now - self._sent.pop(name) for name in event.keys]  # type: ignore[attr-defined]


@asynccontextmanager
async def flood(api: Api, video: str, frame: bytes) -> AsyncIterator[Callable[[], int]]:
    """A connection that sends 50,000 frames a second, or what it gets rid of; the function that
    this gives says how many have left."""
    reader, writer = await shake_hands(api, video, "mallory")
    count = FLOOD_PER_SECOND // 100
    blob, sent = client_frame(2, frame) * count, 0

    async def send() -> None:
        nonlocal sent
        while True:
            writer.write(blob)
            await writer.drain()
            sent += count
            await asyncio.sleep(0.01)

    async def read() -> None:
        while await reader.read(1 << 16):
            pass

    tasks = [asyncio.create_task(each()) for each in (send, read)]
    try:
        yield lambda: sent
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        writer.transport.abort()


@pytest.mark.timeout(120)
async def test_a_flood_of_frames_is_not_read_and_nobody_else_feels_it(tmp_path: Path) -> None:
    options = ("--max-connections-per-user", "200", "--log-level", "warning")
    with serving(tmp_path / "data", *options) as server:
        async with calling(server) as api, AsyncExitStack() as stack:
            video = await api.make_video()
            await api.share(video, "mallory", "editor")
            url = server.socket_url(video, server.token())
            sockets = [
                await stack.enter_async_context(api.session.ws_connect(url)) for _ in range(EDITORS)
            ]
            crowd = Crowd(sockets)
            tasks = crowd.tasks()
            doc: Doc[Any] = Doc()
            add_scene("flood")(doc)
            frame = b"".join(protocol.update(doc.get_update()))
            usual, flooded = [], []
            for _ in range(ROUNDS):
                usual.append(await crowd.p99())
                async with flood(api, video, frame) as sent:
                    async with asyncio.timeout(20):
                        while sent() < 1_000:
                            await asyncio.sleep(0.01)
                    flooded.append(await crowd.p99())
                # The best of some rounds: others use this machine, too, but a flood that is felt
                # is felt in all of them.
                if min(flooded) <= 2 * max(min(usual), NOISE_SECONDS):
                    break
            else:
                pytest.fail(f"p99 usually {usual}, in a flood {flooded}")
            for socket in sockets:
                await socket.close()
            await asyncio.gather(*tasks)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One for all tests that leave nothing open."""
    with serving(tmp_path_factory.mktemp("floods") / "data", "--log-level", "warning") as server:
        yield server


@pytest.fixture
async def api(server: Server) -> AsyncIterator[Api]:
    async with calling(server) as api:
        yield api


QUESTIONS = 200
NOTES = 4_000


@pytest.mark.parametrize("kind", ["document", "presence", "acknowledgement"])
async def test_questions_of_one_who_reads_no_answer_cost_nobody_else(
    tmp_path: Path, kind: str
) -> None:
    with serving(tmp_path / "data", "--log-level", "warning") as server:
        async with calling(server) as api:
            video = await api.make_video()
            await api.share(video, "mallory", "viewer")
            async with editor(api, video) as author:
                await author.change(add_notes)
                for client in range(1, 60):
                    await author.be_present(client, 1, b'"%s"' % (b"x" * 8_000))
                await author.saved()
                reader, writer = await shake_hands(api, video, "mallory")
                memory = psutil.Process(server.pid).memory_info().rss
                writer.write(b"".join(client_frame(2, question(kind, n)) for n in range(QUESTIONS)))
                began = time.perf_counter()
                for _ in range(20):
                    await author.change(add_scene("typed meanwhile"))
                    await author.saved()
                assert time.perf_counter() - began < 5
                assert psutil.Process(server.pid).memory_info().rss - memory < 64 * 1024 * 1024
                writer.transport.abort()
                await reader.read(1)


def add_notes(doc: Doc[Any]) -> None:
    """Five megabytes that are no text."""
    notes: Map[Any] = doc.get("notes", type=Map)
    for number in range(NOTES):
        notes[str(number)] = "x" * 1_200


def question(kind: str, number: int) -> bytes:
    """A frame that is answered at length: each with a state vector of its own."""
    if kind == "presence":
        return bytes((protocol.QUERY_AWARENESS,))
    if kind == "acknowledgement":
        return bytes((protocol.ACKNOWLEDGE,)) + bytes(500_000)
    vector = bytearray((1,))
    write_varuint(vector, 1_000 + number)
    return b"".join(protocol.step_1(bytes((*vector, 0))))


async def answers(api: Api, video: str) -> float:
    """The seconds in which a REST read, a health check and a new editor are served."""
    began = time.perf_counter()
    async with asyncio.timeout(10):
        assert (await api.call("GET", f"/videos/{video}/scenes")).status == 200
        async with api.session.get(f"{api.server.address}/healthz") as health:
            assert health.status == 200
        async with editor(api, video):
            pass
    return time.perf_counter() - began


@pytest.mark.timeout(120)
async def test_handshakes_that_never_finish_are_ended(tmp_path: Path) -> None:
    allow_files(2 * HANDSHAKES)
    with serving(tmp_path / "data", "--log-level", "warning") as server:
        async with calling(server) as api:
            video = await api.make_video()
            await answers(api, video)
            files = psutil.Process(server.pid).num_fds()
            url = URL(server.address)
            starts = [
                b"GET /api/v1/videos HTTP/1.1\r\nHost: here\r\nX-Slow: ",
                f"GET /ws/videos/{video} HTTP/1.1\r\nHost: here\r\nUpgrade: websocket\r\n".encode(),
            ]
            slow = []
            for number in range(HANDSHAKES):
                reader, writer = await asyncio.open_connection(url.host, url.port)
                writer.write(starts[number % 2])
                slow.append((reader, writer))
            assert psutil.Process(server.pid).num_fds() >= files + HANDSHAKES / 2
            assert await answers(api, video) < 5
            async with asyncio.timeout(FIRST_REQUEST_SECONDS + 20):
                for reader, writer in slow:
                    assert await reader.read() == b""
                    writer.close()
                while psutil.Process(server.pid).num_fds() > files + 10:
                    await asyncio.sleep(0.05)
            assert await answers(api, video) < 5


async def test_requests_past_the_limit_wait_and_cost_nobody_else(api: Api) -> None:
    headers = {"Authorization": f"Bearer {api.server.token('bob', 'free')}"}
    refused: list[Reply] = []
    replies: list[Reply] = []
    began = time.perf_counter()
    while not refused:
        replies += await asyncio.gather(
            *(api.call("GET", "/videos", headers=headers) for _ in range(100))
        )
        refused = [reply for reply in replies if reply.status == 429]
    served = [reply for reply in replies if reply.status == 200]
    assert len(served) + len(refused) == len(replies)
    assert 300 <= len(served) <= 301 + 5 * (time.perf_counter() - began)
    assert {reply.code for reply in refused} == {"rate_limited"}
    assert all(int(reply.headers["Retry-After"]) >= 1 for reply in refused)
    assert {reply.headers["RateLimit-Limit"] for reply in replies} == {"300"}
    assert (await api.call("GET", "/videos")).status == 200
    await asyncio.sleep(int(refused[-1].headers["Retry-After"]))
    reply = await api.call("GET", "/videos", headers=headers)
    assert reply.status == 200
    assert "RateLimit-Remaining" in reply.headers


async def test_attempts_to_connect_past_the_limit_are_told_to_wait(api: Api) -> None:
    video = await api.make_video()
    codes: list[int | None] = []
    while 1013 not in codes:
        codes += await asyncio.gather(*(code_of_bad_token(api, video) for _ in range(100)))
    assert set(codes) == {4401, 1013}
    assert codes.count(4401) >= 300
    async with editor(api, video):
        pass  # a good token from the same address counts by its user
    refused = await api.metric('cocut_refused_total{reason="unauthenticated"}')
    assert refused == codes.count(4401)


async def code_of_bad_token(api: Api, video: str) -> int | None:
    async with api.session.ws_connect(api.server.socket_url(video, "no token")) as socket:
        await socket.receive()
        return socket.close_code
