"""Stored files over the API: ranges, headers, signatures, and who gets one."""

from __future__ import annotations

import time
from urllib.parse import parse_qs, urlsplit

import pytest

from persistence.blobs import key_of
from tests.support import files
from tests.support.face import ADDRESS, Client
from tests.support.uploads import AUDIO, MEDIA, follow, upload

pytestmark = pytest.mark.asyncio(loop_scope="module")

WAV = files.wav()


async def a_file(api: Client, user: str = "alice") -> str:
    reply = await upload(api, AUDIO, WAV, "a.wav", user=user)
    assert reply.status == 201, reply.content
    return str(reply.data["audio"]["url"])


@pytest.mark.parametrize(
    ("given", "status", "part"),
    [
        (None, 200, slice(None)),
        ("bytes=0-9", 206, slice(0, 10)),
        ("bytes=100-", 206, slice(100, None)),
        ("bytes=-5", 206, slice(-5, None)),
        ("bytes=10-9999999", 206, slice(10, None)),
        ("bytes=0-1,4-5", 200, slice(None)),
        ("bytes=9-1", 200, slice(None)),
        ("lines=1-2", 200, slice(None)),
        ("bytes=x", 200, slice(None)),
    ],
)
async def test_ranges(api: Client, given: str | None, status: int, part: slice) -> None:
    link = await a_file(api)
    got = await follow(api, link, **({} if given is None else {"Range": given}))
    assert (got.status, got.content) == (status, WAV[part])
    if status == 206:
        start = range(len(WAV))[part].start
        said = f"bytes {start}-{start + len(WAV[part]) - 1}/{len(WAV)}"
        assert got.headers["Content-Range"] == said
    assert got.headers["Accept-Ranges"] == "bytes"


async def test_a_range_behind_the_end(api: Client) -> None:
    got = await follow(api, await a_file(api), Range=f"bytes={len(WAV)}-")
    assert (got.status, got.code) == (416, "range_not_satisfiable")
    assert got.headers["Content-Range"] == f"bytes */{len(WAV)}"


async def test_if_range(api: Client) -> None:
    link = await a_file(api)
    whole = await follow(api, link)
    tag, date = whole.headers["ETag"], whole.headers["Last-Modified"]
    for fits in (tag, date):
        got = await follow(api, link, Range="bytes=0-3", If_Range=fits)
        assert (got.status, got.content) == (206, b"RIFF")
    for other in ('"another"', "W/" + tag, tag[:-2] + 'x"', "nonsense", "", _long_ago()):
        got = await follow(api, link, Range="bytes=0-3", If_Range=other)
        assert (got.status, got.content) == (200, WAV), other
    # What does not fit asks for no part, so that none can be behind the end.
    got = await follow(api, link, Range="bytes=9999999-", If_Range='"another"')
    assert (got.status, got.content) == (200, WAV)


def _long_ago() -> str:
    return "Mon, 01 Jan 2001 00:00:00 GMT"


async def test_what_was_seen_is_not_sent_again(api: Client) -> None:
    link = await a_file(api)
    head = await follow(api, link, "HEAD")
    assert (head.status, head.content) == (200, b"")
    assert int(head.headers["Content-Length"]) == len(WAV)
    got = await follow(api, link, If_None_Match=head.headers["ETag"])
    assert (got.status, got.content) == (304, b"")


async def test_headers(api: Client) -> None:
    link = await a_file(api)
    headers = (await follow(api, link)).headers
    assert headers["Content-Type"] == "audio/wav"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Content-Disposition"] == f'inline; filename="{key_of(link)}"'
    assert headers["Content-Security-Policy"].startswith("default-src 'none'")
    assert headers["Cache-Control"].startswith("private, max-age=")


