"""The stock sound effects."""

from __future__ import annotations

from typing import Final

import numpy as np

from server.stock.sound import (
    PEAK,
    RATE,
    Mix,
    Signal,
    bell,
    clap,
    envelope,
    filtered,
    kick,
    leveled,
    noise,
    pitch,
    times,
)

_BLOCK: Final = 1_024


def whoosh(random: np.random.Generator) -> Signal:
    """Something that flies past, from left to right."""
    t = times(1.1)
    swell = np.exp(-(((t - 0.55) / 0.19) ** 2))
    air = _swept(noise(random, 1.1), 250 + 3_400 * swell, 1.1) * swell
    side = np.clip((t - 0.25) / 0.6, 0, 1) * np.pi / 2
    return _finished(np.stack([air * np.cos(side), air * np.sin(side)]), 0.4)


def click(random: np.random.Generator) -> Signal:
    """A button."""
    t = times(0.12)
    body = np.sin(2 * np.pi * 2_300 * t) * np.exp(-t * 260)
    body += 0.6 * np.sin(2 * np.pi * 940 * t) * np.exp(-t * 170)
    snap = filtered(noise(random, 0.12), 2_500, 11_000, 2) * np.exp(-t * 520)
    back = np.roll(body, int(0.045 * RATE)) * (t > 0.045) * 0.45
    return _finished(_both(body + 0.8 * snap + back), 0.5, attack=0.0003)


def chime(_: np.random.Generator) -> Signal:
    """Three bells upwards: something is done."""
    mix = Mix(3.2)
    for index, note in enumerate(("E5", "G#5", "B5", "E6")):
        mix.add(bell(pitch(note), 2.4), 0.09 * index, 0.9 - 0.12 * index, 0.5 * (index - 1.5) / 1.5)
    return mix.master(room=1.8, share=0.4, fade=(0.001, 0.8))


def applause(random: np.random.Generator) -> Signal:
    """Some sixty people clap, each at a pace of their own; it swells and ebbs away."""
    seconds = 6.0
    mix = Mix(seconds)
    for person in range(60):
        pace, strength = random.uniform(3.4, 5.2), random.uniform(0.25, 1.0)
        side, high = random.uniform(-0.9, 0.9), random.uniform(1_500, 5_500)
        hand = filtered(clap(person % 8)[: int(0.05 * RATE)], high * 0.5, high * 1.6, 1)
        begins, ends = random.uniform(0, 0.7), seconds - random.uniform(0.3, 1.9)
        at = begins + random.uniform(0, 1 / pace)
        while at < ends:
            mix.add(hand, at, strength * random.uniform(0.6, 1.0), side)
            at += random.normal(1, 0.07) / pace
    crowd = filtered(noise(random, seconds), 500, 3_500, 1) * 0.02
    mix.add(crowd, 0, 1.0)
    return mix.master(room=1.4, share=0.3, fade=(0.35, 1.6), drive=0.8)


def pop(_: np.random.Generator) -> Signal:
    """A bubble."""
    t = times(0.22)
    sweep = 320 + 900 * (1 - np.exp(-t * 30))
    body = np.sin(2 * np.pi * np.cumsum(sweep) / RATE) * np.exp(-t * 32)
    return _finished(_both(body), 0.5, attack=0.002)


def riser(random: np.random.Generator) -> Signal:
    """Something is about to happen: three seconds upwards."""
    seconds = 3.0
    t = times(seconds)
    share = t / seconds
    tone = np.zeros_like(t)
    for ratio in (1.0, 1.498, 2.003):
        phase = 2 * np.pi * np.cumsum(110 * ratio * 2 ** (2.2 * share)) / RATE
        for k in range(1, 6):
            tone += 0.5**k * np.sin(k * phase)
    air = _swept(noise(random, seconds), 400 + 7_000 * share**2, 1.5)
    flutter = 1 - 0.5 * share * (0.5 + 0.5 * np.sin(2 * np.pi * np.cumsum(3 + 13 * share) / RATE))
    body = (0.28 * tone + 0.9 * air) * share**1.7 * flutter
    wide = np.stack([body, np.roll(body, int(0.011 * RATE))])
    return _finished(wide, 0.25, release=0.04)


