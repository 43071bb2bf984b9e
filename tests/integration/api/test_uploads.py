"""Uploads: what is taken, what is stored of it, and what every bad one gets."""

from __future__ import annotations

import asyncio
import io
import json
import uuid
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import pytest
from PIL import Image

from tests.support import files
from tests.support.face import Client, token
from tests.support.uploads import AUDIO, MEDIA, follow, left_behind, upload

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest.mark.parametrize(
    ("name", "source", "content_type"),
    [
        ("song.mp3", "sine=440:d=2", "audio/mpeg"),
        ("song.wav", "sine=440:d=2", "audio/wav"),
        ("song.m4a", "sine=440:d=2", "audio/mp4"),
    ],
)
async def test_audio(
    api: Client, tmp_path: Path, name: str, source: str, content_type: str
) -> None:
    content = files.encoded(tmp_path, name, source)
    reply = await upload(api, AUDIO, content, name, title="A tone", category="sound_effects")
    assert reply.status == 201, reply.content
    audio = reply.data["audio"]
    assert reply.json["message"] == "Audio uploaded successfully"
    assert {key: audio[key] for key in ("title", "category", "source", "is_premium")} == {
        "title": "A tone",
        "category": "sound_effects",
        "source": "uploaded",
        "is_premium": False,
    }
    assert audio["duration"] == pytest.approx(2, abs=0.1)
    got = await follow(api, audio["url"])
    assert (got.status, got.content) == (200, content)
    assert got.headers["Content-Type"] == content_type
    wave = json.loads((await follow(api, audio["waveform_url"])).content)
    assert wave["version"] == 2
    assert len(wave["data"]) == 2 * wave["length"]
    assert max(wave["data"]) > 5 > -5 > min(wave["data"])
    drawn = Image.open(io.BytesIO((await follow(api, audio["thumbnail_url"])).content))
    assert drawn.size == (480, 120)
    assert len(drawn.convert("RGB").getcolors() or []) == 2


async def test_pictures_lose_their_metadata_and_stand_upright(api: Client) -> None:
    exif = Image.Exif()
    exif[0x010E] = "a secret place"
    exif[0x0112] = 6  # turned
    content = files.picture("JPEG", (600, 400), exif.tobytes())
    assert b"a secret place" in content
    reply = await upload(api, MEDIA, content, "a.jpg", "image/jpeg", title="Red", category="Art")
    assert reply.status == 201, reply.content
    media = reply.data["media"]
    assert (media["type"], media["dimensions"]) == ("image", {"width": 400, "height": 600})
    assert (media["duration"], media["category"], media["source"]) == (None, "Art", "uploaded")
    stored = (await follow(api, media["url"])).content
    assert b"a secret place" not in stored
    image = Image.open(io.BytesIO(stored))
    assert (image.size, image.format) == ((400, 600), "JPEG")
    small = Image.open(io.BytesIO((await follow(api, media["thumbnail_url"])).content))
    assert small.size == (320, 480)


async def test_a_png_stays_transparent(api: Client) -> None:
    file = io.BytesIO()
    Image.new("RGBA", (30, 20), (10, 200, 10, 128)).save(file, "PNG")
    reply = await upload(api, MEDIA, file.getvalue(), "a.png")
    stored = Image.open(io.BytesIO((await follow(api, reply.data["media"]["url"])).content))
    assert stored.getpixel((3, 3)) == (10, 200, 10, 128)


async def test_a_gif_keeps_moving_and_loses_its_comment(api: Client) -> None:
    content = files.gif()
    assert b"<script>" in content
    reply = await upload(api, MEDIA, content, "a.gif")
    media = reply.data["media"]
    assert (media["type"], media["duration"]) == ("gif", pytest.approx(0.3))
    stored = (await follow(api, media["url"])).content
    assert b"<script>" not in stored
    assert getattr(Image.open(io.BytesIO(stored)), "n_frames", 0) == 3


