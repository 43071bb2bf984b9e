"""Keys with which programs call the API in a user's name; only their digests are kept."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from collab.errors import ApiKeyNotFound, Conflict
from persistence.audit import record
from persistence.database import Database

MAX_KEYS: Final = 50
_COLUMNS: Final = "id, name, prefix, created_at, last_used_at"
_ADD: Final = (
    "INSERT INTO api_keys (id, user_id, name, digest, prefix)"  # noqa: S608
    f" VALUES ($1, $2, $3, $4, $5) RETURNING {_COLUMNS}"
)
_ENDED: Final = (
    "SELECT EXISTS (SELECT FROM audit_log WHERE action = 'api_key.delete' AND subject = $1)"
)
_USED: Final = """
UPDATE api_keys SET last_used_at = now()
WHERE digest = $1 AND (last_used_at IS NULL OR last_used_at < now() - interval '1 minute')
"""


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key's row; `prefix` is how it begins, so that its owner knows which it is."""

    id: UUID
    name: str
    prefix: str
    created_at: datetime
    last_used_at: datetime | None


@dataclass(frozen=True, slots=True)
class KeyOwner:
    """Whose key it is."""

    sub: str
    tier: str
    name: str | None
    id: UUID


class ApiKeys:
    """The keys of the whole installation."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, key_id: UUID, user: UUID, name: str, key: str, *, by: str) -> ApiKey:
        """Keep a key; one that is there already is given back.

        Raises:
            Conflict: the user has too many, or `key_id` is that of another one, or of one that was
                deleted.
        """
        async with self._database.transaction() as connection:
            await connection.execute(
                "SELECT pg_advisory_xact_lock(hashtextextended('keys ' || $1::text, 0))", str(user)
            )
            there = await connection.fetchrow(
                f"SELECT {_COLUMNS}, digest FROM api_keys WHERE id = $1",  # noqa: S608
                key_id,
            )
            if there is not None:
                *known, digest = there.values()
                if (there["name"], digest) != (name, _digest(key)):
                    raise Conflict("This Idempotency-Key was used for another request.")
                return ApiKey(*known)
            if await connection.fetchval(_ENDED, str(key_id)):
                raise Conflict("This Idempotency-Key made an API key that was deleted since.")
            count = await connection.fetchval(
                "SELECT count(*) FROM api_keys WHERE user_id = $1", user
            )
            if count >= MAX_KEYS:
                raise Conflict(f"You have {MAX_KEYS} API keys already; delete some.")
            row = await connection.fetchrow(
                _ADD,
                *(key_id, user, name, _digest(key), key[:12]),
            )
            await record(connection, by, "api_key.create", None, str(key_id), {"name": name})
        assert row is not None
        return ApiKey(*row.values())

    async def of(self, user: UUID) -> list[ApiKey]:
        """A user's keys, oldest first."""
        async with self._database.connection() as connection:
            rows = await connection.fetch(
                f"SELECT {_COLUMNS} FROM api_keys"  # noqa: S608
                " WHERE user_id = $1 ORDER BY created_at, id",
                user,
            )
        return [ApiKey(*row.values()) for row in rows]

    async def remove(self, key_id: UUID, user: UUID, *, by: str) -> None:
        """End a key.

        Raises:
            ApiKeyNotFound: the user has no such key.
        """
        async with self._database.transaction() as connection:
            gone = await connection.fetchval(
                "DELETE FROM api_keys WHERE id = $1 AND user_id = $2 RETURNING id", key_id, user
            )
            if gone is None:
                raise ApiKeyNotFound
            await record(connection, by, "api_key.delete", None, str(key_id))

    async def owner(self, key: str) -> KeyOwner | None:
        """Whose key this is; None for no key."""
        digest = _digest(key)
        async with self._database.connection() as connection:
            row = await connection.fetchrow(
                "SELECT u.sub, u.tier, u.name, u.id FROM api_keys k"
                " JOIN users u ON u.id = k.user_id WHERE k.digest = $1",
                digest,
            )
            if row is not None:
                await connection.execute(_USED, digest)
        return KeyOwner(*row.values()) if row is not None else None


def _digest(key: str) -> bytes:
    # What is no text in a header comes as lone surrogates.
    return hashlib.sha256(key.encode(errors="surrogateescape")).digest()
