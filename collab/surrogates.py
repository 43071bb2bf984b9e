"""Characters that take two clocks: where a document has them, and what to do when one is cut.

Yjs counts text in UTF-16, where an emoji is a surrogate pair. A front end that replaces an emoji
by one that begins with the same half sends an edit that cuts the pair in two. Yjs then shows two
replacement characters; yrs has no half characters, and from there on places the rest of the text
at other clocks than Yjs does: what it encodes is another document. So the pair is deleted first,
by an update of its own, in the name of whoever cuts it; then the edit cuts nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Set
from typing import Final

from collab.errors import MalformedUpdate
from collab.ledger import Ledger
from collab.update import UpdateSummary, read_update, write_deletes

_FOUR_BYTES: Final = re.compile(rb"[\xf0-\xf4][\x80-\xbf]{3}")
"""What a character of two UTF-16 units looks like in UTF-8."""

_LEADS: Final = tuple(bytes((lead,)) for lead in range(0xF0, 0xF5))
"""Its first byte; most documents can do without the slower search."""

Place = tuple[int, int]
"""A client, and the clock of the second half of a pair: the cut lies before it."""


class CutCharacters(Exception):
    """An update that cuts characters in two.

    Args:
        repair: the update that has to come first, in a row of the log of its own. It may be that
            it deletes nothing: then the row that is being made does, and has to end first.
    """

    def __init__(self, repair: bytes) -> None:
        super().__init__("an update that cuts a character in two")
        self.repair = repair


class UnknownCharacters(Exception):
    """It has to be found out first where a large document has characters of two units."""


class SurrogatePairs:
    """The pairs of one document.

    Attributes:
        known: whether it was told of those that the document has had from the beginning.
    """

    def __init__(self) -> None:
        self.known = False
        self._places: set[Place] = set()
        self._deleted: list[tuple[int, int, int]] = []

    def learn(self, places: Iterable[Place]) -> None:
        """Take over those that the document has had from the beginning, see `find_pairs`."""
        self._places.update(places)
        self.known = True

    def begin_row(self) -> None:
        """Everything so far is stored: what comes next is another row of the log."""
        self._deleted.clear()

    def check(self, update: UpdateSummary, ledger: Ledger) -> bool:
        """Check an update that is about to be applied.

        Args:
            update: it.
            ledger: of the document, without the update.

        Returns:
            Whether it cuts pairs that are deleted. pycrdt keeps their characters until a commit,
            and cannot encode halves of them: what is open has to be committed first.

        Raises:
            CutCharacters: it cuts pairs of the document.
            MalformedUpdate: it cuts pairs of its own.
        """
        cut = set(_cuts(update)) & self._places if self._places else set()
        if cut:
            living = {
                (client, clock)
                for client, clock in cut
                if not ledger.is_deleted(client, clock - 1, clock + 1)
            }
            if living or any(self._deletes(place) for place in cut):
                raise CutCharacters(
                    write_deletes((client, clock - 1, clock + 1) for client, clock in living)
                )
        if update.pairs:
            known = ledger.state
            ends = {(client, known.get(client, 0)) for client, _, _ in update.blocks}
            if not update.pairs.isdisjoint((*_cuts(update), *ends)):
                raise MalformedUpdate("an update that cuts a character of its own")
        return bool(cut)

    def _deletes(self, place: Place) -> bool:
        """Whether the row of the log that is being made deletes a pair."""
        client, clock = place
        return any(other == client and start < clock < end for other, start, end in self._deleted)

    def record(self, update: UpdateSummary, ledger: Ledger) -> None:
        """Take over the pairs that an update brings; the ledger is still without it."""
        if update.pairs:
            known = ledger.state
            self._places.update(
                (client, clock) for client, clock in update.pairs if clock > known.get(client, 0)
            )
        if self._places:
            self._deleted.extend(update.deletes)


def find_pairs(state: bytes) -> Set[Place]:
    """The pairs in a document's texts.

    It takes about a second for a document of 50 MB that has any, and may run in a thread.

    Args:
        state: the document as one update.
    """
    found = any(lead in state for lead in _LEADS) and _FOUR_BYTES.search(state)
    return read_update(state).pairs if found else frozenset()


def _cuts(update: UpdateSummary) -> Iterable[Place]:
    yield from update.cuts
    for client, start, end in update.deletes:
        yield client, start
        yield client, end
