"""Editors for tests of rooms: channels that remember what was written, and clients that type."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pycrdt import Doc, Map

from collab import protocol
from collab.batch import Batch, Item, Received
from collab.document import Document
from collab.encoding import write_varuint
from collab.errors import CocutError
from collab.room import Room
from collab.session import Session

LIMIT = 64 * 1024 * 1024


def plain(head: bytes, body: bytes) -> bytes:
    """Frames as they are: no transport around them."""
    return head + body


class ListChannel:
    """A channel that keeps what is written; `stuck` keeps it from leaving."""

    def __init__(self) -> None:
        self.frames: list[bytes] = []
        self.refused: CocutError | None = None
        self.aborted = False
        self.stuck = False
        self.waiting = 0

    def write(self, frame: bytes) -> bool:
        self.frames.append(frame)
        if self.stuck:
            self.waiting += len(frame)
        return self.stuck

    def backlog(self) -> int:
        return self.waiting

    def drain(self) -> None:
        self.stuck = False
        self.waiting = 0

    def refuse(self, error: CocutError) -> None:
        self.refused = error

    def abort(self) -> None:
        self.aborted = True


class Editor:
    """A Yjs client in a room, on its own document."""

    def __init__(
        self, id_: int, user: str = "", *, may_edit: bool = True, client: int | None = None
    ) -> None:
        self.channel = ListChannel()
        self.session = Session(id_, user or f"user-{id_}", may_edit, self.channel)
        self.doc: Doc[Any] = Doc(client_id=client or 1000 + id_)
        self._sent = 0

    def change(self, change: Callable[[Doc[Any]], Any]) -> bytes:
        """Change the own document; returns the update."""
        updates: list[bytes] = []
        subscription = self.doc.observe(lambda event: updates.append(event.update))
        with self.doc.transaction():
            change(self.doc)
        self.doc.unobserve(subscription)
        [update] = updates
        return update

    def sends(self, update: bytes) -> Received:
        """The update as a frame for the room."""
        return Received(self.session, b"".join(protocol.update(update)))

    def asks(self) -> Received:
        """Sync step 1."""
        return Received(self.session, b"".join(protocol.step_1(self.doc.get_state())))

    def asks_with_nothing(self, client: int | None = None) -> Received:
        """Sync step 1 with an empty state vector, or one that names a client with no clock."""
        vector = bytearray((0,) if client is None else (1,))
        if client is not None:
            write_varuint(vector, client)
            vector.append(0)
        return Received(self.session, b"".join(protocol.step_1(bytes(vector))))

    def hears(self) -> None:
        """Apply what has been written since the last call."""
        for frame in self.channel.frames[self._sent :]:
            message = protocol.read_frame(frame)
            if isinstance(message, protocol.Update):
                self.doc.apply_update(message.update)
        self._sent = len(self.channel.frames)

    @property
    def scenes(self) -> Any:
        return self.doc.get("scenes", type=Map).to_py()


def new_room(*editors: Editor) -> Room:
    """An empty room with editors in it."""
    room = Room(Document(client_id=1, max_bytes=LIMIT), 0, plain)
    for editor in editors:
        room.join(editor.session)
    return room


def turn(room: Room, *items: Item) -> Batch:
    """One batch, as a keeper would: take, store, publish, answer, send; then what it left over.

    Returns:
        The first batch.
    """
    batch = room.take(items)
    frame = None
    if batch.update is not None:
        frame = room.publish(batch.update, room.seq + 1)
    room.answer(batch)
    room.welcome()
    while room.welcoming:
        room.welcome()
    if frame is not None:
        for _ in room.broadcast(frame, 2):
            pass
    if batch.rest:
        turn(room, *batch.rest)
    return batch


def no_outcome(_: object) -> None:
    """Nobody waits for the edit."""
