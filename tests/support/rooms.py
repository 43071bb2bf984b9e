"""Rooms for tests of the REST face: the log, the document and the tables, without any sockets."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable
from uuid import UUID

from collab.document import Document
from collab.errors import Unavailable
from collab.ports import Edit, Edited, Listener, Listening, Seat
from collab.projection import Projection
from collab.schema import DocumentLimits
from collab.session import Channel
from persistence.database import Database
from persistence.tables import Tables
from persistence.update_log import UpdateLog


class LocalRooms:
    """`collab.ports.Rooms` that loads the document anew for each edit.

    Attributes:
        revisited: the videos whose access was said to have changed, in order.
        heard: told of each write to the tables.
    """

    def __init__(self, database: Database, limits: DocumentLimits | None = None) -> None:
        self._log = UpdateLog(database)
        self._tables = Tables(database)
        self._limits = limits or DocumentLimits()
        self._turns: defaultdict[UUID, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._moved = asyncio.Condition()
        self._client = 1000
        self.revisited: list[UUID] = []
        self.heard: Callable[[UUID], None] = lambda video_id: None

    async def connect(
        self,
        video_id: UUID,
        channel: Channel,
        *,
        user: str,
        may_edit: bool,
        access_version: int,
        expires_at: float,
    ) -> Seat:
        raise Unavailable("These rooms take no editors.")

    async def listen(
        self, video_id: UUID, listener: Listener, *, user: str, access_version: int
    ) -> Listening:
        raise Unavailable("These rooms tell nobody.")

    async def edit(self, video_id: UUID, edit: Edit, *, by: str) -> Edited:
        async with self._turns[video_id]:
            document, seq = await self._load(video_id)
            outcome = document.edit(edit)
            if outcome.error is not None:
                raise outcome.error
            if outcome.update is not None:
                seq = await self._log.append(video_id, [(outcome.update, [by])])
                await self._show(video_id, document, seq)
        async with self._moved:
            self._moved.notify_all()
        return Edited(seq, outcome.value)

    async def bring(self, video_id: UUID, update: bytes, *, by: str, after: int) -> Edited:
        async with self._turns[video_id]:
            document, seq = await self._load(video_id)
            assert seq >= after
            if document.apply(update, own=True):
                seq = await self._log.append(video_id, [(update, [by])])
                await self._show(video_id, document, seq)
        async with self._moved:
            self._moved.notify_all()
        return Edited(seq, None)

    async def logged(self, video_id: UUID) -> None:
        pass  # they have no journal

    async def state(self, video_id: UUID) -> tuple[bytes, int]:
        document, seq = await self._load(video_id)
        return document.encode(), seq

    async def project(self, video_id: UUID, min_seq: int, timeout: float) -> int:
        try:
            async with asyncio.timeout(timeout), self._moved:
                while (shown := await self._catch_up(video_id)) < min_seq:
                    await self._moved.wait()
        except TimeoutError:
            return (await self._log.load(video_id)).projected_seq
        return shown

    async def access_changed(self, video_id: UUID) -> None:
        self.revisited.append(video_id)

    async def _catch_up(self, video_id: UUID) -> int:
        document, seq = await self._load(video_id)
        await self._show(video_id, document, seq)
        return seq

    async def _load(self, video_id: UUID) -> tuple[Document, int]:
        stored = await self._log.load(video_id)
        self._client += 1
        updates = [row.update for row in stored.rows]
        document = Document.load(self._client, self._limits.document_bytes, stored.state, updates)
        return document, stored.seq

    async def _show(self, video_id: UUID, document: Document, seq: int) -> None:
        projection = Projection(self._limits, own_link=lambda url: False)
        changes = projection.refresh(document.doc, document.settle())
        await self._tables.write(video_id, seq, changes, base=None)
        self.heard(video_id)
