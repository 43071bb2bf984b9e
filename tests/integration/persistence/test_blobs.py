"""Stored files: bytes and rows, who may see them, quotas, and what is collected."""

from __future__ import annotations

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
from tests.support.videos import make_video


@pytest.fixture
def blobs(database: Database, tmp_path: Path) -> Blobs:
    return Blobs(database, FileStore.open(f"file:{tmp_path / 'files'}"))


def made(tmp_path: Path, content: bytes = b"hello") -> Path:
    path = tmp_path / uuid.uuid4().hex
    path.write_bytes(content)
    return path


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


async def test_what_is_not_there_is_not_found(blobs: Blobs, tmp_path: Path) -> None:
    with pytest.raises(BlobNotFound):
        await blobs.get("nothing.png")
    with pytest.raises(BlobNotFound):
        await content(blobs, "nothing.png")
    with pytest.raises(BlobNotFound):
        await blobs.store.fetch("nothing.png", tmp_path / "copy")
    await blobs.store.delete(["nothing.png"])


async def test_a_store_that_takes_nothing_leaves_nothing(blobs: Blobs, tmp_path: Path) -> None:
    with pytest.raises(BlobStoreFailed):
        await blobs.store.put_file("aakey.png", tmp_path / "missing", "image/png")
    assert not [path for path in (tmp_path / "files").rglob("*") if path.is_file()]


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
    kept = await blobs.put_file(made(tmp_path), "image/png")
    orphan = await blobs.store_file(made(tmp_path), "image/png")
    now = datetime.now(UTC)
    assert await blobs.collect(now) == 0, "its row may still be under way"
    assert await blobs.collect(now + timedelta(hours=7)) == 1
    assert await content(blobs, kept.key) == b"hello"
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


async def test_half_a_file_of_a_killed_process_is_collected(blobs: Blobs, tmp_path: Path) -> None:
    kept = await blobs.put_file(made(tmp_path), "image/png")
    place = blobs.store.path_of(kept.key)
    half = place.with_name(f"{place.name}.part")
    half.write_bytes(b"hel")
    now = datetime.now(UTC)
    assert await blobs.collect(now) == 0
    assert await blobs.collect(now + timedelta(hours=7)) == 1
    assert (half.exists(), place.exists()) == (False, True)
