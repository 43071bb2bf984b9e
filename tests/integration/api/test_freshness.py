"""Entity tags, sequence numbers, waiting for them, and keys against doing things twice."""

from __future__ import annotations

import asyncio
import time
import uuid

import pytest

from tests.support.face import Client, serve_face

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_not_modified(api: Client) -> None:
    video = await api.make_video()
    scene = await api.make_scene(video)
    layer = await api.make_layer(scene)
    for path in (
        f"/api/v1/videos/{video}",
        f"/api/v1/videos/{video}/scenes",
        f"/api/v1/videos/{video}/scenes/{scene}",
        f"/api/v1/layers/{layer}",
    ):
        first = await api.call("GET", path)
        etag = first.headers["ETag"]
        assert first.seq == 3
        for condition in (etag, f"W/{etag}", f'"other", {etag}', "*"):
            again = await api.call("GET", path, headers={"If-None-Match": condition})
            assert (again.status, again.content) == (304, b"")
            assert (again.headers["ETag"], again.seq) == (etag, 3)
        other = await api.call("GET", path, headers={"If-None-Match": '"other"'})
        assert (other.status, other.content) == (200, first.content)


async def test_a_change_is_seen_at_once_by_every_node(api: Client) -> None:
    """P2: what a REST write has answered, a GET shows, on the node that wrote and on another."""
    async with serve_face(api.database.dsn) as other:
        video = await api.make_video()
        scene = await api.make_scene(video)
        path = f"/api/v1/videos/{video}/scenes"
        for number in range(10):
            writer, reader = (api, other) if number % 2 else (other, api)
            await reader.call("GET", path)
            text = f"version {number}"
            done = await writer.call("PUT", f"{path}/{scene}", {"text": text})
            for node in (reader, writer):
                shown = await node.call("GET", path)
                assert shown.data["scenes"][0]["text"] == text
                assert shown.seq == done.seq


async def test_a_role_that_another_node_took_away_is_gone_here(api: Client) -> None:
    async with serve_face(api.database.dsn) as other:
        video = await api.make_video()
        await api.share(video, "bob", "viewer")
        path = f"/api/v1/videos/{video}"
        assert (await other.call("GET", path, user="bob")).status == 200
        await api.call("DELETE", f"{path}/members/bob")
        assert (await other.call("GET", path, user="bob")).status == 404
        assert (await other.call("GET", path)).status == 200
        await api.call("DELETE", path)
        assert (await other.call("GET", path)).status == 404


async def test_a_node_that_is_alone_shows_its_own_changes_at_once(api: Client) -> None:
    async with serve_face(api.database.dsn, alone=True) as alone:
        video = await alone.make_video()
        scene = await alone.make_scene(video)
        path = f"/api/v1/videos/{video}/scenes"
        for number in range(10):
            done = await alone.call("PUT", f"{path}/{scene}", {"text": f"version {number}"})
            shown = await alone.call("GET", path)
            assert shown.data["scenes"][0]["text"] == f"version {number}"
            assert shown.seq == done.seq
        for role, status in (("viewer", 403), ("editor", 200), ("viewer", 403)):
            await alone.share(video, "bob", role)
            for user in ("alice", "bob"):
                assert (await alone.call("GET", path, user=user)).status == 200
            reply = await alone.call("PUT", f"{path}/{scene}", {"text": "b"}, user="bob")
            assert reply.status == status
        await alone.call("DELETE", f"/api/v1/videos/{video}/members/bob")
        assert (await alone.call("GET", path, user="bob")).status == 404
        await alone.call("DELETE", f"/api/v1/videos/{video}")
        assert (await alone.call("GET", path)).status == 404


async def test_min_seq_waits_for_it(api: Client) -> None:
    video = await api.make_video()
    path = f"/api/v1/videos/{video}/scenes"
    waiting = asyncio.create_task(api.call("GET", f"{path}?min_seq=2"))
    scene = await api.make_scene(video)
    reply = await waiting
    assert reply.seq >= 2
    assert [each["id"] for each in reply.data["scenes"]] == [scene]


async def test_min_seq_waits_two_seconds_at_most(api: Client) -> None:
    video = await api.make_video()
    started = time.monotonic()
    reply = await api.call("GET", f"/api/v1/videos/{video}/scenes?min_seq=5")
    assert 1.9 < time.monotonic() - started < 4
    assert (reply.status, reply.seq) == (200, 1)


