"""The avatars, each with its variations."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Final, Literal
from uuid import UUID

from collab.errors import AvatarNotFound
from persistence.blobs import Blobs
from persistence.database import Database
from persistence.library import Kind, Library
from persistence.shelf import Condition, Part

Gender = Literal["male", "female", "neutral"]
Source = Literal["stock", "custom", "generated"]


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


class Avatars(Library[Avatar]):
    """The table of avatars, with their files."""

    def __init__(self, database: Database, blobs: Blobs) -> None:
        links = ("thumbnail_url", "preview_url", "video_url")
        columns = tuple(name for name in Avatar.__slots__ if name != "variations")
        kind = Kind("avatars", "avatar", Avatar, columns, links, "name", AvatarNotFound)
        super().__init__(database, blobs, kind)

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
        conditions = [Condition("parent_avatar_id IS NULL")]
        if gender is not None:
            conditions.append(Condition("gender = {}", gender))
        if which in _SOURCES:
            conditions.append(Condition("source = {}", _SOURCES[which]))
        found, total = await self.select(user, _PARTS[which], conditions, search, page, limit)
        variations = await self._variations([avatar.id for avatar in found])
        return [replace(one, variations=variations.get(one.id, [])) for one in found], total

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
