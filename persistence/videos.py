"""Videos: what is known of each beside its document, and who may see it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final, Literal
from uuid import UUID

from collab.errors import VideoNotFound
from collab.schema import DEFAULT_BACKGROUND
from persistence.audit import record
from persistence.database import Database
from persistence.search import prefix_query
from persistence.users import named

if TYPE_CHECKING:
    from asyncpg import Record

Role = Literal["owner", "editor", "viewer"]

_COLUMNS: Final = """
  v.id, v.title, v.aspect_ratio, v.background, v.scene_count, v.duration, v.projected_seq,
  v.access_version, v.created_at, v.updated_at, v.watermark, h.seq, o.sub AS owner_id,
  o.tier AS owner_tier
"""

_GET: Final = f"""
SELECT {_COLUMNS}, CASE WHEN o.sub = $2 THEN 'owner' ELSE m.role END AS role
FROM videos v
JOIN video_heads h ON h.video_id = v.id
JOIN users o ON o.id = v.owner_id
LEFT JOIN users u ON u.sub = $2
LEFT JOIN video_members m ON m.video_id = v.id AND m.user_id = u.id
WHERE v.id = $1
"""  # noqa: S608

_LIST: Final = f"""
WITH me AS (
  SELECT id FROM users WHERE sub = $1
), mine AS (
  SELECT v.id, 'owner' AS role FROM videos v, me WHERE v.owner_id = me.id
  UNION ALL
  SELECT m.video_id, m.role FROM video_members m, me WHERE m.user_id = me.id
)
SELECT {_COLUMNS}, mine.role, count(*) OVER () AS total
FROM mine
JOIN videos v ON v.id = mine.id
JOIN video_heads h ON h.video_id = v.id
JOIN users o ON o.id = v.owner_id
WHERE $4 = '' OR to_tsvector('simple', v.title) @@ to_tsquery('simple', $4)
ORDER BY v.updated_at DESC, v.id
LIMIT $2 OFFSET $3
"""  # noqa: S608

_COUNT: Final = """
WITH me AS (
  SELECT id FROM users WHERE sub = $1
), mine AS (
  SELECT v.id FROM videos v, me WHERE v.owner_id = me.id
  UNION ALL
  SELECT m.video_id FROM video_members m, me WHERE m.user_id = me.id
)
SELECT count(*) FROM mine JOIN videos v ON v.id = mine.id
WHERE $2 = '' OR to_tsvector('simple', v.title) @@ to_tsquery('simple', $2)
"""

_ACCESS: Final = """
SELECT CASE WHEN v.owner_id = u.id THEN 'owner' ELSE m.role END AS role,
       v.projected_seq, v.access_version
FROM videos v
LEFT JOIN users u ON u.sub = $2
LEFT JOIN video_members m ON m.video_id = v.id AND m.user_id = u.id
WHERE v.id = $1
"""

_ROLES: Final = """
SELECT u.sub, CASE WHEN v.owner_id = u.id THEN 'owner' ELSE m.role END AS role
FROM videos v
JOIN users u ON u.sub = ANY($2::text[])
LEFT JOIN video_members m ON m.video_id = v.id AND m.user_id = u.id
WHERE v.id = $1
"""


@dataclass(frozen=True, slots=True)
class VideoRecord:
    """A video as one user sees it.

    `owner_id` is the owner's `sub`; `role` is None for somebody without one; `seq` is the last row
    of the log, `projected_seq` what the tables show; `duration` in seconds; `watermark` is the mark
    of their own that the owner keeps on it, as `set_watermark` was given it.
    """

    id: UUID
    title: str
    aspect_ratio: str
    background: str
    role: Role | None
    owner_id: str
    owner_tier: str
    scene_count: int
    duration: float
    seq: int
    projected_seq: int
    access_version: int
    created_at: datetime
    updated_at: datetime
    watermark: dict[str, Any] | None


@dataclass(frozen=True, slots=True)
class Access:
    """What a request asks first: the caller's role, and how fresh the tables are."""

    role: Role | None
    projected_seq: int
    access_version: int


@dataclass(frozen=True, slots=True)
class VideoPage:
    """One page of a list, and how many there are in all."""

    videos: list[VideoRecord]
    total: int


