"""A small stage for renders: files that are made on the spot, a voice of tones, rows by hand."""

from __future__ import annotations

import asyncio
import hashlib
import math
import shutil
import wave
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw

from collab.schema import LayerRow, SceneRow
from server.media.errors import AssetMissing
from server.media.ffmpeg import Processes
from server.media.model import (
    Asset,
    AssetKind,
    Progress,
    RenderInput,
    RenderOptions,
    RenderResult,
    SpeechAudio,
    Word,
)
from server.media.render import render

_KINDS: dict[str, AssetKind] = {
    ".jpg": "image",
    ".png": "image",
    ".gif": "gif",
    ".mp4": "video",
    ".wav": "audio",
    ".mp3": "audio",
}
RATE = 48_000


class DirectoryAssets:
    """Finds a layer's file by its `*_id` in a directory."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.sizes: dict[str, tuple[int, int, float | None]] = {}

    async def fetch(self, layer: LayerRow) -> Asset:
        names = (layer.properties.get(f"{kind}_id") for kind in ("media", "avatar", "audio"))
        name = next((name for name in names if isinstance(name, str)), None)
        path = self.directory / (name or "nothing")
        if name is None or not await asyncio.to_thread(path.is_file):
            raise AssetMissing("it is not in the library")
        width, height, seconds = self.sizes.get(name, (0, 0, None))
        return Asset(path, _KINDS[path.suffix], width, height, seconds)


class ToneSpeech:
    """Speaks each word as a tone of 0.3 seconds with 0.1 seconds of silence after it."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self.spoken: list[str] = []

    async def speak(
        self, text: str, voice_id: str, speed: float, pitch: float, volume: float
    ) -> SpeechAudio:
        self.spoken.append(text)
        words, blocks, at = [], [], 0.0
        for word in text.split():
            length = 0.3 / speed
            words.append(Word(word, at, at + length))
            blocks += [tone(600 * pitch, length), silence(0.1 / speed)]
            at += length + 0.1 / speed
        name = hashlib.sha256(f"{text}|{speed}|{pitch}".encode()).hexdigest()[:16]
        path = self._directory / f"{name}.wav"
        write_wav(path, np.concatenate(blocks))
        return SpeechAudio(path, at, words)


def tone(frequency: float, seconds: float, level: float = 0.5) -> np.ndarray[Any, Any]:
    times = np.arange(round(seconds * RATE)) / RATE
    return np.sin(2 * math.pi * frequency * times) * level


def silence(seconds: float) -> np.ndarray[Any, Any]:
    return np.zeros(round(seconds * RATE))


def write_wav(path: Path, samples: np.ndarray[Any, Any]) -> None:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes((samples * 32767).astype("<i2").tobytes())


