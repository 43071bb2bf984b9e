"""What an editor should not send costs it its connection, and nobody else anything."""

from __future__ import annotations

import asyncio
import base64
import json
import random
import re
import time
from typing import Any
from uuid import UUID

import jwt
import pytest
from pycrdt import Doc, Map, Text
from yarl import URL

from collab import protocol
from collab.update import read_state_vector
from server.secret import stored_secret
from tests.e2e.editors import Editor, add_scene, connection, editor
from tests.e2e.node import NodeClients
from tests.fuzz.test_mutations import mutated, real_updates
from tests.support.server import Api, Server

LIMIT = 1_000_000
"""`--max-message-bytes` of the server; see conftest.py."""

MUTATIONS = 80

MALFORMED = {
    "empty": b"",
    "no length": b"\0\2",
    "too short": b"\0\2\5abc",
    "unknown step": b"\0\7\0",
    "endless number": b"\xff" * 12,
    "update that counts more than it has": b"\0\2\4\xff\xff\xff\x7f",
    "update of noise": b"\0\2\x08" + bytes(range(200, 208)),
    "state vector that counts more than it has": b"\0\0\5\x80\x80\x80\x80\2",
    "presence that counts more than it has": b"\1\5\xff\xff\xff\xff\x0f",
    "presence that is no JSON": b"".join(protocol.awareness(b"\1\5\1\1{")),
}


async def _closed(api: Api, video: str, token: str | None) -> tuple[int, list[bytes]]:
    async with connection(api, video, token) as one:
        return await one.closed(), one.frames


async def _goes_on(one: Editor, other: Editor, text: str) -> None:
    """Both see an edit of the first."""
    await one.change(add_scene(text))
    await one.saved()
    await other.until(lambda: other.scenes.to_py() == one.scenes.to_py())


def _unsigned(claims: dict[str, object]) -> str:
    parts = [json.dumps(part).encode() for part in ({"alg": "none", "typ": "JWT"}, claims)]
    return ".".join(base64.urlsafe_b64encode(part).decode().rstrip("=") for part in parts) + "."


def _bad_tokens(server: Server) -> dict[str, str | None]:
    now = int(time.time())
    secret = stored_secret(server.data_dir)
    claims = {"sub": "alice", "iat": now, "exp": now + 60}
    good = jwt.encode(claims, secret, "HS256")
    head, _, signature = good.split(".")
    forged = jwt.encode({**claims, "sub": "mallory"}, secret, "HS256").split(".")[1]
    return {
        "none": None,
        "empty": "",
        "noise": "not.a.token",
        "expired": jwt.encode({**claims, "iat": now - 90, "exp": now - 30}, secret, "HS256"),
        "forged": f"{head}.{forged}.{signature}",
        "alg none": _unsigned(claims),
        "alg none with a signature": _unsigned(claims) + signature,
        "wrong secret": jwt.encode(claims, b"another secret, of thirty-two bytes", "HS256"),
        "wrong algorithm": jwt.encode(claims, secret * 2, "HS512"),
        "too long": jwt.encode({**claims, "exp": now + 48 * 3600}, secret, "HS256"),
        "no end": jwt.encode({"sub": "alice", "iat": now}, secret, "HS256"),
        "no user": jwt.encode({"iat": now, "exp": now + 60}, secret, "HS256"),
    }


async def test_a_bad_token_is_4401(api: Api) -> None:
    video = await api.make_video()
    await api.make_scene(video, text="A secret")
    found = {
        name: await _closed(api, video, token) for name, token in _bad_tokens(api.server).items()
    }
    assert found == dict.fromkeys(found, (4401, []))


async def test_a_bad_token_is_401(api: Api) -> None:
    video = await api.make_video()
    await api.make_scene(video, text="A secret")
    url = f"{api.server.address}/api/v1/videos/{video}/scenes"
    for name, token in _bad_tokens(api.server).items():
        headers = {} if token is None else {"Authorization": f"Bearer {token}"}
        async with api.session.get(url, headers=headers) as answer:
            assert answer.status == 401, name
            assert answer.headers["WWW-Authenticate"].startswith("Bearer")
            shown = await answer.json()
        assert (shown["success"], shown["error"]["code"]) == (False, "unauthenticated"), name


async def test_a_token_may_come_in_a_header(api: Api) -> None:
    video = await api.make_video()
    url = api.server.socket_url(video, None)
    headers = {"Authorization": f"Bearer {api.server.token()}"}
    async with api.session.ws_connect(url, headers=headers) as socket:
        await Editor(socket).join()


@pytest.mark.parametrize("video", ["00000000-0000-4000-8000-000000000000", "holiday", "%00"])
async def test_a_video_that_is_not_there_is_4404(api: Api, video: str) -> None:
    assert await _closed(api, video, api.server.token()) == (4404, [])