@pytest.mark.parametrize("name", ["a.mp4", "a.mov"])
async def test_videos(api: Client, tmp_path: Path, name: str) -> None:
    content = files.encoded(tmp_path, name, "testsrc=d=2:s=320x180:r=10", "sine=440:d=2")
    reply = await upload(api, MEDIA, content, name)
    media = reply.data["media"]
    assert (media["type"], media["title"]) == ("video", "a")
    assert media["dimensions"] == {"width": 320, "height": 180}
    assert media["duration"] == pytest.approx(2, abs=0.1)
    small = Image.open(io.BytesIO((await follow(api, media["thumbnail_url"])).content))
    assert small.size == (320, 180)
    part = await follow(api, media["url"], Range="bytes=4-7")
    assert (part.status, part.content) == (206, b"ftyp")


async def test_an_upload_is_its_owners_and_goes_with_its_files(api: Client) -> None:
    reply = await upload(api, AUDIO, files.wav(), "mine.wav", user="una", title="Mine alone")
    audio = reply.data["audio"]
    for user, expected in (("una", 1), ("vic", 0)):
        for path in ("", "&type=my"):
            found = await api.call("GET", f"/api/v1/audio/library?search=mine+al{path}", user=user)
            assert found.data["pagination"]["total_items"] == expected
    mine = f"/api/v1/audio/{audio['id']}"
    assert (await api.call("DELETE", mine, user="vic")).code == "audio_not_found"
    assert (await api.call("DELETE", mine, user="una")).status == 200
    assert (await api.call("DELETE", mine, user="una")).status == 404
    assert (await follow(api, audio["url"])).code == "file_not_found"
    assert await left_behind(api, "una") == []


async def test_the_same_key_uploads_once(api: Client) -> None:
    key = {"Idempotency-Key": uuid.uuid4().hex}
    first = await upload(api, AUDIO, files.wav(), "a.wav", user="ida", headers=key)
    again = await upload(api, AUDIO, files.wav(), "a.wav", user="ida", headers=key)
    assert first.data["audio"]["id"] == again.data["audio"]["id"]
    found = await api.call("GET", "/api/v1/audio/library?type=my", user="ida")
    assert found.data["pagination"]["total_items"] == 1


@pytest.mark.parametrize(
    ("path", "content", "other", "name"),
    [
        (AUDIO, files.wav(), files.wav(seconds=1.5), "a.wav"),
        (MEDIA, files.picture(), files.picture(size=(32, 24)), "a.png"),
    ],
    ids=["audio", "media"],
)
async def test_a_key_is_good_for_one_upload_only(
    api: Client, path: str, content: bytes, other: bytes, name: str
) -> None:
    key = {"Idempotency-Key": uuid.uuid4().hex}
    user = f"ivo-{name}"
    first = await upload(api, path, content, name, user=user, headers=key, title="A")
    assert first.status == 201, first.content
    changed = [
        await upload(api, path, other, name, user=user, headers=key, title="A"),
        await upload(api, path, content, name, user=user, headers=key, title="B"),
        await upload(api, path, content, f"b{name}", user=user, headers=key, title="A"),
        await upload(api, path, content, name, user=user, headers=key),
    ]
    assert [(reply.status, reply.code) for reply in changed] == [(409, "conflict")] * 4
    bad = await upload(api, path, files.archive(), name, user=user, headers=key, title="A")
    assert (bad.status, bad.code) == (415, "unsupported_media_type")
    again = await upload(api, path, content, name, user=user, headers=key, title="A")
    assert (again.status, again.headers["Idempotent-Replay"]) == (201, "true")
    assert again.content == first.content
    mine = "audio/library?type=my" if path == AUDIO else "media/library?type=image"
    found = await api.call("GET", f"/api/v1/{mine}", user=user)
    assert found.data["pagination"]["total_items"] == 1
    assert list(api.parts.media.scratch.iterdir()) == []


def damaged(content: bytes) -> bytes:
    return content[:40] + bytes(255 - byte for byte in content[40:400]) + content[400:]