class Videos:
    """The videos of the whole installation."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def create(
        self,
        video_id: UUID,
        *,
        owner: str,
        title: str,
        aspect_ratio: str,
        first_update: bytes,
        background: str = DEFAULT_BACKGROUND,
    ) -> VideoRecord:
        """Make a video whose log begins with `first_update`, as row 1, already projected.

        Args:
            video_id: a fresh id.
            owner: the owner's user id (`sub`).
            title: as in the update.
            aspect_ratio: as in the update.
            first_update: the document's first Yjs update.
            background: as in the update.
        """
        async with self._database.transaction() as connection:
            owner_id = await named(connection, owner)
            await connection.execute(
                "INSERT INTO videos (id, owner_id, title, aspect_ratio, background, projected_seq)"
                " VALUES ($1, $2, $3, $4, $5, 1)",
                *(video_id, owner_id, title, aspect_ratio, background),
            )
            await connection.execute(
                "INSERT INTO video_heads (video_id, seq) VALUES ($1, 1)", video_id
            )
            await connection.execute(
                "INSERT INTO video_updates (video_id, seq, update, user_ids)"
                " VALUES ($1, 1, $2, ARRAY[$3])",
                *(video_id, first_update, owner),
            )
            row = await connection.fetchrow(_GET, video_id, owner)
        assert row is not None
        return _video(row)

    async def get(self, video_id: UUID, sub: str) -> VideoRecord:
        """A video as that user sees it; `role` is None for those who have none.

        Raises:
            VideoNotFound: no such video.
        """
        async with self._database.connection() as connection:
            row = await connection.fetchrow(_GET, video_id, sub)
        if row is None:
            raise VideoNotFound
        return _video(row)

    async def list(self, sub: str, *, page: int, limit: int, search: str = "") -> VideoPage:
        """The videos that the user has a role on, the last changed first.

        Args:
            sub: the user.
            page: from 1.
            limit: videos a page.
            search: words, or beginnings of words, of the title.
        """
        query = prefix_query(search)
        async with self._database.connection() as connection:
            rows = await connection.fetch(_LIST, sub, limit, (page - 1) * limit, query)
            if rows:
                total = rows[0]["total"]
            else:
                total = await connection.fetchval(_COUNT, sub, query) if page > 1 else 0
        return VideoPage([_video(row) for row in rows], total)

    async def access(self, video_id: UUID, sub: str) -> Access:
        """The role of a user on a video, with what else a request needs to begin: one query.

        Raises:
            VideoNotFound: no such video.
        """
        async with self._database.connection() as connection:
            row = await connection.fetchrow(_ACCESS, video_id, sub)
        if row is None:
            raise VideoNotFound
        return Access(row["role"], row["projected_seq"], row["access_version"])

    async def role_of(self, video_id: UUID, sub: str) -> Role | None:
        """The role of a user on a video; None for no role or no video."""
        async with self._database.connection() as connection:
            row = await connection.fetchrow(_ACCESS, video_id, sub)
        return row["role"] if row is not None else None

    async def roles_of(self, video_id: UUID, subs: Sequence[str]) -> dict[str, Role]:
        """The roles of these users on a video; those who have none are left out."""
        async with self._database.connection() as connection:
            rows = await connection.fetch(_ROLES, video_id, subs)
        return {row["sub"]: row["role"] for row in rows if row["role"] is not None}

    async def set_watermark(self, video_id: UUID, watermark: Mapping[str, Any] | None) -> None:
        """Keep a mark on a video, or none any more.

        Args:
            video_id: the video; none such is no error.
            watermark: JSON values: `media_id`, `position`, `scale`, `opacity`.
        """
        given = None if watermark is None else json.dumps(dict(watermark))
        async with self._database.connection() as connection:
            await connection.execute(
                "UPDATE videos SET watermark = $2::text::jsonb, updated_at = now() WHERE id = $1",
                *(video_id, given),
            )

    async def delete(self, video_id: UUID, *, by: str) -> None:
        """End a video: its log, its rows and its members go; its scenes' and layers' ids stay
        taken.

        Raises:
            VideoNotFound: no such video.
        """
        async with self._database.transaction() as connection:
            title = await connection.fetchval(
                "SELECT title FROM videos WHERE id = $1 FOR UPDATE", video_id
            )
            if title is None:
                raise VideoNotFound
            await connection.execute("DELETE FROM video_heads WHERE video_id = $1", video_id)
            await connection.execute("DELETE FROM video_updates WHERE video_id = $1", video_id)
            await connection.execute("DELETE FROM video_snapshots WHERE video_id = $1", video_id)
            await connection.execute("DELETE FROM videos WHERE id = $1", video_id)
            await record(connection, by, "video.delete", video_id, None, {"title": title})


def _video(row: Record) -> VideoRecord:
    fields: dict[str, Any] = {name: row[name] for name in VideoRecord.__slots__}
    fields["watermark"] = None if row["watermark"] is None else json.loads(row["watermark"])
    return VideoRecord(**fields)
