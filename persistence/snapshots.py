"""Snapshots: a document's state at one sequence number, in place of the log before it."""

from __future__ import annotations

from typing import Final
from uuid import UUID

from persistence.compaction import Compacted
from persistence.compactor import Compactor
from persistence.database import Database

DUE_ROWS: Final = 500
DUE_BYTES: Final = 1024 * 1024


def due(rows: int, log_bytes: int, snapshot_bytes: int) -> bool:
    """Whether the log since the last snapshot is worth a new one.

    Args:
        rows: rows since the last snapshot.
        log_bytes: their updates' bytes.
        snapshot_bytes: the last snapshot's bytes; 0 without one.
    """
    return rows >= DUE_ROWS or log_bytes >= max(snapshot_bytes, DUE_BYTES)


class Snapshots:
    """The snapshots of all videos.

    Args:
        database: where they are.
        compactor: who makes them.
    """

    def __init__(self, database: Database, compactor: Compactor) -> None:
        self._database = database
        self._compactor = compactor

    def hurry(self) -> None:
        """Somebody waits for those that are made from now on."""
        self._compactor.hurry()

    async def compact(self, video_id: UUID) -> Compacted | None:
        """`persistence.compaction.compact`, in the child process: no byte of the document passes
        through this one.

        Raises:
            CompactionFailed: the child died, or something that is not expected happened in it;
                nothing is lost.
        """
        return await self._compactor.compact(self._database.dsn, video_id)