SVG = b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>"
GIF_SCRIPT = b"GIF89a/*" + b"\0" * 64 + b"*/=1;alert(1)//" + b"\0" * 200
WAV = files.wav()


@pytest.mark.parametrize(
    ("path", "name", "declared", "content", "status", "code"),
    [
        (AUDIO, "a.mp3", "audio/mpeg", files.archive(), 415, "unsupported_media_type"),
        (AUDIO, "a.wav", "audio/wav", files.archive(), 415, "unsupported_media_type"),
        (AUDIO, "a.wav", None, WAV[:12] + files.archive(), 422, "invalid_fields"),
        (MEDIA, "a.png", "image/png", SVG, 415, "unsupported_media_type"),
        (MEDIA, "a.svg", "image/svg+xml", SVG, 415, "unsupported_media_type"),
        (MEDIA, "a.gif", "image/gif", GIF_SCRIPT, 422, "invalid_fields"),
        (MEDIA, "a.jpg", "image/jpeg", files.picture(), 415, "unsupported_media_type"),
        (MEDIA, "a.png", "text/html", files.picture(), 415, "unsupported_media_type"),
        (AUDIO, "a.png", "image/png", files.picture(), 415, "unsupported_media_type"),
        (MEDIA, "a.wav", "audio/wav", WAV, 415, "unsupported_media_type"),
        (MEDIA, "a.png", None, files.png_of_size(50_000, 50_000), 422, "invalid_fields"),
        (MEDIA, "a.png", None, files.png_of_size(15_000, 15_000), 422, "invalid_fields"),
        (MEDIA, "a.png", None, files.picture()[:90], 422, "invalid_fields"),
        (MEDIA, "a.png", None, damaged(files.picture("PNG", (400, 300))), 422, "invalid_fields"),
        (MEDIA, "a.jpg", None, files.picture("JPEG", (400, 300))[:600], 422, "invalid_fields"),
        (AUDIO, "a.wav", None, WAV[: len(WAV) // 2], 422, "invalid_fields"),
        (AUDIO, "a.wav", None, WAV[:36] + b"data\xff\xff\xff\xff", 422, "invalid_fields"),
        (AUDIO, "a.wav", None, WAV[:22] + b"\xff\xff" + WAV[24:], 422, "invalid_fields"),
        (AUDIO, "a.mp3", None, b"ID3" + b"\x04" * 3000, 422, "invalid_fields"),
        (AUDIO, "a.mp3", None, b"\xff\xfb\x90\x00" + b"\x11" * 5000, 422, "invalid_fields"),
        (MEDIA, "a.mp4", None, b"\0\0\0\x18ftypisom" + b"\0" * 900, 422, "invalid_fields"),
        (AUDIO, "a.wav", None, b"", 422, "invalid_fields"),
        (MEDIA, "a.gif", None, files.gif() + b"*/=1;alert(1)//", 422, "invalid_fields"),
        (MEDIA, "a.png", None, files.picture("PNG") + b"<?php 1;", 422, "invalid_fields"),
        (MEDIA, "a.png", None, files.picture("PNG") + files.archive(), 422, "invalid_fields"),
        (MEDIA, "a.jpg", None, files.picture("JPEG") + files.archive(), 422, "invalid_fields"),
        (MEDIA, "a.jpg", None, files.picture("JPEG") + b"<SCRIPT>", 422, "invalid_fields"),
        (AUDIO, "a.wav", None, WAV + files.archive(), 422, "invalid_fields"),
    ],
)
async def test_bad_files(
    api: Client, path: str, name: str, declared: str | None, content: bytes, status: int, code: str
) -> None:
    reply = await upload(api, path, content, name, declared, user="mallory")
    assert (reply.status, reply.code) == (status, code), reply.content
    assert await left_behind(api, "mallory") == []


@pytest.mark.parametrize("name", ["a.mp4", "a.m4a"])
async def test_containers_that_are_cut_off(api: Client, tmp_path: Path, name: str) -> None:
    source = "sine=440:d=2" if name.endswith("a") else "testsrc=d=1:s=160x90"
    content = files.encoded(tmp_path, name, source)
    path = AUDIO if name.endswith("a") else MEDIA
    for bad in (content[:-500], content[: len(content) // 2]):
        reply = await upload(api, path, bad, name, user="mallory")
        assert (reply.status, reply.code) == (422, "invalid_fields")
    assert await left_behind(api, "mallory") == []


async def test_a_video_is_no_audio(api: Client, tmp_path: Path) -> None:
    content = files.encoded(tmp_path, "a.mp4", "testsrc=d=1:s=160x90", "sine=440:d=1")
    reply = await upload(api, AUDIO, content, "a.m4a", user="mallory")
    assert (reply.status, reply.code) == (422, "invalid_fields")


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"title": "a\x07b"}, "title"),
        ({"title": "a\nb"}, "title"),
        ({"title": "x" * 256}, "title"),
        ({"category": "noise"}, "category"),
        ({"colour": "red"}, "colour"),
    ],
)
async def test_bad_fields(api: Client, fields: dict[str, str], field: str) -> None:
    reply = await upload(api, AUDIO, WAV, "a.wav", None, user="mallory", headers=None, **fields)
    assert (reply.status, reply.code, reply.fields) == (422, "invalid_fields", [field])
    assert await left_behind(api, "mallory") == []


