"""One editor's connection, as its room sees it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Protocol

from collab.errors import CocutError


class Channel(Protocol):
    """The way to one editor: a socket, or a test's list."""

    def write(self, frame: bytes) -> bool:
        """Send one protocol message; returns whether something may wait here (see `backlog`)."""
        ...

    def backlog(self) -> int:
        """Bytes that were written and have not left yet."""
        ...

    def refuse(self, error: CocutError) -> None:
        """Tell the editor why, and end the connection."""
        ...

    def abort(self) -> None:
        """End the connection at once: a stuck socket takes no close frame."""
        ...


class Mode(Enum):
    """How a session takes part."""

    LIVE = "live"
    LAGGING = "lagging"
    ENDED = "ended"


@dataclass(slots=True, eq=False)
class Session:
    """One connection to a room.

    Attributes:
        id: unique in this process.
        user: the editor's user id (the token's `sub`).
        may_edit: whether its updates are taken.
        channel: the way to it.
        mode: live, or lagging behind because its socket does not drain.
        version: while lagging: the version of the room that it has.
        told_denied: whether it has heard that its updates are not taken.
        fault: why it was ended, if that could not be said yet.
        asked: how many of its questions (see `protocol.asks`) have no answer yet.
        owed_step_1: it is to be asked for what its updates build on, once it does not lag.
        owed_presence: it has missed presence while it lagged.
        stuck_since: while lagging: since when its backlog has not shrunk (monotonic seconds).
        stuck_backlog: the backlog then.
    """

    id: int
    user: str
    may_edit: bool
    channel: Channel
    mode: Mode = Mode.LIVE
    version: int = 0
    told_denied: bool = False
    fault: CocutError | None = None
    asked: int = 0
    owed_step_1: bool = False
    owed_presence: bool = False
    stuck_since: float | None = None
    stuck_backlog: int = 0

    @property
    def is_owed(self) -> bool:
        """Whether it has to take up what it asked for before it may ask for more."""
        return self.mode is not Mode.ENDED and (self.asked > 1 or self.mode is Mode.LAGGING)
