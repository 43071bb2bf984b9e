"""Answers already given, by the key that the caller chose for the request."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from persistence.database import Database

_CLAIM: Final = """
INSERT INTO idempotency_keys AS k (user_id, key, route, request_hash)
VALUES ($1, $2, $3, $4)
ON CONFLICT (user_id, key) DO UPDATE
SET route = excluded.route, request_hash = excluded.request_hash,
    status = NULL, headers = NULL, body = NULL, created_at = now()
WHERE k.created_at < now() - interval '24 hours'
   OR (k.status IS NULL AND k.created_at < now() - interval '60 seconds'
       AND k.route = excluded.route AND k.request_hash = excluded.request_hash)
RETURNING true
"""

_STORED: Final = """
SELECT route, request_hash, status, headers, body FROM idempotency_keys
WHERE user_id = $1 AND key = $2
"""

_FINISH: Final = """
UPDATE idempotency_keys SET status = $3, headers = $4, body = $5
WHERE user_id = $1 AND key = $2
"""

_RELEASE: Final = "DELETE FROM idempotency_keys WHERE user_id = $1 AND key = $2 AND status IS NULL"

_PURGE: Final = "DELETE FROM idempotency_keys WHERE created_at < now() - interval '24 hours'"


@dataclass(frozen=True, slots=True)
class StoredAnswer:
    """A request under this key, and its answer once there is one (`status` None until then)."""

    route: str
    request_hash: bytes
    status: int | None
    headers: Mapping[str, str]
    body: bytes


class IdempotencyKeys:
    """The table of keys; each is kept for 24 hours."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def claim(
        self, user: str, key: str, route: str, request_hash: bytes
    ) -> StoredAnswer | None:
        """Take a key for a request that begins now.

        A key whose request began more than a minute ago and has no answer belonged to a process
        that ended in between; the same request may take it over.

        Returns:
            None when the key is now this request's, else what is stored under it.
        """
        async with self._database.connection() as connection:
            if await connection.fetchval(_CLAIM, user, key, route, request_hash):
                return None
            row = await connection.fetchrow(_STORED, user, key)
        if row is None:  # released in between
            return await self.claim(user, key, route, request_hash)
        return StoredAnswer(
            row["route"],
            row["request_hash"],
            row["status"],
            json.loads(row["headers"] or "{}"),
            row["body"] or b"",
        )

    async def finish(
        self, user: str, key: str, status: int, headers: Mapping[str, str], body: bytes
    ) -> None:
        """Store the answer."""
        async with self._database.connection() as connection:
            await connection.execute(_FINISH, user, key, status, json.dumps(dict(headers)), body)

    async def release(self, user: str, key: str) -> None:
        """Give up a key whose request did nothing."""
        async with self._database.connection() as connection:
            await connection.execute(_RELEASE, user, key)

    async def purge(self) -> None:
        """Remove keys that are older than 24 hours."""
        async with self._database.connection() as connection:
            await connection.execute(_PURGE)
