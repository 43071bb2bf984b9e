"""Large updates: read in a thread before their turn, and applied in pieces, so that the editors of
other videos have theirs."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Final

from collab import protocol
from collab.batch import Brought, Item, Received
from collab.document import SMALL_DOCUMENT_BYTES, Document
from collab.errors import BadInput
from collab.protocol import Update
from collab.update import ReadAhead, read_ahead

LARGE_BYTES: Final = SMALL_DOCUMENT_BYTES

_UPDATE: Final = bytes((protocol.SYNC, protocol.UPDATE))


async def read(update: bytes) -> ReadAhead | None:
    """Read an update that is large; what is small or malformed is read when it is applied."""
    if len(update) > LARGE_BYTES:
        try:
            return await asyncio.to_thread(read_ahead, update)
        except BadInput:
            pass
    return None


async def expect(document: Document, items: Sequence[Item]) -> None:
    """Read what is about to be taken, if it is one large update."""
    item = items[0]
    if isinstance(item, Brought):
        document.expect(item.ahead)
    elif isinstance(item, Received) and len(item.frame) > LARGE_BYTES and item.session.may_edit:
        document.expect(await read(_update(item.frame)))


async def go_on(document: Document) -> None:
    """Apply what of it is still to come.

    Raises:
        BrokenDocument: pycrdt gave up in the middle.
    """
    document.expect(None)
    for _ in iter(document.go_on, False):
        await asyncio.sleep(0)


def change(items: Sequence[Item]) -> bool:
    """Whether some of them most likely change the document, other than what joining brings."""
    return any(not isinstance(one, Received) or one.frame.startswith(_UPDATE) for one in items)


def _update(frame: bytes) -> bytes:
    try:
        message = protocol.read_frame(frame)
    except BadInput:
        return b""
    return message.update if isinstance(message, Update) else b""
