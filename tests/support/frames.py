"""WebSocket frames as clients send them."""

from __future__ import annotations

import random


def client_frame(
    kind: int, data: bytes, *, last: bool = True, rng: random.Random | None = None
) -> bytes:
    """A masked frame.

    Args:
        kind: the opcode.
        data: what is in it.
        last: whether the message ends with it.
        rng: makes the mask.
    """
    mask = (rng or random.Random(len(data))).randbytes(4)
    size = len(data)
    if size < 126:
        head = bytes((0x80 | size,))
    elif size < 65_536:
        head = bytes((0x80 | 126,)) + size.to_bytes(2, "big")
    else:
        head = bytes((0x80 | 127,)) + size.to_bytes(8, "big")
    key = (mask * (size // 4 + 1))[:size]
    body = (int.from_bytes(data, "big") ^ int.from_bytes(key, "big")).to_bytes(size, "big")
    return bytes((kind | (0x80 if last else 0),)) + head + mask + body
