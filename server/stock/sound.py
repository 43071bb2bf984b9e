"""A small synthesiser: instruments, drums, filters, room, and a mix that ends in a stereo master.

Signals are arrays of 64-bit floats at `RATE` samples a second: mono `(samples,)`, stereo
`(2, samples)`. Everything follows from the arguments; noise comes from the generator given.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

Signal = NDArray[np.float64]

RATE: Final = 44_100
PEAK: Final = 0.89
"""The loudest sample that a master may have: -1 dBFS, which leaves room for what mp3 adds."""
LOUDNESS: Final = 0.14
"""The effective value of a master, -17 dBFS, so that pieces can follow each other."""
_NOTES: Final = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}
_CHORDS: Final[dict[str, tuple[int, ...]]] = {
    "": (0, 4, 7),
    "m": (0, 3, 7),
    "7": (0, 4, 7, 10),
    "maj7": (0, 4, 7, 11),
    "m7": (0, 3, 7, 10),
    "m9": (0, 3, 7, 10, 14),
    "maj9": (0, 4, 7, 11, 14),
    "sus2": (0, 2, 7),
    "sus4": (0, 5, 7),
    "add9": (0, 4, 7, 14),
    "6": (0, 4, 7, 9),
}


def pitch(name: str) -> int:
    """The number of a note such as `C4` or `F#3`, as MIDI counts them."""
    number = _NOTES[name[0]]
    rest = name[1:]
    while rest[:1] in ("#", "b"):
        number += 1 if rest[0] == "#" else -1
        rest = rest[1:]
    return number + 12 * (int(rest) + 1)


def chord(name: str, octave: int = 4) -> list[int]:
    """The notes of a chord such as `Am7`, root position, from an octave."""
    root = name[:2] if name[1:2] in ("#", "b") else name[:1]
    base = pitch(f"{root}{octave}")
    return [base + step for step in _CHORDS[name[len(root) :]]]


def hertz(note: float) -> float:
    """A note's frequency."""
    return float(440.0 * 2 ** ((note - 69) / 12))


def times(seconds: float) -> Signal:
    """The time of each sample."""
    return np.arange(int(seconds * RATE)) / RATE


def envelope(count: int, attack: float, release: float) -> Signal:
    """Rises and falls smoothly over these seconds, 1 between."""
    shape = np.ones(count)
    rise, fall = min(count, int(attack * RATE)), min(count, int(release * RATE))
    if rise:
        shape[:rise] *= 0.5 - 0.5 * np.cos(np.linspace(0, np.pi, rise))
    if fall:
        shape[-fall:] *= 0.5 + 0.5 * np.cos(np.linspace(0, np.pi, fall))
    return shape


def filtered(signal: Signal, low: float = 0.0, high: float = RATE / 2, order: int = 4) -> Signal:
    """What lies between two frequencies, with slopes like an analogue filter's."""
    count = signal.shape[-1]
    size = 1 << (count - 1).bit_length()
    frequencies = np.fft.rfftfreq(size, 1 / RATE)
    curve = np.ones_like(frequencies)
    if low > 0:
        curve *= 1 / np.sqrt(1 + (low / np.maximum(frequencies, 1e-3)) ** (2 * order))
    if high < RATE / 2:
        curve *= 1 / np.sqrt(1 + (frequencies / high) ** (2 * order))
    shaped: Signal = np.fft.irfft(np.fft.rfft(signal, size) * curve, size)[..., :count]
    return shaped


def noise(random: np.random.Generator, seconds: float) -> Signal:
    """White noise."""
    found: Signal = random.uniform(-1, 1, int(seconds * RATE))
    return found


@lru_cache(maxsize=512)
def piano(note: int, seconds: float, bright: float = 1.0) -> Signal:
    """A struck string: partials a little sharp, the higher the sooner gone."""
    t, base = times(seconds + 0.3), hertz(note)
    out = np.zeros_like(t)
    for k in range(1, 16):
        partial = base * k * np.sqrt(1 + 0.0004 * k * k)
        if partial > 12_000:
            break
        level = bright ** (k - 1) / k**1.25 * (0.75 if k % 7 == 0 else 1)
        out += (
            level
            * np.exp(-t * (0.7 + 0.45 * k) * (base / 262) ** 0.4)
            * np.sin(2 * np.pi * partial * t + k)
        )
    return out * envelope(t.size, 0.004, 0.3) * 0.45


@lru_cache(maxsize=512)
def pluck(note: int, seconds: float, damping: float = 0.5) -> Signal:
    """A plucked string, after Karplus and Strong; a larger `damping` is duller."""
    base = hertz(note)
    period = max(2, round(RATE / base - damping))
    random = np.random.default_rng(note)
    string: Signal = filtered(random.uniform(-1, 1, period), high=min(9_000, base * 10), order=1)
    rounds = int(seconds * RATE / period) + 1
    out = np.empty((rounds, period))
    for index in range(rounds):
        out[index] = string
        string = (1 - damping) * string + damping * np.roll(string, 1)
        string *= 0.9985
    whole = out.reshape(-1)[: int(seconds * RATE)]
    # The string's table has a whole number of samples: bend it back to its pitch.
    speed = base * (period + damping) / RATE
    at = np.arange(whole.size) * speed
    bent: Signal = np.interp(at, np.arange(whole.size), whole, right=0.0)
    return bent * envelope(bent.size, 0.002, min(0.15, seconds / 3)) * 0.8