def impact(random: np.random.Generator) -> Signal:
    """A deep blow in a large hall, as under a title."""
    mix = Mix(4.0)
    t = times(2.6)
    boom = np.sin(2 * np.pi * np.cumsum(52 + 90 * np.exp(-t * 5)) / RATE) * np.exp(-t * 1.9)
    crack = filtered(noise(random, 2.6), 150, 2_800, 1) * np.exp(-t * 16)
    mix.add(np.tanh(boom * 2.6) * envelope(t.size, 0.002, 0.6), 0.01, 1.0)
    mix.add(crack, 0.01, 0.8)
    mix.add(kick(), 0.01, 0.9, wet=False)
    return mix.master(room=3.2, share=0.35, fade=(0.001, 1.5))


def notification(_: np.random.Generator) -> Signal:
    """Two soft notes: a message is there."""
    mix = Mix(1.3)
    for at, note in ((0.0, "A5"), (0.13, "D6")):
        t = times(0.7)
        base = 440 * 2 ** ((pitch(note) - 69) / 12)
        tone = np.sin(2 * np.pi * base * t) + 0.25 * np.sin(4 * np.pi * base * t)
        mix.add(tone * np.exp(-t * 7) * envelope(t.size, 0.006, 0.2), at, 0.6)
    return mix.master(room=0.9, share=0.25, fade=(0.001, 0.4))


def shutter(random: np.random.Generator) -> Signal:
    """A camera: the mirror goes up, the curtain runs, the mirror falls."""
    mix = Mix(0.5)
    for at, low, high, fall, level in (
        (0.0, 700, 4_500, 150, 0.8),
        (0.055, 2_200, 9_000, 220, 1.0),
        (0.13, 500, 3_500, 110, 0.7),
    ):
        t = times(0.12)
        strike = filtered(noise(random, 0.12), low, high, 2) * np.exp(-t * fall)
        strike += 0.3 * np.sin(2 * np.pi * low * 1.3 * t) * np.exp(-t * fall * 0.8)
        mix.add(strike * envelope(t.size, 0.0006, 0.03), at, level, wet=False)
    return mix.master(room=0.3, share=0.1, fade=(0.0004, 0.1))


def rain(random: np.random.Generator) -> Signal:
    """Rain on leaves: a curtain of fine drops, some heavier ones near."""
    seconds = 8.0
    mix = Mix(seconds)
    for side in (-0.8, 0.8):
        curtain = filtered(noise(random, seconds), 900, 7_500, 1)
        gusts = filtered(random.normal(0, 1, curtain.size), 0, 0.6, 1)
        mix.add(
            curtain * (1 + 0.25 * gusts / np.max(np.abs(gusts))) * 0.16, 0, 1.0, side, wet=False
        )
    for _ in range(340):
        t = times(0.05)
        base, fall = random.uniform(900, 4_200), random.uniform(90, 260)
        drop = np.sin(2 * np.pi * base * (1 + 0.8 * t) * t) * np.exp(-t * fall)
        place, level = random.uniform(0, seconds - 0.1), random.uniform(0.03, 0.24)
        mix.add(drop * envelope(t.size, 0.001, 0.02), place, level, random.uniform(-0.9, 0.9))
    return mix.master(room=0.8, share=0.2, fade=(0.8, 1.5), drive=0.6)


def _swept(sound: Signal, middle: Signal, width: float) -> Signal:
    """Noise through a band whose middle frequency moves; `width` in octaves."""
    out = np.zeros(sound.size + _BLOCK)
    window = np.hanning(_BLOCK)
    frequencies = np.maximum(np.fft.rfftfreq(_BLOCK, 1 / RATE), 1.0)
    for start in range(0, sound.size - _BLOCK, _BLOCK // 4):
        place = middle[start + _BLOCK // 2]
        curve = np.exp(-((np.log2(frequencies / place) / width) ** 2) * 2)
        piece = np.fft.irfft(np.fft.rfft(sound[start : start + _BLOCK] * window) * curve)
        out[start : start + _BLOCK] += piece * window
    return out[: sound.size]


def _both(sound: Signal) -> Signal:
    return np.stack([sound, sound])


def _finished(
    stereo: Signal, loudness: float, *, attack: float = 0.003, release: float = 0.03
) -> Signal:
    ended = filtered(stereo, 30, 17_500, 2) * envelope(stereo.shape[1], attack, release)
    return leveled(ended, min(loudness, PEAK))
