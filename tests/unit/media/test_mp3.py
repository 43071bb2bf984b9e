"""Speech as MP3: it comes out as it went in."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from server.media.speech import mp3
from server.media.speech.espeak import Espeak
from server.media.speech.model import Utterance

RATE = 22_050
TEXT = "She sells sea shells on the sea shore, while seven quiet wizards hum along."


async def samples_of(path: Path, *filters: str) -> np.ndarray:
    target = path.with_suffix(".samples")
    await mp3.decode(path, RATE, filters, target)
    return np.frombuffer(target.read_bytes(), np.int16).astype(np.float64)


async def test_a_voice_keeps_its_samples(tmp_path: Path) -> None:
    """What is spoken once is encoded again: the second time must not differ by more than -20 dB."""
    spoken = tmp_path / "spoken.mp3"
    await Espeak(1).speak(Utterance("gmw/en-US+f2@1.0", TEXT, 1, 1, 1), spoken)
    first = await samples_of(spoken)
    again = tmp_path / "again.mp3"
    await mp3.encode(spoken.with_suffix(".samples"), RATE, [], again)
    second = await samples_of(again)
    assert len(second) == pytest.approx(len(first), abs=RATE // 10)
    both = min(len(first), len(second))
    noise = second[:both] - first[:both]
    assert 10 * np.log10(np.sum(first[:both] ** 2) / np.sum(noise**2)) > 20


@pytest.mark.parametrize("factor", [0.25, 0.6, 2.5])
async def test_a_tempo_changes_the_length_and_nothing_else(tmp_path: Path, factor: float) -> None:
    tone = np.sin(2 * np.pi * 441 * np.arange(RATE * 2) / RATE) * 12_000
    (tmp_path / "tone").write_bytes(tone.astype(np.int16).tobytes())
    await mp3.encode(tmp_path / "tone", RATE, mp3.tempo(factor), tmp_path / "tone.mp3")
    found = await samples_of(tmp_path / "tone.mp3")
    assert len(found) / RATE == pytest.approx(2 / factor, rel=0.03, abs=0.08)
    heard = np.abs(np.fft.rfft(found[RATE // 4 : RATE // 4 + RATE // 2]))
    assert np.argmax(heard) * 2 == pytest.approx(441, abs=4)
