"""Which edits reached which editor, and how long they took.

Every editor's received frames are compared byte by byte while they arrive (`server.load.trail`);
here each distinct sequence of frames is judged once for all editors that received it: by the
clocks that its updates bring, and by applying them to a Yjs document.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

from pycrdt import Doc

from collab.update import read_state_vector, read_update
from server.load.latency import Histogram
from server.load.trail import Frame, Trail

_PAIRS: Final = 2048
_REPLAYS: Final = 4


@dataclass(frozen=True)
class Ledger:
    """Which edits a run sent.

    Attributes:
        clients: the editors' client ids; with `e` editors, edit `n` is clock `n // e` of editor
            `n % e`.
        sent: when each edit was sent, in seconds of the monotonic clock.
    """

    clients: Sequence[int]
    sent: array[float]

    @cached_property
    def editors(self) -> int:
        """How many editors there are."""
        return len(self.clients)

    @cached_property
    def _authors(self) -> dict[int, int]:
        return {client: editor for editor, client in enumerate(self.clients)}

    def edits_of(self, editor: int) -> int:
        """How many edits an editor sent."""
        return len(range(editor, len(self.sent), self.editors))

    def edits_in(self, update: bytes) -> list[int]:
        """The numbers of the edits that an update brings."""
        found: list[int] = []
        for client, start, end in read_update(update).blocks:
            author = self._authors.get(client)
            if author is not None:
                first = start * self.editors + author
                stop = min(end * self.editors + author, len(self.sent))
                found += range(first, stop, self.editors)
        return found


@dataclass(slots=True)
class Delivery:
    """What the editors of all videos received.

    Attributes:
        wanted: pairs of an edit and an editor of its video other than its author.
        delivered: how many of these pairs came about.
        incomplete: editors that miss an edit.
        sequences: distinct sequences of frames that editors received.
        updates: distinct frames.
        replayed: sequences that were applied to a document.
        latency: from sending to arrival, over pairs.
    """

    wanted: int = 0
    delivered: int = 0
    incomplete: int = 0
    sequences: int = 0
    updates: int = 0
    replayed: int = 0
    latency: Histogram | None = None

    @property
    def share(self) -> float:
        """The delivered share, 0 to 1; 1 when there was nothing to deliver."""
        return self.delivered / self.wanted if self.wanted else 1.0


def judge(trails: Iterable[tuple[Trail, Sequence[int]]], ledger: Ledger) -> Delivery:
    """Tell what was delivered.

    Args:
        trails: the trail of each video with the numbers of its editors.
        ledger: what was sent.
    """
    delivery = Delivery(latency=Histogram())
    for trail, editors in trails:
        _judge_video(trail, editors, ledger, delivery)
    return delivery


def _judge_video(trail: Trail, editors: Sequence[int], ledger: Ledger, delivery: Delivery) -> None:
    contents = [frozenset(ledger.edits_in(frame.update)) for frame in trail.frames]
    received: dict[int, list[int]] = {editor: [] for editor in editors}
    for number, frame in enumerate(trail.frames):
        for editor in frame.editors:
            received[editor].append(number)
        assert delivery.latency is not None
        _time(frame, sorted(contents[number]), ledger, delivery.latency)
    groups: dict[tuple[int, ...], list[int]] = {}
    for editor, numbers in received.items():
        groups.setdefault(tuple(numbers), []).append(editor)
    of_video = sum(ledger.edits_of(editor) for editor in editors)
    replays = sorted(groups, key=lambda sequence: -len(groups[sequence]))[:_REPLAYS]
    for sequence, members in groups.items():
        edits: frozenset[int] = frozenset().union(*(contents[number] for number in sequence))
        if sequence in replays:
            edits &= _held(_replay(trail.frames, sequence), editors, ledger)
            delivery.replayed += 1
        by_author: dict[int, int] = {}
        for edit in edits:
            author = edit % ledger.editors
            by_author[author] = by_author.get(author, 0) + 1
        for member in members:
            wanted = of_video - ledger.edits_of(member)
            had = len(edits) - by_author.get(member, 0)
            delivery.wanted += wanted
            delivery.delivered += had
            delivery.incomplete += had < wanted
    delivery.sequences += len(groups)
    delivery.updates += len(trail.frames)


def _time(frame: Frame, edits: list[int], ledger: Ledger, latency: Histogram) -> None:
    """Count the pairs of a frame's edits and receivers; of very many, an even selection."""
    count, readers = len(edits), len(frame.times)
    if not count or not readers:
        return
    edit_step = reader_step = 1
    while (count // edit_step) * (readers // reader_step) > _PAIRS:
        if count // edit_step > readers // reader_step:
            edit_step += 1
        else:
            reader_step += 1
    chosen = [(edit, ledger.sent[edit]) for edit in edits[::edit_step]]
    readers_chosen = list(zip(frame.times, frame.editors, strict=True))[::reader_step]
    weight = count * readers / (len(chosen) * len(readers_chosen))
    for edit, sent in chosen:
        author = edit % ledger.editors
        for arrived, reader in readers_chosen:
            if reader != author:
                latency.add(arrived - sent, weight)
    longest = max(frame.times) - min(ledger.sent[edit] for edit in edits)
    latency.largest = max(latency.largest, longest)


def _replay(frames: Sequence[Frame], numbers: Iterable[int]) -> dict[int, int]:
    doc: Doc[Any] = Doc()
    with doc.transaction():
        for number in numbers:
            doc.apply_update(frames[number].update)
    return read_state_vector(doc.get_state())


def _held(clocks: dict[int, int], editors: Sequence[int], ledger: Ledger) -> frozenset[int]:
    """The numbers of the edits that a document with this state vector holds."""
    held: set[int] = set()
    for editor in editors:
        clock = clocks.get(ledger.clients[editor], 0)
        held.update(range(editor, clock * ledger.editors + editor, ledger.editors))
    return frozenset(held)


def missing(document: bytes, editors: Sequence[int], ledger: Ledger) -> int:
    """How many edits of these editors a document, given as one update, does not hold."""
    doc: Doc[Any] = Doc()
    doc.apply_update(document)
    clocks = read_state_vector(doc.get_state())
    return sum(
        max(0, ledger.edits_of(editor) - clocks.get(ledger.clients[editor], 0))
        for editor in editors
    )
