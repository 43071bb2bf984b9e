"""Videos of any size."""

from __future__ import annotations

import os
from pathlib import Path

from tests.support.files import encoded


def padded(path: Path, size: int) -> None:
    """Write a short video that has `size` bytes: a box of noise that players skip fills it up."""
    content = encoded(path.parent, f"short-{path.name}", "testsrc=d=1:s=320x180:r=10")
    left = size - len(content)
    with path.open("wb") as file:
        file.write(content)
        file.write(left.to_bytes(4, "big") + b"free")
        left -= 8
        while left:
            piece = min(left, 1 << 20)
            file.write(os.urandom(piece))
            left -= piece
