"""Plain samples into MP3, and whatever a provider sent into plain samples."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from server.media.errors import EncoderFailed, OutOfSpace, SpeechFailed
from server.media.ffmpeg import INPUT_LIMITS, Limits, Processes

MAX_SECONDS: Final = 3600.0
SAMPLE_BYTES: Final = 2
_QUICK: Final = ("-compression_level", "7")
"""Without LAME's noise shaping, in less than half the time; at this rate a voice has bits to spare,
and comes out closer to its samples."""
LIMITS: Final = Limits(cpu_seconds=60, memory_bytes=2 << 30, file_bytes=512 << 20)
"""What the conversion of one utterance may use."""


def tempo(factor: float) -> list[str]:
    """Filters that make it faster by a factor of 0.25 to 4, at the same pitch."""
    if abs(factor - 1) < 1e-3:
        return []
    if factor < 0.5:
        return ["atempo=0.5", f"atempo={factor / 0.5:.5f}"]
    return [f"atempo={factor:.5f}"]


def shift(factor: float, rate: int) -> list[str]:
    """Filters that raise the pitch by a factor of 0.25 to 4, at the same tempo."""
    if abs(factor - 1) < 1e-3:
        return []
    return [f"asetrate={rate * factor:.0f}", f"aresample={rate}", *tempo(1 / factor)]


def loudness(factor: float) -> list[str]:
    """Filters that make it louder by a factor, without clipping."""
    if abs(factor - 1) < 1e-3:
        return []
    limiter = ["alimiter=limit=0.95:level=false"] if factor > 1 else []
    return [f"volume={factor:.5f}", *limiter]


async def encode(samples: Path, rate: int, filters: Sequence[str], target: Path) -> None:
    """Write an MP3 of 16-bit mono samples.

    Raises:
        SpeechFailed: it did not work.
    """
    await _run(
        [
            *("-f", "s16le", "-ar", str(rate), "-ac", "1", "-i", samples),
            *_filter(filters),
            *("-c:a", "libmp3lame", "-b:a", "64k", *_QUICK, "-map_metadata", "-1"),
            *("-flags", "+bitexact", "-fflags", "+bitexact", "-f", "mp3", "-y", target),
        ],
        "The speech could not be encoded",
    )


async def decode(source: Path, rate: int, filters: Sequence[str], target: Path) -> float:
    """Write the samples of an audio file, 16-bit mono; returns how many seconds they are.

    Raises:
        SpeechFailed: it is no audio.
    """
    await _run(
        [
            *("-xerror", *INPUT_LIMITS, "-i", source, "-vn", "-t", str(MAX_SECONDS)),
            *_filter([f"aresample={rate}", *filters]),
            *("-ac", "1", "-f", "s16le", "-y", target),
        ],
        "The speech provider sent no audio that can be read",
    )
    size = (await asyncio.to_thread(target.stat)).st_size
    if size < SAMPLE_BYTES * rate // 100:
        raise SpeechFailed("The speech provider sent audio that is empty.")
    return size / SAMPLE_BYTES / rate


def _filter(filters: Sequence[str]) -> list[str]:
    return ["-af", ",".join(filters)] if filters else []


async def _run(arguments: Sequence[str | Path], failed: str) -> None:
    processes = Processes(LIMITS)
    task = asyncio.create_task(asyncio.to_thread(processes.run, arguments))
    try:
        await asyncio.shield(task)
    except asyncio.CancelledError:
        processes.stop()
        await asyncio.wait({task})
        raise
    except (EncoderFailed, OutOfSpace) as error:
        raise SpeechFailed(f"{failed}: {error}") from error
