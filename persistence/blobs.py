"""Stored files: a row each, and the bytes under the same key in a `FileStore`.

The bytes are stored first and the row in the transaction that refers to it, so that no row ever
names a file that is not there. Bytes without a row are orphans: `collect` removes them.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote
from uuid import UUID

from collab.errors import BlobNotFound, StorageQuotaExceeded
from persistence.database import Database
from persistence.filestore import FileStore

if TYPE_CHECKING:
    from asyncpg import Record

    from persistence.database import Connection

PATH: Final = "/api/v1/blobs/"
"""What the path of a link to a stored file begins with; the key follows."""

_ALPHABET: Final = "abcdefghijkmnpqrstuvwxyz23456789"
_KEY_LENGTH: Final = 26
_COLLECTOR: Final = 0x636F6C6C

SUFFIXES: Final = {
    "audio/mpeg": ".mp3",
    "audio/wav": ".wav",
    "audio/mp4": ".m4a",
    "image/jpeg": ".jpg",
    "image/png": ".png",
    "image/gif": ".gif",
    "video/mp4": ".mp4",
    "video/quicktime": ".mov",
    "video/webm": ".webm",
    "video/h264": ".h264",
    "application/json": ".json",
    "text/vtt": ".vtt",
    "application/x-subrip": ".srt",
}
"""Every type that a stored file may have, and how its key ends."""

_COLUMNS: Final = "key, content_type, size, owner_id, video_id, name, created_at"
_ADD: Final = """
INSERT INTO blobs (key, content_type, size, owner_id, video_id, name, expires_at)
VALUES ($1, $2, $3, $4, $5, $6, now() + $7::interval)
"""
_VISIBLE: Final = """
SELECT b.key FROM blobs b WHERE b.key = ANY($1::text[]) AND (
  b.owner_id IS NULL AND b.video_id IS NULL
  OR b.owner_id = $2
  OR EXISTS (
    SELECT FROM videos v LEFT JOIN video_members m ON m.video_id = v.id AND m.user_id = $2
    WHERE v.id = b.video_id AND (v.owner_id = $2 OR m.user_id IS NOT NULL)
  )
  OR EXISTS (
    SELECT FROM (
      SELECT id FROM videos WHERE owner_id = b.owner_id
      UNION SELECT video_id FROM video_members WHERE user_id = b.owner_id
    ) theirs
    JOIN (
      SELECT id FROM videos WHERE owner_id = $2
      UNION SELECT video_id FROM video_members WHERE user_id = $2
    ) mine ON mine.id = theirs.id
    JOIN scenes_layers l ON l.video_id = mine.id
    WHERE position(b.key IN l.properties::text) > 0
  )
)
"""
_USABLE: Final = """
SELECT b.key FROM blobs b WHERE b.key = ANY($1::text[]) AND (
  b.owner_id IS NULL AND b.video_id IS NULL
  OR b.video_id = $2
  OR EXISTS (SELECT FROM videos v WHERE v.id = $2 AND v.owner_id = b.owner_id)
  OR EXISTS (SELECT FROM video_members m WHERE m.video_id = $2 AND m.user_id = b.owner_id)
)
"""


@dataclass(frozen=True, slots=True)
class Blob:
    """A stored file.

    Attributes:
        key: random, and where the bytes are.
        content_type: one of `SUFFIXES`.
        size: bytes.
        owner_id: whose quota it counts for; None for the installation's own.
        video_id: the video that it goes with, which all who have a role on that may see.
        name: what a cache finds it by.
        created_at: when it was stored.
    """

    key: str
    content_type: str
    size: int
    owner_id: UUID | None = None
    video_id: UUID | None = None
    name: str | None = None
    created_at: datetime | None = None

    @property
    def path(self) -> str:
        """How tables and documents name it: the path of its link, without a signature."""
        return PATH + self.key


def key_of(link: str) -> str | None:
    """The key in the path of a link to a stored file, with or without address and signature."""
    _, found, rest = link.partition(PATH)
    key = unquote(rest.split("?", 1)[0].split("#", 1)[0])
    return key if found and is_key(key) else None


def is_key(text: str) -> bool:
    """Whether a text has the form of a key."""
    return 2 <= len(text) <= 64 and all(c in "abcdefghijklmnopqrstuvwxyz0123456789." for c in text)


class Blobs:
    """The stored files of the whole installation.

    Attributes:
        store: where the bytes are.
    """

    def __init__(self, database: Database, store: FileStore) -> None:
        self._database = database
        self.store = store

    async def store_file(
        self,
        source: Path,
        content_type: str,
        *,
        owner: UUID | None = None,
        video_id: UUID | None = None,
        name: str | None = None,
        beside: Blob | None = None,
    ) -> Blob:
        """Store the bytes of the file `source`, which is moved; `add` makes the row.

        With `beside`, the key is that one's with another ending.

        Raises:
            BlobStoreFailed: nothing was stored.
        """
        suffix = SUFFIXES[content_type]
        if beside is None:
            key = "".join(secrets.choice(_ALPHABET) for _ in range(_KEY_LENGTH)) + suffix
        else:
            key = beside.key.split(".", 1)[0] + suffix
        size = (await asyncio.to_thread(source.stat)).st_size
        blob = Blob(key, content_type, size, owner, video_id, name)
        await self.store.put_file(key, source, content_type)
        return blob

    async def add(
        self, connection: Connection, blob: Blob, *, keep: timedelta | None = None
    ) -> None:
        """Make the row of what `store_file` stored, inside the transaction that refers to it.

        Args:
            connection: the transaction.
            blob: what was stored.
            keep: after which time it may go; None for as long as something refers to it.
        """
        await connection.execute(
            _ADD,
            *(blob.key, blob.content_type, blob.size),
            *(blob.owner_id, blob.video_id, blob.name, keep),
        )

    async def put_file(
        self,
        source: Path,
        content_type: str,
        *,
        owner: UUID | None = None,
        video_id: UUID | None = None,
        keep: timedelta | None = None,
        room: int | None = None,
    ) -> Blob:
        """`store_file` and `add` in one, for a file that nothing in the database refers to.

        With `room`, the owner may have that many bytes stored, this one with them.

        Raises:
            StorageQuotaExceeded: nothing was stored.
        """
        blob = await self.store_file(source, content_type, owner=owner, video_id=video_id)
        try:
            async with self._database.transaction() as connection:
                if room is not None and owner is not None:
                    await require_room(connection, owner, blob.size, room)
                await self.add(connection, blob, keep=keep)
        except StorageQuotaExceeded:
            await self.store.delete([blob.key])
            raise
        return blob

    async def get(self, key: str) -> Blob:
        """The row of a file.

        Raises:
            BlobNotFound: there is none.
        """
        async with self._database.connection() as connection:
            row = await connection.fetchrow(
                f"SELECT {_COLUMNS} FROM blobs WHERE key = $1",  # noqa: S608
                key,
            )
        if row is None:
            raise BlobNotFound
        return _blob(row)

    async def cached(self, name: str, *, keep: timedelta) -> Blob | None:
        """The file that a cache stored under `name`, kept for that much longer from now."""
        async with self._database.connection() as connection:
            row = await connection.fetchrow(
                "UPDATE blobs SET expires_at = now() + $2::interval WHERE name = $1"  # noqa: S608
                f" RETURNING {_COLUMNS}",
                *(name, keep),
            )
        return _blob(row) if row is not None else None

    async def put_cached(
        self, name: str, source: Path, content_type: str, *, keep: timedelta
    ) -> Blob:
        """Store a file under a cache's name; when two do it at once, one stays and both get it."""
        blob = await self.store_file(source, content_type, name=name)
        async with self._database.connection() as connection:
            made = await connection.fetchval(
                "INSERT INTO blobs (key, content_type, size, name, expires_at)"
                " VALUES ($1, $2, $3, $4, now() + $5::interval)"
                " ON CONFLICT (name) DO NOTHING RETURNING key",
                *(blob.key, content_type, blob.size, name, keep),
            )
        if made is not None:
            return blob
        await self.store.delete([blob.key])
        return await self.cached(name, keep=keep) or blob

    async def visible(self, keys: Sequence[str], user: UUID) -> set[str]:
        """Which of the files a user may see: shared ones, their own, those of videos that they
        have a role on, and what others use in a video that both have a role on."""
        async with self._database.connection() as connection:
            rows = await connection.fetch(_VISIBLE, list(keys), user)
        return {row["key"] for row in rows}

    async def usable(self, keys: Collection[str], video_id: UUID) -> set[str]:
        """Which of the files a video may show: shared ones, and those of its people."""
        async with self._database.connection() as connection:
            rows = await connection.fetch(_USABLE, list(keys), video_id)
        return {row["key"] for row in rows}

    async def used(self, owner: UUID) -> int:
        """How many bytes a user has stored."""
        async with self._database.connection() as connection:
            return await _used(connection, owner)

    async def remove(self, connection: Connection, keys: Iterable[str]) -> list[str]:
        """Remove rows, inside the transaction that ends what referred to them.

        Returns:
            The keys whose bytes `store.delete` may remove once that is committed.
        """
        rows = await connection.fetch(
            "DELETE FROM blobs WHERE key = ANY($1::text[]) RETURNING key", list(keys)
        )
        return [row["key"] for row in rows]

    async def collect(self, now: datetime, *, grace: timedelta = timedelta(hours=6)) -> int:
        """Remove files that have expired, and bytes that no row names.

        Args:
            now: the time.
            grace: how old an orphan must be; a younger one's row may still be under way.

        Returns:
            How many files were removed; 0 also while somebody else is at it.

        Raises:
            BlobStoreFailed: the store does not answer.
        """
        removed = 0
        async with self._database.connection() as connection:
            if not await connection.fetchval("SELECT pg_try_advisory_lock($1)", _COLLECTOR):
                return 0
            try:
                rows = await connection.fetch(
                    "DELETE FROM blobs WHERE expires_at < $1 RETURNING key", now.astimezone(UTC)
                )
                await self.store.delete([row["key"] for row in rows])
                removed += len(rows)
                async for keys in self.store.keys(now - grace):
                    known = await connection.fetch(
                        "SELECT key FROM blobs WHERE key = ANY($1::text[])", keys
                    )
                    orphans = set(keys) - {row["key"] for row in known}
                    await self.store.delete(sorted(orphans))
                    removed += len(orphans)
            finally:
                await connection.execute("SELECT pg_advisory_unlock($1)", _COLLECTOR)
        return removed