@pytest.mark.parametrize("value", ["-1", "x", "1.5", "99999999999999999999"])
async def test_min_seq_that_is_none(api: Client, value: str) -> None:
    video = await api.make_video()
    reply = await api.call("GET", f"/api/v1/videos/{video}/scenes?min_seq={value}")
    assert (reply.status, reply.fields) == (422, ["min_seq"])


async def test_the_same_key_makes_one_thing(api: Client) -> None:
    video = await api.make_video()
    scene = await api.make_scene(video)
    for path, body in (
        (f"/api/v1/videos/{video}/scenes", {"text": "once"}),
        (f"/api/v1/scenes/{scene}/layers", {"type": "text", "name": "once"}),
    ):
        headers = {"Idempotency-Key": str(uuid.uuid4())}
        replies = [await api.call("POST", path, body, headers=headers) for _ in range(3)]
        assert [reply.status for reply in replies] == [201, 201, 201]
        assert len({reply.content for reply in replies}) == 1
    scenes = (await api.call("GET", f"/api/v1/videos/{video}/scenes")).data["scenes"]
    assert [len(each["layers"]) for each in scenes] == [1, 0]


async def test_the_same_key_at_the_same_time_makes_one_thing(api: Client) -> None:
    video = await api.make_video()
    path, headers = f"/api/v1/videos/{video}/scenes", {"Idempotency-Key": "at-once"}
    replies = await asyncio.gather(
        *(api.call("POST", path, {"text": "once"}, headers=headers) for _ in range(8))
    )
    assert [reply.status for reply in replies] == [201] * 8
    assert len({reply.content for reply in replies}) == 1
    assert sum("Idempotent-Replay" in reply.headers for reply in replies) == 7
    assert len((await api.call("GET", path)).data["scenes"]) == 1


async def test_a_request_that_failed_may_be_sent_again(api: Client) -> None:
    video = await api.make_video()
    scene = await api.make_scene(video)
    path, headers = f"/api/v1/scenes/{scene}/layers", {"Idempotency-Key": "second-try"}
    bad = {"type": "text", "duration": 2, "end_time": 9}
    assert (await api.call("POST", path, bad, headers=headers)).status == 422
    good = await api.call("POST", path, {"type": "text"}, headers=headers)
    assert good.status == 201


async def test_a_request_whose_process_ended_is_taken_up_again(api: Client) -> None:
    """The first try stored its edit, but ended before its answer was."""
    video = await api.make_video()
    path, headers = f"/api/v1/videos/{video}/scenes", {"Idempotency-Key": "crash"}
    first = await api.call("POST", path, {"text": "once"}, headers=headers)
    title = {"title": "once"}
    made = await api.call("POST", "/api/v1/videos", title, headers={"Idempotency-Key": "crash-2"})
    async with api.database.connection() as connection:
        await connection.execute(
            "UPDATE idempotency_keys SET status = NULL, created_at = now() - interval '2 minutes'"
            " WHERE key LIKE 'crash%'"
        )
    again = await api.call("POST", path, {"text": "once"}, headers=headers)
    assert again.status == 201
    assert again.data["scene"]["id"] == first.data["scene"]["id"]
    assert len((await api.call("GET", path)).data["scenes"]) == 1
    remade = await api.call("POST", "/api/v1/videos", title, headers={"Idempotency-Key": "crash-2"})
    assert remade.data == made.data


async def test_a_key_is_kept_for_a_day(api: Client) -> None:
    headers = {"Idempotency-Key": "a-day"}
    first = await api.call("POST", "/api/v1/videos", {"title": "x"}, headers=headers)
    async with api.database.connection() as connection:
        await connection.execute(
            "UPDATE idempotency_keys SET created_at = now() - interval '25 hours'"
            " WHERE key = 'a-day'"
        )
    await api.call("DELETE", f"/api/v1/videos/{first.data['video']['id']}")
    other = await api.call("POST", "/api/v1/videos", {"title": "y"}, headers=headers)
    assert other.data["video"]["title"] == "y"


@pytest.mark.parametrize("key", ["", "x" * 256, "ü", "a b"])
async def test_keys_that_are_refused(api: Client, key: str) -> None:
    reply = await api.call(
        "POST", "/api/v1/videos", {"title": "x"}, headers={"Idempotency-Key": key}
    )
    assert (reply.status, reply.fields) == (422, ["Idempotency-Key"])
