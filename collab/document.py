"""One document: its ledger, and either a replica in pycrdt or, while it rests, its encoding.

A replica takes some twenty times the memory of what it encodes to. A document that nobody needs may
`rest`; whatever needs the replica makes it anew, which nobody notices but by the time it takes.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from pycrdt import Doc, Snapshot, merge_updates

from collab.containers import Containers, estimate, is_container
from collab.errors import BrokenDocument, DocumentTooBig, MalformedUpdate
from collab.ledger import Ledger
from collab.nesting import depths
from collab.ports import Edit
from collab.repeats import TextWrite, text_write
from collab.replica import Replica
from collab.schema import Touches
from collab.surrogates import Place, SurrogatePairs, UnknownCharacters, find_pairs
from collab.update import ReadAhead, read_update

KNOWN_UPDATES: Final = 16
KNOWN_MIN_BYTES: Final = 256
KNOWN_MAX_BYTES: Final = 256 * 1024
SMALL_DOCUMENT_BYTES: Final = 256 * 1024
"""What is read in a few milliseconds."""

MEASURED_BYTES: Final = 16 * SMALL_DOCUMENT_BYTES
"""What is encoded in some 20 ms: the bound of a small document that was edited for hours."""

NOTHING_KNOWN: Final = (None, b"\0")
"""The state vectors of those who have nothing of a document."""


@dataclass(slots=True)
class Outcome:
    """What an edit by the server led to: its update if it changed anything, and its value or
    the error that it raised; and the write of a shared text, if it was one."""

    update: bytes | None
    value: Any
    error: Exception | None
    write: TextWrite | None = None


class Document:
    """A document to which updates are applied as they come, and that says what they touched.

    What is applied is committed, and told by pycrdt to who observes it, at `settle`: see `Replica`.

    Args:
        client_id: the Yjs client id for edits by the server.
        max_bytes: the document's limit.

    Attributes:
        ledger: what is known of it without asking pycrdt.
        before_change: called before the first change after it was loaded, settled or at rest: what
            the document shows can be looked at once more.
    """

    def __init__(self, client_id: int, max_bytes: int) -> None:
        self.ledger = Ledger()
        self.before_change: Callable[[], None] = _nothing
        self._client_id = client_id
        self._max_bytes = max_bytes
        self._size = 0
        self._author = ""
        self._known: OrderedDict[bytes, None] = OrderedDict()
        self._containers = Containers(
            lambda client, clock: is_container(self.doc, client, clock),
            lambda: estimate(self.doc),
            lambda: depths(self.encode()),
        )
        self._pairs = SurrogatePairs()
        self._ahead: ReadAhead | None = None
        self._to_come: deque[bytes] = deque()
        self._replica: Replica | None = Replica(client_id)
        self._resting = b""
        self._needed = True

    @classmethod
    def load(
        cls, client_id: int, max_bytes: int, state: bytes | None, updates: Iterable[bytes]
    ) -> Document:
        """A document from its stored state and the log after it.

        Raises:
            BrokenDocument: pycrdt cannot read or apply it; `index` says which.
        """
        document = cls(client_id, max_bytes)
        replica = document._awake()
        for index, update in enumerate((state, *updates), -1):
            if update is not None:
                document._size += len(update)
                try:
                    replica.integrate(update)
                except (MalformedUpdate, BrokenDocument) as error:
                    raise BrokenDocument(str(error), index) from error
        replica.commit()
        replica.touch_everything()
        document.ledger = Ledger(Snapshot.from_doc(replica.doc).encode())
        return document

    @property
    def doc(self) -> Doc[Any]:
        """The pycrdt document; another one after each rest."""
        return self._awake().doc

    def apply(self, update: bytes, *, own: bool = False) -> bool:
        """Apply an update that somebody sent.

        Args:
            update: it.
            own: the server itself has made it from what is stored, or it is stored.

        Returns:
            Whether it brought anything new; if not, nothing was done.

        Raises:
            MalformedUpdate: it is not one; nothing was changed.
            MissingUpdates: it builds on changes that are not here; nothing was changed.
            DocumentTooBig: the document would pass its limit; nothing was changed.
            BrokenDocument: pycrdt gave up in the middle; this object is of no use any more.
            CutCharacters: its `repair` has to be applied first; nothing was changed.
            UnknownCharacters: of a large document that was loaded: `learn_characters` has to be
                called first; nothing was changed.
        """
        if update in self._known:
            return False
        ahead = self._ahead
        pieces: Sequence[bytes] = (update,)
        if ahead is not None and ahead.update == update:
            summary, pieces = ahead.summary, ahead.pieces
        else:
            summary = read_update(update)
        if not self.ledger.brings_news(summary):
            self._remember(update)
            return False
        if not self._pairs.known and (summary.cuts or summary.deletes):
            if self.asks_for_characters:
                raise UnknownCharacters
            self.learn_characters(find_pairs(self.encode()))
        cuts_deleted = self._pairs.check(summary, self.ledger)
        self._containers.check(summary, self.ledger, own=own)
        self._make_room(len(update))
        replica = self._awake()
        if not replica.changing:
            self.before_change()
        if cuts_deleted:
            replica.integrate(update)
            replica.commit()
        else:
            replica.integrate(pieces[0])
            self._to_come.extend(pieces[1:])
        self._pairs.record(summary, self.ledger)
        self.ledger.record(summary)
        self._size += len(update)
        return True

    def expect(self, ahead: ReadAhead | None) -> None:
        """This update was read already, and is applied in its pieces: the first by `apply`, the
        others by `go_on`, or by whatever asks for the document."""
        self._ahead = ahead

    def go_on(self) -> bool:
        """Apply a piece of a large update; returns whether there was one to come.

        Raises:
            BrokenDocument: pycrdt gave up in the middle; this object is of no use any more.
        """
        if not self._to_come:
            return False
        assert self._replica is not None
        try:
            self._replica.integrate(self._to_come.popleft())
        except MalformedUpdate as error:
            raise BrokenDocument(str(error)) from error
        return True

    @property
    def asks_for_characters(self) -> bool:
        """Whether `apply` may raise `UnknownCharacters`."""
        return not self._pairs.known and self._size > SMALL_DOCUMENT_BYTES

    def learn_characters(self, places: Iterable[Place]) -> None:
        """Take over what `find_pairs` has found in the document.

        In a large one that takes long, and is better done in a thread.
        """
        self._pairs.learn(places)

    def by(self, author: str, *, apart: bool) -> None:
        """What is applied from now on is by this user.

        Args:
            author: the user.
            apart: tell it from what was applied before, by committing that: only then is it known
                what was touched. Otherwise what is open counts as this user's, too.
        """
        if author != self._author:
            self._author = author
            if self._replica is not None:
                if apart:
                    self._replica.commit()
                self._replica.author = author

    def begin_row(self) -> None:
        """Everything so far is stored: what is applied from now on is another row of the log."""
        self._pairs.begin_row()

    def edit(self, change: Edit) -> Outcome:
        """Run an edit by the server, in a transaction of its own.

        Never raises what the edit raises: it is in the outcome.
        """
        replica = self._awake()
        replica.commit()
        self.before_change()
        updates, value, failure = replica.edit(change)
        for one in updates:
            summary = read_update(one)
            self._pairs.record(summary, self.ledger)
            self.ledger.record(summary)
            self._size += len(one)
        update = merge(updates)
        write = text_write(replica.doc, update, replica.texts) if update is not None else None
        return Outcome(update, value, failure, write)

    def close(self) -> None:
        """Let go of the memory; not to be used after that."""
        if self._replica is not None:
            self._replica.close()

    def settle(self) -> Touches:
        """What was touched since the last call; commits what is open."""
        return self._awake().settle()

    def encode(self, state_vector: bytes | None = None) -> bytes:
        """The document as one update, or what it has beyond a (checked) state vector."""
        if self._replica is None and state_vector in NOTHING_KNOWN:
            return self._resting
        return self._awake().doc.get_update(state_vector)

    def needed(self) -> bool:
        """Whether anything has needed the replica since the last call."""
        needed, self._needed = self._needed, False
        return needed

    def rest(self) -> bool:
        """Keep the encoding in place of the replica, if the document is small; returns whether.

        It is read back first: what does not come back whole does not rest. What was touched and not
        yet settled is forgotten: after a rest, everything counts as touched.
        """
        if self._replica is not None and self._size <= MEASURED_BYTES:
            self._replica.commit()
            state = self._replica.doc.get_update()
            self._size = len(state)
            if self._size <= SMALL_DOCUMENT_BYTES and self._comes_back_whole(state):
                self._replica.close()
                self._replica, self._resting = None, state
                self._known.clear()
                self._containers.forget()
        return self.at_rest

    @property
    def at_rest(self) -> bool:
        """Whether only the encoding is kept."""
        return self._replica is None

    @property
    def size(self) -> int:
        """An upper bound for the bytes of the encoded document."""
        return self._size

    def _remember(self, update: bytes) -> None:
        """What brings no news never will. A thousand editors who reconnect after a restart send the
        same delete set, one after the other: it is read once."""
        if KNOWN_MIN_BYTES <= len(update) <= KNOWN_MAX_BYTES:
            self._known[update] = None
            if len(self._known) > KNOWN_UPDATES:
                self._known.popitem(last=False)

    def _make_room(self, more: int) -> None:
        if self._size + more <= self._max_bytes:
            return
        # The bound counts overwritten values, too; they go with the commit. Measure, then refuse.
        self._awake().commit()
        self._size = len(self.encode())
        if self._size + more > self._max_bytes:
            raise DocumentTooBig(f"the document would pass its limit of {self._max_bytes} bytes")

    def _comes_back_whole(self, state: bytes) -> bool:
        """Whether an encoding knows and has deleted all that the document does."""
        replica = Replica(self._client_id)
        try:
            replica.integrate(state)
            replica.commit()
            return Ledger(Snapshot.from_doc(replica.doc).encode()).includes(self.ledger)
        except (MalformedUpdate, BrokenDocument):
            return False
        finally:
            replica.close()

    def _awake(self) -> Replica:
        """The replica; made anew after a rest."""
        self._needed = True
        while self._to_come:
            self.go_on()
        if self._replica is None:
            self._replica = Replica(self._client_id)
            self._replica.author = self._author
            self._replica.integrate(self._resting)
            self._replica.commit()
            self._replica.touch_everything()
            self._resting = b""
        return self._replica


def _nothing() -> None:
    """Nobody wants to know."""


MERGED_AT_ONCE: Final = 32
"""pycrdt's merge costs the square of how many it merges: 20 us each for 2,500, 4 us for 32."""


def merge(updates: list[bytes]) -> bytes | None:
    """Several updates as one; none of them as None."""
    while len(updates) > 1:
        updates = [
            merge_updates(*updates[at : at + MERGED_AT_ONCE])
            for at in range(0, len(updates), MERGED_AT_ONCE)
        ]
    return updates[0] if updates else None
