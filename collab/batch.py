"""What has arrived for a room, and what comes of it when it is taken together."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from collab.document import Outcome
from collab.errors import CocutError
from collab.ports import Edit
from collab.session import Session
from collab.update import ReadAhead


@dataclass(slots=True)
class Received:
    """A frame from an editor."""

    session: Session
    frame: bytes


@dataclass(frozen=True, slots=True)
class Requested:
    """An edit by the server, for a user; `settled` hears of it once it is stored and projected."""

    edit: Edit
    by: str
    settled: Callable[[Outcome], None]


@dataclass(slots=True)
class Brought:
    """An update that the server made elsewhere, for a user; `settled` as with `Requested`.

    `ahead` is it, read already, if it is large; `broken` says that pycrdt gave up on it.
    """

    update: bytes
    by: str
    settled: Callable[[Outcome], None]
    ahead: ReadAhead | None = None
    broken: bool = False


Item = Received | Requested | Brought


def author_of(item: Item) -> str:
    """The id of the user whose it is."""
    return item.session.user if isinstance(item, Received) else item.by


@dataclass(slots=True)
class Batch:
    """What came of the items that were taken together.

    Attributes:
        update: all that is new, as one update; None if nothing is.
        users: whose edits are in it.
        edits: how many frames and requests brought something new.
        joins: who asked for the document, with their state vectors.
        queries: who asked for all presence.
        acknowledgements: who asked to hear when it is stored, with the frame to send.
        outcomes: what the server asked for, and what came of it.
        denied: who was not allowed to edit and hears it for the first time.
        incomplete: who sent what builds on something that is not here.
        refused: who sent what cannot be taken, and why.
        rest: what was not taken: it has to be a batch of its own, after this one is stored.
        asks_for_characters: `Document.learn_characters` has to be called before that.
    """

    update: bytes | None = None
    users: list[str] = field(default_factory=list)
    edits: int = 0
    joins: list[tuple[Session, bytes]] = field(default_factory=list)
    queries: list[Session] = field(default_factory=list)
    acknowledgements: list[tuple[Session, bytes]] = field(default_factory=list)
    outcomes: list[tuple[Requested | Brought, Outcome]] = field(default_factory=list)
    denied: list[Session] = field(default_factory=list)
    incomplete: list[Session] = field(default_factory=list)
    refused: list[tuple[Session, CocutError]] = field(default_factory=list)
    rest: Sequence[Item] = ()
    asks_for_characters: bool = False
