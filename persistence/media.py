"""The media library: pictures, videos and GIFs for everybody, uploaded and generated ones."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal
from uuid import UUID

from collab.errors import MediaNotFound
from persistence.blobs import Blobs
from persistence.database import Database
from persistence.library import Kind, Library
from persistence.shelf import Condition, Part

MediaType = Literal["image", "video", "gif"]
Source = Literal["stock", "ai", "uploaded"]

_PARTS: Final[dict[str | None, tuple[Part, ...]]] = {
    None: ("shared", "mine"),
    "stock": ("shared",),
    "ai": ("mine",),
    "uploaded": ("mine",),
}


@dataclass(frozen=True, slots=True)
class Media:
    """A picture, video or GIF: `dimensions` in pixels (`width`, `height`), `duration` in seconds;
    without `user_id` it is there for everybody; `generator` made what is of the source `ai`."""

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
    generator: str | None = None


class MediaLibrary(Library[Media]):
    """The table of media, with its files."""

    def __init__(self, database: Database, blobs: Blobs) -> None:
        links = ("url", "thumbnail_url")
        columns = tuple(Media.__slots__)
        kind = Kind(
            *("media_library", "media", Media, columns, links, "title", MediaNotFound),
            json=frozenset({"dimensions"}),
        )
        super().__init__(database, blobs, kind)

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
        conditions = []
        if kind is not None:
            conditions.append(Condition("type = {}", kind))
        if category:
            conditions.append(Condition("lower(category) = lower({})", category))
        if source in ("ai", "uploaded"):
            conditions.append(Condition("source = {}", source))
        return await self.select(user, _PARTS[source], conditions, search, page, limit)