async def require_room(connection: Connection, owner: UUID, size: int, limit: int) -> None:
    """Check that a user may store `size` more bytes; one at a time a user, until the commit.

    Raises:
        StorageQuotaExceeded: they would pass `limit` bytes.
    """
    await connection.execute(
        "SELECT pg_advisory_xact_lock(hashtextextended('storage ' || $1::text, 0))", str(owner)
    )
    used = await _used(connection, owner)
    if used + size > limit:
        raise StorageQuotaExceeded(
            f"Your tier has room for {limit:,} bytes; {used:,} are used and {size:,} more are"
            " needed. Delete some uploads, or take a larger tier."
        )


async def shared_secret(database: Database, name: str) -> bytes:
    """A random value that all who use this database share; made by whoever asks first."""
    async with database.connection() as connection:
        await connection.execute(
            "INSERT INTO secrets (name, value) VALUES ($1, $2) ON CONFLICT DO NOTHING",
            *(name, secrets.token_bytes(32)),
        )
        value = await connection.fetchval("SELECT value FROM secrets WHERE name = $1", name)
    assert isinstance(value, bytes)
    return value


async def _used(connection: Connection, owner: UUID) -> int:
    used = await connection.fetchval(
        "SELECT coalesce(sum(size), 0)::bigint FROM blobs WHERE owner_id = $1", owner
    )
    return int(used)


def _blob(row: Record) -> Blob:
    return Blob(*row.values())