@lru_cache(maxsize=256)
def pad(note: int, seconds: float, bright: float = 0.55) -> Signal:
    """Slow strings: three saws slightly apart, softened."""
    t, base = times(seconds), hertz(note)
    out = np.zeros_like(t)
    for cents, turn in ((-7.0, 0.0), (0.0, 2.1), (6.0, 4.2)):
        detuned = base * 2 ** (cents / 1200)
        for k in range(1, 13):
            if detuned * k > 9_000:
                break
            out += bright ** (k - 1) / k * np.sin(2 * np.pi * detuned * k * t + turn * k)
    swell = 1 + 0.12 * np.sin(2 * np.pi * 0.23 * t + note)
    return out * swell * envelope(t.size, min(0.6, seconds / 3), min(0.9, seconds / 2)) * 0.16


@lru_cache(maxsize=256)
def electric(note: int, seconds: float) -> Signal:
    """An electric piano by frequency modulation: a tine that rings into a round tone."""
    t, base = times(seconds + 0.25), hertz(note)
    tine = 1.1 * np.exp(-t * 9) * np.sin(2 * np.pi * base * 14 * t)
    body = (1.2 * np.exp(-t * 2.2) + 0.15) * np.sin(2 * np.pi * base * t)
    out = np.sin(2 * np.pi * base * t + body) + 0.12 * np.sin(2 * np.pi * base * t + tine)
    tremolo = 1 + 0.08 * np.sin(2 * np.pi * 4.6 * t)
    return out * tremolo * np.exp(-t * 1.1) * envelope(t.size, 0.005, 0.25) * 0.4


@lru_cache(maxsize=256)
def bell(note: int, seconds: float) -> Signal:
    """A small bell: partials of no common root."""
    t, base = times(seconds), hertz(note)
    partials = ((1.0, 1.0, 1.6), (2.0, 0.5, 2.3), (2.76, 0.4, 3.4), (5.4, 0.22, 6.0), (8.9, 0.1, 9))
    out = np.zeros_like(t)
    for ratio, level, fall in partials:
        if base * ratio < 15_000:
            out += level * np.exp(-t * fall) * np.sin(2 * np.pi * base * ratio * t)
    return out * envelope(t.size, 0.002, min(0.2, seconds / 3)) * 0.4


@lru_cache(maxsize=256)
def bass(note: int, seconds: float, bite: float = 0.3) -> Signal:
    """A round bass; with more `bite` it growls when struck."""
    t, base = times(seconds), hertz(note)
    out = np.sin(2 * np.pi * base * t)
    for k in range(2, 9):
        out += (0.5 + bite * np.exp(-t * 7)) * bite ** (k - 1) * np.sin(2 * np.pi * base * k * t)
    return np.tanh(out * 1.1) * np.exp(-t * 0.9) * envelope(t.size, 0.006, 0.05) * 0.6


@lru_cache(maxsize=256)
def lead(note: int, seconds: float) -> Signal:
    """A singing synthesiser, with a vibrato that comes late."""
    t, base = times(seconds + 0.1), hertz(note)
    depth = np.clip((t - 0.25) * 2, 0, 1) * 0.0035
    phase = 2 * np.pi * np.cumsum(base * (1 + depth * np.sin(2 * np.pi * 5.4 * t))) / RATE
    out = np.zeros_like(t)
    for k in range(1, 10):
        out += 0.62 ** (k - 1) * np.sin(k * phase)
    return out * envelope(t.size, 0.02, 0.12) * 0.22


@lru_cache(maxsize=8)
def kick(punch: float = 1.0) -> Signal:
    """A bass drum."""
    t = times(0.42)
    sweep = 46 + 105 * np.exp(-t * 34)
    body = np.sin(2 * np.pi * np.cumsum(sweep) / RATE) * np.exp(-t * 8.5)
    click = noise(np.random.default_rng(1), 0.42) * np.exp(-t * 420) * 0.35 * punch
    return np.tanh((body + filtered(click, 900)) * 1.5) * envelope(t.size, 0.0005, 0.06) * 0.85


@lru_cache(maxsize=8)
def snare(soft: bool = False) -> Signal:
    """A snare drum; `soft` is a brush on it."""
    t = times(0.3)
    wires = filtered(noise(np.random.default_rng(2), 0.3), 900 if soft else 1_600, 9_000, 1)
    skin = np.sin(2 * np.pi * (186 + 60 * np.exp(-t * 60)) * t) * np.exp(-t * 24)
    level = 0.25 if soft else 0.55
    return (wires * np.exp(-t * (20 if soft else 15)) + skin * level) * envelope(
        t.size, 0.001, 0.05
    )


