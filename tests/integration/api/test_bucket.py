"""The API with its files in a bucket of S3: uploads, presigned links, ranges, deletes."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest
import pytest_asyncio

from persistence.blobs import key_of
from persistence.filestore import FileStore
from tests.integration.api.conftest import fresh_database
from tests.support import files
from tests.support.face import Client, serve_face
from tests.support.s3 import make_bucket, point_to
from tests.support.uploads import AUDIO, MEDIA, follow, upload

pytestmark = pytest.mark.asyncio(loop_scope="module")

WAV = files.wav()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def api(postgres_dsn: str, s3_server: str) -> AsyncIterator[Client]:
    bucket = uuid.uuid4().hex
    make_bucket(s3_server, bucket)
    with pytest.MonkeyPatch.context() as patch:
        point_to(s3_server, patch)
        database = await fresh_database(postgres_dsn)
        async with serve_face(database, blob_url=f"s3://{bucket}/files") as client:
            yield client


async def stored(api: Client) -> set[str]:
    later = datetime.now(UTC) + timedelta(hours=1)
    return {key async for keys in api.parts.media.blobs.store.keys(later) for key in keys}


async def test_a_link_leads_to_the_bucket(api: Client, s3_server: str) -> None:
    made = await upload(api, AUDIO, WAV, "a.wav")
    assert made.status == 201, made.content
    reply = await follow(api, made.data["audio"]["url"])
    assert (reply.status, reply.headers["Cache-Control"]) == (302, "no-store")
    place = reply.headers["Location"]
    assert place.startswith(s3_server)
    assert "X-Amz-Signature=" in place
    async with api.session.get(place) as got:
        assert (got.status, await got.read()) == (200, WAV)
        assert got.headers["Content-Type"] == "audio/wav"
        assert got.headers["Content-Disposition"].startswith("inline; filename=")
    async with api.session.get(place, headers={"Range": "bytes=4-7"}) as got:
        assert (got.status, await got.read()) == (206, WAV[4:8])
        assert got.headers["Content-Range"] == f"bytes 4-7/{len(WAV)}"


async def test_what_is_deleted_leaves_the_bucket(api: Client) -> None:
    made = await upload(api, MEDIA, files.picture(), "a.png", user="una")
    media = made.data["media"]
    keys = {key_of(media["url"]), key_of(media["thumbnail_url"])}
    assert keys <= await stored(api)
    assert (await api.call("DELETE", f"/api/v1/media/{media['id']}", user="una")).status == 200
    assert not keys & await stored(api)
    assert (await follow(api, media["url"])).code == "file_not_found"


async def test_what_is_refused_leaves_nothing(api: Client) -> None:
    assert (await upload(api, AUDIO, WAV, "a.wav", user="rod")).status == 201
    before = await stored(api)
    reply = await upload(api, AUDIO, WAV[: len(WAV) // 2], "a.wav", user="rod")
    assert reply.status == 422
    assert (await stored(api), list(api.parts.media.scratch.iterdir())) == (before, [])
    async with api.database.connection() as connection:
        await connection.execute("UPDATE blobs SET size = 499999000")
    reply = await upload(api, AUDIO, WAV, "a.wav", user="rod", tier="free")
    assert reply.code == "storage_quota_exceeded"
    assert (await stored(api), list(api.parts.media.scratch.iterdir())) == (before, [])


async def test_a_bucket_that_takes_nothing(api: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    store = api.parts.media.blobs.store
    monkeypatch.setattr(api.parts.media.blobs, "store", FileStore.open("s3://missing"))
    reply = await upload(api, AUDIO, WAV, "a.wav", user="mo")
    assert (reply.status, reply.code) == (503, "blob_store")
    assert int(reply.headers["Retry-After"]) > 0
    assert "missing" not in reply.json["error"]["message"], "where files are is the operator's"
    assert [line["level"] for line in api.logged if "exc_info" in line] == ["error"]
    assert list(api.parts.media.scratch.iterdir()) == []
    monkeypatch.setattr(api.parts.media.blobs, "store", store)
    found = await api.call("GET", "/api/v1/audio/library?type=my", user="mo")
    assert found.data["pagination"]["total_items"] == 0
