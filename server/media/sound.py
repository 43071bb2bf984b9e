"""The sound: one mix over the whole film, sample by sample.

Clips are placed on the film's timeline with their volume, fades and, for music, ducking under
speech; the mix is brought to one loudness and encoded once, so that nothing drifts.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

import numpy as np
import numpy.typing as npt

from server.media.ffmpeg import INPUT_LIMITS, Processes

RATE: Final = 48_000
LOUDNESS: Final = -16.0
"""Integrated loudness of a film, LUFS."""
PEAK: Final = -1.5
"""Highest peak, dBFS."""
_LEAST_GAIN, _MOST_GAIN = -30.0, 20.0
_DUCKED: Final = 10 ** (-12 / 20)
_ATTACK, _RELEASE = 0.15, 0.5
_PAUSE: Final = 0.8
"""Shorter silences between words do not let the music up."""
_BLOCK: Final = 2 * RATE
_CLICK: Final = 0.008
"""Where a file is cut into, its sound comes and goes within this many seconds, not at once."""

Floats = npt.NDArray[np.float32]
Span = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Clip:
    """A sound on the timeline; times in seconds.

    Attributes:
        path: its file.
        key: a name for the file's content.
        start: when it begins in the film.
        length: how long it may sound.
        volume: factor.
        fade_in: length of its fade at the start.
        fade_out: length of its fade at the end.
        offset: how much of the file's start is left out.
        loop: whether the file begins again at its end.
        kind: music gives way to speech, effects do not.
    """

    path: Path
    key: str
    start: float
    length: float
    volume: float = 1.0
    fade_in: float = 0.0
    fade_out: float = 0.0
    offset: float = 0.0
    loop: bool = False
    kind: Literal["music", "speech", "effect"] = "music"


def envelope(clip: Clip, talk: Sequence[Span], times: npt.NDArray[np.float64]) -> Floats:
    """The clip's gain at `times` (seconds from its start): volume, fades, ducking.

    It begins and ends softly where it is cut out of its file, so that there is no click.

    Args:
        clip: the clip.
        talk: when somebody speaks, seconds of the film, in order and apart.
        times: shape (n,).

    Returns:
        shape (n,).
    """
    gain = np.full(times.shape, clip.volume)
    fade_in = max(clip.fade_in, min(_CLICK, clip.length / 2) if clip.offset > 0 else 0)
    if fade_in > 0:
        gain *= np.clip(times / fade_in, 0, 1)
    fade_out = max(clip.fade_out, min(_CLICK, clip.length / 2))
    gain *= np.clip((clip.length - times) / fade_out, 0, 1)
    if clip.kind == "music" and talk:
        points: list[float] = []
        values: list[float] = []
        for begin, end in talk:
            points += [begin - _ATTACK, begin, end, end + _RELEASE]
            values += [1.0, _DUCKED, _DUCKED, 1.0]
        gain *= np.interp(times + clip.start, points, values)
    return gain.astype(np.float32)


def joined_spans(spans: Iterable[Span], pause: float = _PAUSE) -> list[Span]:
    """Spans in order, those closer than `pause` seconds made one."""
    result: list[Span] = []
    for begin, end in sorted(spans):
        if result and begin - result[-1][1] <= pause:
            result[-1] = (result[-1][0], max(result[-1][1], end))
        else:
            result.append((begin, end))
    return result


def mix(
    clips: Sequence[Clip],
    talk: Sequence[Span],
    samples: int,
    target: Path,
    processes: Processes,
    on_seconds: Callable[[float], None],
) -> list[str]:
    """Mix clips into `target`: interleaved stereo 32-bit floats at `RATE`, `samples` long.

    `on_seconds` is told, now and then, how many more seconds of clips are mixed.

    Returns:
        keys of the clips that could not be read.

    Raises:
        RenderCancelled, OutOfSpace: see there.
    """
    with target.open("wb") as file:
        file.truncate(samples * 8)
    broken = []
    spans = joined_spans(talk)
    with target.open("r+b") as file:
        for clip in clips:
            first = round(clip.start * RATE)
            wanted = min(round(clip.length * RATE), samples - first)
            done = 0
            for block in _decoded(clip, wanted, processes):
                processes.check()
                times = (np.arange(len(block)) + done) / RATE
                block *= envelope(clip, spans, times)[:, np.newaxis]
                place = (first + done) * 8
                file.seek(place)
                there = np.frombuffer(file.read(block.nbytes), np.float32)
                file.seek(place)
                file.write((there.reshape(-1, 2) + block).tobytes())
                done += len(block)
                on_seconds(len(block) / RATE)
            if done == 0 and wanted > 0:
                broken.append(clip.key)
    return broken


def _decoded(clip: Clip, wanted: int, processes: Processes) -> Iterator[Floats]:
    """Blocks of shape (n, 2), in all at most `wanted` samples; a loop begins again at `offset`."""
    left = wanted
    while left > 0:
        before = left
        for block in _once(clip, left, processes):
            yield block
            left -= len(block)
        # ffmpeg's own loops begin again at the file's start, whatever was left out of it.
        if not clip.loop or clip.offset == 0 or before - left < RATE // 100:
            return


def _once(clip: Clip, wanted: int, processes: Processes) -> Iterator[Floats]:
    loop = ("-stream_loop", "-1") if clip.loop and clip.offset == 0 else ()
    with processes.start(
        [
            *(*INPUT_LIMITS, *loop, "-ss", f"{clip.offset:.6f}", "-i", clip.path),
            *("-map", "0:a:0", "-vn", "-t", f"{wanted / RATE:.6f}"),
            *("-ar", str(RATE), "-ac", "2", "-f", "f32le", "-"),
        ],
        writes=True,
    ) as decoder:
        left = wanted
        while left > 0:
            data = decoder.output.read(min(_BLOCK, left) * 8)
            count = len(data) // 8
            if count == 0:
                break
            yield np.frombuffer(data[: count * 8], np.float32).reshape(-1, 2).copy()
            left -= count
        decoder.abandon()


def encode_mix(source: Path, target: Path, processes: Processes) -> None:
    """Bring a mix to `LOUDNESS` and encode it as AAC in an m4a file.

    Raises:
        RenderCancelled, OutOfSpace, EncoderFailed: see there.
    """
    raw = ("-f", "f32le", "-ar", str(RATE), "-ac", "2", "-i", source)
    part = target.with_suffix(".part")
    gain = _gain(loudness(source, processes))
    ceiling = 10 ** (PEAK / 20)
    try:
        processes.run(
            [
                *raw,
                *("-af", f"volume={gain:.2f}dB,alimiter=limit={ceiling:.4f}:level=0:latency=1"),
                *("-c:a", "aac", "-b:a", "160k", "-f", "mp4", "-y", part),
            ]
        )
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)


def _gain(measured: float) -> float:
    if measured <= -69:
        return 0.0
    return min(max(LOUDNESS - measured, _LEAST_GAIN), _MOST_GAIN)


def loudness(source: Path, processes: Processes) -> float:
    """Integrated loudness (EBU R128) of a mix in LUFS; -70 for silence."""
    report = processes.report(
        [
            *("-f", "f32le", "-ar", str(RATE), "-ac", "2", "-i", source),
            *("-af", "ebur128=metadata=1,ametadata=print:key=lavfi.r128.I:file=-"),
            *("-f", "null", "-"),
        ]
    )
    found = re.findall(r"lavfi\.r128\.I=(-?[\d.]+|-?inf|nan)", report)
    try:
        value = float(found[-1])
    except (IndexError, ValueError):
        return -70.0
    return value if value > -70 else -70.0
