"""Answers that are kept for a day, so that a request sent twice is done once."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from persistence.database import Database

_CLAIM: Final = """
INSERT INTO idempotency_keys AS old (user_id, key, route, request_hash) VALUES ($1, $2, $3, '')
ON CONFLICT (user_id, key) DO UPDATE
SET route = EXCLUDED.route, request_hash = EXCLUDED.request_hash, status = NULL, headers = NULL,
    body = NULL, created_at = now()
WHERE old.created_at < now() - interval '24 hours'
   OR (old.status IS NULL AND old.created_at < now() - interval '2 minutes')
RETURNING user_id
"""

_STORED: Final = """
SELECT route, request_hash, status, headers, body FROM idempotency_keys
WHERE user_id = $1 AND key = $2
"""

_FINISH: Final = """
UPDATE idempotency_keys SET request_hash = $3, status = $4, headers = $5::text::jsonb, body = $6
WHERE user_id = $1 AND key = $2
"""


@dataclass(frozen=True, slots=True)
class StoredAnswer:
    """What is known of a key: for which request, and the answer; while that is under way, `status`
    is None and `request_hash` empty."""

    route: str
    request_hash: bytes
    status: int | None
    headers: dict[str, str]
    body: bytes


class IdempotencyKeys:
    """The keys that callers have sent, each caller's apart."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def claim(self, user: str, key: str, route: str) -> StoredAnswer | None:
        """Take a key for a request.

        A key is free again after 24 hours, and after two minutes when its request never ended
        (its process died).

        Returns:
            None when the request should be done; else what is known of the key.
        """
        async with self._database.connection() as connection:
            while True:
                if await connection.fetchval(_CLAIM, user, key, route) is not None:
                    return None
                row = await connection.fetchrow(_STORED, user, key)
                if row is not None:
                    break
        return StoredAnswer(
            route=row["route"],
            request_hash=row["request_hash"],
            status=row["status"],
            headers=json.loads(row["headers"]) if row["headers"] is not None else {},
            body=row["body"] or b"",
        )

    async def finish(
        self,
        user: str,
        key: str,
        request_hash: bytes,
        status: int,
        headers: Mapping[str, str],
        body: bytes,
    ) -> None:
        """Keep the answer, and of which request it is."""
        said = json.dumps(dict(headers))
        async with self._database.connection() as connection:
            await connection.execute(_FINISH, user, key, request_hash, status, said, body)

    async def release(self, user: str, key: str) -> None:
        """Give the key back: the request did nothing."""
        async with self._database.connection() as connection:
            await connection.execute(
                "DELETE FROM idempotency_keys WHERE user_id = $1 AND key = $2 AND status IS NULL",
                *(user, key),
            )

    async def purge(self) -> int:
        """Remove what is older than 24 hours; returns how many."""
        async with self._database.connection() as connection:
            done = await connection.execute(
                "DELETE FROM idempotency_keys WHERE created_at < now() - interval '24 hours'"
            )
        return int(done.rsplit(" ", 1)[-1])
