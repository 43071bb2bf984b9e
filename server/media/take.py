"""What is stored of an upload; in the child of `server.media.probe`.

Pictures are encoded anew without metadata; audio gets its waveform; each gets a thumbnail.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

from server.media.opening import (
    MAX_SECONDS,
    Refused,
    length,
    opened,
    opened_picture,
    require_nothing_else,
    require_whole_boxes,
    require_whole_riff,
)

MAX_GIF_PIXELS: Final = 150_000_000
"""Of all frames of a GIF together."""
MAX_GIF_FRAMES: Final = 1_000
MAX_VIDEO_SIDE: Final = 8_192
MAX_CHANNELS: Final = 8

THUMBNAIL: Final = (480, 480)
WAVE_SIZE: Final = (480, 120)
WAVE_RATE: Final = 8_000
WAVE_POINTS: Final = 1_000
_INK: Final = (79, 70, 229)
_PAPER: Final = (244, 244, 255)


def take(form: str, source: Path, directory: Path) -> dict[str, Any]:
    """Make of a file of a format what is to be stored of it, beside it."""
    require_nothing_else(form, source)
    if form in ("jpg", "png"):
        return picture(form, source, directory)
    if form == "gif":
        return gif(source, directory)
    if form in ("mp4", "mov", "m4a"):
        require_whole_boxes(source)
    if form == "wav":
        require_whole_riff(source)
    if form in ("mp4", "mov"):
        return video(form, source, directory)
    return audio(form, source, directory)


def picture(form: str, source: Path, directory: Path) -> dict[str, Any]:
    """Encode a picture anew, upright and without metadata, and make a thumbnail."""
    from PIL import ImageOps

    from server.media.colours import in_srgb

    with opened_picture(source, form) as found:
        found.load()
        image = in_srgb(ImageOps.exif_transpose(found))
    target = directory / f"picture.{form}"
    image.info.clear()
    if form == "jpg":
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


def generated(form: str, source: Path, directory: Path, ratio: str) -> dict[str, Any]:
    """Cut a picture that another server made to a ratio, around its middle, and encode it anew."""
    from PIL import ImageOps

    with opened_picture(source, form) as found:
        found.load()
        image = found.convert("RGB")
    wide, _, high = ratio.partition(":")
    each = min(image.width / int(wide), image.height / int(high))
    size = (max(1, round(each * int(wide))), max(1, round(each * int(high))))
    image = ImageOps.fit(image, size)
    image.info.clear()
    image.save(directory / "picture.jpg", "JPEG", quality=92, optimize=True)
    return {
        "path": "picture.jpg",
        "width": image.width,
        "height": image.height,
        "thumbnail": thumbnail(image, directory),
    }


def gif(source: Path, directory: Path) -> dict[str, Any]:
    """Encode a GIF anew, frame by frame, and make a thumbnail."""
    from PIL import Image, ImageSequence

    with opened_picture(source, "gif") as found:
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


def video(form: str, source: Path, directory: Path) -> dict[str, Any]:
    """Read size and length of a video, and make a thumbnail of one of its first frames."""
    with opened(source, form) as container:
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


def audio(form: str, source: Path, directory: Path) -> dict[str, Any]:
    """Decode audio to its end: its length, its waveform as JSON and as a picture."""
    import av
    import numpy as np

    pieces: list[Any] = []
    samples = broken = 0
    with opened(source, form) as container:
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