async def test_a_video_of_somebody_else_is_4403(api: Api) -> None:
    video = await api.make_video()
    await api.make_scene(video, text="A secret")
    async with editor(api, video):
        assert await _closed(api, video, api.server.token("mallory")) == (4403, [])


async def test_malformed_frames_are_4400_and_others_go_on(api: Api) -> None:
    video = await api.make_video()
    async with editor(api, video) as one, editor(api, video) as other:
        for name, frame in MALFORMED.items():
            async with editor(api, video, "alice") as bad:
                await bad.socket.send_bytes(frame)
                assert await bad.closed() == 4400, name
            await _goes_on(one, other, name)
        async with editor(api, video) as bad:
            await bad.socket.send_str("Hello")
            assert await bad.closed() == 4400
        await _goes_on(one, other, "the last")
    scenes = await api.scenes(video)
    assert {scene["text"] for scene in scenes} == {*MALFORMED, "the last"}


async def test_what_a_bad_editor_sent_before_is_kept_and_after_is_not(api: Api) -> None:
    video = await api.make_video()
    async with editor(api, video) as bad:
        await bad.change(add_scene("before"))
        await bad.socket.send_bytes(MALFORMED["update of noise"])
        await bad.change(add_scene("after"))
        assert await bad.closed() == 4400
    assert [scene["text"] for scene in await api.scenes(video)] == ["before"]


async def test_unknown_types_of_messages_are_ignored(api: Api) -> None:
    video = await api.make_video()
    async with editor(api, video) as one:
        await one.socket.send_bytes(b"\x63whatever")
        await one.saved()


async def test_a_message_over_the_limit_is_1009_and_others_go_on(api: Api) -> None:
    video = await api.make_video()
    async with editor(api, video) as one, editor(api, video) as other:
        async with editor(api, video) as large:
            await large.change(add_scene("x" * (LIMIT - 1000)))
            await large.saved()
            await large.change(add_scene("y" * LIMIT))
            assert await large.closed() == 1009
        await _goes_on(one, other, "fine")
    texts = [len(scene["text"]) for scene in await api.scenes(video)]
    assert sorted(texts) == [len("fine"), 20_000]


def _frame_of(size: int, client: int) -> bytes:
    """A frame of exactly this many bytes, which adds a scene."""

    def frame(characters: int) -> bytes:
        doc: Doc[Any] = Doc(client_id=client)
        scenes: Map[Any] = doc.get("scenes", type=Map)
        scenes[str(UUID(int=client))] = Map({"order": "a0", "text": Text("x" * characters)})
        return b"".join(protocol.update(doc.get_update()))

    return frame(size - len(frame(size)) + size)


async def test_a_message_of_the_limit_is_taken_and_one_byte_more_is_1009(api: Api) -> None:
    video = await api.make_video()
    async with editor(api, video) as one, editor(api, video) as other:
        for size, code in ((LIMIT, None), (LIMIT + 1, 1009)):
            frame = _frame_of(size, 1000 + size)
            assert len(frame) == size
            async with editor(api, video) as large:
                await large.socket.send_bytes(frame)
                assert await large.closed_or_saved() == code
        await _goes_on(one, other, "fine")
    texts = [len(scene["text"]) for scene in await api.scenes(video)]
    assert sorted(texts) == [len("fine"), 20_000]


async def test_mutated_updates_cost_their_senders_alone(api: Api) -> None:
    video = await api.make_video()
    base, updates = real_updates()
    async with editor(api, video) as one, editor(api, video) as other:
        await one.send(protocol.update(base))
        await one.saved()
        closed = 0
        for number in range(MUTATIONS):
            rng = random.Random(number)
            before = (await api.call("GET", f"/videos/{video}/document")).seq
            async with editor(api, video) as bad:
                await bad.send(protocol.update(mutated(rng, rng.choice([base, *updates]))))
                code = await bad.closed_or_saved()
            assert code in (None, 4400)
            closed += code is not None
            if code is not None:
                after = await api.call("GET", f"/videos/{video}/document")
                assert after.seq == before, number
        assert closed > MUTATIONS / 2
        await _goes_on(one, other, "still here")
        stored = Doc[Any]()
        stored.apply_update((await api.call("GET", f"/videos/{video}/document")).content)
        for each in (one, other):
            assert each.doc.get_state() == stored.get_state() or (
                read_state_vector(each.doc.get_state()) == read_state_vector(stored.get_state())
            )
            assert each.scenes.to_py() == stored.get("scenes", type=Map).to_py()


