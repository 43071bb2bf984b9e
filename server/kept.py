"""Texts that this node wrote, until it is known whether other nodes have written them, too."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from uuid import UUID

from collab.batch import Batch
from collab.errors import DatabaseAway
from collab.repeats import TextWrite, retraction
from persistence.update_log import StoredDocument, UpdateLog


@dataclass(frozen=True, slots=True)
class Kept:
    """Writes of texts that are stored together.

    Attributes:
        after: the sequence number of what they were made for.
        writes: they.
        by: whose they are.
    """

    after: int
    writes: Sequence[TextWrite]
    by: str


class KeptWrites:
    """Those of one room.

    Args:
        video_id: its video.
        log: of all videos.
    """

    def __init__(self, video_id: UUID, log: UpdateLog) -> None:
        self._video_id = video_id
        self._log = log
        self._kept: list[Kept] = []
        self._doubtful: list[tuple[Kept, int]] = []

    def keep(self, batch: Batch, after: int) -> Kept:
        """Note what a batch writes that is about to be stored, on top of row `after`."""
        writes = [outcome.write for _, outcome in batch.outcomes if outcome.write is not None]
        kept = Kept(after, writes, batch.users[-1])
        if writes:
            self._kept.append(kept)
        return kept

    def stored(self, first: int) -> None:
        """All that was kept is in the log now, from row `first` on: what others have put before
        that may have done the same."""
        self._doubtful += [(kept, first) for kept in self._kept if kept.after < first - 1]
        self._kept.clear()

    @property
    def doubtful(self) -> bool:
        """Whether there may be something to take back."""
        return bool(self._doubtful)

    async def retractions(self) -> AsyncIterator[tuple[bytes, str]]:
        """Updates that take back what others had written before, and whose it was; while the
        database is away, there are none yet."""
        while self._doubtful:
            kept, first = self._doubtful[0]
            try:
                update = await retract(self._log, self._video_id, kept, first)
            except DatabaseAway:
                return
            del self._doubtful[0]
            if update is not None:
                yield update, kept.by


async def retract(log: UpdateLog, video_id: UUID, kept: Kept, first: int) -> bytes | None:
    """The update that takes back what others had written before.

    Args:
        log: of all videos.
        video_id: the video.
        kept: what was written.
        first: the row from which on the log holds it, and what is of the same node.

    Raises:
        VideoNotFound, CorruptLog, DatabaseAway: as `UpdateLog.load` says.
    """
    stored = await log.load(video_id)
    return await asyncio.to_thread(_retraction, stored, kept, first)


def _retraction(stored: StoredDocument, kept: Kept, first: int) -> bytes | None:
    rows = [(row.seq, row.update) for row in stored.rows if row.seq < first]
    if stored.state is not None:
        rows.insert(0, (stored.snapshot_seq, stored.state))
    return retraction(
        kept.writes,
        [update for seq, update in rows if seq <= kept.after],
        [update for seq, update in rows if seq > kept.after],
    )
