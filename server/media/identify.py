"""What a file from elsewhere is, by its bytes: read in a child process with limits.

    python -m server.media.identify PATH FORMAT

is that child: it prints one line of JSON.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import resource
import sys
import warnings
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from server.media.errors import AssetBroken
from server.media.model import AssetKind

_SECONDS: Final = 20.0
_PROCESSOR_SECONDS: Final = 15
_MEMORY: Final = 2 << 30
_ANSWER: Final = 4096
_MOST_PIXELS: Final = 50_000_000
_MOST_SIDE: Final = 16_384
_HEAD: Final = 64
_KINDS: Final[dict[str, AssetKind]] = {
    "jpg": "image",
    "png": "image",
    "webp": "image",
    "gif": "gif",
    "mp4": "video",
    "mov": "video",
    "m4a": "audio",
    "mp3": "audio",
    "wav": "audio",
}
_READERS: Final = {"mp4": "mov", "mov": "mov", "m4a": "mov", "mp3": "mp3", "wav": "wav"}
_PICTURES: Final = {"jpg": "JPEG", "png": "PNG", "webp": "WEBP", "gif": "GIF"}


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


def sniff(head: bytes) -> str | None:
    """The format that a file's first bytes name, or None if it is none that is accepted."""
    if head[:3] == b"\xff\xd8\xff":
        return "jpg"
    if head[:8] == b"\x89PNG\r\n\x1a\n":
        return "png"
    if head[:6] in (b"GIF87a", b"GIF89a"):
        return "gif"
    if head[:4] == b"RIFF" and head[8:12] in (b"WEBP", b"WAVE"):
        return "webp" if head[8:12] == b"WEBP" else "wav"
    if head[4:8] == b"ftyp":
        brand = head[8:12]
        return "mov" if brand == b"qt  " else "m4a" if brand[:3] in (b"M4A", b"M4B") else "mp4"
    if head[4:8] in (b"moov", b"wide", b"mdat"):
        return "mov"
    is_frame = len(head) > 1 and head[0] == 0xFF and head[1] & 0xE6 in (0xE2, 0xE4, 0xE6)
    return "mp3" if head[:3] == b"ID3" or is_frame else None


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
    child = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", __name__, str(path), found),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        assert child.stdout is not None
        async with asyncio.timeout(_SECONDS):
            said = await child.stdout.read(_ANSWER)
            await child.wait()
    except TimeoutError:
        raise AssetBroken("the file takes too long to read") from None
    finally:
        if child.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                child.kill()
            await child.wait()
    try:
        answer = json.loads(said)
    except ValueError:
        raise AssetBroken("the file is damaged") from None
    if "error" in answer:
        raise AssetBroken(str(answer["error"]))
    return MediaInfo(**answer)


def _head_of(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(_HEAD)


def _look(path: Path, form: str) -> MediaInfo:
    return _picture(path, form) if form in _PICTURES else _film(path, form)


def _check_size(width: int, height: int) -> None:
    if width * height > _MOST_PIXELS or max(width, height) > _MOST_SIDE:
        raise AssetBroken(f"a picture of {width} x {height} pixels is too large")


def _picture(path: Path, form: str) -> MediaInfo:
    from PIL import Image, ImageOps

    with warnings.catch_warnings(), contextlib.ExitStack() as stack:
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)
        try:
            image = stack.enter_context(Image.open(path, formats=(_PICTURES[form],)))
        except Image.DecompressionBombError as error:
            raise AssetBroken("the picture is too large") from error
        _check_size(*image.size)
        image.load()
        width, height = ImageOps.exif_transpose(image).size
        frames = getattr(image, "n_frames", 1)
        seconds = 0.0
        for number in range(min(frames, 2000) if form == "gif" else 0):
            image.seek(number)
            seconds += max(image.info.get("duration", 100), 20) / 1000
    moving = form == "gif" and frames > 1
    kind = _KINDS[form] if moving or form != "gif" else "image"
    return MediaInfo(kind, form, width, height, seconds if moving else None, has_audio=False)


def _film(path: Path, form: str) -> MediaInfo:
    import av

    with av.open(str(path), format=_READERS[form]) as file:
        video = next(iter(file.streams.video), None)
        sound = next(iter(file.streams.audio), None)
        if video is None or (form == "mp3"):
            # A cover picture in a sound file is no video.
            if sound is None:
                raise AssetBroken("the file has neither picture nor sound")
            next(iter(file.decode(sound)))
            kind: AssetKind = "audio"
            form = "m4a" if form in ("mp4", "mov") else form
            width = height = 0
            stream: Any = sound
        else:
            _check_size(video.width, video.height)
            frame = next(iter(file.decode(video)))
            kind, stream = _KINDS[form], video
            width, height = frame.width, frame.height
            if getattr(frame, "rotation", 0) % 180:
                width, height = height, width
        seconds = float(stream.duration * stream.time_base) if stream.duration else None
        if seconds is None and file.duration:
            seconds = file.duration / av.time_base
        return MediaInfo(kind, form, width, height, seconds, has_audio=sound is not None)


def main(path: Path, form: str) -> dict[str, Any]:
    """Look at the file, within limits; the answer as JSON values."""
    resource.setrlimit(resource.RLIMIT_CPU, (_PROCESSOR_SECONDS, _PROCESSOR_SECONDS))
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    try:
        return asdict(_look(path, form))
    except AssetBroken as error:
        return {"error": str(error)}
    except (OSError, ValueError, SyntaxError, EOFError, StopIteration, MemoryError):
        return {"error": "the file is damaged"}


if __name__ == "__main__":
    print(json.dumps(main(Path(sys.argv[1]), sys.argv[2])))
