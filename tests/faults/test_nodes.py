"""Two nodes that share a video: one log, one document, whatever Redis does."""

from __future__ import annotations

import asyncio
import os
import random
import shutil
import signal
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import asyncpg
import pytest
import pytest_asyncio
from pycrdt import Map, Text

from collab import protocol
from collab.presence import GONE, read_states
from tests.e2e.editors import Editor, editor
from tests.support.link import Link, link_to
from tests.support.postgres import new_postgres
from tests.support.redis import RedisServer, redis_running
from tests.support.server import Api, Server
from tests.support.typists import SHARED, Seen, Typist, settled, stored_ledger, typing

OPTIONS = ("--rate-limits", "off", "--max-connections-per-user", "1000", "--log-level", "warning")
HEALED_SECONDS = 3.0
GONE_SECONDS = 10.0
LATE_SECONDS = 12.0
SHARED_LOOP = pytest.mark.asyncio(loop_scope="module")
ANN = b'{"name":"Ann"}'
BOB = b'{"name":"Bob"}'


@dataclass(slots=True)
class Cluster:
    """Two nodes, and what they share.

    Attributes:
        nodes: both servers.
        redis: between them.
        dsn: of their database.
        links: how each node reaches it.
        session: for clients.
        away: the node that is down; its editors go to the other.
    """

    nodes: list[Server]
    redis: RedisServer
    dsn: str
    links: list[Link]
    session: aiohttp.ClientSession
    away: int | None = None

    @property
    def apis(self) -> list[Api]:
        return [Api(node, self.session) for node in self.nodes]

    async def start(self, index: int) -> None:
        """Start a node that was killed."""
        old = self.nodes[index]
        self.nodes[index] = await asyncio.to_thread(
            Server,
            old.data_dir,
            "--database-url",
            self.links[index].dsn,
            "--redis-url",
            self.redis.url,
            *OPTIONS,
        )

    def end(self) -> None:
        """See that both are gone."""
        for node in self.nodes:
            node.kill()

    def kill(self, index: int) -> None:
        os.kill(self.nodes[index].pid, signal.SIGKILL)
        assert self.nodes[index].wait() == -signal.SIGKILL
        self.nodes[index].kill()


@asynccontextmanager
async def cluster(tmp_path: Path) -> AsyncIterator[Cluster]:
    async with AsyncExitStack() as stack:
        redis = stack.enter_context(redis_running())
        postgres = new_postgres(tmp_path / "database")
        dsn = await postgres.start()
        stack.push_async_callback(postgres.stop)
        links = [stack.enter_context(link_to(dsn)) for _ in range(2)]
        nodes: list[Server] = []
        for name, link in zip(("one", "two"), links, strict=True):
            data_dir = tmp_path / name
            data_dir.mkdir()
            if nodes:
                shutil.copy(nodes[0].data_dir / "secret", data_dir / "secret")
            options = ("--database-url", link.dsn, "--redis-url", redis.url, *OPTIONS)
            node = await asyncio.to_thread(Server, data_dir, *options)
            stack.callback(node.kill)
            nodes.append(node)
        session = await stack.enter_async_context(aiohttp.ClientSession())
        made = Cluster(nodes, redis, dsn, links, session)
        stack.callback(made.end)
        yield made
        for node in made.nodes:
            node.ask_to_stop()
        for node in made.nodes:
            assert node.wait() == 0


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def both(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Cluster]:
    """One cluster for all tests that leave it as it is."""
    async with cluster(tmp_path_factory.mktemp("both")) as both:
        yield both


def typists_of(cluster: Cluster, video: str, seen: Seen, count: int) -> list[Typist]:
    """Editors, on both nodes in turn."""

    def url(index: int) -> str:
        home = index % 2
        node = cluster.nodes[1 - home if cluster.away == home else home]
        return node.socket_url(video, node.token())

    return [
        Typist(cluster.session, lambda n=number: url(n), number, seen)  # type: ignore[misc]
        for number in range(1, count + 1)
    ]


async def log_of(dsn: str, video: str) -> tuple[int, list[int], int]:
    """The head of a video's log, the numbers of its rows, and that of its snapshot."""
    connection = await asyncpg.connect(dsn)
    try:
        head = await connection.fetchval("SELECT seq FROM video_heads WHERE video_id = $1", video)
        rows = await connection.fetch(
            "SELECT seq FROM video_updates WHERE video_id = $1 ORDER BY seq", video
        )
        snapshot = await connection.fetchval(
            "SELECT coalesce(max(seq), 0) FROM video_snapshots WHERE video_id = $1", video
        )
    finally:
        await connection.close()
    return head, [row["seq"] for row in rows], snapshot


