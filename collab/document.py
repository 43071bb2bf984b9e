"""One document: a pycrdt document, its ledger, and what its edits touched."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from pycrdt import Doc, Map, Snapshot, Subscription, Transaction, merge_updates

from collab.containers import Containers, estimate, is_container
from collab.errors import BrokenDocument, DocumentTooBig, MalformedUpdate
from collab.ledger import Ledger
from collab.nesting import depths
from collab.ports import Edit
from collab.schema import Touches
from collab.surrogates import Place, SurrogatePairs, UnknownCharacters, find_pairs
from collab.update import read_update

KNOWN_UPDATES: Final = 16
KNOWN_MIN_BYTES: Final = 256
KNOWN_MAX_BYTES: Final = 256 * 1024
SMALL_DOCUMENT_BYTES: Final = 256 * 1024
"""What is read in a few milliseconds."""


@dataclass(slots=True)
class Outcome:
    """What an edit by the server led to: its update if it changed anything, and its value or
    the error that it raised."""

    update: bytes | None
    value: Any
    error: Exception | None


class Document:
    """A document to which updates are applied as they come, and that says what they touched.

    One transaction stays open from one `settle` to the next. Applying an update inside it costs a
    few microseconds however many clients the document has had; committing it, which is when pycrdt
    tells observers what changed, costs in proportion to them, and is done at the projection's pace.

    Args:
        client_id: the Yjs client id for edits by the server.
        max_bytes: the document's limit.
    """

    _subscriptions: tuple[tuple[Map[Any], Subscription], ...]

    def __init__(self, client_id: int, max_bytes: int) -> None:
        self.doc: Doc[Any] = Doc(client_id=client_id)
        self.ledger = Ledger()
        self._max_bytes = max_bytes
        self._size = 0
        self._known: OrderedDict[bytes, None] = OrderedDict()
        self._containers = Containers(
            partial(is_container, self.doc), partial(estimate, self.doc), self._measure
        )
        self._pairs = SurrogatePairs()
        self._touches = Touches()
        self._author = ""
        self._transaction: Transaction | None = None
        self._scenes = self.doc.get("scenes", type=Map)
        self._video = self.doc.get("video", type=Map)
        self._subscriptions = (
            (self._scenes, self._scenes.observe_deep(self._scenes_touched)),
            (self._video, self._video.observe_deep(self._video_touched)),
        )

    @classmethod
    def load(
        cls, client_id: int, max_bytes: int, state: bytes | None, updates: Iterable[bytes]
    ) -> Document:
        """A document from its stored state and the log after it.

        Raises:
            BrokenDocument: pycrdt cannot read or apply it; `index` says which.
        """
        document = cls(client_id, max_bytes)
        document._begin()
        for index, update in enumerate((state, *updates), -1):
            if update is not None:
                document._size += len(update)
                try:
                    document._integrate(update)
                except (MalformedUpdate, BrokenDocument) as error:
                    raise BrokenDocument(str(error), index) from error
        document._commit()
        document.ledger = Ledger(Snapshot.from_doc(document.doc).encode())
        document._touches = Touches(everything=True)
        return document

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
        if self._transaction is None:
            self._begin()
        self._integrate(update)
        if cuts_deleted:
            self._commit()
        self._pairs.record(summary, self.ledger)
        self.ledger.record(summary)
        self._size += len(update)
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
            if apart:
                self._commit()
            self._author = author

    def begin_row(self) -> None:
        """Everything so far is stored: what is applied from now on is another row of the log."""
        self._pairs.begin_row()

    def edit(self, change: Edit) -> Outcome:
        """Run an edit by the server, in a transaction of its own.

        Never raises what the edit raises: it is in the outcome.
        """
        self._commit()
        updates: list[bytes] = []
        subscription = self.doc.observe(lambda event: updates.append(event.update))
        value: Any = None
        failure: Exception | None = None
        try:
            with self.doc.transaction():
                value = change(self.doc)
        except Exception as error:  # noqa: BLE001 - handed to whoever asked for the edit
            failure = error
        finally:
            self.doc.unobserve(subscription)
        for update in updates:
            summary = read_update(update)
            self._pairs.record(summary, self.ledger)
            self.ledger.record(summary)
            self._size += len(update)
        return Outcome(merge(updates), value, failure)

    def close(self) -> None:
        """Let go of the memory: what pycrdt holds of its observers, no garbage collector sees."""
        self._commit()
        for shared, subscription in self._subscriptions:
            shared.unobserve(subscription)
        self._subscriptions = ()

    def settle(self) -> Touches:
        """What was touched since the last call; commits what is open."""
        self._commit()
        touches, self._touches = self._touches, Touches()
        return touches

    def encode(self, state_vector: bytes | None = None) -> bytes:
        """The document as one update, or what it has beyond a (checked) state vector."""
        return self.doc.get_update(state_vector)

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
        self._commit()
        self._size = len(self.encode())
        if self._size + more > self._max_bytes:
            raise DocumentTooBig(f"the document would pass its limit of {self._max_bytes} bytes")

    def _measure(self) -> dict[tuple[int, int], int]:
        return depths(self.encode())

    def _begin(self) -> None:
        transaction = self.doc.transaction()
        transaction.__enter__()
        self._transaction = transaction

    def _commit(self) -> None:
        if self._transaction is not None:
            transaction, self._transaction = self._transaction, None
            transaction.__exit__(None, None, None)

    def _integrate(self, update: bytes) -> None:
        try:
            self.doc.apply_update(update)
        except ValueError as error:
            raise MalformedUpdate(str(error)) from None
        except RuntimeError as error:
            raise BrokenDocument(str(error)) from None
        except BaseException as error:
            # A Rust panic comes as an exception that no module exports.
            if type(error).__name__ != "PanicException":
                raise
            raise BrokenDocument("pycrdt panicked") from None

    def _scenes_touched(self, events: list[Any]) -> None:
        touches = self._touches
        touched: set[tuple[str, str | None]] = set()
        for event in events:
            path = event.path
            depth = len(path)
            if depth == 0:
                touches.scenes.update(event.keys)
                touched.update((scene, None) for scene in event.keys)
                continue
            scene = path[0]
            if depth == 1:
                names = set(event.keys) if hasattr(event, "keys") else {"*"}
                self._note(touched, (scene, None), names)
            elif path[1] != "layers":
                self._note(touched, (scene, None), {str(path[1])})
            elif depth == 2:
                for layer in event.keys if hasattr(event, "keys") else ():
                    self._note(touched, (scene, layer), {"*"})
            else:
                self._note(touched, (scene, str(path[2])), _layer_fields(path, event))
        if self._author:
            touches.author = self._author
            touches.authors.update(dict.fromkeys(touched, self._author))

    def _note(
        self,
        touched: set[tuple[str, str | None]],
        place: tuple[str, str | None],
        names: Iterable[str],
    ) -> None:
        touched.add(place)
        self._touches.fields.setdefault(place, set()).update(names)

    def _video_touched(self, events: list[Any]) -> None:
        self._touches.video = True


def _layer_fields(path: list[Any], event: Any) -> Iterable[str]:
    """The names of the fields of a layer that an event at `path` is about."""
    if len(path) == 3:
        return event.keys if hasattr(event, "keys") else ("*",)
    if path[3] != "properties":
        return (str(path[3]),)
    if len(path) > 4:
        return (f"properties.{path[4]}",)
    return (
        (f"properties.{key}" for key in event.keys) if hasattr(event, "keys") else ("properties",)
    )


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
