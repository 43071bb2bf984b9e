"""Which things of the libraries are premium, by their ids and by links to their files."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from persistence.blobs import PATH, key_of
from persistence.database import Database

if TYPE_CHECKING:
    from persistence.database import Connection

IDS: Final = ("audio_id", "media_id", "avatar_id", "voice_id")
"""The properties of layers that name a thing by its id; those that end in `_url` by a link."""

_PREMIUM: Final = """
SELECT id::text AS name FROM audio_library WHERE is_premium AND id = ANY($1::uuid[])
UNION ALL SELECT id::text FROM media_library WHERE is_premium AND id = ANY($1::uuid[])
UNION ALL SELECT id::text FROM avatars WHERE is_premium AND id = ANY($1::uuid[])
UNION ALL SELECT id FROM voices WHERE is_premium AND id = ANY($2::text[])
UNION ALL SELECT url FROM audio_library WHERE is_premium AND url = ANY($2::text[])
UNION ALL SELECT url FROM media_library WHERE is_premium AND url = ANY($2::text[])
UNION ALL SELECT preview_url FROM avatars WHERE is_premium AND preview_url = ANY($2::text[])
UNION ALL SELECT video_url FROM avatars WHERE is_premium AND video_url = ANY($2::text[])
"""
_USED: Final = """
SELECT l.name, p.key, p.value #>> '{}' AS value
FROM scenes_layers l, jsonb_each(l.properties) p
WHERE l.video_id = $1 AND l.enabled AND jsonb_typeof(p.value) = 'string'
  AND (p.key = ANY($2::text[]) OR p.key LIKE '%\\_url')
ORDER BY l.name
"""


class Premium:
    """Asks all libraries at once."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def among(self, properties: Mapping[str, Any]) -> list[str]:
        """Which of a layer's properties name premium things."""
        named = {key: name for key, value in properties.items() if (name := _name(key, value))}
        if not named:
            return []
        async with self._database.connection() as connection:
            premium = await _premium(connection, named.values())
        return [key for key, name in named.items() if name in premium]


async def premium_layers(connection: Connection, video_id: UUID) -> list[str]:
    """The names of a video's layers that show or play premium things, in their order."""
    rows = await connection.fetch(_USED, video_id, list(IDS))
    named = [(row["name"], _name(row["key"], row["value"])) for row in rows]
    premium = await _premium(connection, {name for _, name in named if name})
    return list(dict.fromkeys(layer for layer, name in named if name in premium))


async def _premium(connection: Connection, names: Iterable[str]) -> set[str]:
    wanted = list(names)
    ids = [name for name in wanted if _is_id(name)]
    rows = await connection.fetch(_PREMIUM, ids, wanted) if wanted else []
    return {row["name"] for row in rows}


def _name(key: str, value: Any) -> str | None:
    """What a property names, as the tables have it: an id, or a link."""
    if not isinstance(value, str):
        return None
    if key.endswith("_url"):
        stored = key_of(value)
        return value if stored is None else PATH + stored
    if key not in IDS:
        return None
    return value if key == "voice_id" else value.lower()


def _is_id(text: str) -> bool:
    try:
        return str(UUID(text)) == text
    except ValueError:
        return False
