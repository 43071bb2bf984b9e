"""The lib0 encoding that all Yjs messages are made of: variable-length integers, and byte strings
that begin with their length."""

from __future__ import annotations

from collab.errors import MalformedFrame


def read_varuint(data: bytes, at: int) -> tuple[int, int]:
    """An unsigned integer at `data[at:]`, and where it ends.

    Raises:
        IndexError: the data ends before the integer does.
        MalformedFrame: it has more than 63 bits.
    """
    byte = data[at]
    at += 1
    if byte < 128:
        return byte, at
    value = byte & 127
    shift = 7
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 127) << shift
        if byte < 128:
            return value, at
        shift += 7
        if shift > 56:
            raise MalformedFrame("a number of more than 63 bits")


def read_bytes(data: bytes, at: int) -> tuple[bytes, int]:
    """A byte string with its length before it, and where it ends.

    Raises:
        IndexError: the data ends before the byte string does.
        MalformedFrame: its length has more than 63 bits.
    """
    length, at = read_varuint(data, at)
    end = at + length
    if end > len(data):
        raise IndexError
    return data[at:end], end


def varuint(value: int) -> bytes:
    """An unsigned integer, encoded."""
    out = bytearray()
    write_varuint(out, value)
    return bytes(out)


def write_varuint(out: bytearray, value: int) -> None:
    """Append an unsigned integer to `out`."""
    while value > 127:
        out.append(128 | (value & 127))
        value >>= 7
    out.append(value)
