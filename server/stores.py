"""What all rooms of a process share: where they load from, store to and count."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from uuid import UUID

from collab.document import Document
from collab.errors import BrokenDocument, CorruptLog
from collab.protocol import Framing
from collab.room import REST_SECONDS
from collab.schema import DocumentLimits
from persistence.bus import Bus
from persistence.update_log import StoredDocument, UpdateLog
from server.durable import DurableLog
from server.memory import Memory
from server.observe import Metrics


@dataclass(frozen=True, slots=True)
class Stores:
    """What a keeper works with.

    Attributes:
        log: of all videos.
        durable: where batches go.
        limits: of documents.
        framing: makes of a protocol message what the channels write.
        clock: monotonic seconds.
        metrics: of this process.
        bus: the way to other nodes, if there are any.
        memory: told when a good deal was freed.
        rest_seconds: for how long nobody has needed a document that rests.
    """

    log: UpdateLog
    durable: DurableLog
    limits: DocumentLimits
    framing: Framing
    clock: Callable[[], float]
    metrics: Metrics
    bus: Bus | None = None
    memory: Memory = field(default_factory=Memory)
    rest_seconds: float = REST_SECONDS

    def document(self, video_id: UUID, stored: StoredDocument) -> Document:
        """The document that a video's snapshot and log make.

        Raises:
            CorruptLog: one of them cannot be applied.
        """
        try:
            return Document.load(
                secrets.randbits(32),
                self.limits.document_bytes,
                stored.state,
                (row.update for row in stored.rows),
            )
        except BrokenDocument as error:
            index = -1 if error.index is None else error.index
            what = (
                f"Snapshot {stored.snapshot_seq}" if index < 0 else f"Row {stored.rows[index].seq}"
            )
            raise CorruptLog(
                f"{what} of video {video_id} cannot be applied ({error}): run `cocut doctor`."
            ) from error