async def test_what_may_stand_behind_a_picture(api: Client) -> None:
    """Padding, and the film that phones add to their photos."""
    film = b"\0\0\0\x18ftypmp42" + bytes(range(256)) * 4
    for content, name in (
        (files.picture("PNG") + b"\0" * 64, "a.png"),
        (files.gif() + b"\r\n", "a.gif"),
        (files.picture("JPEG") + film, "a.jpg"),
    ):
        reply = await upload(api, MEDIA, content, name, user="paula")
        assert reply.status == 201, reply.content
        stored = (await follow(api, reply.data["media"]["url"])).content
        assert not stored.endswith((b"\0" * 64, b"\r\n", film))


async def test_a_file_in_another_field(api: Client) -> None:
    for content in (WAV, b"text", b"x" * 1_000_000):
        form = aiohttp.FormData()
        form.add_field("audio", content, filename="a.wav", content_type="audio/wav")
        headers = {"Authorization": f"Bearer {token('mallory')}"}
        async with api.session.post(api.address + AUDIO, data=form, headers=headers) as response:
            error = (await response.json())["error"]
        assert (response.status, error["details"][0]["field"]) == (422, "audio")
        assert "`file`" in error["details"][0]["message"]


async def test_a_title_of_a_megabyte(api: Client) -> None:
    reply = await upload(api, AUDIO, WAV, "a.wav", user="mallory", title="x" * 1_000_000)
    assert (reply.status, reply.code) == (413, "body_too_big")
    assert await left_behind(api, "mallory") == []


@pytest.mark.parametrize(
    ("name", "title"),
    [
        ("../../etc/passwd.wav", "passwd"),
        ("..\\..\\boot.wav", "boot"),
        ("/abs/olute.wav", "olute"),
        ("..", "Untitled"),
        ("Привет мир.wav", "Привет мир"),
    ],
)
async def test_names_of_files_are_only_names(api: Client, name: str, title: str) -> None:
    reply = await upload(api, AUDIO, WAV, name, user="nina")
    assert reply.status == 201, reply.content
    assert reply.data["audio"]["title"] == title


async def test_a_file_over_its_limit_is_cut_off(api: Client) -> None:
    head = files.picture("PNG")

    async def endless() -> AsyncIterator[bytes]:
        yield head
        for _ in range(400):
            yield b"\0" * 65_536

    with aiohttp.MultipartWriter("form-data") as form:
        part = form.append(endless(), {"Content-Type": "image/png"})
        part.set_content_disposition("form-data", name="file", filename="a.png")
    headers = {"Authorization": f"Bearer {token('mallory')}"}
    async with api.session.post(api.address + MEDIA, data=form, headers=headers) as response:
        assert response.status == 413
        assert (await response.json())["error"]["code"] == "body_too_big"
    assert await left_behind(api, "mallory") == []


