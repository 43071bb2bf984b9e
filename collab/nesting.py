"""How deep the shared types of a document are nested, by an upper bound that is cheap to keep.

Deleting a shared type recurses into what it holds, in yrs and in Yjs alike: a hundred thousand
levels overflow a stack. So an update that would nest deeper than `MAX_NESTING` is refused.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from pycrdt import Array, Doc, Map, XmlElement, XmlFragment

from collab.errors import MalformedUpdate
from collab.update import UpdateSummary

MAX_NESTING: Final = 200


class Nesting:
    """An upper bound for the depth of each shared type that was seen to be made.

    A type's depth is its parent's plus one. Where an update does not say the parent (a type that
    takes the place of another value), the deepest so far is assumed; when assumptions have added
    up to the limit, the document is measured.

    Args:
        measure: the true depth of the deepest shared type in the document as it is now.
    """

    def __init__(self, measure: Callable[[], int]) -> None:
        self._measure = measure
        self._floor: int | None = None
        self._depths: dict[tuple[int, int], int] = {}
        self._deepest = 0

    def check(self, update: UpdateSummary) -> None:
        """Take over the types that an update makes, before it is applied.

        Raises:
            MalformedUpdate: they would be nested too deep.
        """
        if update.types and not self._add(update):
            self._floor = None
            self._depths.clear()
            if not self._add(update):
                raise MalformedUpdate(f"shared types nested deeper than {MAX_NESTING}")

    def _add(self, update: UpdateSummary) -> bool:
        if self._floor is None:
            self._floor = self._deepest = self._measure()
        for client, clock, other, target, is_parent in sorted(update.types, key=_by_clock):
            known = self._depths.get((other, target))
            if is_parent:
                depth = (self._floor if known is None else known) + 1
            else:
                depth = self._deepest + 1 if known is None else known
            if depth > MAX_NESTING:
                return False
            self._depths[client, clock] = depth
            self._deepest = max(self._deepest, depth)
        return True


def _by_clock(item: tuple[int, int, int, int, bool]) -> int:
    return item[1]


def measure(doc: Doc[Any]) -> int:
    """The depth of the deepest shared type in a document; a root type has depth 0."""
    level: list[Any] = [root for root in doc.values() if root is not None]
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
