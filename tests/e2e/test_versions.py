"""Restoring a version while others edit: live, offline and by the hundred (P9)."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from tests.e2e.editors import editor
from tests.e2e.node import NodeClient, NodeClients
from tests.support.server import Api, calling, serving

OFFLINE = "provider.disconnect(); await client.until(() => !provider.wsconnected)"
ONLINE = "provider.connect(); await client.synced()"


async def keep(api: Api, video: str) -> int:
    reply = await api.call("POST", f"/videos/{video}/versions", {"name": "Good"})
    assert reply.status == 201, reply.content
    return int(reply.data["version"]["number"])


async def restore(api: Api, video: str, number: int) -> Any:
    reply = await api.call("POST", f"/videos/{video}/versions/{number}/restore")
    assert reply.status == 200, reply.content
    return reply.data


async def ends_alike(api: Api, video: str, *clients: NodeClient) -> list[dict[str, Any]]:
    """All have the same document, and so has REST; returns its scenes."""
    for client in clients:
        await client.saved()
    states = [await client.state() for client in clients]
    assert all(state == states[0] for state in states)
    shown = await api.scenes(video)
    assert {scene["id"] for scene in shown} == set(states[0]["scenes"])
    for scene in shown:
        assert scene["text"] == states[0]["scenes"][scene["id"]]["text"]
    return shown


async def test_everybody_sees_a_restore(api: Api, clients: NodeClients) -> None:
    video = await api.make_video()
    scene = await api.make_scene(video, text="As it was")
    layer = await api.make_layer(scene, properties={"text": "Title", "size": 3})
    before = (await clients.open(video), await clients.open(video, kind="y-sweet"))
    for client in before:
        await client.until("scenes.get(id)?.get('layers').has(layer)", id=scene, layer=layer)
    state = await before[0].state()
    number = await keep(api, video)
    await before[0].run("scenes.delete(id); video.set('background', '#ff0000')", id=scene)
    await before[0].saved()
    kept = (await restore(api, video, number))["before"]["number"]
    for client in before:
        await client.until("scenes.has(id) && video.get('background') === '#000000'", id=scene)
        assert await client.state() == state
    await restore(api, video, kept)
    for client in before:
        await client.until("!scenes.has(id) && video.get('background') === '#ff0000'", id=scene)


async def test_who_was_offline_during_a_restore_brings_its_edits_once(
    api: Api, clients: NodeClients
) -> None:
    video = await api.make_video()
    kept = await api.make_scene(video, text="Kept")
    gone = await api.make_scene(video, text="Gone and back")
    layer = await api.make_layer(gone, properties={"text": "Title"})
    number = await keep(api, video)
    live, away, behind = [await clients.open(video) for _ in range(3)]
    for client in (live, away, behind):
        await client.until("scenes.get(id)?.get('layers').has(layer)", id=gone, layer=layer)
    # `behind` goes before the scene is deleted, `away` after.
    await behind.run(OFFLINE)
    await live.run(
        "scenes.delete(gone); scenes.get(kept).get('text').insert(4, ' or not')",
        gone=gone,
        kept=kept,
    )
    await live.saved()
    await away.until("!scenes.has(gone)", gone=gone)
    await away.run(OFFLINE)
    await restore(api, video, number)
    await live.until("scenes.has(gone)", gone=gone)
    new = await away.run(
        """
        const id = crypto.randomUUID()
        scenes.set(id, scene('a9', 'Made while away'))
        scenes.get(kept).get('text').insert(0, 'Away: ')
        return id
        """,
        kept=kept,
    )
    await behind.run(
        """
        scenes.get(gone).get('text').insert(0, 'Nowhere: ')
        scenes.get(kept).get('text').insert(4, '!')
        scenes.get(kept).set('duration', 7)
        """,
        gone=gone,
        kept=kept,
    )
    for client in (away, behind):
        await client.run(ONLINE)
        await client.saved()
    for client in (live, away, behind):
        await client.until(
            "scenes.has(id) && scenes.get(kept).get('duration') === 7", id=new, kept=kept
        )
    shown = await ends_alike(api, video, live, away, behind)
    assert [scene["text"] for scene in shown] == ["Away: Kept!", "Gone and back", "Made while away"]
    assert [len(scene["layers"]) for scene in shown] == [0, 1, 0]
    # A reload, and restoring once more, bring nothing twice either.
    fresh = await clients.open(video)
    await fresh.synced()
    assert await ends_alike(api, video, live, fresh) == shown
    await restore(api, video, number)
    await live.until("!scenes.has(id)", id=new)
    assert [scene["text"] for scene in await api.scenes(video)] == ["Kept", "Gone and back"]


async def test_nothing_typed_during_restores_is_lost(api: Api, clients: NodeClients) -> None:
    """What is typed before a restore is in the version made before it, what is typed after stays:
    every character is somewhere, and nowhere twice."""
    video = await api.make_video()
    scene = await api.make_scene(video, text="|")
    number = await keep(api, video)
    typists = [await clients.open(video) for _ in range(3)]
    for typist in typists:
        await typist.until("scenes.has(id)", id=scene)

    async def type_letters(typist: NodeClient, name: str) -> None:
        for count in range(30):
            await typist.run(
                "const text = scenes.get(id).get('text'); text.insert(text.length, word);"
                "await client.saved()",
                id=scene,
                word=f"{name}{count:02};",
            )

    typing = asyncio.gather(*(type_letters(typist, "abc"[n]) for n, typist in enumerate(typists)))
    kept = [(await restore(api, video, number))["before"]["number"] for _ in range(4)]
    await typing
    [shown] = await ends_alike(api, video, *typists)
    found = [shown["text"]]
    for before in sorted(set(kept)):
        reply = await api.call("GET", f"/videos/{video}/versions/{before}")
        found.append(reply.data["scenes"][0]["text"])
    words = {f"{name}{count:02}" for name in "abc" for count in range(30)}
    for text in found:
        parts = [part for part in text.replace("|", "").split(";") if part]
        assert len(parts) == len(set(parts)) and set(parts) <= words
        assert text.count("|") == 1
    assert {part for text in found for part in text.replace("|", "").split(";")} - {""} == words


async def test_a_viewer_may_not_restore_and_hears_why(api: Api) -> None:
    video = await api.make_video()
    await api.share(video, "vera", "viewer")
    number = await keep(api, video)
    async with editor(api, video, user="vera"):
        reply = await api.call("POST", f"/videos/{video}/versions/{number}/restore", user="vera")
    assert (reply.status, reply.code) == (403, "forbidden")


async def test_a_restore_that_is_refused_leaves_nothing_behind(tmp_path: Path) -> None:
    """Nor does the next one build on it, which would then be refused as well."""
    small = ("--max-document-bytes", "180000", "--max-message-bytes", "180000")
    with serving(tmp_path / "node", *small) as server:
        async with calling(server) as api:
            video = await api.make_video()
            empty = await keep(api, video)
            large = await api.make_scene(video, text="a" * 15_000)
            layers = [await api.make_layer(large, properties={"n": "b" * 60_000}) for _ in range(2)]
            number = await keep(api, video)
            for layer in layers:
                await api.call("DELETE", f"/layers/{layer}")
            await api.make_layer(large, properties={"n": "c" * 60_000})
            shown = await api.scenes(video)
            reply = await api.call("POST", f"/videos/{video}/versions/{number}/restore")
            assert (reply.status, reply.code) == (413, "document_too_big"), reply.content
            assert await api.scenes(video) == shown
            await restore(api, video, empty)
            assert await api.scenes(video) == []
