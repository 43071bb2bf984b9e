"""The process that looks into what users upload; it may die of it, and nobody else does.

It reads one file and writes what it made beside it, within limits on time, memory and output that
it sets itself before anything of the file is read. Its answer is one line of JSON.
"""

from __future__ import annotations

import json
import resource
import sys
from pathlib import Path
from typing import Any, Final

CPU_SECONDS: Final = 90
MEMORY_BYTES: Final = 2 << 30
OUTPUT_BYTES: Final = 200 << 20

MAX_SIDE: Final = 16_384
MAX_PIXELS: Final = 60_000_000
MAX_GIF_PIXELS: Final = 150_000_000
"""Of all frames of a GIF together."""
MAX_GIF_FRAMES: Final = 1_000
MAX_VIDEO_SIDE: Final = 8_192
MAX_SECONDS: Final = 6 * 3600.0
MAX_CHANNELS: Final = 8

THUMBNAIL: Final = (480, 480)
WAVE_SIZE: Final = (480, 120)
WAVE_RATE: Final = 8_000
WAVE_POINTS: Final = 1_000
_INK: Final = (79, 70, 229)
_PAPER: Final = (244, 244, 255)


class Refused(Exception):
    """The file is not taken; the message is a sentence for its owner."""


def main(kind: str, source: Path, directory: Path) -> dict[str, Any]:
    """Look into a file of a type of `api.mediatypes`; returns the answer."""
    if kind in ("jpg", "png"):
        return picture(kind, source, directory)
    if kind == "gif":
        return gif(source, directory)
    if kind in ("mp4", "mov", "m4a"):
        require_whole_boxes(source)
    if kind == "wav":
        require_whole_riff(source)
    if kind in ("mp4", "mov"):
        return video(kind, source, directory)
    return audio(kind, source, directory)


def picture(kind: str, source: Path, directory: Path) -> dict[str, Any]:
    """Encode a picture anew, upright and without metadata, and make a thumbnail."""
    from PIL import Image, ImageOps

    with Image.open(source, formats=["JPEG" if kind == "jpg" else "PNG"]) as found:
        require_size(*found.size)
        found.load()
        image = ImageOps.exif_transpose(found)
    target = directory / f"picture.{kind}"
    alpha = kind == "png" and ("A" in image.getbands() or "transparency" in image.info)
    image = image.convert("RGBA" if alpha else "RGB")
    image.info.clear()
    if kind == "jpg":
        image.save(target, "JPEG", quality=92, optimize=True)
    else:
        image.save(target, "PNG")
    return {
        "path": target.name,
        "width": image.width,
        "height": image.height,
        "duration": None,
        "thumbnail": thumbnail(image, directory),
    }


def gif(source: Path, directory: Path) -> dict[str, Any]:
    """Encode a GIF anew, frame by frame, and make a thumbnail."""
    from PIL import Image, ImageSequence

    with Image.open(source, formats=["GIF"]) as found:
        require_size(*found.size)
        frames = getattr(found, "n_frames", 1)
        if frames > MAX_GIF_FRAMES or frames * found.width * found.height > MAX_GIF_PIXELS:
            raise Refused("The GIF has too many or too large frames.")
        durations, images = [], []
        for frame in ImageSequence.Iterator(found):
            durations.append(max(20, int(frame.info.get("duration", 100) or 100)))
            image = frame.convert("RGBA").quantize(256, method=Image.Quantize.FASTOCTREE)
            image.info.clear()
            images.append(image)
        first = images[0].convert("RGBA")
    target = directory / "picture.gif"
    images[0].save(
        target,
        "GIF",
        save_all=True,
        append_images=images[1:],
        duration=durations,
        loop=0,
        disposal=2,
        optimize=False,
    )
    return {
        "path": target.name,
        "width": first.width,
        "height": first.height,
        "duration": sum(durations) / 1000 if len(images) > 1 else None,
        "thumbnail": thumbnail(first, directory),
    }


def video(kind: str, source: Path, directory: Path) -> dict[str, Any]:
    """Read size and length of a video, and make a thumbnail of one of its first frames."""
    with opened(source, "mov") as container:
        if not container.streams.video:
            raise Refused("There is no video in this file.")
        stream = container.streams.video[0]
        seconds = length(container, stream)
        width, height = stream.codec_context.width, stream.codec_context.height
        if not 0 < width <= MAX_VIDEO_SIDE or not 0 < height <= MAX_VIDEO_SIDE:
            raise Refused(f"A video may have {MAX_VIDEO_SIDE} pixels a side at the most.")
        if seconds <= 0:
            raise Refused("The video has no length.")
        stream.codec_context.thread_count = 1
        if seconds > 4:
            container.seek(int(1 / stream.time_base), stream=stream)
        frame = next(iter(container.decode(stream)), None)
        if frame is None:
            raise Refused("The video has no picture.")
        image = frame.to_image()
        turned = int(getattr(frame, "rotation", 0) or 0) % 360
    if turned:
        image = image.rotate(turned, expand=True)
    return {
        "path": source.name,
        "width": image.width,
        "height": image.height,
        "duration": round(seconds, 3),
        "thumbnail": thumbnail(image, directory),
    }


