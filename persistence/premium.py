"""Which things of the libraries are premium."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final
from uuid import UUID

from persistence.database import Database

_PREMIUM: Final = """
SELECT 'audio_id' AS property, id::text AS id FROM audio_library
  WHERE is_premium AND id = $1
UNION ALL SELECT 'media_id', id::text FROM media_library WHERE is_premium AND id = $2
UNION ALL SELECT 'avatar_id', id::text FROM avatars WHERE is_premium AND id = $3
UNION ALL SELECT 'voice_id', id FROM voices WHERE is_premium AND id = $4
"""
IDS: Final = ("audio_id", "media_id", "avatar_id", "voice_id")


class Premium:
    """Asks all libraries at once."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def among(self, properties: Mapping[str, Any]) -> list[str]:
        """Which of a layer's properties name premium things."""
        named = [_given(properties.get(name), voice=name == "voice_id") for name in IDS]
        if not any(named):
            return []
        async with self._database.connection() as connection:
            rows = await connection.fetch(_PREMIUM, *named)
        return [row["property"] for row in rows]


def _given(value: Any, *, voice: bool) -> UUID | str | None:
    if not isinstance(value, str):
        return None
    if voice:
        return value
    try:
        return UUID(value)
    except ValueError:
        return None
