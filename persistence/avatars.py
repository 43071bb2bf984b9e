"""The avatars, each with its variations."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Literal
from uuid import UUID

from persistence.blobs import Blob, Blobs
from persistence.database import Database
from persistence.shelf import Condition, Part, Shelf, searching

if TYPE_CHECKING:
    from asyncpg import Record

    from persistence.database import Connection

Gender = Literal["male", "female", "neutral"]
Source = Literal["stock", "custom", "generated"]

_COLUMNS: Final = (
    "id, name, gender, style, thumbnail_url, preview_url, video_url, source, is_premium, user_id,"
    " parent_avatar_id"
)
_INSERT: Final = """
INSERT INTO avatars (id, name, gender, style, thumbnail_url, preview_url, video_url, source,
  is_premium, user_id, parent_avatar_id)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
ON CONFLICT (id) DO UPDATE SET name = EXCLUDED.name, gender = EXCLUDED.gender,
  style = EXCLUDED.style, thumbnail_url = EXCLUDED.thumbnail_url,
  preview_url = EXCLUDED.preview_url, video_url = EXCLUDED.video_url,
  is_premium = EXCLUDED.is_premium, updated_at = now()
WHERE avatars.user_id IS NOT DISTINCT FROM EXCLUDED.user_id
"""


@dataclass(frozen=True, slots=True)
class Variation:
    """The same avatar in another style."""

    id: UUID
    name: str
    thumbnail_url: str


@dataclass(frozen=True, slots=True)
class Avatar:
    """An avatar; without `user_id` it is there for everybody; with `parent_avatar_id` it is a
    variation of that one."""

    id: UUID
    name: str
    gender: str | None
    style: str | None
    thumbnail_url: str
    preview_url: str
    video_url: str | None
    source: str
    is_premium: bool
    user_id: UUID | None
    parent_avatar_id: UUID | None
    variations: list[Variation] = field(default_factory=list)


_PARTS: Final[dict[str | None, tuple[Part, ...]]] = {
    None: ("shared", "mine"),
    "stock": ("shared",),
    "my": ("mine",),
    "generated": ("mine",),
}
_SOURCES: Final = {"my": "custom", "generated": "generated"}


class Avatars:
    """The table of avatars."""

    def __init__(self, database: Database, blobs: Blobs) -> None:
        self._database = database
        self._blobs = blobs
        self._shelf = Shelf(database, "avatars", _COLUMNS)

    async def page(
        self,
        user: UUID,
        *,
        gender: Gender | None = None,
        which: Literal["stock", "my", "generated"] | None = None,
        search: str = "",
        page: int = 1,
        limit: int = 20,
    ) -> tuple[list[Avatar], int]:
        """One page of what a user may see, newest first, and how many there are in all.

        Variations stand with the avatar that they are of.
        """
        conditions = [Condition("{}::boolean AND parent_avatar_id IS NULL", True)]
        conditions += searching(search)
        if gender is not None:
            conditions.append(Condition("gender = {}", gender))
        if which in _SOURCES:
            conditions.append(Condition("source = {}", _SOURCES[which]))
        rows, total = await self._shelf.page(
            user, _PARTS[which], conditions, page=page, limit=limit
        )
        variations = await self._variations([row["id"] for row in rows])
        return [_avatar(row, variations.get(row["id"], [])) for row in rows], total

    async def put(self, connection: Connection, avatar: Avatar, files: Sequence[Blob]) -> None:
        """Add one and the rows of its files, or change one that has the same id and owner."""
        for file in files:
            await self._blobs.add(connection, file)
        names = [name for name in Avatar.__slots__ if name != "variations"]
        fields: list[Any] = [getattr(avatar, name) for name in names]
        await connection.execute(_INSERT, *fields)

    async def _variations(self, ids: Sequence[UUID]) -> dict[UUID, list[Variation]]:
        found: dict[UUID, list[Variation]] = {}
        if not ids:
            return found
        async with self._database.connection() as connection:
            rows = await connection.fetch(
                "SELECT id, name, thumbnail_url, parent_avatar_id FROM avatars"
                " WHERE parent_avatar_id = ANY($1::uuid[]) ORDER BY created_at, id",
                list(ids),
            )
        for row in rows:
            one = Variation(row["id"], row["name"], row["thumbnail_url"])
            found.setdefault(row["parent_avatar_id"], []).append(one)
        return found


def _avatar(row: Record, variations: list[Variation]) -> Avatar:
    fields: dict[str, Any] = dict(row.items())
    return Avatar(**fields, variations=variations)
