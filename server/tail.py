"""The end of a video's log, as far as other nodes have written it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final
from uuid import UUID

from persistence.update_log import UpdateLog
from server.observe import Metrics

HEARD_ROWS: Final = 1000
"""Rows of other nodes that are kept until their turn comes."""


@dataclass(slots=True)
class Rows:
    """Rows that follow each other: their updates, an author of each, and the last one's `seq`."""

    seq: int
    updates: list[bytes] = field(default_factory=list)
    authors: list[str] = field(default_factory=list)

    def parts(self, large: int) -> Iterator[tuple[list[bytes], list[str]]]:
        """The updates and their authors, in order, what has more bytes than `large` by itself."""
        begin = 0
        for at, update in enumerate(self.updates):
            if len(update) > large:
                if begin < at:
                    yield self.updates[begin:at], self.authors[begin:at]
                yield [update], [self.authors[at]]
                begin = at + 1
        if begin < len(self.updates):
            yield self.updates[begin:], self.authors[begin:]


class Tail:
    """What other nodes have stored of a video: rows that were heard of, and the log behind them.

    Args:
        video_id: the video.
        log: asked for what was not heard.
        metrics: count that.
    """

    def __init__(self, video_id: UUID, log: UpdateLog, metrics: Metrics) -> None:
        self._video_id = video_id
        self._log = log
        self._metrics = metrics
        self._heard: dict[int, tuple[bytes, str]] = {}

    def hear(self, seq: int, update: bytes, author: str) -> None:
        """Another node has stored a row; without its update, the log will be asked for it."""
        if update and len(self._heard) < HEARD_ROWS:
            self._heard[seq] = (update, author)

    async def after(self, seq: int, upto: int | None) -> Rows:
        """The rows after `seq`, those that were heard as they are, the log's where one is missing.

        Args:
            seq: what the room stands at.
            upto: the last row that is wanted; None wants all.

        Raises:
            VideoNotFound, CorruptLog, DatabaseAway: as `UpdateLog.read` says.
        """
        rows = Rows(seq)
        while (heard := self._heard.pop(rows.seq + 1, None)) is not None:
            rows.seq += 1
            rows.updates.append(heard[0])
            rows.authors.append(heard[1])
        wanted = upto if upto is not None else max(self._heard, default=None)
        if not rows.updates or (wanted is not None and wanted > rows.seq):
            stored = await self._log.read(self._video_id, rows.seq, upto)
            self._metrics.gaps_filled.inc(len(stored))
            rows.updates.extend(row.update for row in stored)
            rows.authors.extend(row.user_ids[-1] if row.user_ids else "" for row in stored)
            rows.seq = stored[-1].seq if stored else rows.seq
        self._heard = {at: heard for at, heard in self._heard.items() if at > rows.seq}
        return rows
