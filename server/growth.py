"""How much of a video's log stands since its last snapshot."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from persistence.snapshots import due

COMPACTION_SECONDS: Final = 10.0
"""The least time between two snapshots of a video while it is edited: each takes a good part of a
core for a second, which edits that come by the thousand feel."""


@dataclass(slots=True)
class Growth:
    """The log since the last snapshot, which decides when the next one is made.

    Attributes:
        rows: log rows.
        bytes: their updates' bytes.
        snapshot_bytes: the last snapshot's bytes; 0 without one.
        tried_at: when the last one was begun, in monotonic seconds.
    """

    rows: int = 0
    bytes: int = 0
    snapshot_bytes: int = 0
    tried_at: float = float("-inf")

    def add(self, rows: int, size: int) -> None:
        """So many more rows, of so many bytes, are stored."""
        self.rows += rows
        self.bytes += size

    def wants_snapshot(self, now: float, *, idle: bool) -> bool:
        """Whether it is time for one; a video that nobody edits needs no reason."""
        return (
            self.rows > 0
            and now - self.tried_at >= COMPACTION_SECONDS
            and (idle or due(self.rows, self.bytes, self.snapshot_bytes))
        )
