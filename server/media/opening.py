"""Opening files that nobody has vouched for, and what they may not be.

All of this runs in the child process of `server.media.probe`.
"""

from __future__ import annotations

import re
import struct
import warnings
import zipfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

MAX_SIDE: Final = 16_384
MAX_PIXELS: Final = 60_000_000
MAX_SECONDS: Final = 6 * 3600.0
PICTURES: Final = {"jpg": "JPEG", "png": "PNG", "webp": "WEBP", "gif": "GIF"}
"""Pillow's names of the picture formats."""
_MARKUP: Final = re.compile(rb"<(script|html|svg|\?php|!doctype)", re.IGNORECASE)
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


def require_nothing_else(form: str, source: Path) -> None:
    """Refuse a file that other programs may take for something else than its format.

    Padding may stand behind a picture, and the film that phones add to a photo.
    """
    with source.open("rb") as file:
        if b"%PDF-" in file.read(1024):
            raise Refused("The file is a PDF document, too.")
    if is_archive(source):
        raise Refused("The file is a ZIP archive, too.")
    if form not in _ENDS:
        return
    content = source.read_bytes()
    behind = content[_ENDS[form](content) :]
    if behind.strip(b"\0\r\n ") and (form != "jpg" or _MARKUP.search(behind)):
        raise Refused("There is more in the file, behind the end of the picture.")


def is_archive(source: Path) -> bool:
    """Whether a file opens as a ZIP archive, whatever else it is."""
    try:
        with zipfile.ZipFile(source) as archive:
            return bool(archive.namelist())
    except (zipfile.BadZipFile, NotImplementedError, OSError, ValueError, struct.error):
        return False


def _png_end(content: bytes) -> int:
    position = 8
    while position < len(content):
        kind = content[position + 4 : position + 8]
        position += int.from_bytes(content[position : position + 4], "big") + 12
        if kind == b"IEND":
            break
    return position


def _gif_end(content: bytes) -> int:
    position = 13 + _colours(content[10:11])
    while position < len(content):
        kind = content[position]
        if kind == 0x21:  # an extension
            position += 2
        elif kind == 0x2C:  # a frame
            position += 11 + _colours(content[position + 9 : position + 10])
        else:
            return position + 1
        while position < len(content) and content[position]:  # its blocks, until an empty one
            position += content[position] + 1
        position += 1
    return position


def _colours(flags: bytes) -> int:
    """Bytes of the GIF colour table that these flags announce."""
    return 3 << ((flags[0] & 7) + 1) if flags and flags[0] & 0x80 else 0


_ENDS: Final[Mapping[str, Callable[[bytes], int]]] = {
    "png": _png_end,
    "gif": _gif_end,
    "jpg": lambda content: content.rfind(b"\xff\xd9") + 2,
}
"""Where a picture ends in its file."""


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
