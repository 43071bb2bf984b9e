"""Which characters a font file has: a small reader of the `cmap` table (formats 4 and 12)."""

from __future__ import annotations

import struct
from pathlib import Path


def coverage(path: Path) -> frozenset[int]:
    """The code points that the font maps to a glyph.

    Args:
        path: a TrueType or OpenType font (no collection, not WOFF).

    Raises:
        ValueError: it is no such font, or has no Unicode table.
    """
    try:
        return _read(path)
    except struct.error as error:
        raise ValueError(f"{path.name} has no readable cmap table") from error


def _read(path: Path) -> frozenset[int]:
    with path.open("rb") as file:
        (tables,) = struct.unpack(">4xH6x", file.read(12))
        directory = [struct.unpack(">4s4xII", file.read(16)) for _ in range(tables)]
        place = next(((at, size) for tag, at, size in directory if tag == b"cmap"), None)
        if place is None:
            raise ValueError(f"{path.name} has no cmap table")
        file.seek(place[0])
        data = file.read(place[1])
    (count,) = struct.unpack_from(">2xH", data)
    offsets = {struct.unpack_from(">HHI", data, 4 + 8 * i)[2] for i in range(count)}
    found: set[int] = set()
    for offset in offsets:
        (form,) = struct.unpack_from(">H", data, offset)
        if form == 4:
            found |= _segments(data, offset)
        elif form == 12:
            found |= _groups(data, offset)
    if not found:
        raise ValueError(f"{path.name} has no Unicode cmap")
    return frozenset(found)


def _segments(data: bytes, offset: int) -> set[int]:
    (double,) = struct.unpack_from(">H", data, offset + 6)
    count = double // 2
    form = f">{count}H"
    ends = struct.unpack_from(form, data, offset + 14)
    starts = struct.unpack_from(form, data, offset + 16 + double)
    deltas = struct.unpack_from(form, data, offset + 16 + 2 * double)
    ranges_at = offset + 16 + 3 * double
    ranges = struct.unpack_from(form, data, ranges_at)
    found: set[int] = set()
    for i in range(count):
        if starts[i] == 0xFFFF:
            continue
        if ranges[i] == 0:
            found |= {c for c in range(starts[i], ends[i] + 1) if (c + deltas[i]) & 0xFFFF}
            continue
        for c in range(starts[i], ends[i] + 1):
            at = ranges_at + 2 * i + ranges[i] + 2 * (c - starts[i])
            if at + 2 <= len(data) and struct.unpack_from(">H", data, at)[0]:
                found.add(c)
    return found


def _groups(data: bytes, offset: int) -> set[int]:
    (count,) = struct.unpack_from(">I", data, offset + 12)
    found: set[int] = set()
    for i in range(count):
        first, last, glyph = struct.unpack_from(">III", data, offset + 16 + 12 * i)
        found |= set(range(first + (glyph == 0), min(last, 0x10FFFF) + 1))
    return found
