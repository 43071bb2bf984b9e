"""Stored files: bytes and rows, who may see them, quotas, and what is collected."""

from __future__ import annotations

import random
import time
import uuid
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import pytest

from collab.errors import BlobNotFound, StorageQuotaExceeded
from persistence.blobs import Blobs, key_of, require_room, shared_secret
from persistence.database import Database
from persistence.errors import BlobStoreFailed
from persistence.filestore import FileStore
from persistence.users import Users
from tests.benchmarks.servers import free_port
from tests.support.s3 import make_bucket, point_to
from tests.support.videos import make_video


@pytest.fixture(params=["directory", "s3"])
def blobs(
    request: pytest.FixtureRequest,
    database: Database,
    tmp_path: Path,
    s3_server: str,
    monkeypatch: pytest.MonkeyPatch,
) -> Blobs:
    """Files in a directory, and in a bucket: the same is true of both."""
    if request.param == "directory":
        return Blobs(database, FileStore.open(f"file:{tmp_path / 'files'}"))
    bucket = uuid.uuid4().hex
    make_bucket(s3_server, bucket)
    point_to(s3_server, monkeypatch)
    return Blobs(database, FileStore.open(f"s3://{bucket}/some/place"))


@pytest.fixture
def directory(database: Database, tmp_path: Path) -> Blobs:
    return Blobs(database, FileStore.open(f"file:{tmp_path / 'files'}"))


def made(tmp_path: Path, content: bytes = b"hello") -> Path:
    path = tmp_path / uuid.uuid4().hex
    path.write_bytes(content)
    return path


async def kept(blobs: Blobs) -> list[str]:
    """The keys of all that is stored."""
    batches = [keys async for keys in blobs.store.keys(datetime.now(UTC) + timedelta(hours=1))]
    return sorted(key for keys in batches for key in keys)


async def content(blobs: Blobs, key: str) -> bytes:
    return b"".join([chunk async for chunk in blobs.store.read(key)])


async def user(database: Database, sub: str) -> UUID:
    return await Users(database).ensure(sub, "free", None)


async def test_a_file_is_moved_in_and_read_back(blobs: Blobs, tmp_path: Path) -> None:
    source = made(tmp_path)
    blob = await blobs.put_file(source, "image/png")
    assert not source.exists()
    assert blob.key.endswith(".png")
    assert blob.size == 5
    assert await content(blobs, blob.key) == b"hello"
    assert (await blobs.get(blob.key)).content_type == "image/png"
    await blobs.store.fetch(blob.key, tmp_path / "copy")
    assert (tmp_path / "copy").read_bytes() == b"hello"
    assert await kept(blobs) == [blob.key]


async def test_a_large_file_comes_back_whole(blobs: Blobs, tmp_path: Path) -> None:
    """Larger than what S3 takes in one piece."""
    sent = random.Random(1).randbytes(13_000_001)
    blob = await blobs.put_file(made(tmp_path, sent), "video/mp4")
    assert blob.size == len(sent)
    assert await content(blobs, blob.key) == sent


async def test_what_is_not_there_is_not_found(blobs: Blobs, tmp_path: Path) -> None:
    with pytest.raises(BlobNotFound):
        await blobs.get("nothing.png")
    with pytest.raises(BlobNotFound):
        await content(blobs, "nothing.png")
    with pytest.raises(BlobNotFound):
        await blobs.store.fetch("nothing.png", tmp_path / "copy")
    assert not (tmp_path / "copy").exists()
    await blobs.store.delete(["nothing.png"])
    await blobs.store.delete([])


async def test_a_store_that_takes_nothing_leaves_nothing(blobs: Blobs, tmp_path: Path) -> None:
    with pytest.raises(BlobStoreFailed):
        await blobs.store.put_file("aakey.png", tmp_path / "missing", "image/png")
    assert await kept(blobs) == []


async def test_many_are_deleted_at_once(blobs: Blobs, tmp_path: Path) -> None:
    stored = [await blobs.store_file(made(tmp_path), "image/png") for _ in range(5)]
    await blobs.store.delete([blob.key for blob in stored[1:]])
    assert await kept(blobs) == [stored[0].key]