async def test_a_gap_is_asked_for_and_nothing_is_shown_before(api: Api) -> None:
    video = await api.make_video()
    async with editor(api, video) as one, editor(api, video) as other:
        one.quietly(add_scene("first"))
        second = one.quietly(add_scene("second"))
        greetings = sum(frame[:2] == b"\0\0" for frame in one.frames)
        await one.send(protocol.update(second))
        await one.until(lambda: sum(frame[:2] == b"\0\0" for frame in one.frames) > greetings)
        assert await api.scenes(video) == []
        asked = protocol.read_frame(one.frames[-1])
        assert isinstance(asked, protocol.Join)
        await one.send(protocol.step_2(one.doc.get_update(asked.state_vector)))
        await other.until(lambda: len(other.scenes) == 2)
    assert {scene["text"] for scene in await api.scenes(video)} == {"first", "second"}


async def test_a_viewer_is_told_and_stays(api: Api, clients: NodeClients) -> None:
    video = await api.make_video()
    await api.share(video, "vera", "viewer")
    viewer = await clients.open(video, user="vera")
    author = await clients.open(video)
    await viewer.synced()
    await author.synced()
    await viewer.run("scenes.set(crypto.randomUUID(), scene('a0', 'Not allowed'))")
    assert "not change" in await viewer.until("client.denied[0]")
    await viewer.run("scenes.set(crypto.randomUUID(), scene('a0', 'Again')); await client.saved()")
    await author.run("scenes.set(crypto.randomUUID(), scene('a1', 'Allowed'))")
    await viewer.until("[...scenes.values()].some((s) => s.get('text').toString() === 'Allowed')")
    await viewer.run("provider.awareness.setLocalStateField('user', 'vera')")
    await author.until("[...provider.awareness.getStates().values()].some((s) => s.user)")
    assert len((await author.state())["scenes"]) == 1
    assert [scene["text"] for scene in await api.scenes(video)] == ["Allowed"]
    told = await viewer.run("return [client.denied.length, client.closes, provider.wsconnected]")
    assert told == [1, [], True]


async def test_who_loses_the_role_is_closed_with_4403(api: Api, clients: NodeClients) -> None:
    video = await api.make_video()
    await api.share(video, "bob", "editor")
    bob = await clients.open(video, user="bob")
    await bob.synced()
    reply = await api.call("DELETE", f"/videos/{video}/members/bob")
    assert reply.status == 200
    await bob.until("client.closes.length")
    assert await bob.run("return [client.closes, provider.shouldConnect]") == [[4403], False]


async def test_a_deleted_video_closes_with_4404(api: Api, clients: NodeClients) -> None:
    video = await api.make_video()
    editor_ = await clients.open(video)
    await editor_.synced()
    assert (await api.call("DELETE", f"/videos/{video}")).status == 200
    await editor_.until("client.closes.length")
    assert await editor_.run("return client.closes") == [4404]


async def test_an_expired_token_is_4401_and_a_fresh_one_goes_on(
    api: Api, clients: NodeClients
) -> None:
    video = await api.make_video()
    # Node takes a second or more to load its modules: the token's time is not for that.
    await (await clients.open(video)).synced()
    short = api.server.token(ttl_seconds=3, now=time.time())
    client = await clients.open(video, token=short)
    await client.synced()
    await client.until("client.closes.length")
    assert await client.run("return client.closes") == [4401]
    await client.run("scenes.set(crypto.randomUUID(), scene('a0', 'Meanwhile'))")
    fresh = api.server.token()
    await client.run("provider.params = { token: fresh }; provider.connect()", fresh=fresh)
    await client.synced()
    await client.saved()
    assert [scene["text"] for scene in await api.scenes(video)] == ["Meanwhile"]


@pytest.mark.parametrize(
    ("sent", "said"),
    [
        (b"GET / HTTP/1.1\r\nHost: x\r\nX-Long: " + b"a" * 20_000 + b"\r\n\r\n", "too long"),
        (b"GET /healthz HTTP/1.1\r\nHost: x\r\nno colon\r\n\r\n", "no HTTP request"),
        (b"\x16\x03\x01\x02 hello\r\n\r\n", "no HTTP request"),
        (b"GET /ws/videos/1 HTTP/1.1\r\nHost: x\r\n\r\n", "WebSocket"),
    ],
    ids=["long header", "no header", "TLS", "no handshake"],
)
async def test_what_is_no_request_is_answered_like_every_error(
    api: Api, sent: bytes, said: str
) -> None:
    before = len(api.server.lines)
    url = URL(api.server.address)
    reader, writer = await asyncio.open_connection(url.host, url.port)
    writer.write(sent)
    head = await reader.readuntil(b"\r\n\r\n")
    size = re.search(rb"Content-Length: (\d+)", head)
    assert b" 400 " in head
    assert size is not None
    answer = json.loads(await reader.readexactly(int(size[1])))
    assert answer["success"] is False
    assert answer["error"]["code"] == "bad_request"
    assert said in answer["error"]["message"]
    writer.close()
    assert not [line for line in api.server.lines[before:] if line["level"] == "error"]