def audio(kind: str, source: Path, directory: Path) -> dict[str, Any]:
    """Decode audio to its end: its length, its waveform as JSON and as a picture."""
    import av
    import numpy as np

    pieces: list[Any] = []
    samples = broken = 0
    with opened(source, "mov" if kind == "m4a" else kind) as container:
        if not container.streams.audio:
            raise Refused("There is no audio in this file.")
        if any(s.disposition.value & 0x400 == 0 for s in container.streams.video):
            raise Refused("This is a video; upload it to the media library.")
        stream = container.streams.audio[0]
        if not 0 < stream.codec_context.channels <= MAX_CHANNELS:
            raise Refused(f"Audio may have {MAX_CHANNELS} channels at the most.")
        said = length(container, stream)
        resampler = av.AudioResampler(format="s16", layout="mono", rate=WAVE_RATE)
        for packet in container.demux(stream):
            try:
                frames = packet.decode()
            except av.error.InvalidDataError:
                broken += 1
                if broken > 20 and broken * 4 > len(pieces):
                    raise Refused("The audio is damaged.") from None
                continue
            for frame in [*frames, *([None] if packet.dts is None and packet.size == 0 else [])]:
                for heard in resampler.resample(frame):
                    piece = heard.to_ndarray().reshape(-1)
                    samples += piece.size
                    pieces.append(piece.copy())
            if samples > MAX_SECONDS * WAVE_RATE:
                raise Refused("The audio is too long.")
    if samples == 0:
        raise Refused("There is no audio in this file.")
    seconds = samples / WAVE_RATE
    if said > seconds * 1.2 + 2:
        raise Refused("The file is cut off: there is less audio in it than it says.")
    low, high, each = peaks(np.concatenate(pieces))
    data = [value for pair in zip(low, high, strict=True) for value in pair]
    wave = directory / "waveform.json"
    wave.write_text(
        json.dumps(
            {
                "version": 2,
                "channels": 1,
                "sample_rate": WAVE_RATE,
                "samples_per_pixel": each,
                "bits": 8,
                "length": len(low),
                "data": data,
            },
            separators=(",", ":"),
        )
    )
    return {
        "path": source.name,
        "width": 0,
        "height": 0,
        "duration": round(seconds, 3),
        "thumbnail": drawn(low, high, directory),
        "waveform": wave.name,
    }


def peaks(samples: Any) -> tuple[list[int], list[int], int]:
    """The lowest and highest value (-128 to 127) of each of at most `WAVE_POINTS` stretches."""
    import numpy as np

    each = max(1, -(-samples.size // WAVE_POINTS))
    starts = np.arange(0, samples.size, each)
    low = np.minimum.reduceat(samples, starts) >> 8
    high = np.maximum.reduceat(samples, starts) >> 8
    return low.tolist(), high.tolist(), each


def drawn(low: list[int], high: list[int], directory: Path) -> str:
    """Draw a waveform; returns the file's name."""
    from PIL import Image, ImageDraw

    width, height = WAVE_SIZE
    image = Image.new("RGB", WAVE_SIZE, _PAPER)
    draw = ImageDraw.Draw(image)
    middle, loudest = height / 2, max(1, *(abs(value) for value in [*low, *high]))
    for x in range(0, width, 3):
        first = x * len(low) // width
        last = max(first + 1, (x + 3) * len(low) // width)
        top = max(high[first:last]) / loudest * (middle - 6)
        bottom = min(low[first:last]) / loudest * (middle - 6)
        draw.rectangle((x, middle - max(top, 1), x + 1, middle - min(bottom, -1)), fill=_INK)
    image.save(directory / "thumbnail.png", "PNG")
    return "thumbnail.png"


def thumbnail(image: Any, directory: Path) -> str:
    """Save a picture small; returns the file's name."""
    small = image.copy()
    small.thumbnail(THUMBNAIL)
    if "A" in small.getbands():
        small.save(directory / "thumbnail.png", "PNG")
        return "thumbnail.png"
    small.convert("RGB").save(directory / "thumbnail.jpg", "JPEG", quality=85)
    return "thumbnail.jpg"


def opened(source: Path, form: str) -> Any:
    """A container, read as that format from that file and from nowhere else."""
    import av

    av.logging.set_level(av.logging.PANIC)
    return av.open(str(source), format=form, options={"protocol_whitelist": "file"})


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
            f"A picture may have {MAX_SIDE} pixels a side and {MAX_PIXELS // 1_000_000} million"
            f" in all; this one has {width} x {height}."
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


def confine() -> None:
    """Set the limits of this process."""
    for what, most in (
        (resource.RLIMIT_CPU, CPU_SECONDS),
        (resource.RLIMIT_AS, MEMORY_BYTES),
        (resource.RLIMIT_FSIZE, OUTPUT_BYTES),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(what, (most, most))


def run(arguments: list[str]) -> int:
    """Answer on standard output; returns the exit code."""
    kind, source, directory = arguments
    confine()
    try:
        answer = main(kind, Path(source), Path(directory))
    except Refused as refusal:
        answer = {"refused": str(refusal)}
    except (OSError, ValueError, SyntaxError, ArithmeticError, LookupError) as error:
        # What Pillow and PyAV raise for broken files is below these.
        answer = {"refused": "The file is damaged.", "why": f"{type(error).__name__}: {error}"}
    except MemoryError:
        answer = {"refused": "The file takes too much memory to read."}
    print(json.dumps(answer))
    return 0


if __name__ == "__main__":
    sys.exit(run(sys.argv[1:]))
