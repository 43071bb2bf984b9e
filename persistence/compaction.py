"""How a snapshot takes the place of the log before it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from uuid import UUID

import asyncpg

from collab.errors import CorruptLog
from persistence.database import Database, alive
from persistence.errors import CompactionRefused
from persistence.squash import Incomplete, Unreadable, squash
from persistence.update_log import StoredDocument, UpdateLog, checksum

if TYPE_CHECKING:
    from persistence.database import Connection

_STORE_SECONDS: Final = 60.0
_LOCK_CLASS: Final = 0x536E6170

_INSERT: Final = """
INSERT INTO video_snapshots (video_id, seq, state, checksum) VALUES ($1, $2, $3, $4)
RETURNING sha256(state) = $4
"""

_KEEP_AUTHORS: Final = """
INSERT INTO video_authors AS old (video_id, user_id, seq, edited_at)
SELECT $1, author, max(seq), max(created_at)
FROM video_updates, unnest(user_ids) AS author
WHERE video_id = $1 AND seq <= $2 GROUP BY author
ON CONFLICT (video_id, user_id) DO UPDATE SET seq = EXCLUDED.seq, edited_at = EXCLUDED.edited_at
"""


@dataclass(frozen=True, slots=True)
class Compacted:
    """A snapshot that was made: of which `seq`, how many rows it replaced, its bytes and those of
    what it was made from."""

    seq: int
    rows: int
    size: int
    read: int


async def compact(database: Database, video_id: UUID) -> Compacted | None:
    """Make a snapshot of all that is stored, and trim the log up to it; blocks while it computes.

    It is made from what is stored, read back and compared; storing it and trimming are one
    transaction. One node at a time does this for a video.

    Returns:
        None when there was nothing to do, or another node is at it.

    Raises:
        VideoNotFound: no such video.
        CorruptLog: a row cannot be read or applied; the message names it.
        CompactionRefused: the snapshot would lose something; nothing was trimmed.
        DatabaseAway: PostgreSQL does not answer; nothing, or all, was done.
    """
    async with turn(database, video_id) as connection:
        return await compact_in_turn(database, video_id) if connection is not None else None


async def compact_in_turn(database: Database, video_id: UUID) -> Compacted | None:
    """`compact`, for whoever has the turn."""
    document = await UpdateLog(database).load(video_id)
    if not document.rows:
        return None
    state = _squash(video_id, document)
    async with database.transaction() as connection:
        if not await _replace(connection, video_id, document, state):
            return None
    read = len(document.state or b"") + sum(len(row.update) for row in document.rows)
    return Compacted(document.seq, len(document.rows), len(state), read)


def _squash(video_id: UUID, document: StoredDocument) -> bytes:
    try:
        return squash(document.state, [row.update for row in document.rows])
    except Unreadable as error:
        what = (
            f"Snapshot {document.snapshot_seq}"
            if error.index < 0
            else f"Row {document.rows[error.index].seq}"
        )
        raise CorruptLog(
            f"{what} of video {video_id} cannot be applied ({error}): run `cocut doctor`."
        ) from error
    except Incomplete as error:
        raise CompactionRefused(
            f"No snapshot of video {video_id} at {document.seq}: {error}; its log is kept."
        ) from error


@asynccontextmanager
async def turn(
    database: Database, video_id: UUID, *, wait: bool = False
) -> AsyncIterator[Connection | None]:
    """This caller's turn to make a snapshot of a video, or None if it is another's. The lock is the
    session's, not a transaction's: a transaction that is open for seconds keeps PostgreSQL from
    cleaning up after others.

    Args:
        database: where the lock is.
        video_id: the video.
        wait: until it is this caller's turn.

    Returns:
        The connection that holds the lock: what is written over it is written in this turn, since
        the lock ends with it.
    """
    async with database.connection() as connection:
        key = (_LOCK_CLASS, int.from_bytes(video_id.bytes[:4], "big", signed=True))
        if wait:
            await connection.execute(
                "SELECT pg_advisory_lock($1, $2)", *key, timeout=_STORE_SECONDS
            )
            mine = True
        else:
            mine = bool(await connection.fetchval("SELECT pg_try_advisory_lock($1, $2)", *key))
        try:
            yield connection if mine else None
        finally:
            if mine and alive(connection):
                await connection.execute("SELECT pg_advisory_unlock($1, $2)", *key)


async def _replace(
    connection: Connection, video_id: UUID, document: StoredDocument, state: bytes
) -> bool:
    there = await connection.fetchval(
        "SELECT coalesce(max(seq), 0) FROM video_snapshots WHERE video_id = $1", video_id
    )
    alive = await connection.fetchval(
        "SELECT true FROM videos WHERE id = $1 FOR KEY SHARE", video_id
    )
    if not alive or there != document.snapshot_seq:
        return False
    good = await connection.fetchval(
        _INSERT, video_id, document.seq, state, checksum(state), timeout=_STORE_SECONDS
    )
    if not good:
        raise asyncpg.DataCorruptedError(f"snapshot of video {video_id} was stored damaged")
    await connection.execute(_KEEP_AUTHORS, video_id, document.seq, timeout=_STORE_SECONDS)
    await connection.execute(
        "DELETE FROM video_updates WHERE video_id = $1 AND seq <= $2",
        *(video_id, document.seq),
        timeout=_STORE_SECONDS,
    )
    await connection.execute(
        "DELETE FROM video_snapshots WHERE video_id = $1 AND seq < $2",
        *(video_id, document.seq),
        timeout=_STORE_SECONDS,
    )
    return True