@lru_cache(maxsize=8)
def hat(is_open: bool = False) -> Signal:
    """A hi-hat."""
    seconds, fall = (0.35, 11) if is_open else (0.08, 65)
    t = times(seconds)
    hiss = filtered(noise(np.random.default_rng(3), seconds), 7_200, order=3)
    return hiss * np.exp(-t * fall) * envelope(t.size, 0.0005, 0.02) * 0.55


@lru_cache(maxsize=8)
def clap(variant: int = 0) -> Signal:
    """Several hands, not quite at once."""
    random = np.random.default_rng(40 + variant)
    t = times(0.28)
    hands = np.zeros_like(t)
    for late in (0, 0.009, 0.019, 0.027):
        start = int((late + random.uniform(0, 0.003)) * RATE)
        left = t.size - start
        hands[start:] += noise(random, 0.28)[:left] * np.exp(
            -t[:left] * (90 if late < 0.02 else 24)
        )
    return filtered(hands, 850, 5_200, 2) * envelope(t.size, 0.0005, 0.05) * 0.8


@lru_cache(maxsize=8)
def shaker() -> Signal:
    """A shaker's stroke."""
    t = times(0.09)
    grains = filtered(noise(np.random.default_rng(5), 0.09), 5_000, 12_000, 2)
    return grains * envelope(t.size, 0.03, 0.05) * 0.35


@lru_cache(maxsize=8)
def _room(seconds: float) -> Signal:
    random, t = np.random.default_rng(6), times(seconds)
    tail = random.normal(0, 1, (2, t.size)) * np.exp(-t * 6.2 / seconds)
    tail[:, : int(0.012 * RATE)] = 0
    response = filtered(tail, 180, 6_500, 1)
    loud: Signal = response / np.sqrt(np.sum(response**2, axis=1, keepdims=True))
    return loud


def reverberated(stereo: Signal, seconds: float, share: float) -> Signal:
    """With a room around it, `share` of whose sound is heard."""
    response = _room(seconds)
    size = 1 << (stereo.shape[1] + response.shape[1]).bit_length()
    wet = np.fft.irfft(np.fft.rfft(stereo, size) * np.fft.rfft(response, size), size)
    return stereo + share * wet[:, : stereo.shape[1]]


class Mix:
    """A stereo canvas of some seconds; sounds are laid on it, wet or dry."""

    def __init__(self, seconds: float) -> None:
        self._dry: Signal = np.zeros((2, int(seconds * RATE)))
        self._wet: Signal = np.zeros_like(self._dry)

    def add(
        self, sound: Signal, at: float, level: float = 1.0, side: float = 0.0, *, wet: bool = True
    ) -> None:
        """Lay a sound at a time; `side` from -1 (left) to 1; only `wet` ones are in the room."""
        target = self._wet if wet else self._dry
        start = int(at * RATE)
        end = min(target.shape[1], start + sound.shape[-1])
        if start >= end:
            return
        angle = (side + 1) * np.pi / 4
        gains = np.array([[np.cos(angle)], [np.sin(angle)]]) * (level * np.sqrt(2))
        heard = sound[None, : end - start] if sound.ndim == 1 else sound[:, : end - start]
        target[:, start:end] += gains * heard

    def master(
        self,
        *,
        room: float = 1.6,
        share: float = 0.25,
        fade: tuple[float, float] = (0.02, 2.5),
        drive: float = 1.0,
    ) -> Signal:
        """The finished piece.

        Args:
            room: how long the room rings, in seconds.
            share: of the room's sound.
            fade: seconds in and out.
            drive: how hard the limiter is pressed.
        """
        whole = self._dry + reverberated(self._wet, room, share)
        whole = filtered(whole, 32, 17_500, 2)
        loud = np.quantile(np.abs(whole), 0.999) or 1.0
        return leveled(np.tanh(whole / loud * 0.9 * drive) * envelope(whole.shape[1], *fade))


def leveled(sound: Signal, loudness: float = LOUDNESS) -> Signal:
    """With this effective value, or as much of it as `PEAK` allows."""
    effective = float(np.sqrt(np.mean(sound**2)))
    gain = min(loudness / effective, PEAK / float(np.max(np.abs(sound))))
    return sound * gain


def samples(stereo: Signal) -> Any:
    """A master as interleaved 16-bit samples."""
    return np.round(stereo.T * 32_767).astype("<i2")


def swung(beat: float, amount: float) -> float:
    """Where a beat stands when the off-beats are late; 0 is straight, 0.33 a shuffle."""
    whole, part = divmod(beat, 1.0)
    late = 0.5 + amount / 2
    return whole + (part * 2 * late if part <= 0.5 else late + (part - 0.5) * 2 * (1 - late))


def steps(pattern: str) -> list[tuple[float, float]]:
    """Hits of a bar of four beats: `x...x...` as (beat, level); `X` is loud, `o` soft."""
    levels = {"X": 1.0, "x": 0.75, "o": 0.45}
    each = 4 / len(pattern)
    return [(i * each, levels[c]) for i, c in enumerate(pattern) if c in levels]


def tune(text: str) -> Sequence[tuple[str, float]]:
    """A melody `E5:1 G5:.5 -:2` as notes (or `-`, a rest) with their beats."""
    return [(note, float(beats)) for note, beats in (word.split(":") for word in text.split())]
