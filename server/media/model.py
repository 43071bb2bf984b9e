"""What goes into a render, what comes out, and what it needs from others."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Literal, Protocol

from collab.schema import LayerRow, SceneRow

FPS: Final = 30
FORMATS: Final = ("mp4", "webm", "gif", "mov", "mp3")
RATIOS: Final[Mapping[str, tuple[int, int]]] = {
    "16:9": (16, 9),
    "9:16": (9, 16),
    "1:1": (1, 1),
    "4:5": (4, 5),
}
POSITIONS: Final = ("top-left", "top-right", "bottom-left", "bottom-right", "center")


@dataclass(frozen=True, slots=True)
class RenderInput:
    """A video's projection at one sequence number; `layers` by scene id, in their order."""

    seq: int
    title: str
    aspect_ratio: str
    background: str
    scenes: Sequence[SceneRow]
    layers: Mapping[str, Sequence[LayerRow]]


@dataclass(frozen=True, slots=True)
class Watermark:
    """A mark on every frame.

    Attributes:
        text: what it says, unless there is an image.
        image: a picture file instead of the text.
        position: one of `POSITIONS`.
        scale: width of an image as a part of the picture's width; for a text, 0.15 is the
            normal size. 0.01 to 1.
        opacity: 0 to 1.
    """

    text: str = "Made with Cocut"
    image: Path | None = None
    position: str = "bottom-right"
    scale: float = 0.15
    opacity: float = 0.6


@dataclass(frozen=True, slots=True)
class RenderOptions:
    """How to render.

    Attributes:
        quality: a key of `api.schemas.renders.QUALITIES`.
        aspect_ratio: a key of `RATIOS`; the video's own if None.
        format: one of `FORMATS`.
        watermark: the mark to burn in, if any.
        redraw: ids of scenes to draw anew although they are stored.
        redraw_all: draw all scenes anew.
        workers: scenes drawn at the same time.
        max_seconds: the longest video that is accepted.
        nice: how much of the processor it leaves to others, 0 to 19.
    """

    quality: str = "1080p"
    aspect_ratio: str | None = None
    format: str = "mp4"
    watermark: Watermark | None = None
    redraw: frozenset[str] = frozenset()
    redraw_all: bool = False
    workers: int = 2
    max_seconds: float = 4 * 3600.0
    nice: int = 0


AssetKind = Literal["image", "gif", "video", "audio"]


@dataclass(frozen=True, slots=True)
class Asset:
    """A local file that a layer shows or plays.

    Attributes:
        path: where it is.
        kind: what its bytes are.
        width: pixels, 0 if unknown or audio.
        height: pixels, 0 if unknown or audio.
        duration: seconds, None for images or if unknown.
        key: names its content (a blob's key, a hash); the file is hashed if there is none.
        note: what the layer does in place of what was asked for, as a clause that follows its name.
    """

    path: Path
    kind: AssetKind
    width: int = 0
    height: int = 0
    duration: float | None = None
    key: str | None = None
    note: str = ""


@dataclass(frozen=True, slots=True)
class Word:
    """A spoken word and when, in seconds from the start of its audio."""

    text: str
    start: float
    end: float


@dataclass(frozen=True, slots=True)
class SpeechAudio:
    """A spoken text; `words` is empty where the provider has no timings."""

    path: Path
    duration: float
    words: Sequence[Word] = ()
    key: str | None = None


class AssetSource(Protocol):
    """Where a layer's file comes from."""

    async def fetch(self, layer: LayerRow) -> Asset:
        """The file that the layer's `*_id` or `*_url` names.

        Raises:
            AssetMissing: it cannot be had.
        """
        ...


class Speech(Protocol):
    """What speaks a voiceover's text."""

    async def speak(
        self, text: str, voice_id: str, speed: float, pitch: float, volume: float
    ) -> SpeechAudio:
        """Speak `text`; speed, pitch and volume are factors around 1.

        Raises:
            SpeechFailed: it cannot be spoken.
        """
        ...


class SegmentStore(Protocol):
    """Finished pieces of renders, found by a hash of all that they depend on."""

    async def get(self, key: str) -> Path | None:
        """The stored file, which stays readable while the render runs, or None."""
        ...

    async def put(self, key: str, path: Path) -> None:
        """Keep a copy of the file at `path` under `key`.

        Raises:
            OSError: it could not be stored; nothing is kept then.
        """
        ...


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a render is.

    Attributes:
        percent: 0 to 100, never less than before.
        stage: `preparing`, `drawing`, `sound`, `joining` or `done`.
        current_scene: number of the furthest scene that was worked on, from 1; it does not go back.
        total_scenes: how many there are.
        estimated_time_remaining: seconds.
    """

    percent: float
    stage: str
    current_scene: int
    total_scenes: int
    estimated_time_remaining: float


@dataclass(frozen=True, slots=True)
class RenderResult:
    """A finished render; all files are in the work directory.

    Attributes:
        path: the film.
        poster: a JPEG.
        captions_srt: captions of what is spoken.
        captions_vtt: the same as WebVTT.
        duration: seconds.
        warnings: what was not as it should be, a sentence each.
        drawn_scenes: numbers of the scenes of which anything was drawn.
        reused_scenes: numbers of the scenes that were taken from the store as a whole.
        drawn_frames: how many frames were encoded.
        worked: seconds that it took, without those in which it only waited for others.
    """

    path: Path
    poster: Path
    captions_srt: Path
    captions_vtt: Path
    duration: float
    warnings: list[str] = field(default_factory=list)
    drawn_scenes: list[int] = field(default_factory=list)
    reused_scenes: list[int] = field(default_factory=list)
    drawn_frames: int = 0
    worked: float = 0.0
