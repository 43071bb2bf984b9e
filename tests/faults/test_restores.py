"""P9: restores on two nodes at once, and while PostgreSQL goes away, bring nothing twice."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import asyncpg
import pytest
from pycrdt import Doc, Map

from tests.e2e.editors import Editor, editor
from tests.e2e.node import node_clients
from tests.e2e.test_events import heard, listener
from tests.e2e.test_versions import OFFLINE, ONLINE, ends_alike, keep, restore
from tests.faults.test_nodes import cluster
from tests.faults.test_outage import BACK_SECONDS, apart
from tests.support.server import Api

GOOD = "The quick brown fox jumps over the lazy dog."
SHORT = "The fox jumps."
AGREE_SECONDS = 10.0
JOURNAL = "cocut_journal_bytes"


async def test_restores_on_two_nodes_at_once(tmp_path: Path) -> None:
    async with (
        cluster(tmp_path) as nodes,
        node_clients(nodes.nodes[0]) as here,
        node_clients(nodes.nodes[1]) as there,
    ):
        one, two = nodes.apis
        video = await one.make_video()
        kept = await one.make_scene(video, text=GOOD)
        gone = await one.make_scene(video, text="Gone and back")
        layer = await one.make_layer(gone, properties={"text": "Title"})
        number = await keep(one, video)
        near, far, away = await here.open(video), await there.open(video), await there.open(video)
        for client in (near, far, away):
            await client.until("scenes.get(id)?.get('layers').has(layer)", id=gone, layer=layer)
        listening = await listener(there, video)
        await away.run(OFFLINE)
        for _ in range(3):
            await one.call("DELETE", f"/videos/{video}/scenes/{gone}")
            await two.call("PUT", f"/videos/{video}/scenes/{kept}", {"text": SHORT})
            await asyncio.gather(*(restore(api, video, number) for api in (one, two, one, two)))
            for api in (one, two):
                assert [scene["text"] for scene in await api.scenes(video)] == [
                    *(GOOD, "Gone and back")
                ]
        told = await heard(listening, "scene:created", "p.scene_id === id", id=gone)
        assert told["by"] == "alice"
        assert told["scene"]["text"] == "Gone and back"
        assert [one["id"] for one in told["scene"]["layers"]] == [layer]
        # Who was away, with edits of its own, returns to the node that restored nothing last.
        await away.run(
            "scenes.get(kept).get('text').insert(0, 'Away: '); scenes.get(gone).set('duration', 9)",
            kept=kept,
            gone=gone,
        )
        await away.run(ONLINE)
        await away.saved()
        for client in (near, far):
            await client.until(
                "scenes.get(id).get('text').toString() === text", id=kept, text=f"Away: {GOOD}"
            )
        shown = await ends_alike(one, video, near, far, away)
        assert [scene["text"] for scene in shown] == [f"Away: {GOOD}", "Gone and back"]
        assert [scene["id"] for scene in shown] == [kept, gone]
        assert [one["id"] for one in shown[1]["layers"]] == [layer]
        assert await two.scenes(video) == shown


@pytest.mark.timeout(120)
@pytest.mark.parametrize(
    "fate",
    [
        "killed",
        *(pytest.param(fate, marks=pytest.mark.slow) for fate in ("cut off", "answer lost")),
    ],
)
async def test_a_restore_that_another_node_keeps_is_not_brought_twice(
    tmp_path: Path, fate: str
) -> None:
    """A node loses the database between planning a restore and storing it: what it planned is in
    its journal, and it is cut off or killed; or in the database, whose answer was lost. The other
    node is asked meanwhile."""
    async with cluster(tmp_path) as nodes:
        one, two = nodes.apis
        video = await one.make_video()
        kept = await one.make_scene(video, text=GOOD)
        gone = await one.make_scene(video, text="Gone and back")
        number = await keep(one, video)
        path = f"/videos/{video}/versions/{number}/restore"
        await one.call("PUT", f"/videos/{video}/scenes/{kept}", {"text": SHORT})
        await one.call("DELETE", f"/videos/{video}/scenes/{gone}")
        async with editor(one, video) as near, editor(two, video) as far:
            async with appends_held(nodes.dsn, video) as held:
                first = asyncio.ensure_future(one.call("POST", path))
                await held.until_waiting(1)
                nodes.links[0].cut()
                if fate == "answer lost":
                    second = asyncio.ensure_future(two.call("POST", path))
                    await held.until_waiting(2)
                else:
                    await held.end_waiting()
                await reads(near, kept, GOOD)
                await near.change(lambda doc: append(doc, gone, ", typed there"))
                await near.saved()
            async with asyncio.timeout(BACK_SECONDS):
                while await one.metric(JOURNAL) == 0:
                    await asyncio.sleep(0.02)
            if fate == "killed":
                nodes.kill(0)
                with pytest.raises(aiohttp.ClientError):
                    await first
            if fate != "answer lost":
                # The document that the first one was planned for is not the one there is now.
                await far.change(lambda doc: append(doc, kept, " Meanwhile."))
                await far.saved()
                second = asyncio.ensure_future(two.call("POST", path))
            reply = await second
            assert reply.status == 200, reply.content
            await reads(far, kept, GOOD)
            await reads(far, gone, "Gone and back")
            nodes.links[0].mend()
            if fate == "killed":
                await nodes.start(0)
            else:
                assert (await first).status in (200, 503)
                await reads(near, gone, "Gone and back, typed there")
            await reads(far, gone, "Gone and back, typed there")
            async with asyncio.timeout(BACK_SECONDS):
                while await nodes.apis[0].metric(JOURNAL) > 0:
                    await asyncio.sleep(0.02)
            for api in nodes.apis:
                shown = [scene["text"] for scene in await api.scenes(video)]
                assert shown == [GOOD, "Gone and back, typed there"]


@dataclass(slots=True)
class Held:
    """Appends to a video's log wait, in PostgreSQL, for a transaction of the test's.

    `watching` is beside it: within a transaction PostgreSQL shows the same activity again.
    """

    watching: asyncpg.Connection[Any]

    async def until_waiting(self, count: int) -> None:
        """Until so many of them do."""
        async with asyncio.timeout(AGREE_SECONDS):
            while len(await self._waiting()) < count:
                await asyncio.sleep(0.01)

    async def end_waiting(self) -> None:
        """End those that wait, as with a connection that is known to be lost."""
        for pid in await self._waiting():
            await self.watching.execute("SELECT pg_terminate_backend($1, 5000)", pid)

    async def _waiting(self) -> list[int]:
        rows = await self.watching.fetch(
            "SELECT pid FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
            " AND query LIKE '%UPDATE video_heads%'"
        )
        return [row["pid"] for row in rows]


@asynccontextmanager
async def appends_held(dsn: str, video: str) -> AsyncIterator[Held]:
    """Nothing is added to a video's log."""
    holding, watching = await asyncpg.connect(dsn), await asyncpg.connect(dsn)
    try:
        async with holding.transaction():
            await holding.execute("SELECT FROM video_heads WHERE video_id = $1 FOR UPDATE", video)
            yield Held(watching)
    finally:
        await asyncio.gather(holding.close(), watching.close())


