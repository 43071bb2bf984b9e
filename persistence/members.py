"""Who else may see and edit a video."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal
from uuid import UUID

from collab.errors import Conflict, UserNotFound, VideoNotFound
from persistence.audit import record
from persistence.database import Database
from persistence.users import named
from persistence.videos import Role

_LIST: Final = """
SELECT o.sub AS user_id, o.name, 'owner' AS role, v.created_at, 0 AS rank
FROM videos v JOIN users o ON o.id = v.owner_id WHERE v.id = $1
UNION ALL
SELECT u.sub, u.name, m.role, m.created_at, 1
FROM video_members m JOIN users u ON u.id = m.user_id WHERE m.video_id = $1
ORDER BY rank, created_at, user_id
"""

_RAISE: Final = """
UPDATE videos SET access_version = access_version + 1 WHERE id = $1 RETURNING owner_id
"""

_PUT: Final = """
INSERT INTO video_members (video_id, user_id, role) VALUES ($1, $2, $3)
ON CONFLICT (video_id, user_id) DO UPDATE SET role = EXCLUDED.role, updated_at = now()
RETURNING created_at, (SELECT name FROM users WHERE id = $2) AS name
"""


@dataclass(frozen=True, slots=True)
class Member:
    """Somebody with a role; `user_id` is their `sub`, `name` None before their first visit."""

    user_id: str
    name: str | None
    role: Role
    created_at: datetime


class Members:
    """The members of all videos. Each change raises the video's `access_version`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def list(self, video_id: UUID) -> list[Member]:
        """The owner and the members.

        Raises:
            VideoNotFound: no such video.
        """
        async with self._database.connection() as connection:
            rows = await connection.fetch(_LIST, video_id)
        if not rows:
            raise VideoNotFound
        return [Member(row["user_id"], row["name"], row["role"], row["created_at"]) for row in rows]

    async def put(
        self, video_id: UUID, sub: str, role: Literal["editor", "viewer"], *, by: str
    ) -> Member:
        """Give somebody a role, or another one.

        Raises:
            VideoNotFound: no such video.
            Conflict: that is the owner.
        """
        async with self._database.transaction() as connection:
            owner_id = await connection.fetchval(_RAISE, video_id)
            if owner_id is None:
                raise VideoNotFound
            user_id = await named(connection, sub)
            if user_id == owner_id:
                raise Conflict("The owner of a video cannot be made a member of it.")
            row = await connection.fetchrow(_PUT, video_id, user_id, role)
            await record(connection, by, "member.put", video_id, sub, {"role": role})
        assert row is not None
        return Member(sub, row["name"], role, row["created_at"])

    async def remove(self, video_id: UUID, sub: str, *, by: str) -> None:
        """Take somebody's role away.

        Raises:
            VideoNotFound: no such video.
            UserNotFound: that is no member.
            Conflict: that is the owner.
        """
        async with self._database.transaction() as connection:
            owner_id = await connection.fetchval(_RAISE, video_id)
            if owner_id is None:
                raise VideoNotFound
            user_id = await connection.fetchval("SELECT id FROM users WHERE sub = $1", sub)
            if user_id == owner_id:
                raise Conflict("The owner of a video cannot be removed from it.")
            removed = await connection.fetchval(
                "DELETE FROM video_members WHERE video_id = $1 AND user_id = $2 RETURNING user_id",
                *(video_id, user_id),
            )
            if removed is None:
                raise UserNotFound
            await record(connection, by, "member.remove", video_id, sub)
