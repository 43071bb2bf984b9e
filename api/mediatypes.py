"""Types of files: known by their first bytes; which may be uploaded, and how large."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from api.errors import UnsupportedType

Family = Literal["audio", "media"]
Kind = Literal["audio", "image", "gif", "video"]

_MB: Final = 1_000_000
HEAD: Final = 64
"""How many of a file's first bytes tell its type."""


@dataclass(frozen=True, slots=True)
class MediaType:
    """A type of file.

    Attributes:
        name: as the API names it.
        kind: what it is.
        content_type: as it is served.
        endings: of file names.
        claims: content types that uploads declare for it.
        limit: bytes.
    """

    name: str
    kind: Kind
    content_type: str
    endings: frozenset[str]
    claims: frozenset[str]
    limit: int


def _type(
    name: str, kind: Kind, content_type: str, endings: str, claims: str, limit: int
) -> MediaType:
    return MediaType(
        name,
        kind,
        content_type,
        frozenset(endings.split()),
        frozenset({content_type, *claims.split()}),
        limit * _MB,
    )


_MP4_NAMES: Final = "mp4 mov m4v qt"
_MP4_CLAIMS: Final = "video/mp4 video/quicktime video/x-m4v"

TYPES: Final[Mapping[str, MediaType]] = {
    one.name: one
    for one in (
        _type("mp3", "audio", "audio/mpeg", "mp3", "audio/mp3 audio/x-mp3 audio/mpeg3", 50),
        _type("wav", "audio", "audio/wav", "wav wave", "audio/x-wav audio/wave audio/vnd.wave", 50),
        _type("m4a", "audio", "audio/mp4", "m4a mp4", "audio/m4a audio/x-m4a audio/aac", 50),
        _type("jpg", "image", "image/jpeg", "jpg jpeg jpe jfif", "image/jpg image/pjpeg", 20),
        _type("png", "image", "image/png", "png", "image/x-png", 20),
        _type("webp", "image", "image/webp", "webp", "", 20),
        _type("gif", "gif", "image/gif", "gif", "", 20),
        _type("mp4", "video", "video/mp4", _MP4_NAMES, _MP4_CLAIMS, 500),
        _type("mov", "video", "video/quicktime", _MP4_NAMES, _MP4_CLAIMS, 500),
    )
}
FAMILIES: Final[Mapping[Family, tuple[str, ...]]] = {
    "audio": ("mp3", "wav", "m4a"),
    "media": ("jpg", "png", "gif", "mp4", "mov"),
}
_NO_CLAIM: Final = frozenset({"", "application/octet-stream", "binary/octet-stream"})


@dataclass(frozen=True, slots=True)
class Examined:
    """What is stored of an upload.

    Attributes:
        path: the file; an image's is a new one without metadata.
        content_type: of it.
        duration: seconds; None for what has none.
        width, height: pixels; 0 for audio.
        thumbnail: a picture (JPEG or PNG) of it.
        waveform: its loudness over time as JSON, for audio.
    """

    path: Path
    content_type: str
    duration: float | None
    width: int
    height: int
    thumbnail: Path
    waveform: Path | None


Examine = Callable[[Path, MediaType, Path], Awaitable[Examined]]
"""Looks into a file of a type, with a directory for what it makes; raises `UnreadableFile`."""


def sniff(head: bytes) -> str | None:
    """The name of the type of a file that begins with these bytes, if it is one of `TYPES`.

    An MPEG-4 file may be `m4a` although it is called `mp4` here: only its tracks tell.
    """
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return "png"
    if head.startswith(b"\xff\xd8\xff"):
        return "jpg"
    if head.startswith((b"GIF87a", b"GIF89a")):
        return "gif"
    if head[:4] == b"RIFF" and head[8:12] in (b"WEBP", b"WAVE"):
        return "webp" if head[8:12] == b"WEBP" else "wav"
    if head[4:8] == b"ftyp":
        brand = head[8:12]
        return "mov" if brand == b"qt  " else "m4a" if brand[:3] in (b"M4A", b"M4B") else "mp4"
    if head[4:8] in (b"moov", b"wide", b"mdat"):
        return "mov"
    return "mp3" if head.startswith(b"ID3") or _is_mpeg_audio(head) else None


def upload_type(head: bytes, family: Family) -> MediaType:
    """The type of an upload that begins with these bytes.

    Args:
        head: the first `HEAD` bytes, or all.
        family: what is wanted, which decides what an MPEG-4 container is taken for.

    Raises:
        UnsupportedType: none that is taken here.
    """
    name = sniff(head)
    if name == "mp4" and family == "audio":
        name = "m4a"
    if name not in FAMILIES[family]:
        raise UnsupportedType(
            f"This is none of the types that can be uploaded here: {', '.join(FAMILIES[family])}."
        )
    return TYPES[name]


def _is_mpeg_audio(head: bytes) -> bool:
    """Whether a frame of MPEG audio, layer III, begins here."""
    return (
        len(head) > 3
        and head[0] == 0xFF
        and head[1] & 0xE6 == 0xE2  # sync, and layer III
        and head[1] & 0x18 != 0x08  # not the reserved version
        and head[2] & 0xF0 not in (0x00, 0xF0)  # a bit rate
        and head[2] & 0x0C != 0x0C  # a sampling rate
    )


def check_claims(found: MediaType, filename: str | None, declared: str | None) -> None:
    """Check that an upload does not say it were something else.

    Args:
        found: what its bytes are.
        filename: as sent; only its ending counts.
        declared: the content type as sent.

    Raises:
        UnsupportedType: it says so.
    """
    _, dot, ending = (filename or "").rpartition(".")
    if dot and ending.isalnum() and ending.lower() not in found.endings:
        raise UnsupportedType(f"The file is named .{ending[:10].lower()}, but it is {found.name}.")
    said = (declared or "").partition(";")[0].strip().lower()
    if said not in _NO_CLAIM | found.claims:
        raise UnsupportedType(f"The file is declared as {said[:60]}, but it is {found.name}.")
