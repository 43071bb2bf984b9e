"""The child process that makes snapshots, so that no room waits for one."""

from __future__ import annotations

import asyncio
from dataclasses import asdict
from uuid import UUID

from collab.errors import CorruptLog, DatabaseAway, VideoNotFound
from persistence.background import LAST
from persistence.child import Child, Done, serve
from persistence.compaction import Compacted, compact
from persistence.database import Database
from persistence.errors import CompactionFailed, CompactionRefused

_EXPECTED = (VideoNotFound, CorruptLog, CompactionRefused, DatabaseAway)


class Compactor(Child):
    """The parent's side of it."""

    def __init__(self) -> None:
        super().__init__("persistence.compactor", _EXPECTED, CompactionFailed, LAST)

    async def compact(self, dsn: str, video_id: UUID) -> Compacted | None:
        """`persistence.compaction.compact`, in the child.

        Raises:
            CompactionFailed: the child died, or something that is not expected happened in it.
        """
        made = await self.ask(dsn, "compact", video_id=str(video_id))
        return Compacted(**made) if made is not None else None


async def _compact(database: Database, video_id: str) -> Done:
    made = await compact(database, UUID(video_id))
    return Done(None, 0) if made is None else Done(asdict(made), made.read)


if __name__ == "__main__":
    asyncio.run(serve({"compact": _compact}))