async def test_a_bucket_that_does_not_answer(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    point_to(f"http://127.0.0.1:{free_port()}", monkeypatch)
    away = Blobs(database, FileStore.open("s3://bucket"))
    source = made(tmp_path)
    began = time.monotonic()
    with pytest.raises(BlobStoreFailed, match="could not be stored"):
        await away.put_file(source, "image/png")
    with pytest.raises(BlobStoreFailed, match="could not be read"):
        await content(away, "aakey.png")
    with pytest.raises(BlobStoreFailed, match="could not be removed"):
        await away.store.delete(["aakey.png"])
    with pytest.raises(BlobStoreFailed, match="cannot be listed"):
        await away.collect(datetime.now(UTC))
    assert time.monotonic() - began < 60, "each is given up after a while"


async def test_a_bucket_that_is_not_there(
    database: Database, s3_server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    point_to(s3_server, monkeypatch)
    with pytest.raises(BlobStoreFailed):
        await Blobs(database, FileStore.open("s3://missing")).put_file(made(tmp_path), "image/png")


def test_a_store_that_cannot_be_opened(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(BlobStoreFailed, match="--blob-url"):
        FileStore.open(f"file:{tmp_path / 'file' / 'below'}")


@pytest.mark.parametrize(
    ("link", "key"),
    [
        ("/api/v1/blobs/abc.png", "abc.png"),
        ("https://a.example/api/v1/blobs/abc.png?exp=1&sig=2#x", "abc.png"),
        ("/api/v1/blobs/../secret", None),
        ("/api/v1/blobs/", None),
        ("/api/v1/blobs/a%2Fb", None),
        ("/api/v1/blobs/%61bc.png", "abc.png"),
        ("https://a.example/abc.png", None),
    ],
)
def test_the_key_in_a_link(link: str, key: str | None) -> None:
    assert key_of(link) == key


async def test_a_cache_finds_its_files_and_loses_them(blobs: Blobs, tmp_path: Path) -> None:
    keep = timedelta(hours=1)
    assert await blobs.cached("speech/1", keep=keep) is None
    first = await blobs.put_cached("speech/1", made(tmp_path), "audio/wav", keep=keep)
    second = await blobs.put_cached("speech/1", made(tmp_path), "audio/wav", keep=keep)
    assert second.key == first.key
    now = datetime.now(UTC)
    assert await blobs.collect(now + timedelta(minutes=59)) == 0
    assert await blobs.collect(now + timedelta(minutes=61)) == 1
    assert await blobs.cached("speech/1", keep=keep) is None
    with pytest.raises(BlobNotFound):
        await content(blobs, first.key)


async def test_orphans_are_collected_and_nothing_else(blobs: Blobs, tmp_path: Path) -> None:
    whole = await blobs.put_file(made(tmp_path), "image/png")
    orphan = await blobs.store_file(made(tmp_path), "image/png")
    now = datetime.now(UTC)
    assert await blobs.collect(now) == 0, "its row may still be under way"
    assert await blobs.collect(now + timedelta(hours=7)) == 1
    assert await content(blobs, whole.key) == b"hello"
    with pytest.raises(BlobNotFound):
        await content(blobs, orphan.key)


async def test_quota_counts_what_is_stored(
    blobs: Blobs, database: Database, tmp_path: Path
) -> None:
    ada, bob = await user(database, "ada"), await user(database, "bob")
    blob = await blobs.put_file(made(tmp_path, b"x" * 60), "image/png", owner=ada)
    await blobs.put_file(made(tmp_path, b"x" * 90), "image/png", owner=bob)
    assert await blobs.used(ada) == 60
    async with database.transaction() as connection:
        await require_room(connection, ada, 40, 100)
    with pytest.raises(StorageQuotaExceeded):
        async with database.transaction() as connection:
            await require_room(connection, ada, 41, 100)
    async with database.transaction() as connection:
        assert await blobs.remove(connection, [blob.key, "unknown.png"]) == [blob.key]
    assert await blobs.used(ada) == 0


async def test_who_may_see_a_file(blobs: Blobs, database: Database, tmp_path: Path) -> None:
    ada, bob, eve = [await user(database, name) for name in ("ada", "bob", "eve")]
    video = await make_video(database, "ada")
    shared = await blobs.put_file(made(tmp_path), "image/png")
    adas = await blobs.put_file(made(tmp_path), "image/png", owner=ada)
    result = await blobs.put_file(made(tmp_path), "video/mp4", owner=ada, video_id=video)
    keys = [shared.key, adas.key, result.key]
    assert await blobs.visible(keys, ada) == set(keys)
    assert await blobs.visible(keys, eve) == {shared.key}
    assert await blobs.usable(keys, video) == set(keys)
    bobs = await blobs.put_file(made(tmp_path), "image/png", owner=bob)
    assert await blobs.usable([bobs.key], video) == set()


async def test_the_shared_secret_is_one(database: Database) -> None:
    first = await shared_secret(database, "links")
    assert len(first) == 32
    assert await shared_secret(database, "links") == first
    assert await shared_secret(database, "other") != first


async def test_half_a_file_of_a_killed_process_is_collected(
    directory: Blobs, tmp_path: Path
) -> None:
    blobs = directory
    whole = await blobs.put_file(made(tmp_path), "image/png")
    place = blobs.store.path_of(whole.key)
    half = place.with_name(f"{place.name}.part")
    half.write_bytes(b"hel")
    now = datetime.now(UTC)
    assert await blobs.collect(now) == 0
    assert await blobs.collect(now + timedelta(hours=7)) == 1
    assert (half.exists(), place.exists()) == (False, True)
