"""People, as their tokens name them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from uuid import UUID

from persistence.database import Database

if TYPE_CHECKING:
    from persistence.database import Connection

_SEEN: Final = """
SELECT id FROM users
WHERE sub = $1 AND tier = $2 AND ($3::text IS NULL OR name = $3)
  AND seen_at > now() - interval '10 minutes'
"""

_ENSURE: Final = """
INSERT INTO users (sub, tier, name, seen_at) VALUES ($1, $2, $3, now())
ON CONFLICT (sub) DO UPDATE
SET tier = EXCLUDED.tier, name = coalesce(EXCLUDED.name, users.name), seen_at = now()
RETURNING id
"""

_NAMED: Final = """
WITH made AS (
  INSERT INTO users (sub) VALUES ($1) ON CONFLICT (sub) DO NOTHING RETURNING id
)
SELECT id FROM made UNION ALL SELECT id FROM users WHERE sub = $1 LIMIT 1
"""


class Users:
    """The rows behind the ids that tokens carry."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def ensure(self, sub: str, tier: str, name: str | None) -> UUID:
        """The row of somebody who is here: made or brought up to date.

        Args:
            sub: the token's subject.
            tier: `free`, `pro` or `business`.
            name: the token's name; None keeps the one that is known.
        """
        async with self._database.connection() as connection:
            found = await connection.fetchval(_SEEN, sub, tier, name)
            if found is None:
                found = await connection.fetchval(_ENSURE, sub, tier, name)
        assert isinstance(found, UUID)
        return found

    async def id_of(self, sub: str) -> UUID:
        """The row of somebody who is named, perhaps before their first visit."""
        async with self._database.connection() as connection:
            return await named(connection, sub)


async def named(connection: Connection, sub: str) -> UUID:
    """`Users.id_of` inside somebody's transaction."""
    found = await connection.fetchval(_NAMED, sub)
    if found is None:  # made by another transaction since this statement began
        found = await connection.fetchval("SELECT id FROM users WHERE sub = $1", sub)
    assert isinstance(found, UUID)
    return found
