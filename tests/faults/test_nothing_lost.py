"""P1, P2, P3: a server that is killed at any moment loses nothing that anybody knows of."""

from __future__ import annotations

import asyncio
import os
import random
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest
from pycrdt import Map, Text

from tests.support.server import Api, Server
from tests.support.typists import SHARED, Seen, Typist, settled, stored_ledger, typing

EDITORS = 50
EDITS_PER_SECOND = 250.0
OPTIONS = ("--rate-limits", "off", "--max-connections-per-user", "1000", "--log-level", "warning")


class Mortal:
    """A server that can be killed and started again on the same data."""

    def __init__(self, data_dir: Path, *options: str) -> None:
        self.server = Server(data_dir, *options)
        self._options = options

    def kill(self) -> None:
        os.kill(self.server.pid, signal.SIGKILL)
        assert self.server.wait() == -signal.SIGKILL
        self.server.kill()

    async def start(self) -> Server:
        self.server = await asyncio.to_thread(Server, self.server.data_dir, *self._options)
        return self.server


@asynccontextmanager
async def mortal(data_dir: Path, *options: str) -> AsyncIterator[Mortal]:
    mortal = Mortal(data_dir, *options)
    try:
        yield mortal
    finally:
        mortal.server.kill()


class Reader:
    """Reads the scenes by REST all the time, and remembers the longest that it saw of each text."""

    def __init__(self, video: str) -> None:
        self.video = video
        self.texts: dict[str, str] = {}
        self.reads = 0

    async def read(self, api: Api) -> None:
        reply = await api.call("GET", f"/videos/{self.video}/scenes")
        assert reply.status == 200, reply.content
        for scene in reply.data["scenes"]:
            self.texts[scene["id"]] = scene["text"]
        self.reads += 1

    async def read_for_ever(self, api: Api) -> None:
        try:
            while True:
                await self.read(api)
        except aiohttp.ClientError:
            return  # it was killed


@pytest.mark.timeout(180)
@pytest.mark.parametrize(
    "kills", [6, pytest.param(20, marks=[pytest.mark.slow, pytest.mark.timeout(600)])]
)
async def test_kills_lose_nothing(tmp_path: Path, kills: int) -> None:
    rng = random.Random(20)
    seen = Seen()
    async with mortal(tmp_path / "data", *OPTIONS) as node, aiohttp.ClientSession() as session:
        token = node.server.token()
        video = await Api(node.server, session).make_video()
        typists = [
            Typist(session, lambda: node.server.socket_url(video, token), number, seen)
            for number in range(1, EDITORS + 1)
        ]
        typists[0].scenes[SHARED] = Map({"text": Text("Once upon a time")})
        reader = Reader(video)
        async with typing(typists, rng, EDITS_PER_SECOND) as type_now:
            await asyncio.gather(*(typist.synced.wait() for typist in typists))
            type_now.set()
            for _ in range(kills):
                reading = asyncio.create_task(reader.read_for_ever(Api(node.server, session)))
                changes = seen.changes
                async with asyncio.timeout(30):
                    await asyncio.gather(*(typist.synced.wait() for typist in typists))
                    asked = [asyncio.create_task(typist.stored()) for typist in typists[:10]]
                    while seen.changes < changes + 100:
                        await asyncio.sleep(0)
                await asyncio.sleep(rng.random() * 0.2)
                for typist in typists:
                    typist.door.clear()
                node.kill()
                await asyncio.gather(reading)
                await asyncio.gather(*(typist.ended.wait() for typist in typists))
                for task in asked:
                    task.cancel()

                await node.start()
                api = Api(node.server, session)
                document = await api.call("GET", f"/videos/{video}/document")
                assert seen.lost(stored_ledger(document.content)) == []
                texts = dict(reader.texts)
                await reader.read(api)
                for scene, text in texts.items():
                    if scene != SHARED:
                        assert reader.texts[scene].startswith(text), scene
                for typist in typists:
                    typist.door.set()

            type_now.clear()
            await settled(typists, 30)
            api = Api(node.server, session)
            shown = {scene["id"]: scene["text"] for scene in await api.scenes(video)}
            assert reader.reads > 2 * kills
            for typist in typists:
                assert typist.texts == typists[0].texts
                assert set(typist.closes) <= {1006}
                own = "".join(f"{n}," for n in range(1, typist.typed + 1))
                assert typist.texts[typist.scene] == own
            assert shown == typists[0].texts
        node.server.stop()