def photo(width: int, height: int, seed: int = 1) -> Image.Image:
    """A picture with soft and hard parts, the same for the same seed."""
    random = np.random.default_rng(seed)
    image = np.zeros((height, width, 3))
    for grain in (64, 256):
        coarse = random.random((height // grain + 2, width // grain + 2, 3)) * 255
        layer = Image.fromarray(coarse.astype("uint8")).resize(
            (width, height), Image.Resampling.BICUBIC
        )
        image += np.asarray(layer) * math.sqrt(grain)
    image = (image - image.min()) / (image.max() - image.min()) * 255
    result = Image.fromarray(image.astype("uint8"))
    draw = ImageDraw.Draw(result)
    draw.rectangle((width // 10, height // 10, width // 4, height // 4), "#D02020")
    draw.ellipse((width // 2, height // 2, width * 3 // 4, height * 3 // 4), "#2040E0")
    return result


def make_assets(directory: Path) -> DirectoryAssets:
    """`photo.jpg`, `other.jpg`, `logo.png`, `avatar.png`, `clip.mp4`, `spin.gif`, `music.wav`,
    `ding.wav`, `broken.png`, `broken.mp4`, `broken.mp3`."""
    directory.mkdir(parents=True, exist_ok=True)
    photo(1280, 720).save(directory / "photo.jpg", quality=90)
    photo(1600, 900, seed=2).save(directory / "other.jpg", quality=90)
    logo = Image.new("RGBA", (200, 200))
    ImageDraw.Draw(logo).ellipse((10, 10, 190, 190), "#20C060")
    logo.save(directory / "logo.png")
    avatar = Image.new("RGBA", (360, 640))
    draw = ImageDraw.Draw(avatar)
    draw.ellipse((110, 60, 250, 220), "#E0B090")
    draw.rounded_rectangle((60, 230, 300, 640), 60, "#3060A0")
    avatar.save(directory / "avatar.png")
    turns = []
    for step in range(10):
        frame = Image.new("P", (120, 120), 0)
        frame.putpalette([255, 255, 255, 220, 60, 20] + [0] * 762)
        ImageDraw.Draw(frame).pieslice((10, 10, 110, 110), step * 36, step * 36 + 90, fill=1)
        turns.append(frame)
    turns[0].save(
        directory / "spin.gif",
        save_all=True,
        append_images=turns[1:],
        duration=100,
        loop=0,
        transparency=0,
        disposal=2,
    )
    Processes().run(
        [
            *("-f", "lavfi", "-i", "testsrc2=size=320x240:rate=30:duration=2"),
            *("-f", "lavfi", "-i", "sine=frequency=300:duration=2"),
            *("-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-c:a", "aac"),
            *("-y", directory / "clip.mp4"),
        ]
    )
    write_wav(directory / "music.wav", tone(220, 6.0, 0.4))
    write_wav(directory / "ding.wav", tone(1200, 0.4, 0.6))
    for name, head in (
        ("broken.png", b"\x89PNG\r\n\x1a\n"),
        ("broken.mp4", b"\x00\x00\x00\x18ftypmp42"),
        ("broken.mp3", b"ID3\x04"),
    ):
        (directory / name).write_bytes(head + bytes(range(256)) * 4)
    assets = DirectoryAssets(directory)
    assets.sizes = {"clip.mp4": (320, 240, 2.0), "spin.gif": (120, 120, 1.0)}
    return assets


def layer(
    kind: str,
    start: float = 0.0,
    duration: float = 2.0,
    *,
    name: str = "",
    enabled: bool = True,
    **properties: Any,
) -> LayerRow:
    """A layer that is not in a scene yet."""
    return LayerRow(
        "", "", kind, name or kind, enabled, duration, start, start + duration, 0, "a", properties
    )


@dataclass
class Script:
    """Builds a projection scene by scene."""

    aspect_ratio: str = "16:9"
    background: str = "#203040"
    scenes: list[SceneRow] = field(default_factory=list)
    layers: dict[str, list[LayerRow]] = field(default_factory=dict)

    def scene(
        self, duration: float, *layers: LayerRow, text: str = "", name: str | None = None
    ) -> Script:
        number = len(self.scenes) + 1
        scene_id = name or f"scene-{number}"
        self.scenes.append(
            SceneRow(scene_id, number, f"a{number}", text, duration, 0, duration, False)
        )
        self.layers[scene_id] = [
            replace(row, id=f"{scene_id}-{i}", scene_id=scene_id, order_index=i)
            for i, row in enumerate(layers, 1)
        ]
        return self

    def input(self) -> RenderInput:
        return RenderInput(
            1, "A film", self.aspect_ratio, self.background, self.scenes, self.layers
        )


class DirectorySegments:
    """A `SegmentStore` in a directory."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        directory.mkdir(parents=True, exist_ok=True)

    async def get(self, key: str) -> Path | None:
        path = self._directory / key
        return path if await asyncio.to_thread(path.exists) else None

    async def put(self, key: str, path: Path) -> None:
        await asyncio.to_thread(shutil.copyfile, path, self._directory / key)


@dataclass
class Stage:
    """Files, a voice and a store in one directory; renders into numbered directories."""

    directory: Path
    assets: DirectoryAssets
    progress: list[Progress] = field(default_factory=list)
    renders: int = 0

    @classmethod
    def at(cls, directory: Path, assets: DirectoryAssets | None = None) -> Stage:
        return cls(directory, assets or make_assets(directory / "assets"))

    @property
    def store(self) -> DirectorySegments:
        return DirectorySegments(self.directory / "store")

    async def render(
        self,
        script: Script | RenderInput,
        options: RenderOptions | None = None,
        cancelled: asyncio.Event | None = None,
        turns: asyncio.Semaphore | None = None,
    ) -> RenderResult:
        self.renders += 1
        self.progress.clear()
        (self.directory / "speech").mkdir(exist_ok=True)
        return await render(
            script.input() if isinstance(script, Script) else script,
            options or RenderOptions(quality="360p"),
            self.assets,
            ToneSpeech(self.directory / "speech"),
            self.store,
            self.directory / f"render-{self.renders}",
            progress=self.progress.append,
            cancelled=cancelled or asyncio.Event(),
            turns=turns,
        )


def warnings_about(result: RenderResult, words: Sequence[str]) -> list[str]:
    """The warnings that hold all of the words."""
    return [line for line in result.warnings if all(word in line for word in words)]