async def check_agreement(cluster: Cluster, video: str, typists: list[Typist], seen: Seen) -> None:
    """All typists, both nodes and the tables hold the same; the log has no gaps and no doubles."""
    assert all(typist.texts == typists[0].texts for typist in typists)
    for api in cluster.apis:
        document = await api.call("GET", f"/videos/{video}/document")
        assert seen.lost(stored_ledger(document.content)) == []
        shown = {scene["id"]: scene["text"] for scene in await api.scenes(video)}
        assert shown == typists[0].texts
    head, rows, snapshot = await log_of(cluster.dsn, video)
    assert rows == list(range(snapshot + 1, head + 1))


@pytest.mark.timeout(120)
async def test_redis_that_dies_freezes_and_returns_costs_time_only(tmp_path: Path) -> None:
    rng = random.Random(3)
    seen = Seen()
    async with cluster(tmp_path) as both:
        video = await both.apis[0].make_video()
        typists = typists_of(both, video, seen, 10)
        typists[0].scenes[SHARED] = Map({"text": Text("Once upon a time")})
        async with typing(typists, rng, 100) as type_now:
            await asyncio.gather(*(typist.synced.wait() for typist in typists))
            type_now.set()
            await asyncio.sleep(1)
            both.redis.kill()
            await asyncio.sleep(2)
            both.redis.start()
            await asyncio.sleep(1)
            both.redis.freeze()
            await asyncio.sleep(5)
            both.redis.thaw()
            type_now.clear()
            await settled(typists, HEALED_SECONDS)
            await check_agreement(both, video, typists, seen)


@pytest.mark.timeout(120)
async def test_editors_who_come_and_go_on_both_nodes_agree(tmp_path: Path) -> None:
    rng = random.Random(4)
    seen = Seen()
    async with cluster(tmp_path) as both:
        video = await both.apis[0].make_video()
        typists = typists_of(both, video, seen, 8)
        typists[0].scenes[SHARED] = Map({"text": Text("Once upon a time")})
        async with typing(typists, rng, 80) as type_now:
            await asyncio.gather(*(typist.synced.wait() for typist in typists))
            type_now.set()
            for _ in range(20):
                await asyncio.sleep(0.2)
                await rng.choice(typists).hang_up()
            type_now.clear()
            await settled(typists, 10)
            await check_agreement(both, video, typists, seen)


@pytest.mark.parametrize(
    "kills", [3, pytest.param(20, marks=[pytest.mark.slow, pytest.mark.timeout(900)])]
)
async def test_a_node_that_is_killed_loses_nothing_that_was_seen(
    tmp_path: Path, kills: int
) -> None:
    """Each time, its editors come back on the other node, and those who watch there see the dead
    node's presence go."""
    rng = random.Random(5)
    seen = Seen()
    async with cluster(tmp_path) as both:
        video = await both.apis[0].make_video()
        typists = typists_of(both, video, seen, 12)
        typists[0].scenes[SHARED] = Map({"text": Text("Once upon a time")})
        async with typing(typists, rng, 150) as type_now:
            await asyncio.gather(*(typist.synced.wait() for typist in typists))
            type_now.set()
            for turn in range(kills):
                dead, alive = turn % 2, 1 - turn % 2
                apis = both.apis
                async with editor(apis[dead], video) as gone, editor(apis[alive], video) as watcher:
                    await gone.be_present(900 + turn, 1, ANN)
                    await hears(watcher, 900 + turn, ANN)
                    changes = seen.changes
                    async with asyncio.timeout(10):
                        while seen.changes < changes + 100:
                            await asyncio.sleep(0.01)
                    both.kill(dead)
                    both.away = dead
                    async with asyncio.timeout(GONE_SECONDS):
                        await hears(watcher, 900 + turn, GONE)
                    # Nobody waited for the dead node: what is typed goes on arriving.
                    changes = seen.changes
                    async with asyncio.timeout(10):
                        while seen.changes < changes + 100:
                            await asyncio.sleep(0.01)
                await both.start(dead)
                both.away = None
            type_now.clear()
            await settled(typists, 20)
            await check_agreement(both, video, typists, seen)


async def hears(watcher: Editor, client: int, state: bytes) -> None:
    """Wait until an editor hears this state of a client; looks at each frame once."""
    looked = 0

    def heard() -> bool:
        nonlocal looked
        frames, looked = watcher.frames[looked:], len(watcher.frames)
        messages = (protocol.read_frame(frame) for frame in frames)
        return any(
            (at, what) == (client, state)
            for message in messages
            if isinstance(message, protocol.Awareness)
            for at, _, what in read_states(message.payload)
        )

    await watcher.until(heard)


@SHARED_LOOP
async def test_a_write_on_one_node_is_there_on_the_other_at_once(both: Cluster) -> None:
    one, two = both.apis
    video = await one.make_video()
    scene = await two.make_scene(video, text="Hello")
    async with editor(one, video) as first, editor(two, video) as second:
        for number in range(10):
            writer, reader = (one, two) if number % 2 else (two, one)
            text = f"This is {number}"
            path = f"/videos/{video}/scenes/{scene}"
            reply = await writer.call("PUT", path, {"text": text})
            assert reply.status == 200, reply.content
            reply = await reader.call("GET", f"/videos/{video}/scenes")
            assert reply.data["scenes"][0]["text"] == text
            for each in (first, second):
                await each.until(
                    lambda e=each, t=text: str(e.scenes[scene]["text"]) == t  # type: ignore[misc]
                )


