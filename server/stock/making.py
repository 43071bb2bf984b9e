"""Makes one thing of the catalogue as files; runs in a process of its own, beside others."""

from __future__ import annotations

import hashlib
import wave
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from server.media.ffmpeg import Processes
from server.media.take import take
from server.stock.catalogue import CATALOGUE, LICENCE, Drawing, Person, Sound
from server.stock.people import portrait, thumbnail
from server.stock.sound import RATE, samples


@dataclass(frozen=True, slots=True)
class Made:
    """The files of one thing, with their types: itself, its thumbnail, for sounds the waveform.

    Attributes:
        files: path and content type.
        width, height: pixels; 0 for sounds.
        duration: seconds; None for pictures.
    """

    files: tuple[tuple[Path, str], ...]
    width: int
    height: int
    duration: float | None


def make(slug: str, directory: Path) -> Made:
    """Make it, in a directory that is there for it alone; the same bytes each time."""
    item = CATALOGUE[slug]
    random = np.random.default_rng(list(hashlib.sha256(slug.encode()).digest()[:8]))
    if isinstance(item, Sound):
        return _sound(samples(item.make(random)), item, directory)
    if isinstance(item, Drawing):
        drawn: Image.Image = item.make(random)
        drawn.save(directory / "drawn.jpg", quality=95, subsampling=0)
        found = take("jpg", directory / "drawn.jpg", directory)
        files = ((directory / found["path"], "image/jpeg"), _thumbnail(found, directory))
        return Made(files, found["width"], found["height"], None)
    return _person(item, directory)


def _sound(pieces: np.ndarray, item: Sound, directory: Path) -> Made:
    raw, encoded = directory / "sound.wav", directory / "sound.mp3"
    with wave.open(str(raw), "wb") as file:
        file.setnchannels(2)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes(pieces.tobytes())
    said = ("-metadata", f"title={item.title}", "-metadata", f"copyright={LICENCE}")
    exact = ("-fflags", "+bitexact", "-flags:a", "+bitexact")
    Processes().run(["-i", raw, "-c:a", "libmp3lame", "-b:a", "192k", *exact, *said, "-y", encoded])
    found = take("mp3", encoded, directory)
    files = (
        (encoded, "audio/mpeg"),
        _thumbnail(found, directory),
        (directory / found["waveform"], "application/json"),
    )
    return Made(files, 0, 0, found["duration"])


def _person(item: Person, directory: Path) -> Made:
    drawn = portrait(item.look)
    whole, small = directory / "person.png", directory / "thumbnail.jpg"
    drawn.save(whole, optimize=True)
    thumbnail(drawn, item.look).save(small, quality=88)
    return Made(((whole, "image/png"), (small, "image/jpeg")), drawn.width, drawn.height, None)


def _thumbnail(found: dict[str, str], directory: Path) -> tuple[Path, str]:
    path = directory / found["thumbnail"]
    return path, "image/png" if path.suffix == ".png" else "image/jpeg"
