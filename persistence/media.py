"""The media library: pictures, videos and GIFs for everybody, uploaded and generated ones."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal
from uuid import UUID

from collab.errors import Forbidden, MediaNotFound
from persistence.audit import record
from persistence.blobs import Blob, Blobs, key_of, require_room
from persistence.database import Database
from persistence.shelf import Condition, Part, Shelf, searching

if TYPE_CHECKING:
    from asyncpg import Record

    from persistence.database import Connection

MediaType = Literal["image", "video", "gif"]
Source = Literal["stock", "ai", "uploaded"]

_COLUMNS: Final = (
    "id, type, title, url, thumbnail_url, source, category, tags, dimensions, duration,"
    " is_premium, user_id, ai_prompt"
)
_PARTS: Final[dict[str | None, tuple[Part, ...]]] = {
    None: ("shared", "mine"),
    "stock": ("shared",),
    "ai": ("mine",),
    "uploaded": ("mine",),
}
_INSERT: Final = """
INSERT INTO media_library (id, type, title, url, thumbnail_url, source, category, tags, dimensions,
  duration, is_premium, user_id, ai_prompt)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9::text::jsonb, $10, $11, $12, $13)
ON CONFLICT (id) DO UPDATE SET type = EXCLUDED.type, title = EXCLUDED.title, url = EXCLUDED.url,
  thumbnail_url = EXCLUDED.thumbnail_url, category = EXCLUDED.category, tags = EXCLUDED.tags,
  dimensions = EXCLUDED.dimensions, duration = EXCLUDED.duration,
  is_premium = EXCLUDED.is_premium, updated_at = now()
WHERE media_library.user_id IS NOT DISTINCT FROM EXCLUDED.user_id
"""


@dataclass(frozen=True, slots=True)
class Media:
    """A picture, video or GIF: `dimensions` in pixels (`width`, `height`), `duration` in seconds;
    without `user_id` it is there for everybody."""

    id: UUID
    type: str
    title: str
    url: str
    thumbnail_url: str
    source: str
    category: str | None
    tags: list[str]
    dimensions: dict[str, int] | None
    duration: float | None
    is_premium: bool
    user_id: UUID | None
    ai_prompt: str | None


class MediaLibrary:
    """The table of media, with its files."""

    def __init__(self, database: Database, blobs: Blobs) -> None:
        self._database = database
        self._blobs = blobs
        self._shelf = Shelf(database, "media_library", _COLUMNS)

    async def page(
        self,
        user: UUID,
        *,
        kind: MediaType | None = None,
        source: Source | None = None,
        category: str | None = None,
        search: str = "",
        page: int = 1,
        limit: int = 20,
    ) -> tuple[list[Media], int]:
        """One page of what a user may see, newest first, and how many there are in all."""
        conditions = searching(search)
        if kind is not None:
            conditions.append(Condition("type = {}", kind))
        if category:
            conditions.append(Condition("lower(category) = lower({})", category))
        if source in ("ai", "uploaded"):
            conditions.append(Condition("source = {}", source))
        rows, total = await self._shelf.page(
            user, _PARTS[source], conditions, page=page, limit=limit
        )
        return [_media(row) for row in rows], total

    async def get(self, media_id: UUID, user: UUID) -> Media:
        """One that a user may see.

        Raises:
            MediaNotFound: there is none, or it is somebody else's.
        """
        async with self._database.connection() as connection:
            row = await connection.fetchrow(
                f"SELECT {_COLUMNS} FROM media_library"  # noqa: S608
                " WHERE id = $1 AND (user_id IS NULL OR user_id = $2)",
                *(media_id, user),
            )
        if row is None:
            raise MediaNotFound
        return _media(row)

    async def upload(self, media: Media, files: Sequence[Blob], *, room: int) -> None:
        """Add what a user uploaded, with its files, if they have room for it.

        Args:
            media: its row.
            files: what was stored for it.
            room: how many bytes the user may have stored.

        Raises:
            StorageQuotaExceeded: nothing was added.
        """
        assert media.user_id is not None
        async with self._database.transaction() as connection:
            size = sum(file.size for file in files)
            await require_room(connection, media.user_id, size, room)
            await self.put(connection, media, files)

    async def put(self, connection: Connection, media: Media, files: Sequence[Blob]) -> None:
        """Add one and the rows of its files, or change one that has the same id and owner."""
        for file in files:
            await self._blobs.add(connection, file)
        fields: dict[str, Any] = {name: getattr(media, name) for name in Media.__slots__}
        fields["dimensions"] = None if media.dimensions is None else json.dumps(media.dimensions)
        await connection.execute(_INSERT, *fields.values())

    async def delete(self, media_id: UUID, user: UUID, *, by: str) -> None:
        """Delete one of the user's own, with its files.

        Raises:
            MediaNotFound: there is none, or it is somebody else's.
            Forbidden: it is there for everybody.
        """
        async with self._database.transaction() as connection:
            row = await connection.fetchrow(
                f"DELETE FROM media_library WHERE id = $1 AND user_id = $2 RETURNING {_COLUMNS}",  # noqa: S608
                *(media_id, user),
            )
            if row is None:
                if await connection.fetchval(
                    "SELECT id FROM media_library WHERE id = $1 AND user_id IS NULL", media_id
                ):
                    raise Forbidden("This belongs to the library; only uploads can be deleted.")
                raise MediaNotFound
            keys = [key for link in (row["url"], row["thumbnail_url"]) if (key := key_of(link))]
            gone = await self._blobs.remove(connection, keys)
            said = {"title": row["title"]}
            await record(connection, by, "media.delete", None, str(media_id), said)
        await self._blobs.store.delete(gone)


def _media(row: Record) -> Media:
    fields: dict[str, Any] = {name: row[name] for name in Media.__slots__}
    if fields["dimensions"] is not None:
        fields["dimensions"] = json.loads(fields["dimensions"])
    return Media(**fields)
