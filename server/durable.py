"""Where a batch becomes durable: PostgreSQL's log, or this node's journal while it is away.

An update counts as stored once either has it with fsync. What is only in the journal waits in
its video's backlog, in order, and goes into the log before anything newer of that video; the
journal is emptied when no video has a backlog any more.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Final
from uuid import UUID

import structlog

from collab.errors import CorruptLog, DatabaseAway, VideoNotFound
from persistence.database import Database
from persistence.journal import Journal, JournalRecord
from persistence.update_log import Entry, UpdateLog
from server.kept import Kept, retract

PATIENCE_SECONDS: Final = 1.0
"""How long commits may fail before batches go to the journal."""

RETRY_SECONDS: Final = 0.05
PROBE_SECONDS: Final = 0.25
NEVER: Final = 2**63 - 1

_log = structlog.get_logger(__name__)


class DurableLog:
    """Stores batches, whether PostgreSQL is there or not.

    Args:
        database: probed while it is away.
        log: the update log in it.
        journal: takes what the log cannot.
        clock: monotonic seconds.

    Attributes:
        changed: called when PostgreSQL has gone (False) or come back (True).
    """

    def __init__(
        self,
        database: Database,
        log: UpdateLog,
        journal: Journal,
        clock: Callable[[], float],
    ) -> None:
        self._database = database
        self._log = log
        self._journal = journal
        self._clock = clock
        self.changed: Callable[[bool], None] = lambda _: None
        self._failing_since: float | None = None
        self._backlogs: dict[UUID, list[Entry]] = {}
        self._journaling = 0
        self._prober: asyncio.Task[None] | None = None
        self._closed = False

    @property
    def away(self) -> bool:
        """Whether PostgreSQL has been away for longer than is bridged by waiting."""
        since = self._failing_since
        return since is not None and self._clock() - since >= PATIENCE_SECONDS

    @property
    def failing(self) -> bool:
        """Whether the last attempt to store something in PostgreSQL failed."""
        return self._failing_since is not None

    @property
    def journal_bytes(self) -> int:
        """Bytes in the journal that wait for PostgreSQL."""
        return 0 if self._journal.empty else self._journal.size

    def backlog(self, video_id: UUID) -> Sequence[Entry]:
        """A video's updates that are in the journal and not yet in the log, oldest first."""
        return self._backlogs.get(video_id, ())

    def waiting(self) -> list[UUID]:
        """The videos that have a backlog."""
        return list(self._backlogs)

    async def store(self, video_id: UUID, entry: Entry, kept: Kept) -> int | None:
        """Make an update durable.

        Args:
            video_id: the video.
            entry: the update and its authors.
            kept: the writes of texts in it.

        Returns:
            The sequence number of the log row that holds it, or None if the journal does.

        Raises:
            VideoNotFound: the video was deleted.
            JournalFull: PostgreSQL is away, and the journal takes no more: it is not durable.
        """
        while not self.away:
            try:
                return await self.flush(video_id, entry)
            except DatabaseAway:
                await asyncio.sleep(RETRY_SECONDS)
        self._journaling += 1
        try:
            await self._journal.append(
                [JournalRecord(video_id, entry[1], entry[0], kept.after, kept.writes)]
            )
            self._backlogs.setdefault(video_id, []).append(entry)
        finally:
            self._journaling -= 1
        return None

    async def flush(self, video_id: UUID, *more: Entry) -> int:
        """Store a video's backlog, and more after it, in the log; returns the last row's number.

        Raises:
            DatabaseAway: it did not work this time; the backlog is unchanged.
            VideoNotFound: the video was deleted; the backlog is dropped with it.
        """
        backlog = self.backlog(video_id)
        try:
            seq = await self._log.append(video_id, [*backlog, *more])
        except DatabaseAway:
            self._failed()
            raise
        except VideoNotFound:
            await self._settled(video_id)
            raise
        self._works()
        if backlog:
            await self._settled(video_id)
        return seq

    async def replay(self) -> int:
        """Bring what an earlier run left in the journal into the log; returns how many updates.

        Raises:
            DatabaseAway: PostgreSQL does not answer.
        """
        count = 0
        size = self._journal.size
        firsts: dict[UUID, int] = {}
        for record in self._journal.records():
            try:
                entries = await self._replayed(record, firsts.get(record.video_id, NEVER))
                last = await self._log.append(record.video_id, entries)
                firsts.setdefault(record.video_id, last - len(entries) + 1)
            except VideoNotFound:
                _log.warning("journal_of_deleted_video", video=str(record.video_id))
            count += 1
        if count:
            await self._journal.clear(size)
        return count

    async def _replayed(self, record: JournalRecord, first: int) -> list[Entry]:
        """What a record of the journal becomes: it, and what takes back of it what another node has
        done meanwhile; `first` is the first row of the video that came from the journal."""
        entries: list[Entry] = [(record.update, record.user_ids)]
        if record.writes:
            by = record.user_ids[-1]
            kept = Kept(record.after, record.writes, by)
            try:
                update = await retract(self._log, record.video_id, kept, first)
            except CorruptLog as error:
                # Whoever mends the log keeps this edit, whatever it doubles.
                _log.error("journal_not_compared", video=str(record.video_id), error=str(error))
                update = None
            if update is not None:
                entries.append((update, [by]))
        return entries

    async def close(self) -> None:
        """Stop probing; what is in the journal stays there for the next start."""
        self._closed = True
        if self._prober is not None:
            self._prober.cancel()
            await asyncio.gather(self._prober, return_exceptions=True)
        await self._journal.close()

    async def _settled(self, video_id: UUID) -> None:
        self._backlogs.pop(video_id, None)
        if not self._backlogs and not self._journaling and not self._journal.empty:
            await self._journal.clear(self._journal.size)

    def _failed(self) -> None:
        if self._failing_since is None:
            self._failing_since = self._clock()
            self.changed(False)
            _log.error("database_away", message="edits go to the journal until it is back")
            if not self._closed:
                self._prober = asyncio.get_running_loop().create_task(self._probe())

    def _works(self) -> None:
        if self._failing_since is not None:
            _log.info("database_back", seconds=round(self._clock() - self._failing_since, 3))
            self._failing_since = None
            self.changed(True)

    async def _probe(self) -> None:
        while self._failing_since is not None:
            await asyncio.sleep(PROBE_SECONDS)
            if await self._database.ping():
                self._works()
