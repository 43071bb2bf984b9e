"""Before anything is drawn: the files of the layers, what is spoken, and what is heard when."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Coroutine, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from collab.schema import LayerRow
from server.media.captions import Cue, in_order, make_cues, spread_words
from server.media.errors import AssetMissing, SpeechFailed
from server.media.looks import number, string
from server.media.model import (
    FPS,
    Asset,
    AssetSource,
    RenderInput,
    Speech,
    SpeechAudio,
)
from server.media.plan import Plan, needs_file
from server.media.sound import Clip, Span

_AT_ONCE: Final = 8
_DEFAULT_VOICE: Final = ""


@dataclass(slots=True)
class Material:
    """What was gathered, by layer id; `keys` name the contents of files."""

    assets: dict[str, Asset] = field(default_factory=dict)
    keys: dict[str, str] = field(default_factory=dict)
    spoken: dict[str, SpeechAudio] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Soundtrack:
    """What is heard: clips, when somebody speaks (seconds), and the captions."""

    clips: list[Clip]
    talk: list[Span]
    cues: list[Cue]
    warnings: list[str]


async def gather(video: RenderInput, assets: AssetSource, speech: Speech) -> Material:
    """Fetch every file and speak every voiceover; what fails becomes a warning."""
    material = Material()
    turns = asyncio.Semaphore(_AT_ONCE)
    warnings: dict[int, str] = {}

    async def fetch(order: int, layer: LayerRow) -> None:
        async with turns:
            try:
                asset = await assets.fetch(layer)
                fits = (asset.kind == "audio") == (layer.type == "audio")
                if not fits and not (layer.type == "audio" and asset.kind == "video"):
                    raise AssetMissing(f"its file is of another kind ({asset.kind})")
                key = asset.key
                if key is None:
                    key = await asyncio.to_thread(_digest_of, asset.path)
            except (AssetMissing, OSError) as error:
                reason = "the file cannot be read" if isinstance(error, OSError) else str(error)
                warnings[order] = f"{_where(video, layer)} has no file: {reason}"
                return
        if asset.note:
            warnings[order] = f"{_where(video, layer)} {asset.note}"
        material.assets[layer.id] = asset
        material.keys[layer.id] = key

    async def speak(order: int, layer: LayerRow, text: str) -> None:
        given = layer.properties
        async with turns:
            try:
                audio = await speech.speak(
                    text,
                    string(given, "voice_id", _DEFAULT_VOICE),
                    number(given, "speed", 1, 0.25, 4),
                    number(given, "pitch", 1, 0.25, 4),
                    1.0,
                )
                key = audio.key
                if key is None:
                    key = await asyncio.to_thread(_digest_of, audio.path)
            except (SpeechFailed, OSError) as error:
                warnings[order] = f"{_where(video, layer)} cannot be spoken: {error}"
                return
        material.spoken[layer.id] = audio
        material.keys[layer.id] = key

    work: list[Coroutine[Any, Any, None]] = []
    for scene in video.scenes:
        for layer in video.layers.get(scene.id, ()):
            if needs_file(layer):
                work.append(fetch(len(work), layer))
            elif layer.enabled and layer.type == "voiceover":
                text = string(layer.properties, "text").strip() or scene.text.strip()
                if text:
                    work.append(speak(len(work), layer, text))
    await run_all(work)
    material.warnings += [warnings[order] for order in sorted(warnings)]
    return material


async def run_all(work: Iterable[Coroutine[Any, Any, Any]]) -> None:
    """Run all at once; the first failure ends the others and is raised as it is."""
    try:
        async with asyncio.TaskGroup() as group:
            for one in work:
                group.create_task(one)
    except BaseExceptionGroup as failures:
        first: BaseException = failures
        while isinstance(first, BaseExceptionGroup):
            first = first.exceptions[0]
        raise first from None


def soundtrack(video: RenderInput, plan: Plan, material: Material) -> Soundtrack:
    """Place music, effects, voiceovers and the sound of videos on the film's timeline."""
    track = Soundtrack([], [], [], [])
    for scene in plan.scenes:
        begin, end = scene.start / FPS, (scene.start + scene.frames) / FPS
        for layer in video.layers.get(scene.scene_id, ()):
            start = begin + layer.start_time
            if not layer.enabled or layer.id not in material.keys:
                continue
            if start >= end:
                if layer.type in ("audio", "voiceover"):
                    track.warnings.append(
                        f"Scene {scene.scene_number}: the layer “{layer.name}” lies outside its"
                        " scene."
                    )
                continue
            stop = min(start + layer.duration, end)
            if layer.type == "voiceover":
                _place_speech(layer, start, stop, end, material, track)
            elif layer.type == "audio":
                track.clips.append(_clip(layer, start, stop - start, material, 1.0))
            elif material.assets[layer.id].kind == "video":
                clip = _clip(layer, start, stop - start, material, 0.0)
                if clip.volume > 0:
                    track.clips.append(clip)
    track.cues[:] = in_order(track.cues)
    return track


def _place_speech(
    layer: LayerRow,
    start: float,
    stop: float,
    scene_end: float,
    material: Material,
    track: Soundtrack,
) -> None:
    audio = material.spoken[layer.id]
    # A voice may speak on past its layer, rather than break off, but not into the next scene.
    length = min(audio.duration, max(stop, scene_end) - start)
    if audio.duration > length + 0.05:
        over = audio.duration - length
        track.warnings.append(
            f"The voiceover “{layer.name}” is {over:.1f} s longer than its scene and is cut off."
        )
    given = layer.properties
    words = list(audio.words)
    text = string(given, "text").strip() or " ".join(word.text for word in words)
    words = words or spread_words(text, audio.duration)
    track.clips.append(
        Clip(
            audio.path,
            material.keys[layer.id],
            start,
            length,
            number(given, "volume", 1, 0, 4),
            number(given, "fade_in", 0, 0, length),
            number(given, "fade_out", 0.05 if length < audio.duration else 0, 0, length),
            kind="speech",
        )
    )
    track.talk.extend(
        (start + word.start, min(start + word.end, start + length))
        for word in words
        if word.start < length
    )
    track.cues.extend(make_cues(words, start, start + length))


def _clip(layer: LayerRow, start: float, length: float, material: Material, volume: float) -> Clip:
    asset, given = material.assets[layer.id], layer.properties
    effect = string(given, "category") == "sound_effects"
    return Clip(
        asset.path,
        material.keys[layer.id],
        start,
        length,
        0.0 if given.get("muted") is True else number(given, "volume", volume, 0, 4),
        number(given, "fade_in", 0, 0, length),
        number(given, "fade_out", 0, 0, length),
        number(given, "trim_start", 0, 0, 86_400),
        loop=given.get("loop", not effect) is not False,
        kind="effect" if effect or given.get("ducking") is False else "music",
    )


def _where(video: RenderInput, layer: LayerRow) -> str:
    numbers: Mapping[str, int] = {scene.id: scene.scene_number for scene in video.scenes}
    return f"Scene {numbers.get(layer.scene_id, 0)}: the layer “{layer.name}”"


def _digest_of(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
