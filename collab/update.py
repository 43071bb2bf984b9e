"""A reader for the Yjs update format (version 1): what an update brings, needs and deletes.

It reads every byte and every count before pycrdt sees any: what Yjs or yrs would choke on, or
allocate gigabytes for, is refused here. It keeps no content, and costs a few microseconds for a
usual update. Source of the format: `encodeStateAsUpdate` of yjs and its `readItem...` functions.

    update     := count client-block* delete-set
    client-block := structs client clock struct*
    struct     := GC | Skip | Item
    delete-set := count (client count (clock length)*)*
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from collab.content import refuse, skip_any, skip_other, skip_text
from collab.encoding import read_varuint, varuint, write_varuint
from collab.errors import MalformedFrame, MalformedUpdate

MAX_CLIENT: Final = 2**53 - 1
MAX_CLOCK: Final = 2**31 - 1
"""Clocks are 32 bits in yrs; nobody makes two billion changes."""

PIECE_BYTES: Final = 1024 * 1024
"""What pycrdt applies in some 8 ms."""


@dataclass(slots=True)
class UpdateSummary:
    """What an update is about, without its content.

    Attributes:
        blocks: `(client, start, end)`: the clocks `start <= clock < end` that it brings, by client
            and ascending; a skipped range separates two blocks of one client.
        needs: client -> one past the highest clock of that client that an item refers to
            (origin, right origin, parent).
        crossings: `(client, clock, other client, other clock)`: references from one client's item
            to another's, in the order read; empty when all blocks are of one client.
        types: `(client, clock, other client, other clock, place)` for each item that is a shared
            type; `place` says what the other item is to it: "parent", "neighbour", or, where
            there is none, "root".
        parents: the items that others name as their parents.
        cuts: `(client, clock)`: places where an item of one client ends and the next begins, since
            another stands there.
        pairs: `(client, clock)` of the second half of each surrogate pair in its texts.
        deletes: `(client, start, end)` of the delete set.
    """

    blocks: list[tuple[int, int, int]]
    needs: dict[int, int]
    crossings: list[tuple[int, int, int, int]]
    types: list[tuple[int, int, int, int, str]]
    parents: set[tuple[int, int]]
    cuts: list[tuple[int, int]]
    pairs: set[tuple[int, int]]
    deletes: list[tuple[int, int, int]]


def read_update(data: bytes) -> UpdateSummary:
    """Read a whole update.

    Args:
        data: the update, version 1.

    Raises:
        MalformedUpdate: it is not one, to the last byte.
    """
    try:
        return _read_update(data)
    except IndexError:
        raise MalformedUpdate("the update ends before it is complete") from None
    except UnicodeDecodeError:
        raise MalformedUpdate("the update has text that is not UTF-8") from None
    except MalformedFrame as error:
        raise MalformedUpdate(str(error)) from None


def read_state_vector(data: bytes) -> dict[int, int]:
    """Read a state vector: client -> number of its clocks that are known.

    Raises:
        MalformedUpdate: it is not one, to the last byte.
    """
    try:
        count, at = read_varuint(data, 0)
        if count * 2 > len(data) - at:
            refuse("a state vector that counts more clients than it has bytes for")
        state: dict[int, int] = {}
        for _ in range(count):
            client, at = read_varuint(data, at)
            clock, at = read_varuint(data, at)
            if client > MAX_CLIENT or clock > MAX_CLOCK:
                refuse("a client or clock out of range")
            state[client] = clock
    except IndexError:
        raise MalformedUpdate("the state vector ends before it is complete") from None
    except MalformedFrame as error:
        raise MalformedUpdate(str(error)) from None
    if at != len(data):
        refuse("bytes after the end of the state vector")
    return state


def read_deletes(data: bytes, at: int = 0) -> tuple[list[tuple[int, int, int]], int]:
    """Read a delete set from `data[at:]`; returns `(client, start, end)` ranges and where it ends.

    Raises:
        MalformedUpdate: a range out of bounds, or more ranges than bytes.
        IndexError: the data ends before the set is complete.
    """
    deletes: list[tuple[int, int, int]] = []
    clients, at = read_varuint(data, at)
    size = len(data)
    if clients * 2 > size - at:
        refuse("a delete set that counts more clients than it has bytes for")
    for _ in range(clients):
        client, at = read_varuint(data, at)
        if client > MAX_CLIENT:
            refuse("a client out of range")
        ranges, at = read_varuint(data, at)
        if ranges * 2 > size - at:
            refuse("a delete set that counts more ranges than it has bytes for")
        for _ in range(ranges):
            clock, at = read_varuint(data, at)
            length, at = read_varuint(data, at)
            if not length or clock + length > MAX_CLOCK:
                refuse("a deleted range out of bounds")
            deletes.append((client, clock, clock + length))
    return deletes, at


def write_deletes(ranges: Iterable[tuple[int, int, int]]) -> bytes:
    """The update that deletes `(client, start, end)` ranges."""
    clients: dict[int, list[tuple[int, int]]] = {}
    for client, start, end in sorted(ranges):
        clients.setdefault(client, []).append((start, end))
    out = bytearray(1)
    write_varuint(out, len(clients))
    for client, places in clients.items():
        write_varuint(out, client)
        write_varuint(out, len(places))
        for start, end in places:
            write_varuint(out, start)
            write_varuint(out, end - start)
    return bytes(out)


def _read_update(data: bytes) -> UpdateSummary:
    size = len(data)
    count, at = read_varuint(data, 0)
    if count * 3 > size - at:
        refuse("an update that counts more clients than it has bytes for")
    blocks: list[tuple[int, int, int]] = []
    needs: dict[int, int] = {}
    crossings: list[tuple[int, int, int, int]] = []
    types: list[tuple[int, int, int, int, str]] = []
    parents: set[tuple[int, int]] = set()
    cuts: list[tuple[int, int]] = []
    pairs: set[tuple[int, int]] = set()
    seen: set[int] = set()

    def refer(client: int, clock: int, other: int, target: int) -> None:
        if other == client:
            if target >= clock:
                refuse("an item that refers to itself or to a later one")
        elif count > 1:
            crossings.append((client, clock, other, target))
        if needs.get(other, 0) <= target:
            needs[other] = target + 1

    for _ in range(count):
        structs, at = read_varuint(data, at)
        client, at = read_varuint(data, at)
        clock, at = read_varuint(data, at)
        if structs * 2 > size - at:
            refuse("a client's block that counts more structs than it has bytes for")
        if client > MAX_CLIENT or client in seen:
            refuse("a client out of range, or twice in one update")
        seen.add(client)
        start = clock
        for _ in range(structs):
            info = data[at]
            at += 1
            ref = info & 31
            if ref == 0 or ref == 10:
                length, at = read_varuint(data, at)
                if ref == 10:
                    if clock > start:
                        blocks.append((client, start, clock))
                    start = clock + length
            else:
                if info & 192:
                    if info & 128:
                        other, at = read_varuint(data, at)
                        target, at = read_varuint(data, at)
                        cuts.append((other, target + 1))
                        refer(client, clock, other, target)
                    if info & 64:
                        other, at = read_varuint(data, at)
                        target, at = read_varuint(data, at)
                        if info & 128 and cuts[-1] == (other, target + 1):
                            refuse("an item that stands on both sides of one")
                        cuts.append((other, target))
                        refer(client, clock, other, target)
                else:
                    named, at = read_varuint(data, at)
                    if named == 1:
                        at = skip_text(data, at)
                    elif named == 0:
                        other, at = read_varuint(data, at)
                        target, at = read_varuint(data, at)
                        parents.add((other, target))
                        refer(client, clock, other, target)
                    else:
                        refuse("a parent that is neither named nor an item")
                    if info & 32:
                        at = skip_text(data, at)
                if ref == 8:
                    length, at = read_varuint(data, at)
                    if length > size - at:
                        refuse("more values than bytes")
                    for _ in range(length):
                        at = skip_any(data, at)
                elif ref == 4:
                    length, at = read_varuint(data, at)
                    end = at + length
                    if end > size:
                        raise IndexError
                    if info & 32:
                        refuse("a piece of text as a value of a map")
                    text = data[at:end]
                    if not text.isascii():
                        characters = text.decode()
                        length = len(characters.encode("utf-16-le")) // 2
                        if length != len(characters):
                            pairs.update((client, place) for place in _pairs(characters, clock))
                    at = end
                else:
                    length, at = skip_other(data, at, ref)
                    if ref == 7:
                        if info & 192:
                            types.append((client, clock, other, target, "neighbour"))
                        elif named == 0:
                            types.append((client, clock, other, target, "parent"))
                        else:
                            types.append((client, clock, 0, -1, "root"))
            if not length:
                refuse("a struct of no length")
            clock += length
            if clock > MAX_CLOCK:
                refuse("a clock out of range")
        if clock > start:
            blocks.append((client, start, clock))
    deletes, at = read_deletes(data, at)
    if at != size:
        refuse("bytes after the end of the update")
    return UpdateSummary(blocks, needs, crossings, types, parents, cuts, pairs, deletes)


@dataclass(slots=True)
class ReadAhead:
    """A large update that was read before its turn.

    Attributes:
        update: all of it.
        summary: what it is about.
        pieces: what to apply, in order.
    """

    update: bytes
    summary: UpdateSummary
    pieces: Sequence[bytes]


def read_ahead(update: bytes) -> ReadAhead:
    """Read an update, and cut it into pieces; a second's work for 20 MB, to be done in a thread.

    Raises:
        MalformedUpdate: it is not one, to the last byte.
    """
    return ReadAhead(update, read_update(update), split_update(update, PIECE_BYTES))


def split_update(data: bytes, size: int) -> list[bytes]:
    """An update that `read_update` has found good, in pieces of about `size` bytes.

    Applied one after the other they do what it does. What several clients have made may build on
    each other in any order: that, and a small update, is one piece.
    """
    count, at = read_varuint(data, 0)
    if count != 1 or len(data) <= size:
        return [data]
    structs, at = read_varuint(data, at)
    client, at = read_varuint(data, at)
    clock, at = read_varuint(data, at)
    pieces: list[bytes] = []
    begin, first, number = at, clock, 0
    for _ in range(structs):
        if at - begin > size:
            pieces.append(_block(number, client, first) + data[begin:at] + b"\0")
            begin, first, number = at, clock, 0
        at, clock, _ = _struct(data, at, client, clock)
        number += 1
    # With the delete set, which may be about any of them.
    return [*pieces, _block(number, client, first) + data[begin:]]


def _block(structs: int, client: int, clock: int) -> bytes:
    return b"".join(map(varuint, (1, structs, client, clock)))


@dataclass(slots=True)
class Item:
    """One item: its id, and where its clocks end; the item that is its parent, None for a root; or,
    where it does not say its parent, an item beside it, which has the same."""

    client: int
    clock: int
    end: int
    is_type: bool
    is_text: bool
    parent: tuple[int, int] | None
    beside: tuple[int, int] | None


def read_items(data: bytes) -> Iterator[Item]:
    """The items of an update that `read_update` has found good; what was collected is left out."""
    count, at = read_varuint(data, 0)
    for _ in range(count):
        structs, at = read_varuint(data, at)
        client, at = read_varuint(data, at)
        clock, at = read_varuint(data, at)
        for _ in range(structs):
            at, clock, item = _struct(data, at, client, clock)
            if item is not None:
                yield item


def _struct(data: bytes, at: int, client: int, clock: int) -> tuple[int, int, Item | None]:
    """Where a struct and its clocks end, and the item that it is, if it is one."""
    info = data[at]
    at += 1
    ref = info & 31
    if ref == 0 or ref == 10:
        length, at = read_varuint(data, at)
        return at, clock + length, None
    item = Item(client, clock, clock, ref == 7, ref == 4, None, None)
    at = _place(data, at, info, item)
    length, at = _content(data, at, ref)
    item.end = clock + length
    return at, item.end, item


def _place(data: bytes, at: int, info: int, item: Item) -> int:
    for side in (128, 64):
        if info & side:
            other, at = read_varuint(data, at)
            target, at = read_varuint(data, at)
            item.beside = item.beside or (other, target)
    if not info & 192:
        named, at = read_varuint(data, at)
        if named:
            at = skip_text(data, at)
        else:
            other, at = read_varuint(data, at)
            target, at = read_varuint(data, at)
            item.parent = (other, target)
        if info & 32:
            at = skip_text(data, at)
    return at


def _content(data: bytes, at: int, ref: int) -> tuple[int, int]:
    if ref == 8:
        length, at = read_varuint(data, at)
        for _ in range(length):
            at = skip_any(data, at)
        return length, at
    if ref == 4:
        size, at = read_varuint(data, at)
        text = data[at : at + size]
        length = size if text.isascii() else len(text.decode().encode("utf-16-le")) // 2
        return length, at + size
    return skip_other(data, at, ref)


def _pairs(text: str, clock: int) -> Iterator[int]:
    """The clocks of the second halves of surrogate pairs in a text that begins at `clock`."""
    for character in text:
        if character > "\uffff":
            clock += 1
            yield clock
        clock += 1
