"""The log of each video: what everybody ever did to its document, in order, without gaps."""

from __future__ import annotations

import asyncio
import hashlib
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from uuid import UUID

from collab.errors import CorruptLog, VideoNotFound
from persistence.database import URGENT_SECONDS, Database
from persistence.group import GroupCommit

if TYPE_CHECKING:
    from asyncpg import Record

    from persistence.database import Connection

_LOAD_SECONDS: Final = 60.0
_LARGE: Final = 256 * 1024
_ALONE_BYTES: Final = 64 * 1024
"""More than this is not worth making others wait for."""
_AT_ONCE: Final = 3
_MOST: Final = 200
_SEPARATOR: Final = "\x1f"

_APPEND_ONE: Final = """
WITH head AS (
  UPDATE video_heads SET seq = seq + 1 WHERE video_id = $1 RETURNING seq
)
INSERT INTO video_updates (video_id, seq, update, user_ids)
SELECT $1, head.seq, $2, $3 FROM head
RETURNING seq
"""

_APPEND_GROUP: Final = """
WITH wanted AS (
  SELECT * FROM unnest($1::uuid[], $2::bigint[]) AS wanted (video_id, count)
), locked AS (
  SELECT h.video_id FROM video_heads h JOIN wanted USING (video_id)
  ORDER BY h.video_id FOR NO KEY UPDATE OF h
), head AS (
  UPDATE video_heads h SET seq = h.seq + wanted.count
  FROM locked JOIN wanted USING (video_id)
  WHERE h.video_id = locked.video_id
  RETURNING h.video_id, h.seq - wanted.count AS before
), appended AS (
  INSERT INTO video_updates (video_id, seq, update, user_ids)
  SELECT entry.video_id, head.before + entry.place, entry.update,
         string_to_array(entry.user_ids, E'\\x1f')
  FROM unnest($3::uuid[], $4::bigint[], $5::bytea[], $6::text[])
    AS entry (video_id, place, update, user_ids)
  JOIN head USING (video_id)
)
SELECT video_id, before FROM head
"""
# All who append to several videos lock their heads in the same order.

_READ: Final = """
SELECT seq, update, user_ids FROM video_updates
WHERE video_id = $1 AND seq > $2 AND seq <= $3 ORDER BY seq
"""

_HEAD: Final = "SELECT seq FROM video_heads WHERE video_id = $1"

_STORED: Final = """
SELECT h.seq, v.projected_seq, v.access_version,
       s.seq AS snapshot_seq, s.state, s.checksum
FROM videos v
JOIN video_heads h ON h.video_id = v.id
LEFT JOIN LATERAL (
  SELECT seq, state, checksum FROM video_snapshots
  WHERE video_id = v.id ORDER BY seq DESC LIMIT 1
) s ON true
WHERE v.id = $1
"""

_HEADS: Final = """
SELECT v.id, h.seq, v.access_version, v.projected_seq
FROM videos v JOIN video_heads h ON h.video_id = v.id
WHERE v.id = ANY($1::uuid[])
"""


_BEHIND: Final = """
SELECT v.id FROM videos v JOIN video_heads h ON h.video_id = v.id WHERE v.projected_seq < h.seq
"""


Entry = tuple[bytes, Sequence[str]]
"""An update, and the ids of its authors."""


@dataclass(frozen=True, slots=True)
class _Append:
    video_id: UUID
    entries: Sequence[Entry]

    @property
    def size(self) -> int:
        return sum(len(update) for update, _ in self.entries)


@dataclass(frozen=True, slots=True)
class LogRow:
    """One batch: a Yjs update and the users whose edits are in it.

    A row that stands for the snapshot of a trimmed log has no users.
    """

    seq: int
    update: bytes
    user_ids: list[str]


@dataclass(frozen=True, slots=True)
class StoredDocument:
    """All that is stored of one document: `state` at `snapshot_seq`, and every row after it."""

    seq: int
    projected_seq: int
    snapshot_seq: int
    state: bytes | None
    rows: list[LogRow]
    access_version: int


@dataclass(frozen=True, slots=True)
class Head:
    """Where a video stands: the last row of its log, its version of who may do what, and what the
    tables show. A deleted video has zeros."""

    seq: int
    access_version: int
    projected_seq: int
    deleted: bool


