"""The audio library: music and sound effects for everybody, and what users uploaded."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal
from uuid import UUID

from collab.errors import AudioNotFound, Forbidden
from persistence.audit import record
from persistence.blobs import Blob, Blobs, key_of, require_room
from persistence.database import Database
from persistence.shelf import Condition, Part, Shelf, searching

if TYPE_CHECKING:
    from asyncpg import Record

    from persistence.database import Connection

Category = Literal["music", "sound_effects"]
Source = Literal["stock", "uploaded", "generated"]

_COLUMNS: Final = (
    "id, title, artist, duration, category, tags, url, waveform_url, thumbnail_url, source,"
    " is_premium, user_id"
)
_PARTS: Final[dict[str | None, tuple[Part, ...]]] = {
    None: ("shared", "mine"),
    "stock": ("shared",),
    "my": ("mine",),
}
_FAVORITES: Final = f"""
SELECT {_COLUMNS}, count(*) OVER () AS total FROM audio_favorites f
JOIN audio_library a ON a.id = f.audio_id
WHERE f.user_id = $1 AND (a.user_id IS NULL OR a.user_id = $1)
  AND ($2::text IS NULL OR category = $2)
  AND ($3 = '' OR search @@ to_tsquery('simple', $3))
ORDER BY f.created_at DESC, a.id DESC LIMIT $4 OFFSET $5
""".replace("id, title", "a.id, title").replace("user_id,", "a.user_id,")  # noqa: S608
_INSERT: Final = """
INSERT INTO audio_library (id, title, artist, duration, category, tags, url, waveform_url,
  thumbnail_url, source, is_premium, user_id)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
ON CONFLICT (id) DO UPDATE SET title = EXCLUDED.title, artist = EXCLUDED.artist,
  duration = EXCLUDED.duration, category = EXCLUDED.category, tags = EXCLUDED.tags,
  url = EXCLUDED.url, waveform_url = EXCLUDED.waveform_url,
  thumbnail_url = EXCLUDED.thumbnail_url, is_premium = EXCLUDED.is_premium, updated_at = now()
