"""Opening files that nobody has vouched for, and what they may not be.

All of this runs in the child process of `server.media.probe`.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

MAX_SIDE: Final = 16_384
MAX_PIXELS: Final = 60_000_000
MAX_SECONDS: Final = 6 * 3600.0
PICTURES: Final = {"jpg": "JPEG", "png": "PNG", "webp": "WEBP", "gif": "GIF"}
"""Pillow's names of the picture formats."""
_READERS: Final = {"mp4": "mov", "mov": "mov", "m4a": "mov", "mp3": "mp3", "wav": "wav"}


class Refused(Exception):
    """The file is not taken; the message is a sentence for its owner."""


@contextmanager
def opened_picture(source: Path, form: str) -> Iterator[Any]:
    """A picture whose size is known to be harmless, not yet decoded."""
    from PIL import Image

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)
        try:
            image = Image.open(source, formats=(PICTURES[form],))
        except Image.DecompressionBombError:
            raise Refused("The picture is too large.") from None
        with image:
            require_size(*image.size)
            yield image


def opened(source: Path, form: str) -> Any:
    """A container, read as that format from that file and from nowhere else."""
    import av

    av.logging.set_level(av.logging.PANIC)
    return av.open(str(source), format=_READERS[form], options={"protocol_whitelist": "file"})


def length(container: Any, stream: Any) -> float:
    """How many seconds a stream says that it has; 0 when it says nothing."""
    if stream.duration and stream.time_base:
        seconds = float(stream.duration * stream.time_base)
    else:
        seconds = (container.duration or 0) / 1_000_000
    if seconds > MAX_SECONDS:
        raise Refused("The file is too long.")
    return seconds


def require_size(width: int, height: int) -> None:
    """Refuse a picture that would take too much memory, before it is decoded."""
    if max(width, height) > MAX_SIDE or width * height > MAX_PIXELS:
        raise Refused(
            f"A picture of {width} x {height} pixels is too large; it may have {MAX_SIDE} a side"
            f" and {MAX_PIXELS // 1_000_000} million in all."
        )


def require_whole_boxes(source: Path) -> None:
    """Refuse an MPEG-4 file that ends before its last box does."""
    size, position = source.stat().st_size, 0
    with source.open("rb") as file:
        for _ in range(10_000):
            if position >= size:
                return
            file.seek(position)
            head = file.read(16)
            box = int.from_bytes(head[:4], "big")
            if box == 1 and len(head) == 16:
                box = int.from_bytes(head[8:16], "big")
            elif box == 0:
                return
            if len(head) < 8 or box < 8 or position + box > size:
                raise Refused("The file is cut off, or damaged.")
            position += box
    raise Refused("The file is damaged.")


def require_whole_riff(source: Path) -> None:
    """Refuse a WAV file that ends before its samples do; writers to pipes say no length."""
    size, position = source.stat().st_size, 12
    with source.open("rb") as file:
        while position + 8 <= size:
            file.seek(position)
            head = file.read(8)
            chunk = int.from_bytes(head[4:], "little")
            if head[:4] == b"data":
                if chunk not in (0, 0xFFFFFFFF) and position + 8 + chunk > size + 1:
                    raise Refused("The file is cut off: it says that there is more.")
                return
            position += 8 + chunk + chunk % 2
    raise Refused("There is no audio in this file.")