class UpdateLog:
    """The logs of all videos."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._appends: GroupCommit[_Append, int] = GroupCommit(
            self._append_group, at_once=_AT_ONCE, most=_MOST
        )

    async def append(self, video_id: UUID, entries: Sequence[Entry]) -> int:
        """Store updates under the video's next sequence numbers: all or none.

        Those of several videos that are stored at the same time share a transaction.

        After `DatabaseAway` it is unknown whether they were stored (the answer may be what was
        lost); to append them again is harmless, since an update that is applied twice changes
        nothing.

        Args:
            video_id: the video.
            entries: for each row the update and its authors' ids.

        Returns:
            The sequence number of the last of them.

        Raises:
            VideoNotFound: no such video, or it was deleted.
            DatabaseAway: no answer within a second.
        """
        append = _Append(video_id, entries)
        if append.size > _ALONE_BYTES:
            return await self._appends.alone(append)
        return await self._appends.submit(append)

    async def _append_group(self, appends: Sequence[_Append]) -> list[int | Exception]:
        """One transaction for them all; a video may be there more than once."""
        async with self._database.urgent() as connection:
            if len(appends) == 1 and len(appends[0].entries) == 1:
                video_id, ((update, user_ids),) = appends[0].video_id, appends[0].entries
                seq: int | None = await connection.fetchval(
                    _APPEND_ONE, video_id, update, user_ids, timeout=URGENT_SECONDS
                )
                return [VideoNotFound() if seq is None else seq]
            counts: Counter[UUID] = Counter()
            ends: list[int] = []
            rows: list[tuple[UUID, int, bytes, str]] = []
            for append in appends:
                for place, (update, user_ids) in enumerate(
                    append.entries, counts[append.video_id] + 1
                ):
                    rows.append((append.video_id, place, update, _SEPARATOR.join(user_ids)))
                counts[append.video_id] += len(append.entries)
                ends.append(counts[append.video_id])
            found = await connection.fetch(
                _APPEND_GROUP,
                *(list(counts), list(counts.values())),
                *([row[column] for row in rows] for column in range(4)),
                timeout=URGENT_SECONDS,
            )
        before = {row["video_id"]: row["before"] for row in found}
        return [
            before[append.video_id] + end if append.video_id in before else VideoNotFound()
            for append, end in zip(appends, ends, strict=True)
        ]

    async def read(self, video_id: UUID, after: int, upto: int | None = None) -> list[LogRow]:
        """What brings a document that stands at `after` up to date, in order.

        Rows that were trimmed meanwhile are represented by the snapshot that took their place, as
        a first row with the snapshot's `seq` (which may be past `upto`); what it repeats changes
        nothing when it is applied.

        Raises:
            VideoNotFound: no such video.
            CorruptLog: rows are missing, or the snapshot is damaged.
            DatabaseAway: PostgreSQL does not answer.
        """
        last = 2**63 - 1 if upto is None else upto
        async with self._database.connection() as connection:
            rows = _rows(
                await connection.fetch(_READ, video_id, after, last, timeout=_LOAD_SECONDS)
            )
            if rows and _contiguous(rows, after):
                return rows
            seq = await connection.fetchval(_HEAD, video_id)
        if seq is None:
            raise VideoNotFound
        if min(seq, last) <= after:
            return []
        document = await self.load(video_id)
        if document.snapshot_seq <= after:
            rows = [row for row in document.rows if after < row.seq <= last]
        elif document.state is not None:
            head = LogRow(document.snapshot_seq, document.state, [])
            rows = [head, *(row for row in document.rows if row.seq <= last)]
        return rows

    async def load(self, video_id: UUID) -> StoredDocument:
        """One consistent look at everything that is stored of a document.

        Raises:
            VideoNotFound: no such video.
            CorruptLog: the snapshot's checksum is wrong, or rows are missing.
            DatabaseAway: PostgreSQL does not answer.
        """
        async with self._database.transaction(
            isolation="repeatable_read", readonly=True
        ) as connection:
            return await load(connection, video_id)

    async def behind(self) -> list[UUID]:
        """The videos whose tables do not show all that is in their logs."""
        async with self._database.connection() as connection:
            return [row["id"] for row in await connection.fetch(_BEHIND, timeout=_LOAD_SECONDS)]

    async def heads(self, video_ids: Iterable[UUID]) -> dict[UUID, Head]:
        """Where these videos stand, in one query; those that are gone are marked as deleted."""
        wanted = list(video_ids)
        heads = dict.fromkeys(wanted, Head(0, 0, 0, deleted=True))
        async with self._database.connection() as connection:
            for row in await connection.fetch(_HEADS, wanted):
                heads[row["id"]] = Head(
                    row["seq"], row["access_version"], row["projected_seq"], deleted=False
                )
        return heads


async def load(connection: Connection, video_id: UUID) -> StoredDocument:
    """`UpdateLog.load` inside a transaction that sees one moment (repeatable read)."""
    stored = await connection.fetchrow(_STORED, video_id, timeout=_LOAD_SECONDS)
    if stored is None:
        raise VideoNotFound
    state: bytes | None = stored["state"]
    snapshot_seq: int = stored["snapshot_seq"] or 0
    if state is not None and await _checksum(state) != stored["checksum"]:
        raise CorruptLog(
            f"Snapshot {snapshot_seq} of video {video_id} is damaged: run `cocut doctor`."
        )
    found = await connection.fetch(
        _READ, video_id, snapshot_seq, stored["seq"], timeout=_LOAD_SECONDS
    )
    rows = _rows(found)
    if len(rows) != stored["seq"] - snapshot_seq or not _contiguous(rows, snapshot_seq):
        have = {row.seq for row in rows}
        missing = [n for n in range(snapshot_seq + 1, stored["seq"] + 1) if n not in have]
        raise CorruptLog(
            f"The log of video {video_id} ends at {stored['seq']}, its last snapshot is of"
            f" {snapshot_seq}, and row {missing[0] if missing else '?'} is missing: run"
            " `cocut doctor`."
        )
    return StoredDocument(
        seq=stored["seq"],
        projected_seq=stored["projected_seq"],
        snapshot_seq=snapshot_seq,
        state=state,
        rows=rows,
        access_version=stored["access_version"],
    )


def checksum(state: bytes) -> bytes:
    """What is stored beside a snapshot to know it again: its SHA-256."""
    return hashlib.sha256(state).digest()


async def _checksum(state: bytes) -> bytes:
    if len(state) < _LARGE:
        return checksum(state)
    return await asyncio.to_thread(checksum, state)


def _rows(found: list[Record]) -> list[LogRow]:
    return [LogRow(row["seq"], row["update"], row["user_ids"]) for row in found]


def _contiguous(rows: list[LogRow], after: int) -> bool:
    return all(row.seq == number for number, row in enumerate(rows, after + 1))