WHERE audio_library.user_id IS NOT DISTINCT FROM EXCLUDED.user_id
"""


@dataclass(frozen=True, slots=True)
class Audio:
    """A piece of audio; `duration` in seconds, links as tables keep them; without `user_id` it is
    there for everybody."""

    id: UUID
    title: str
    artist: str | None
    duration: float
    category: str
    tags: list[str]
    url: str
    waveform_url: str | None
    thumbnail_url: str | None
    source: str
    is_premium: bool
    user_id: UUID | None


class AudioLibrary:
    """The table of audio, with its files."""

    def __init__(self, database: Database, blobs: Blobs) -> None:
        self._database = database
        self._blobs = blobs
        self._shelf = Shelf(database, "audio_library", _COLUMNS)

    async def page(
        self,
        user: UUID,
        *,
        which: Literal["stock", "my", "favorites"] | None = None,
        category: Category | None = None,
        search: str = "",
        page: int = 1,
        limit: int = 20,
    ) -> tuple[list[Audio], int]:
        """One page of what a user may see, and how many pieces there are in all.

        Newest first; favorites in the order in which they became favorites, the last one first.
        """
        if which == "favorites":
            return await self._favorites(user, category, search, page, limit)
        conditions = searching(search)
        if category is not None:
            conditions.append(Condition("category = {}", category))
        rows, total = await self._shelf.page(
            user, _PARTS[which], conditions, page=page, limit=limit
        )
        return [_audio(row) for row in rows], total

    async def _favorites(
        self, user: UUID, category: str | None, search: str, page: int, limit: int
    ) -> tuple[list[Audio], int]:
        said = searching(search)
        query = said[0].value if said else ""
        async with self._database.connection() as connection:
            rows = await connection.fetch(
                _FAVORITES, user, category, query, limit, (page - 1) * limit
            )
            total = rows[0]["total"] if rows else 0
            if not rows and page > 1:
                first = await connection.fetch(_FAVORITES, user, category, query, 1, 0)
                total = first[0]["total"] if first else 0
        return [_audio(row) for row in rows], total

    async def get(self, audio_id: UUID, user: UUID) -> Audio:
        """A piece that a user may see.

        Raises:
            AudioNotFound: there is none, or it is somebody else's.
        """
        async with self._database.connection() as connection:
            row = await connection.fetchrow(
                f"SELECT {_COLUMNS} FROM audio_library"  # noqa: S608
                " WHERE id = $1 AND (user_id IS NULL OR user_id = $2)",
                *(audio_id, user),
            )
        if row is None:
            raise AudioNotFound
        return _audio(row)

    async def favorites_among(self, ids: Sequence[UUID], user: UUID) -> set[UUID]:
        """Which of these pieces are a user's favorites."""
        if not ids:
            return set()
        async with self._database.connection() as connection:
            rows = await connection.fetch(
                "SELECT audio_id FROM audio_favorites"
                " WHERE user_id = $1 AND audio_id = ANY($2::uuid[])",
                *(user, list(ids)),
            )
        return {row["audio_id"] for row in rows}

    async def set_favorite(self, audio_id: UUID, user: UUID, *, favorite: bool) -> None:
        """Make a piece a favorite of a user's, or no longer one.

        Raises:
            AudioNotFound: there is none that the user may see.
        """
        async with self._database.transaction() as connection:
            found = await connection.fetchval(
                "SELECT id FROM audio_library"
                " WHERE id = $1 AND (user_id IS NULL OR user_id = $2) FOR KEY SHARE",
                *(audio_id, user),
            )
            if found is None:
                raise AudioNotFound
            if favorite:
                await connection.execute(
                    "INSERT INTO audio_favorites (user_id, audio_id) VALUES ($1, $2)"
                    " ON CONFLICT DO NOTHING",
                    *(user, audio_id),
                )
            else:
                await connection.execute(
                    "DELETE FROM audio_favorites WHERE user_id = $1 AND audio_id = $2",
                    *(user, audio_id),
                )

    async def upload(self, audio: Audio, files: Sequence[Blob], *, room: int) -> None:
        """Add what a user uploaded, with its files, if they have room for it.

        Args:
            audio: its row.
            files: what was stored for it.
            room: how many bytes the user may have stored.

        Raises:
            StorageQuotaExceeded: nothing was added.
        """
        assert audio.user_id is not None
        async with self._database.transaction() as connection:
            size = sum(file.size for file in files)
            await require_room(connection, audio.user_id, size, room)
            await self.put(connection, audio, files)

    async def put(self, connection: Connection, audio: Audio, files: Sequence[Blob]) -> None:
        """Add a piece and the rows of its files, or change one that has the same id and owner."""
        for file in files:
            await self._blobs.add(connection, file)
        fields: list[Any] = [getattr(audio, name) for name in Audio.__slots__]
        await connection.execute(_INSERT, *fields)

    async def delete(self, audio_id: UUID, user: UUID, *, by: str) -> None:
        """Delete a piece of the user's own, with its files.

        Raises:
            AudioNotFound: there is none, or it is somebody else's.
            Forbidden: it is there for everybody.
        """
        async with self._database.transaction() as connection:
            row = await connection.fetchrow(
                f"DELETE FROM audio_library WHERE id = $1 AND user_id = $2 RETURNING {_COLUMNS}",  # noqa: S608
                *(audio_id, user),
            )
            if row is None:
                if await connection.fetchval(
                    "SELECT id FROM audio_library WHERE id = $1 AND user_id IS NULL", audio_id
                ):
                    raise Forbidden("This belongs to the library; only uploads can be deleted.")
                raise AudioNotFound
            links = (row["url"], row["waveform_url"], row["thumbnail_url"])
            keys = [key for link in links if link and (key := key_of(link))]
            gone = await self._blobs.remove(connection, keys)
            said = {"title": row["title"]}
            await record(connection, by, "audio.delete", None, str(audio_id), said)
        await self._blobs.store.delete(gone)


def _audio(row: Record) -> Audio:
    fields: dict[str, Any] = {name: row[name] for name in Audio.__slots__}
    return Audio(**fields)
