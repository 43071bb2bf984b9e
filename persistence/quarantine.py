"""How a video whose log cannot be read is mended: what is bad goes into the table `quarantine`, and
a snapshot of what can be read takes the place of the log."""

from __future__ import annotations

from typing import Final
from uuid import UUID

from collab.errors import Conflict
from collab.schema import Changes
from persistence.database import Database
from persistence.examination import Examination
from persistence.tables import Tables
from persistence.update_log import checksum

_SECONDS: Final = 120.0

_PUT: Final = """
INSERT INTO quarantine (video_id, kind, seq, content, reason) VALUES ($1, $2, $3, $4, $5)
"""
_LAST: Final = """
SELECT greatest(coalesce((SELECT seq FROM video_heads WHERE video_id = $1), 0),
                coalesce((SELECT max(seq) FROM video_updates WHERE video_id = $1), 0),
                coalesce((SELECT max(seq) FROM video_snapshots WHERE video_id = $1), 0))
"""
_HEAD: Final = """
INSERT INTO video_heads (video_id, seq) VALUES ($1, $2)
ON CONFLICT (video_id) DO UPDATE SET seq = EXCLUDED.seq
"""
_SNAPSHOT: Final = """
INSERT INTO video_snapshots (video_id, seq, state, checksum) VALUES ($1, $2, $3, $4)
"""
_TABLES: Final = "UPDATE videos SET projected_seq = least(projected_seq, $2) WHERE id = $1"


async def mend(database: Database, found: Examination, state: bytes) -> int:
    """Replace the log of a broken video, in one transaction.

    Args:
        database: where it is.
        found: what was found of the video.
        state: what its document is to be from now on.

    Returns:
        The sequence number that the video stands at.

    Raises:
        Conflict: something was stored since the video was examined; nothing was changed.
    """
    video_id = found.video_id
    # A number of its own: whoever has the log's last row is not up to date.
    seq = found.seq + 1
    async with database.transaction() as connection:
        await connection.execute("SELECT FROM videos WHERE id = $1 FOR UPDATE", video_id)
        await connection.execute("SELECT FROM video_heads WHERE video_id = $1 FOR UPDATE", video_id)
        if await connection.fetchval(_LAST, video_id) != found.seq:
            raise Conflict(f"Video {video_id} was edited meanwhile; stop the servers first.")
        await connection.executemany(
            _PUT, [(video_id, bad.kind, bad.seq, bad.content, bad.reason) for bad in found.bad]
        )
        await connection.execute("DELETE FROM video_updates WHERE video_id = $1", video_id)
        await connection.execute("DELETE FROM video_snapshots WHERE video_id = $1", video_id)
        await connection.execute(_HEAD, video_id, seq)
        await connection.execute(_TABLES, video_id, seq)
        await connection.execute(
            _SNAPSHOT, *(video_id, seq, state, checksum(state)), timeout=_SECONDS
        )
    return seq


async def rewrite(database: Database, video_id: UUID, seq: int, rows: Changes) -> None:
    """Have the tables show what the document says at `seq`, whatever they show now.

    Raises:
        Conflict: a server has written them meanwhile.
    """
    async with database.transaction() as connection:
        await connection.execute(_TABLES, video_id, seq)
    written = await Tables(database).write(video_id, seq, rows, base=None)
    if not written.written:
        raise Conflict(f"Video {video_id} was edited meanwhile; stop the servers first.")


async def clear(database: Database, video_id: UUID) -> None:
    """Remove what is left of the log of a video that is gone."""
    async with database.transaction() as connection:
        for table in ("video_heads", "video_updates", "video_snapshots"):
            await connection.execute(
                f"DELETE FROM {table} WHERE video_id = $1",  # noqa: S608
                video_id,
            )
