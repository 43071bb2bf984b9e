"""The audio library: music and sound effects for everybody, and what users uploaded."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal
from uuid import UUID

from collab.errors import AudioNotFound
from persistence.blobs import Blobs
from persistence.database import Database
from persistence.library import Kind, Library
from persistence.shelf import Condition, Part

Category = Literal["music", "sound_effects"]
Source = Literal["stock", "uploaded", "generated"]

_PARTS: Final[dict[str | None, tuple[Part, ...]]] = {
    None: ("shared", "mine"),
    "stock": ("shared",),
    "my": ("mine",),
    "favorites": ("favorites",),
}


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


class AudioLibrary(Library[Audio]):
    """The table of audio, with its files."""

    def __init__(self, database: Database, blobs: Blobs) -> None:
        links = ("url", "thumbnail_url", "waveform_url")
        columns = tuple(Audio.__slots__)
        super().__init__(
            database,
            blobs,
            Kind("audio_library", "audio", Audio, columns, links, "title", AudioNotFound),
        )

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
        conditions = [] if category is None else [Condition("category = {}", category)]
        return await self.select(user, _PARTS[which], conditions, search, page, limit)

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