@pytest.mark.timeout(180)
@pytest.mark.parametrize(
    "how", [pytest.param(signal.SIGSTOP, marks=pytest.mark.slow), signal.SIGKILL]
)
async def test_the_tables_go_on_when_the_node_that_writes_them_does_not(
    tmp_path: Path, how: signal.Signals
) -> None:
    """Each of both in turn, since either may be the one that writes."""
    async with cluster(tmp_path) as both:
        video = await both.apis[0].make_video()
        scene = await both.apis[0].make_scene(video, text="Hello")
        path = f"/videos/{video}/scenes/{scene}"

        async def shows(api: Api, **fields: object) -> bool:
            shown = (await api.scenes(video))[0]
            return all(shown[name] == value for name, value in fields.items())

        async def written(api: Api, text: str) -> None:
            assert (await api.call("PUT", path, {"text": text})).status == 200
            assert await shows(api, text=text)

        for turn in range(2):
            one, two = both.apis if turn else both.apis[::-1]
            async with editor(one, video), editor(two, video) as typist:
                await written(two, f"There {turn}")
                await written(one, f"Here {turn}")
                os.kill(one.server.pid, how)
                try:
                    seconds = 7.0 + turn
                    await typist.change(
                        lambda doc, s=seconds: doc["scenes"][scene].update({"duration": s})  # type: ignore[misc]
                    )
                    await typist.saved()
                    async with asyncio.timeout(LATE_SECONDS):
                        while not await shows(two, duration=seconds):
                            await asyncio.sleep(0.05)
                    await written(two, f"Alone {turn}")
                finally:
                    os.kill(one.server.pid, signal.SIGCONT)
            if how == signal.SIGKILL:
                index = both.nodes.index(one.server)
                one.server.kill()
                await both.start(index)
                one = both.apis[index]
            await written(one, f"Again {turn}")
            assert await shows(two, text=f"Again {turn}", duration=seconds)


async def test_who_is_here_is_known_on_both_nodes_and_forgotten_with_one(tmp_path: Path) -> None:
    async with cluster(tmp_path) as both:
        one, two = both.apis
        video = await one.make_video()
        async with editor(one, video) as first, editor(two, video) as second:
            await first.be_present(7, 1, ANN)
            await second.be_present(8, 1, BOB)
            await first.until(lambda: first.present().get(8) == BOB)
            await second.until(lambda: second.present().get(7) == ANN)
            async with editor(two, video) as third:
                await third.until(lambda: third.present().get(7) == ANN)
            both.kill(0)
            async with asyncio.timeout(10):
                await second.until(lambda: second.present().get(7) == GONE)
        await both.start(0)


@SHARED_LOOP
@pytest.mark.parametrize("change", ["removed", "demoted", "promoted", "deleted"])
async def test_access_follows_its_change_on_the_other_node(both: Cluster, change: str) -> None:
    one, two = both.apis
    video = await one.make_video()
    scene = await one.make_scene(video, text="Hello")
    await one.share(video, "bob", "viewer" if change == "promoted" else "editor")
    async with editor(two, video, "bob") as bob:
        if change == "removed":
            await one.call("DELETE", f"/videos/{video}/members/bob")
        elif change == "deleted":
            await one.call("DELETE", f"/videos/{video}")
        else:
            await one.share(video, "bob", "viewer" if change == "demoted" else "editor")
        async with asyncio.timeout(5):
            if change in ("removed", "deleted"):
                assert await bob.closed() == (4403 if change == "removed" else 4404)
                return
            await may_edit(one, video, scene, bob, change == "promoted")


async def may_edit(api: Api, video: str, scene: str, bob: Editor, expected: bool) -> None:
    """Wait until what the editor writes is taken, or is not."""
    number = 0
    while True:
        number += 1
        wanted = 1.0 + number
        await bob.change(lambda doc, w=wanted: doc["scenes"][scene].update({"duration": w}))  # type: ignore[misc]
        await bob.saved()
        if (await api.scenes(video))[0]["duration"] == wanted:
            if expected:
                return
        elif not expected:
            return
        await asyncio.sleep(0.1)


@SHARED_LOOP
async def test_a_token_that_runs_out_ends_the_connection(both: Cluster) -> None:
    one, two = both.apis
    video = await one.make_video()
    url = two.server.socket_url(video, two.server.token(ttl_seconds=3))
    async with both.session.ws_connect(url) as socket, asyncio.timeout(8):
        async for _ in socket:
            pass
    assert socket.close_code == 4401
