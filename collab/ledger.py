"""What a room knows of its document without asking pycrdt: how far each client's changes are
known, and which of them are deleted.

Asking pycrdt costs in proportion to all clients that a document ever had; the ledger is kept by
increments from what `collab.update` reads, so that a batch pays for the batch alone.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right

from collab.encoding import write_varuint
from collab.errors import MalformedUpdate, MissingUpdates
from collab.update import UpdateSummary, read_deletes, read_state_vector


class Ledger:
    """The state vector and the deleted ranges of one document.

    Attributes:
        state: client -> number of its clocks that are known.
    """

    def __init__(self, snapshot: bytes = b"\0\0") -> None:
        """Args: snapshot: delete set and state vector, as `pycrdt.Snapshot.encode` gives them."""
        deletes, at = read_deletes(snapshot)
        self.state = read_state_vector(snapshot[at:])
        self._deleted: dict[int, tuple[list[int], list[int]]] = {}
        for client, start, end in deletes:
            self._delete(client, start, end)

    def brings_news(self, update: UpdateSummary) -> bool:
        """Whether the document would change by this update.

        Raises:
            MissingUpdates: it builds on changes that are not here.
            MalformedUpdate: its items refer to each other in a circle.
        """
        state = self.state
        news = False
        reach: dict[int, int] = {}
        for client, start, end in update.blocks:
            known = reach.get(client)
            if known is None:
                known = state.get(client, 0)
            if start > known:
                raise MissingUpdates(f"changes {known} to {start - 1} of client {client}")
            if end > known:
                news = True
                known = end
            reach[client] = known
        for client, need in update.needs.items():
            known = reach.get(client)
            if known is None:
                known = state.get(client, 0)
            if need > known:
                raise MissingUpdates(f"changes {known} to {need - 1} of client {client}")
        for client, start, end in update.deletes:
            known = reach.get(client)
            if known is None:
                known = state.get(client, 0)
            if end > known:
                raise MissingUpdates(f"changes {known} to {end - 1} of client {client}")
            news = news or not self.is_deleted(client, start, end)
        if news and update.crossings:
            self._refuse_circles(update)
        return news

    def record(self, update: UpdateSummary) -> None:
        """Take over what an update brings; it must have passed `brings_news`."""
        state = self.state
        for client, _, end in update.blocks:
            if end > state.get(client, 0):
                state[client] = end
        for client, start, end in update.deletes:
            self._delete(client, start, end)

    def state_vector(self) -> bytes:
        """The state vector, encoded; costs in proportion to all past clients."""
        out = bytearray()
        write_varuint(out, len(self.state))
        for client, clock in self.state.items():
            write_varuint(out, client)
            write_varuint(out, clock)
        return bytes(out)

    def is_deleted(self, client: int, start: int, end: int) -> bool:
        """Whether all of the clocks `start <= clock < end` of a client are deleted."""
        ranges = self._deleted.get(client)
        if ranges is None:
            return False
        starts, ends = ranges
        at = bisect_right(starts, start) - 1
        return at >= 0 and ends[at] >= end

    def includes(self, other: Ledger) -> bool:
        """Whether it has the same clocks as another, and all of its deletions at least."""
        return self.state == other.state and all(
            self.is_deleted(client, start, end)
            for client, ranges in other._deleted.items()
            for start, end in zip(*ranges, strict=True)
        )

    def _delete(self, client: int, start: int, end: int) -> None:
        ranges = self._deleted.get(client)
        if ranges is None:
            self._deleted[client] = ([start], [end])
            return
        starts, ends = ranges
        # All ranges that touch or overlap [start, end) become one with it.
        first = bisect_left(ends, start)
        last = bisect_right(starts, end)
        if first < last:
            start = min(start, starts[first])
            end = max(end, ends[last - 1])
        starts[first:last] = [start]
        ends[first:last] = [end]

    def _refuse_circles(self, update: UpdateSummary) -> None:
        """Refuse items of several clients that wait for each other: no order could apply them.

        Each client's items are applied in clock order; an item that refers to another client's
        waits until that one is applied.
        """
        waits: dict[int, list[tuple[int, int, int]]] = {}
        for client, clock, other, target in update.crossings:
            if target >= self.state.get(other, 0):
                waits.setdefault(client, []).append((clock, other, target))
        done: dict[int, int] = {}
        ready = list(waits)
        blocked: dict[int, list[int]] = {}
        while ready:
            client = ready.pop()
            queue = waits[client]
            at = done.get(client, 0)
            while at < len(queue):
                _, other, target = queue[at]
                others = waits.get(other)
                if others is not None:
                    position = done.get(other, 0)
                    if position < len(others) and others[position][0] <= target:
                        blocked.setdefault(other, []).append(client)
                        break
                at += 1
            if at > done.get(client, 0):
                done[client] = at
                ready.extend(blocked.pop(client, ()))
        if any(done.get(client, 0) < len(queue) for client, queue in waits.items()):
            raise MalformedUpdate("items that refer to each other in a circle")
