"""The same over TLS: each door, large documents, slow readers, and how connections end."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import Iterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any, Final

import pytest
from pycrdt import Doc, Map

from collab import protocol
from collab.protocol import Update
from tests.e2e.editors import Editor, add_scene, connection, editor
from tests.e2e.node import NodeClients
from tests.e2e.sockets import shake_hands
from tests.e2e.test_events import emitted, heard, listener
from tests.support.frames import client_frame
from tests.support.server import Api, Server, calling, fail_to_start, serving
from tests.support.tls import Certificate, make_certificate

MEGABYTE: Final = 1024 * 1024
PARTS: Final = 8
"""The large document, in megabytes."""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    home = tmp_path_factory.mktemp("tls")
    options = ("--rate-limits", "off", "--max-message-bytes", f"{2 * MEGABYTE}")
    with serving(home / "data", *options, certificate=make_certificate(home)) as server:
        yield server


async def _write_much(one: Editor) -> None:
    for number in range(PARTS):
        await one.change(add_scene(f"{number}" * MEGABYTE, order=f"a{number}"))
    await one.saved()


async def _slow_editors(api: Api) -> int:
    async with api.session.get(f"{api.server.address}/metrics") as reply:
        lines = (await reply.text()).splitlines()
    [line] = [line for line in lines if line.startswith("cocut_slow_editors ")]
    return int(float(line.rpartition(" ")[2]))


async def _next_frame(reader: asyncio.StreamReader) -> tuple[int, bytes]:
    first, length = await reader.readexactly(2)
    if length == 126:
        (length,) = struct.unpack(">H", await reader.readexactly(2))
    elif length == 127:
        (length,) = struct.unpack(">Q", await reader.readexactly(8))
    return first & 0x0F, await reader.readexactly(length)


async def test_everybody_edits_by_every_door(api: Api, clients: NodeClients) -> None:
    assert api.server.address.startswith("https://")
    video = await api.make_video()
    reply = await api.call("POST", f"/videos/{video}/scenes", {"text": "REST"})
    assert "Strict-Transport-Security" in reply.headers
    of_yjs = await clients.open(video)
    of_sweet = await clients.open(video, kind="y-sweet")
    polling = await listener(clients, video, transports=["polling", "websocket"])
    of_socket_io = await listener(clients, video)
    for client in (of_yjs, of_sweet):
        await client.synced()
    async with editor(api, video) as by_hand:
        await of_yjs.run("scenes.set(crypto.randomUUID(), scene('a1', 'yjs'))")
        await of_sweet.run("scenes.set(crypto.randomUUID(), scene('a2', 'y-sweet'))")
        await by_hand.change(add_scene("by hand", order="a3"))
        await emitted(of_socket_io, "scene:create", video_id=video, text="Socket.IO")
        for client in (of_yjs, of_sweet):
            await client.until("scenes.size === 5")
            await client.saved()
        await by_hand.until(lambda: len(by_hand.scenes) == 5)
        assert by_hand.scenes.to_py() == (await of_yjs.state())["scenes"]
    for text in ("yjs", "y-sweet", "by hand", "Socket.IO"):
        for client in (polling, of_socket_io):
            await heard(client, "scene:created", "p.scene.text === text", text=text)
    await polling.until("client.transports.includes('websocket')")
    await of_yjs.run("provider.awareness.setLocalStateField('user', { name: 'Ann' })")
    await of_sweet.until(
        "[...provider.awareness.getStates().values()].some((s) => s.user?.name === 'Ann')"
    )
    assert {scene["text"] for scene in await api.scenes(video)} == {
        *("REST", "yjs", "y-sweet", "by hand", "Socket.IO")
    }


async def test_a_large_document_is_opened_by_many_at_once(api: Api, clients: NodeClients) -> None:
    video = await api.make_video()
    async with editor(api, video) as author:
        await _write_much(author)
        written = author.scenes.to_py()
        async with AsyncExitStack() as stack:
            entering = (stack.enter_async_context(editor(api, video)) for _ in range(10))
            for one in await asyncio.gather(*entering):
                await one.until(lambda one=one: len(one.scenes) == PARTS)  # type: ignore[misc]
                assert one.scenes.to_py() == written
        of_yjs = await clients.open(video)
        await of_yjs.synced()
        assert (
            await of_yjs.run(
                "return [...scenes.values()].reduce((sum, s) => sum + s.get('text').length, 0)"
            )
            == PARTS * MEGABYTE
        )


async def test_one_who_reads_late_gets_everything_and_delays_nobody(api: Api) -> None:
    video = await api.make_video()
    async with editor(api, video) as author, editor(api, video) as other:
        await _write_much(author)
        reader, writer = await shake_hands(api, video, "alice")
        # StreamReader takes 128 KB, the sockets some more, and then nothing is read.
        doc: Doc[Any] = Doc()
        writer.write(client_frame(2, b"".join(protocol.step_1(doc.get_state()))))
        async with asyncio.timeout(20):
            while await _slow_editors(api) == 0:
                await author.change(add_scene("more"))
                await author.saved()
        await other.until(lambda: other.scenes.to_py() == author.scenes.to_py())
        scenes: Map[Any] = doc.get("scenes", type=Map)
        async with asyncio.timeout(30):
            while len(scenes) < len(author.scenes):
                _, frame = await _next_frame(reader)
                message = protocol.read_frame(frame)
                if isinstance(message, Update):
                    doc.apply_update(message.update)
            assert scenes.to_py() == author.scenes.to_py()
            while await _slow_editors(api):
                await asyncio.sleep(0.02)
            await author.change(add_scene("live again"))
            while len(scenes) < len(author.scenes):
                doc.apply_update(protocol.read_frame((await _next_frame(reader))[1]).update)  # type: ignore[union-attr]
        writer.close()


async def test_each_end_says_why(api: Api, clients: NodeClients) -> None:
    video = await api.make_video()
    await api.share(video, "bob", "editor")
    missing = "00000000-0000-4000-8000-000000000000"
    for where, token, code in (
        (video, "not.a.token", 4401),
        (video, api.server.token("mallory"), 4403),
        (missing, api.server.token(), 4404),
    ):
        async with connection(api, where, token) as one:
            assert await one.closed() == code
    for frame, code in ((b"\0\7\0", 4400), (bytes(2 * MEGABYTE + 1), 1009)):
        async with editor(api, video) as one:
            await one.socket.send_bytes(frame)
            assert await one.closed() == code
    bob = await clients.open(video, user="bob")
    await bob.synced()
    assert (await api.call("DELETE", f"/videos/{video}/members/bob")).status == 200
    await bob.until("client.closes.length")
    assert await bob.run("return client.closes") == [4403]


async def test_sigterm_closes_with_1001_and_keeps_everything(tmp_path: Path) -> None:
    certificate = make_certificate(tmp_path)
    with serving(tmp_path / "data", certificate=certificate) as server:
        async with calling(server) as api:
            video = await api.make_video()
            async with editor(api, video) as one:
                await one.change(add_scene("Kept"))
                await one.saved()
                server.ask_to_stop()
                assert await one.closed() == 1001
        assert await asyncio.to_thread(server.wait) == 0
    with serving(tmp_path / "data", certificate=certificate) as server:
        async with calling(server) as api:
            assert [scene["text"] for scene in await api.scenes(video)] == ["Kept"]


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_key_of_another_certificate_is_named_before_anything_starts(
    tmp_path: Path, workers: str
) -> None:
    one, other = make_certificate(tmp_path / "one"), make_certificate(tmp_path / "other")
    options = (*Certificate(one.cert, other.key).options, "--workers", workers)
    code, said = fail_to_start(tmp_path / "data", *options, "--redis-url", "redis://127.0.0.1:1")
    assert code == 1
    [line] = said
    assert line.startswith(f"cocut: --tls-key {other.key} is not the key of --tls-cert {one.cert};")
    assert not (tmp_path / "data").exists()
