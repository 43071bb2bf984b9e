"""The shared types of a document as containers: which items are some, and how deep they nest.

Two things that pycrdt finds out too late, when half of an update is applied or all of it is:

- An item that names as its parent something that is no shared type cannot be applied.
- Deleting a shared type recurses into what it holds, in yrs and in Yjs alike: a hundred thousand
  levels overflow a stack. So an update that would nest deeper than `MAX_NESTING` is refused.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from pycrdt import Array, Doc, Map, StickyIndex, XmlElement, XmlFragment

from collab.encoding import varuint
from collab.errors import MalformedUpdate
from collab.ledger import Ledger
from collab.update import UpdateSummary

MAX_NESTING: Final = 200


class Containers:
    """The shared types that were seen to be made or used in one document.

    For each there is an upper bound of its depth: its parent's plus one. Where an update does not
    say the parent (a type that takes the place of another value), the deepest so far is assumed;
    when assumptions have added up to the limit, the document is measured.

    Args:
        is_container: whether the item `(client, clock)` of the document is a shared type.
        estimate: how deep the document nests, as far as pycrdt shows it; cheap.
        measure: the depth of every shared type in the document; dear.
    """

    def __init__(
        self,
        is_container: Callable[[int, int], bool],
        estimate: Callable[[], int],
        measure: Callable[[], dict[tuple[int, int], int]],
    ) -> None:
        self._is_container = is_container
        self._estimate = estimate
        self._measure = measure
        self._floor: int | None = None
        self._depths: dict[tuple[int, int], int] = {}
        self._used: set[tuple[int, int]] = set()
        self._deepest = 0

    def check(self, update: UpdateSummary, ledger: Ledger, *, own: bool = False) -> None:
        """Check an update that is about to be applied, and take over the types that it makes.

        Args:
            update: it.
            ledger: of the document, without the update.
            own: the server has made it from what is stored, or it is stored: it nests no deeper
                than what was checked before, but a restore brings more types in the place of
                deleted ones than assumptions allow. The document is estimated anew after it.

        Raises:
            MalformedUpdate: a parent is no shared type, or types would be nested too deep.
        """
        if update.parents:
            self._check_parents(update, ledger)
        if update.types and not self._add(update):
            if own:
                self._floor, self._depths = None, {}
                return
            self._depths = self._measure()
            self._floor = self._deepest = max(self._depths.values(), default=0)
            if not self._add(update):
                raise MalformedUpdate(f"shared types nested deeper than {MAX_NESTING}")

    def forget(self) -> None:
        """Let go of what is known of single types; none of them is deeper than the deepest."""
        if self._floor is not None:
            self._floor = self._deepest
        self._depths = {}
        self._used = set()

    def _check_parents(self, update: UpdateSummary, ledger: Ledger) -> None:
        made = {(client, clock) for client, clock, _, _, _ in update.types}
        for item in update.parents:
            if item in self._depths or item in self._used or item in made:
                continue
            client, clock = item
            # The parent may have been deleted meanwhile: then the item is, too.
            if ledger.is_deleted(client, clock, clock + 1):
                continue
            if clock >= ledger.state.get(client, 0) or not self._is_container(client, clock):
                raise MalformedUpdate("an item whose parent is no shared type")
            self._used.add(item)

    def _add(self, update: UpdateSummary) -> bool:
        if self._floor is None:
            self._floor = self._deepest = self._estimate()
        for client, clock, other, target, place in sorted(update.types, key=_by_clock):
            known = self._depths.get((other, target))
            if place == "root":
                depth = 1
            elif place == "parent":
                depth = (self._floor if known is None else known) + 1
            else:
                depth = self._deepest + 1 if known is None else known
            if depth > MAX_NESTING:
                return False
            self._depths[client, clock] = depth
            self._deepest = max(self._deepest, depth)
        return True


def _by_clock(item: tuple[int, int, int, int, str]) -> int:
    return item[1]


def is_container(doc: Doc[Any], client: int, clock: int) -> bool:
    """Whether an item of the document is a shared type, deleted or not, that is still there."""
    position = StickyIndex.decode(b"\x02" + varuint(client) + varuint(clock) + b"\x00")
    with doc.transaction() as transaction:
        try:
            position.get_index(transaction)
        except BaseException as error:
            # pycrdt panics when the item is something else, by an exception that it does not
            # export; reading has changed nothing.
            if type(error).__name__ != "PanicException":
                raise
            return False
    return True


def estimate(doc: Doc[Any]) -> int:
    """The depth of the deepest shared type that pycrdt shows; one in a root type has depth 1."""
    # A root that nobody has asked for yet has no kind, and may be looked at as any.
    level: list[Any] = [
        doc.get(name, type=Map) if root is None else root for name, root in doc.items()
    ]
    depth = -1
    while level:
        depth += 1
        level = [
            inner
            for outer in level
            for inner in _inner(outer)
            if isinstance(inner, Map | Array | XmlElement | XmlFragment)
        ]
    return max(depth, 0) + 1


def _inner(shared: Any) -> list[Any]:
    if isinstance(shared, Map):
        return [shared[key] for key in shared.keys()]  # noqa: SIM118 - no __iter__ in its types
    if isinstance(shared, Array):
        return list(shared)
    return list(shared.children) if hasattr(shared, "children") else []