async def test_an_upload_that_breaks_off_leaves_nothing(api: Client) -> None:
    address = urlsplit(api.address)
    _, writer = await asyncio.open_connection(address.hostname, address.port)
    writer.write(
        b"POST /api/v1/media/upload HTTP/1.1\r\nHost: a\r\nContent-Length: 900000\r\n"
        b"Authorization: Bearer " + token("mallory").encode() + b"\r\n"
        b"Content-Type: multipart/form-data; boundary=xyz\r\n\r\n"
        b'--xyz\r\nContent-Disposition: form-data; name="file"; filename="a.png"\r\n\r\n'
        + files.picture()
        + b"\0" * 300_000
    )
    await writer.drain()
    async with asyncio.timeout(30):
        while not list(api.parts.media.scratch.rglob("upload")):
            await asyncio.sleep(0.01)
    writer.close()
    async with asyncio.timeout(30):
        while await left_behind(api, "mallory"):
            await asyncio.sleep(0.02)
    assert not [line for line in api.logged if line["level"] == "error"]


@pytest.mark.parametrize(
    ("content_type", "body", "status"),
    [
        ("application/json", b"{}", 415),
        ("multipart/form-data", b"", 400),
        ("multipart/form-data; boundary=x", b"--x--\r\n", 422),
        ("multipart/form-data; boundary=x", b"no boundary here", 400),
        (
            "multipart/form-data; boundary=x",
            b'--x\r\nContent-Disposition: form-data; name="a"',
            400,
        ),
    ],
)
async def test_bad_bodies(api: Client, content_type: str, body: bytes, status: int) -> None:
    reply = await api.call("POST", AUDIO, raw=body, headers={"Content-Type": content_type})
    assert reply.status == status, reply.content
    assert reply.code


async def test_over_quota(api: Client) -> None:
    await upload(api, AUDIO, WAV, "a.wav", user="quinn", tier="free")
    async with api.database.connection() as connection:
        await connection.execute(
            "UPDATE blobs SET size = 499999000 WHERE content_type = 'audio/wav'"
            " AND owner_id = (SELECT id FROM users WHERE sub = 'quinn')"
        )
    before: Any = await left_behind(api, "quinn")
    reply = await upload(api, AUDIO, WAV, "a.wav", user="quinn", tier="free")
    assert (reply.status, reply.code) == (413, "storage_quota_exceeded")
    assert await left_behind(api, "quinn") == before
    assert (await upload(api, AUDIO, WAV, "a.wav", user="quinn", tier="pro")).status == 201


async def test_two_at_once_do_not_pass_the_quota(api: Client) -> None:
    await upload(api, AUDIO, WAV, "a.wav", user="quentin", tier="free")
    async with api.database.connection() as connection:
        # Room for one more with its thumbnail and waveform, and not for two.
        await connection.execute(
            "UPDATE blobs SET size = 500000000 - 1.5 * (SELECT sum(size) FROM blobs b"
            " WHERE b.owner_id = blobs.owner_id) - (SELECT sum(size) FROM blobs b"
            " WHERE b.owner_id = blobs.owner_id AND b.content_type <> 'audio/wav')"
            " WHERE content_type = 'audio/wav'"
            " AND owner_id = (SELECT id FROM users WHERE sub = 'quentin')"
        )
    replies = await asyncio.gather(
        *(upload(api, AUDIO, WAV, "a.wav", user="quentin", tier="free") for _ in range(3))
    )
    assert sorted(reply.status for reply in replies) == [201, 413, 413]
    assert {reply.code for reply in replies if reply.status == 413} == {"storage_quota_exceeded"}
    assert not [name for name in await left_behind(api, "quentin") if name != "row"]
