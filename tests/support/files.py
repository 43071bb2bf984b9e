"""Real media files, made on the spot, and hostile ones."""

from __future__ import annotations

import io
import struct
import subprocess
import wave
import zipfile
import zlib
from pathlib import Path

import imageio_ffmpeg
from PIL import Image


def encoded(directory: Path, name: str, *inputs: str) -> bytes:
    """A file that ffmpeg made of its own sources (`testsrc=...`, `sine=...`)."""
    path = directory / name
    sources = [word for one in inputs for word in ("-f", "lavfi", "-i", one)]
    pixels = () if inputs[0].startswith("sine") else ("-pix_fmt", "yuv420p")
    subprocess.run(
        [imageio_ffmpeg.get_ffmpeg_exe(), "-loglevel", "error", *sources, *pixels, str(path)],
        check=True,
    )
    return path.read_bytes()


def wav(seconds: float = 1.0, rate: int = 8000) -> bytes:
    """A rising tone."""
    file = io.BytesIO()
    with wave.open(file, "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(rate)
        count = int(seconds * rate)
        out.writeframes(
            b"".join(
                struct.pack("<h", int(20000 * (i / count) * (1 if i // 20 % 2 else -1)))
                for i in range(count)
            )
        )
    return file.getvalue()


def picture(
    form: str = "PNG", size: tuple[int, int] = (64, 48), exif: bytes | None = None
) -> bytes:
    """A red picture with a blue corner."""
    image = Image.new("RGB", size, (200, 30, 30))
    image.paste((30, 30, 200), (0, 0, size[0] // 2, size[1] // 2))
    file = io.BytesIO()
    if exif is None:
        image.save(file, form)
    else:
        image.save(file, form, exif=exif)
    return file.getvalue()


def gif(frames: int = 3) -> bytes:
    """A moving GIF with a comment that is a script."""
    images = [Image.new("RGB", (40, 30), (80 * i, 20, 20)) for i in range(frames)]
    file = io.BytesIO()
    images[0].save(
        file,
        "GIF",
        save_all=True,
        append_images=images[1:],
        duration=100,
        comment=b"<script>alert(1)</script>",
    )
    return file.getvalue()


def png_of_size(width: int, height: int) -> bytes:
    """A PNG that says it has this size, and has almost no data."""

    def chunk(name: bytes, content: bytes) -> bytes:
        checksum = zlib.crc32(name + content)
        return struct.pack(">I", len(content)) + name + content + struct.pack(">I", checksum)

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    data = zlib.compress(b"\0" * 100_000, 9)
    parts = chunk(b"IHDR", header), chunk(b"IDAT", data), chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def archive() -> bytes:
    """A zip."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as out:
        out.writestr("a.txt", "x" * 1000)
    return file.getvalue()