async def test_signatures(api: Client) -> None:
    link = await a_file(api)
    query = parse_qs(urlsplit(link).query)
    assert 24 * 3600 < int(query["exp"][0]) - time.time() <= 25 * 3600
    bare = link.partition("?")[0]
    later = link.replace(query["exp"][0], str(int(query["exp"][0]) + 1))
    other = link.replace(str(key_of(link)), str(key_of(await a_file(api))))
    for bad in (bare, later, other, link[:-1], link + "0"):
        assert (await follow(api, bad)).code == "forbidden"
    for odd in ("x", "\u00e9", "0" * 500, query["sig"][0].upper() + "g"):
        forged = f"/api/v1/blobs/{key_of(link)}?exp={query['exp'][0]}&sig={odd}"
        assert (await api.call("GET", forged, user=None)).status == 403
    gone = f"/api/v1/blobs/{key_of(link)}?exp=1&sig={query['sig'][0]}"
    assert (await api.call("GET", gone, user=None)).status == 403


async def test_a_file_that_its_row_has_lost(api: Client) -> None:
    link = await a_file(api)
    key = key_of(link)
    assert key is not None
    api.parts.media.blobs.store.path_of(key).unlink()
    got = await follow(api, link)
    assert (got.status, got.code) == (404, "file_not_found")


async def test_who_gets_a_fresh_signature(api: Client) -> None:
    """One's own, what the people of a common video use there, what is for everybody; no more."""
    owns = (await a_file(api, "sue")).partition("?")[0]
    hidden = (await a_file(api, "sue")).partition("?")[0]
    video = await api.make_video("sue")
    scene = await api.make_scene(video, "sue")
    await api.make_layer(scene, "sue", type="audio", properties={"audio_url": owns})
    await api.share(video, "viv", "viewer", owner="sue")
    asked = [owns, hidden, "https://elsewhere.example/a.mp3", ADDRESS + "/api/v1/blobs/none.mp3"]
    expected = {
        "sue": [True, True, False, False],
        "viv": [True, False, False, False],
        "eve": [False, False, False, False],
    }
    for user, signed in expected.items():
        reply = await api.call("POST", "/api/v1/blobs/sign", {"urls": asked}, user=user)
        found = reply.data["urls"]
        assert [one["url"] for one in found] == asked
        assert [one["signed_url"] is not None for one in found] == signed, user
        for one in found:
            if one["signed_url"] is not None:
                assert (await follow(api, one["signed_url"])).content == WAV
        assert reply.data["expires_at"] > time.time() + 24 * 3600 - 1
    await api.call("DELETE", f"/api/v1/videos/{video}/members/viv", user="sue")
    reply = await api.call("POST", "/api/v1/blobs/sign", {"urls": asked}, user="viv")
    assert not any(one["signed_url"] for one in reply.data["urls"])


@pytest.mark.parametrize(
    "body", [{}, {"urls": []}, {"urls": ["x"] * 101}, {"urls": "x"}, {"urls": ["x" * 2049]}]
)
async def test_bad_wishes_for_signatures(api: Client, body: object) -> None:
    reply = await api.call("POST", "/api/v1/blobs/sign", body)
    assert (reply.status, reply.code) == (422, "invalid_fields")


async def test_an_own_picture_in_a_layer_is_signed_for_its_readers(api: Client) -> None:
    made = await upload(api, MEDIA, files.picture(), "a.png", user="pia")
    video = await api.make_video("pia")
    scene = await api.make_scene(video, "pia")
    link = made.data["media"]["url"]
    await api.make_layer(scene, "pia", type="media", properties={"media_url": link})
    await api.share(video, "ray", "viewer", owner="pia")
    reply = await api.call("GET", f"/api/v1/videos/{video}/scenes", user="ray")
    [layer] = reply.data["scenes"][0]["layers"]
    assert (await follow(api, layer["properties"]["media_url"])).status == 200
    async with api.database.connection() as connection:
        kept = await connection.fetchval(
            "SELECT properties->>'media_url' FROM scenes_layers WHERE video_id = $1::text::uuid",
            video,
        )
    assert kept == link.partition("?")[0], "documents hold no signatures"
