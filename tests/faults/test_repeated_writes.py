"""P5: a write that one node keeps for a database that is away, and that is sent to another node
again, is there once."""

from __future__ import annotations

import asyncio
from pathlib import Path

import aiohttp
import pytest

from tests.e2e.editors import editor
from tests.faults.test_nodes import cluster
from tests.faults.test_outage import BACK_SECONDS
from tests.faults.test_restores import JOURNAL, append, appends_held, reads
from tests.support.postgres import execute
from tests.support.server import Api

OLD = "The fox jumps."
NEW = "The quick brown fox jumps over the lazy dog."


async def until_journal(api: Api, *, empty: bool) -> None:
    """Wait until a node's journal holds something, or nothing."""
    async with asyncio.timeout(BACK_SECONDS):
        while (await api.metric(JOURNAL) == 0) is not empty:
            await asyncio.sleep(0.02)


@pytest.mark.timeout(120)
@pytest.mark.parametrize(
    ("fate", "wanted"),
    [
        ("killed", NEW),
        ("edited here", NEW + " Here."),
        pytest.param("kept", NEW, marks=pytest.mark.slow),
        pytest.param("answer lost", NEW, marks=pytest.mark.slow),
        pytest.param("edited there", NEW, marks=pytest.mark.slow),
        pytest.param("edited after", NEW + " There.", marks=pytest.mark.slow),
    ],
)
async def test_a_text_that_is_written_again_elsewhere_is_there_once(
    tmp_path: Path, fate: str, wanted: str
) -> None:
    """One node loses the database with a PUT on its way, and the client repeats it at the other,
    before the first is back."""
    async with cluster(tmp_path) as nodes:
        one, two = nodes.apis
        video = await one.make_video()
        scene = await one.make_scene(video, text=OLD)
        path = f"/videos/{video}/scenes/{scene}"
        async with editor(one, video) as near, editor(two, video) as far:
            async with appends_held(nodes.dsn, video) as held:
                first = asyncio.ensure_future(one.call("PUT", path, {"text": NEW}))
                await held.until_waiting(1)
                nodes.links[0].cut()
                if fate != "answer lost":
                    await held.end_waiting()
                await reads(near, scene, NEW)
                await until_journal(one, empty=False)
            if fate == "answer lost":
                await reads(far, scene, NEW)
            if fate == "edited here":
                await near.change(lambda doc: append(doc, scene, " Here."))
                await near.saved()
            if fate == "edited there":
                await far.change(lambda doc: append(doc, scene, " There."))
                await far.saved()
            if fate == "killed":
                nodes.kill(0)
            assert (await two.call("PUT", path, {"text": NEW})).status == 200
            await reads(far, scene, NEW)
            if fate == "edited after":
                await far.change(lambda doc: append(doc, scene, " There."))
                await far.saved()
            nodes.links[0].mend()
            if fate == "killed":
                await nodes.start(0)
                with pytest.raises(aiohttp.ClientError):
                    await first
            else:
                await reads(near, scene, wanted)
                assert (await first).status in (200, 503)
            await until_journal(nodes.apis[0], empty=True)
            await reads(far, scene, wanted)
            for api in nodes.apis:
                [shown] = await api.scenes(video)
                assert shown["text"] == wanted


@pytest.mark.timeout(120)
async def test_a_text_that_two_nodes_write_at_once_is_there_once(tmp_path: Path) -> None:
    async with cluster(tmp_path) as nodes:
        one, two = nodes.apis
        video = await one.make_video()
        scene = await one.make_scene(video, text=OLD)
        path = f"/videos/{video}/scenes/{scene}"
        async with editor(one, video) as near, editor(two, video) as far:
            async with appends_held(nodes.dsn, video) as held:
                puts = [
                    asyncio.ensure_future(api.call("PUT", path, {"text": NEW}))
                    for api in (one, two)
                ]
                await held.until_waiting(2)
            for put in puts:
                assert (await put).status == 200
            await reads(near, scene, NEW)
            await reads(far, scene, NEW)
            for api in (one, two):
                assert [shown["text"] for shown in await api.scenes(video)] == [NEW]


@pytest.mark.timeout(120)
@pytest.mark.parametrize(
    "keyed",
    [
        pytest.param(True, id="with a key"),
        pytest.param(False, id="without", marks=pytest.mark.slow),
    ],
)
async def test_what_is_made_again_elsewhere_is_there_once_if_it_has_a_key(
    tmp_path: Path, keyed: bool
) -> None:
    async with cluster(tmp_path) as nodes:
        one, two = nodes.apis
        video = await one.make_video()
        path = f"/videos/{video}/scenes"
        headers = {"Idempotency-Key": "first"} if keyed else {}
        async with editor(one, video) as near:
            async with appends_held(nodes.dsn, video) as held:
                first = asyncio.ensure_future(
                    one.call("POST", path, {"text": NEW}, headers=headers)
                )
                await held.until_waiting(1)
                nodes.links[0].cut()
                await held.end_waiting()
                await near.until(lambda: len(near.scenes) == 1)
                await until_journal(one, empty=False)
            assert (await first).status == 503
            second = asyncio.ensure_future(two.call("POST", path, {"text": NEW}, headers=headers))
            if keyed:
                # Whether the first one will answer, the other node does not know for two minutes.
                assert not (await asyncio.wait({second}, timeout=0.5))[0]
                await execute(
                    nodes.dsn,
                    "UPDATE idempotency_keys SET created_at = created_at - interval '2 minutes'",
                )
            assert (await second).status == 201
            nodes.links[0].mend()
            await until_journal(one, empty=True)
            for api in nodes.apis:
                shown = [scene["text"] for scene in await api.scenes(video)]
                assert shown == ([NEW] if keyed else [NEW, NEW])
