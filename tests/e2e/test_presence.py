"""Who is here, as y-websocket's providers see it."""

from __future__ import annotations

from tests.e2e.editors import editor
from tests.e2e.node import NodeClients
from tests.support.server import Api

NAMES = "[...provider.awareness.getStates().values()].map((s) => s.name).filter(Boolean).sort()"


async def test_editors_see_each_other_come_and_go(api: Api, clients: NodeClients) -> None:
    video = await api.make_video()
    ann, ben, cat = [await clients.open(video) for _ in range(3)]
    for client, name in ((ann, "ann"), (ben, "ben"), (cat, "cat")):
        await client.run("provider.awareness.setLocalStateField('name', name)", name=name)
    for client in (ann, ben, cat):
        await client.until(f"{NAMES}.join() === 'ann,ben,cat'")
    await ben.run("provider.awareness.setLocalStateField('cursor', 7)")
    await ann.until("[...provider.awareness.getStates().values()].some((s) => s.cursor === 7)")
    await ben.run("provider.destroy()")
    await ann.until(f"{NAMES}.join() === 'ann,cat'")
    await cat.run("provider.shouldConnect = false; provider.ws.terminate()")
    await ann.until(f"{NAMES}.join() === 'ann'")


async def test_who_comes_later_sees_who_is_here(api: Api, clients: NodeClients) -> None:
    video = await api.make_video()
    first = await clients.open(video)
    await first.run("provider.awareness.setLocalStateField('name', 'first')")
    later = await clients.open(video)
    await later.until(f"{NAMES}.join() === 'first'")


async def test_who_reconnects_is_seen_again(api: Api, clients: NodeClients) -> None:
    video = await api.make_video()
    one, other = await clients.open(video), await clients.open(video)
    await one.run("provider.awareness.setLocalStateField('name', 'one')")
    await other.until(f"{NAMES}.join() === 'one'")
    await one.run("provider.disconnect()")
    await other.until(f"{NAMES}.length === 0")
    await one.run("provider.connect()")
    await other.until(f"{NAMES}.join() === 'one'")


async def test_an_author_hears_its_own_state(api: Api) -> None:
    video = await api.make_video()
    async with editor(api, video) as one:
        await one.be_present(77, 1, b'{"name":"one"}')
        await one.until(lambda: one.present().get(77) == b'{"name":"one"}')


async def test_nobody_speaks_for_another_user(api: Api) -> None:
    video = await api.make_video()
    await api.share(video, "mallory", "viewer")
    async with editor(api, video) as one, editor(api, video, "mallory") as other:
        await one.be_present(77, 1, b'{"name":"one"}')
        await other.until(lambda: 77 in other.present())
        await other.be_present(77, 5, b'{"name":"mallory"}')
        await other.be_present(78, 1, b'{"name":"other"}')
        await one.until(lambda: 78 in one.present())
        assert one.present()[77] == b'{"name":"one"}'