@pytest.mark.timeout(120)
async def test_a_restore_while_the_database_goes_away(tmp_path: Path) -> None:
    async with apart(tmp_path) as (postgres, _, api):
        video = await api.make_video()
        scene = await api.make_scene(video, text=GOOD)
        number = await keep(api, video)
        path = f"/videos/{video}/versions/{number}/restore"
        async with editor(api, video) as one, editor(api, video) as two:
            for turn, delay in enumerate((0.05, 0.4)):
                await api.call("PUT", f"/videos/{video}/scenes/{scene}", {"text": SHORT})
                await reads(one, scene, SHORT)
                restoring = asyncio.ensure_future(api.call("POST", path))
                await asyncio.sleep(delay)  # how far it gets is what differs
                await postgres.stop()
                reply = await restoring
                assert reply.status in (200, 503), reply.content
                if reply.status == 503:
                    assert (reply.code, "Retry-After" in reply.headers) == ("database_away", True)
                # Meanwhile others go on, and nobody can restore.
                word = f" During {turn}."
                await one.change(lambda doc, word=word: append(doc, scene, word))  # type: ignore[misc]
                await one.saved()
                await two.until(lambda word=word: text_of(two, scene).endswith(word))  # type: ignore[misc]
                assert (await api.call("POST", path)).status == 503
                await postgres.start()
                before = (await restored(api, path)).data["before"]["number"]
                await reads(one, scene, GOOD)
                await reads(two, scene, GOOD)
                assert [shown["text"] for shown in await api.scenes(video)] == [GOOD]
                # What was typed while the database was away is in the version before.
                reply = await api.call("GET", f"/videos/{video}/versions/{before}")
                [shown] = reply.data["scenes"]
                assert shown["text"] in (SHORT + word, GOOD + word)


async def restored(api: Api, path: str) -> Any:
    """Ask for a restore, as often as it takes."""
    async with asyncio.timeout(BACK_SECONDS):
        while (reply := await api.call("POST", path)).status != 200:
            assert reply.status == 503, reply.content
            await asyncio.sleep(0.02)
    return reply


def append(doc: Doc[Any], scene: str, word: str) -> None:
    text = doc.get("scenes", type=Map)[scene]["text"]
    text.insert(len(text), word)


def text_of(one: Editor, scene: str) -> str:
    return str(one.scenes[scene]["text"])


async def reads(one: Editor, scene: str, text: str) -> None:
    """Wait until an editor has this text."""
    async with asyncio.timeout(AGREE_SECONDS):
        await one.until(lambda: scene in one.scenes and text_of(one, scene) == text)
