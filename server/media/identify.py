"""What a file from elsewhere is: its bytes decide, not its name."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from pathlib import Path

from api.mediatypes import HEAD, sniff
from server.media.errors import AssetBroken
from server.media.model import AssetKind
from server.media.probe import probe


@dataclass(frozen=True, slots=True)
class MediaInfo:
    """What a file is.

    Attributes:
        kind: image, gif, video or audio.
        format: jpg, png, webp, gif, mp4, mov, m4a, mp3 or wav.
        width: pixels as shown, 0 for audio.
        height: pixels as shown, 0 for audio.
        duration: seconds, None for images.
        has_audio: whether there is something to hear.
    """

    kind: AssetKind
    format: str
    width: int
    height: int
    duration: float | None
    has_audio: bool


async def identify(path: Path) -> MediaInfo:
    """What the file at `path` is.

    Raises:
        AssetBroken: it is of no format that is accepted, damaged, too large when decoded, or took
            more time or memory to look at than allowed.
        OSError: it cannot be opened.
    """
    found = await asyncio.to_thread(lambda: sniff(_head_of(path)))
    if found is None:
        raise AssetBroken("the file is of no format that is accepted")
    answer = await probe("look", found, path)
    if "refused" in answer:
        sentence = str(answer["refused"])
        raise AssetBroken(sentence[:1].lower() + sentence[1:].rstrip("."))
    return MediaInfo(**answer)


def _head_of(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(HEAD)
