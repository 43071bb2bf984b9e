"""What the faces need from the processes: declared here, implemented in `server`, handed over
by the composition root."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol
from uuid import UUID

from pycrdt import Doc

from collab.errors import CocutError
from collab.session import Channel

Edit = Callable[["Doc[Any]"], Any]
"""An edit by the server itself: checks first (raising `collab.errors`), then changes the document.

It runs inside one transaction, which cannot be rolled back: nothing may be changed before all
checks have passed. What it returns comes back in `Edited.value`.
"""


@dataclass(frozen=True, slots=True)
class Edited:
    """The outcome of an edit: `seq` of the log row that holds it (the current one if the edit
    changed nothing), and what the edit returned. It is committed and projected by then."""

    seq: int
    value: Any


class Seat(Protocol):
    """An editor's place in a room."""

    def receive(self, frame: bytes) -> bool:
        """Hand in a frame; False asks the caller to await `drained` before the next one."""
        ...

    async def drained(self) -> None:
        """Wait until the room can take more."""
        ...

    def leave(self) -> None:
        """Give the place back; may be called more than once."""
        ...


class Listener(Protocol):
    """Somebody who wants to hear what changes in a video."""

    def refuse(self, error: CocutError) -> None:
        """It may not, or cannot, listen any more; it has left by now."""
        ...


@dataclass(frozen=True, slots=True)
class Listening:
    """A listener's place: `seq` is what the tables showed when it began; `leave` may be called
    more than once."""

    seq: int
    leave: Callable[[], None]


class Rooms(Protocol):
    """The rooms of this node, as the REST API sees them."""

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
        """Give an editor a place in the video's room.

        Args:
            video_id: the video; its room is opened when it is not.
            channel: the way to the editor; the room's first messages go out before this returns.
            user: the editor's user id (the token's `sub`).
            may_edit: what the role allowed at `access_version`; later changes are followed.
            access_version: the video's version of who may do what, when the role was read.
            expires_at: when the token ends, in seconds since the epoch.

        Raises:
            VideoNotFound, DatabaseAway, Draining: as they say.
            Unavailable: too many connections.
        """
        ...

    async def listen(
        self, video_id: UUID, listener: Listener, *, user: str, access_version: int
    ) -> Listening:
        """Keep the video's room open, so that this node sees all changes, and follow the role.

        Args:
            video_id: the video; its room is opened when it is not.
            listener: is refused when the role ends, the video is deleted or the room fails.
            user: whose role it is (the token's `sub`).
            access_version: the video's version of who may do what, when the role was read.

        Raises:
            VideoNotFound, DatabaseAway, Draining: as they say.
            Unavailable: too many listeners.
        """
        ...

    async def edit(self, video_id: UUID, edit: Edit, *, by: str) -> Edited:
        """Run an edit in the video's room; returns once it is stored and projected.

        Args:
            video_id: the video; its room is opened when it is not.
            edit: the edit.
            by: the author's user id (the token's `sub`).

        Raises:
            VideoNotFound: no such video.
            DatabaseAway: PostgreSQL does not answer; nothing was changed.
            Draining: the process is shutting down.
            CocutError: whatever the edit raised.
        """
        ...

    async def bring(self, video_id: UUID, update: bytes, *, by: str, after: int) -> Edited:
        """Take an update that was made elsewhere from what is stored; returns like `edit`.

        Args:
            video_id: the video; its room is opened when it is not.
            update: the update.
            by: the author's user id (the token's `sub`).
            after: the sequence number that it builds on.

        Raises:
            VideoNotFound, DatabaseAway, Draining: as they say; nothing was changed.
            BadInput: it is malformed, or would take the document past its limit.
            MissingUpdates: it builds on what is not stored.
        """
        ...

    async def logged(self, video_id: UUID) -> None:
        """Wait until all that this node has stored of a video is in PostgreSQL, for those who read
        the log there.

        Raises:
            VideoNotFound, DatabaseAway: as they say.
        """
        ...

    async def state(self, video_id: UUID) -> tuple[bytes, int]:
        """The document's state as one Yjs update, and the sequence number it stands at."""
        ...

    async def project(self, video_id: UUID, min_seq: int, timeout: float) -> int:
        """Wait until the tables show at least `min_seq`, opening the room when they lag and it is
        closed; returns the sequence number that they show, which is lower after the timeout."""
        ...

    async def access_changed(self, video_id: UUID) -> None:
        """A role was changed or the video deleted: look again at who may be connected."""
        ...
