"""The stock music: eight pieces, each an arrangement of chords, a tune and a beat."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

import numpy as np

from server.stock.sound import (
    Mix,
    Signal,
    bass,
    bell,
    chord,
    clap,
    electric,
    filtered,
    hat,
    kick,
    lead,
    noise,
    pad,
    piano,
    pitch,
    pluck,
    shaker,
    snare,
    steps,
    swung,
    tune,
)

TAIL: Final = 3.0
"""Seconds after the last bar, for what still rings."""

Instrument = Callable[[int, float], Signal]


class Score:
    """A piece being written: bars of four beats at a tempo, one chord a bar.

    Args:
        tempo: beats a minute.
        chords: one a bar.
        swing: how late the off-beats are.
    """

    def __init__(self, tempo: float, chords: Sequence[str], swing: float = 0.0) -> None:
        self.chords = list(chords)
        self.beat = 60 / tempo
        self.bars = range(len(self.chords))
        self.mix = Mix(len(self.chords) * 4 * self.beat + TAIL)
        self._swing = swing

    def time(self, bar: int, beat: float = 0.0) -> float:
        """When a beat of a bar is, in seconds."""
        return (bar * 4 + swung(beat, self._swing)) * self.beat

    def beats(
        self, pattern: str, sound: Signal, level: float, bars: Sequence[int], side: float = 0.0
    ) -> None:
        """A drum's pattern in some bars."""
        for bar in bars:
            for beat, loud in steps(pattern):
                self.mix.add(sound, self.time(bar, beat), level * loud, side, wet=level < 0.5)

    def hold(self, play: Instrument, level: float, bars: Sequence[int], octave: int = 4) -> None:
        """The chord of each bar, held, its notes spread over the sides."""
        for bar in bars:
            notes = chord(self.chords[bar], octave)
            for index, note in enumerate(notes):
                side = (index / max(1, len(notes) - 1) - 0.5) * 0.9
                sound = play(note, 4 * self.beat + 0.4)
                self.mix.add(sound, self.time(bar), level / len(notes) ** 0.5, side)

    def strum(
        self,
        pattern: str,
        play: Instrument,
        level: float,
        bars: Sequence[int],
        octave: int = 4,
        length: float = 0.9,
        spread: float = 0.012,
    ) -> None:
        """The chord of each bar, struck in a rhythm, its notes one after the other."""
        for bar in bars:
            notes = chord(self.chords[bar], octave)
            for beat, loud in steps(pattern):
                for index, note in enumerate(notes):
                    at = self.time(bar, beat) + index * spread
                    side = (index / max(1, len(notes) - 1) - 0.5) * 0.5
                    sound = play(note, length * self.beat)
                    self.mix.add(sound, at, level * loud / len(notes) ** 0.5, side)

    def arpeggio(
        self,
        order: Sequence[int],
        play: Instrument,
        level: float,
        bars: Sequence[int],
        octave: int = 4,
        length: float = 1.0,
    ) -> None:
        """The notes of the chord one by one, as often a bar as `order` is long."""
        each = 4 / len(order)
        for bar in bars:
            notes = chord(self.chords[bar], octave)
            for index, step in enumerate(order):
                octaves, place = divmod(step, len(notes))
                side = 0.5 * np.sin(index * 2.4)
                sound = play(notes[place] + 12 * octaves, length * self.beat)
                loud = 1.0 if index % 4 == 0 else 0.8
                self.mix.add(sound, self.time(bar, index * each), level * loud, side)

    def low(self, pattern: str, level: float, bars: Sequence[int], bite: float = 0.3) -> None:
        """The root of each bar's chord in the bass."""
        for bar in bars:
            root = chord(self.chords[bar], 2)[0]
            root -= 12 if root > pitch("A2") else 0
            hits = steps(pattern)
            for index, (beat, loud) in enumerate(hits):
                end = hits[index + 1][0] if index + 1 < len(hits) else 4.0
                sound = bass(root, round(max(0.12, (end - beat) * self.beat * 0.92), 3), bite)
                self.mix.add(sound, self.time(bar, beat), level * loud, wet=False)

    def sing(self, text: str, play: Instrument, level: float, bar: int, side: float = 0.0) -> None:
        """A tune, from a bar on."""
        beat = 0.0
        for note, beats in tune(text):
            if note != "-":
                bars, within = divmod(beat, 4)
                sound = play(pitch(note), beats * self.beat)
                self.mix.add(sound, self.time(bar + int(bars), within), level, side)
            beat += beats


def morning_light(_: np.random.Generator) -> Signal:
    """Acoustic, calm: a plucked pattern under a slow tune."""
    score = Score(92, ["C", "G", "Am", "F"] * 3 + ["F", "G", "C"])
    score.arpeggio([0, 2, 3, 2, 4, 2, 3, 2], _guitar, 0.75, score.bars, 3, 1.6)
    score.hold(pad, 0.5, score.bars[4:], 4)
    score.low("X.......x.......", 0.5, score.bars[4:], 0.15)
    score.beats("..x...x...x...x.", shaker(), 0.4, score.bars[8:14], 0.4)
    verse = "E5:1.5 D5:.5 C5:2 D5:1.5 B4:.5 G4:2 C5:1 E5:1 A5:1 G5:1 F5:2 E5:1 C5:1"
    score.sing(verse, piano, 0.7, 4, -0.1)
    score.sing(verse.replace("F5:2 E5:1 C5:1", "A5:2 G5:2"), piano, 0.75, 8, -0.1)
    score.sing("A5:1 G5:1 F5:2 G5:1 D5:1 B4:2 C5:4", piano, 0.7, 12, -0.1)
    return score.mix.master(room=1.8, share=0.3)


def forward_motion(_: np.random.Generator) -> Signal:
    """Upbeat, for companies: muted strings, piano, hands, a rising line."""
    score = Score(120, ["D", "A", "Bm", "G"] * 4 + ["D"])
    score.arpeggio([0, 0, 2, 0, 1, 0, 2, 0] * 2, _muted, 0.6, score.bars[:16], 4, 0.45)
    score.strum("X.......X.......", piano, 0.55, score.bars[4:], 3, 1.9)
    score.low("X..xX..xX..xX..x", 0.6, score.bars[4:16])
    score.beats("X.......X.......", kick(), 0.9, score.bars[4:8])
    score.beats("X...X...X...X...", kick(), 0.95, score.bars[8:16])
    score.beats("....X.......X...", clap(), 0.45, score.bars[4:16])
    score.beats("x.o.x.o.x.o.x.oo", hat(), 0.35, score.bars[8:16], 0.3)
    score.hold(pad, 0.45, score.bars[8:], 4)
    rise = "F#5:1 A5:1 D6:2 C#6:1 A5:1 E5:2 D5:1 F#5:1 B5:2 A5:1 G5:1 D5:2"
    score.sing(rise, bell, 0.4, 8, 0.25)
    score.sing(rise, bell, 0.45, 12, 0.25)
    return score.mix.master(room=1.2, share=0.2, drive=1.15)


def night_drive(_: np.random.Generator) -> Signal:
    """Synthwave: a driving bass, wide pads, a lead with vibrato."""
    score = Score(104, ["Am", "F", "C", "G"] * 3 + ["Am", "F", "Am"])
    score.low("x.x.x.x.x.x.x.x.", 0.7, score.bars[:14], 0.62)
    score.hold(_wide, 0.75, score.bars, 4)
    score.beats("X...X...X...X...", kick(), 0.95, score.bars[2:14])
    score.beats("....X.......X...", snare(), 0.5, score.bars[4:14])
    score.beats("..x...x...x...x.", hat(True), 0.22, score.bars[4:14], -0.25)
    score.beats("oooooooooooooooo", hat(), 0.25, score.bars[8:14], 0.25)
    score.sing(
        "E5:3 D5:.5 C5:.5 A4:3 C5:1 G5:3 E5:1 D5:2 B4:2 "
        "A5:2 G5:1 E5:1 F5:3 A5:1 G5:2 E5:2 D5:4 C5:2 E5:2 A5:4",
        lead,
        0.8,
        4,
        0.1,
    )
    score.arpeggio([0, 1, 2, 3, 4, 3, 2, 1] * 2, _synth, 0.3, score.bars[8:14], 5, 0.4)
    return score.mix.master(room=2.2, share=0.3, drive=1.2)


def paper_boats(random: np.random.Generator) -> Signal:
    """Lo-fi: sevenths on an electric piano, a lazy beat, a needle in the groove."""
    score = Score(78, ["Dm9", "G7", "Cmaj9", "Am7"] * 2 + ["Dm9", "G7", "Cmaj9"], swing=0.28)
    score.strum("X.....x...o.....", electric, 0.85, score.bars, 4, 2.2, 0.02)
    score.low("X.....x.x.......", 0.7, score.bars[2:], 0.12)
    score.beats("X.........x.....", kick(0.3), 0.8, score.bars[2:10])
    score.beats("....x.......x..o", snare(True), 0.48, score.bars[2:10])
    score.beats("x.x.x.x.x.x.x.xo", hat(), 0.3, score.bars[2:10], 0.3)
    score.sing(
        "-:1 A5:.5 C6:.5 A5:1 G5:1 F5:1.5 D5:.5 -:2 E5:.5 G5:.5 B5:1 A5:1 G5:1 E5:2 -:2 "
        "-:1 A5:.5 C6:.5 D6:1 C6:1 B5:1 A5:.5 G5:.5 F5:2 E5:4",
        bell,
        0.3,
        4,
        0.2,
    )
    seconds = score.time(len(score.chords)) + 2
    crackle = noise(random, seconds) * (random.random(int(seconds * 44_100)) > 0.9996)
    hiss = filtered(noise(random, seconds), 300, 4_000, 1) * 0.004
    score.mix.add(filtered(crackle, 700, 6_000, 1) * 0.5 + hiss, 0, 0.5, wet=False)
    return score.mix.master(room=1.0, share=0.18)


def open_horizon(_: np.random.Generator) -> Signal:
    """Cinematic, wide: strings that swell, bells far away, a slow pulse."""
    score = Score(66, ["Em", "C", "G", "D", "Em", "C", "Am", "B", "Em"])
    score.hold(_wide, 0.9, score.bars, 3)
    score.hold(pad, 0.6, score.bars[2:], 4)
    score.low("X...............", 0.7, score.bars[1:], 0.2)
    score.arpeggio([0, 2, 4, 5, 4, 2], bell, 0.16, score.bars[2:], 5, 2.5)
    score.beats("X...............", kick(0.1), 0.8, score.bars[4:])
    score.sing("B4:4 E5:3 F#5:1 G5:4 F#5:2 D5:2 E5:4 C5:2 E5:2 A5:4 F#5:4 E5:4", _wide, 0.8, 0)
    return score.mix.master(room=3.6, share=0.5, fade=(1.5, 4.0))


def bright_idea(_: np.random.Generator) -> Signal:
    """Cheerful: a small guitar, whistled bells, hands."""
    score = Score(112, ["F", "Dm", "Bb", "C"] * 3 + ["Bb", "C", "F"])
    score.strum("X..x..x.x..x..x.", _ukulele, 0.85, score.bars[:14], 4, 0.8, 0.014)
    score.strum("X...............", _ukulele, 0.9, score.bars[14:], 4, 3.0, 0.03)
    score.low("X.....x.X.......", 0.55, score.bars[4:], 0.2)
    score.beats("....X.......X..o", clap(1), 0.45, score.bars[2:14], -0.2)
    score.beats("X.......X.x.....", kick(0.6), 0.75, score.bars[4:14])
    score.beats("o.x.o.x.o.x.o.x.", shaker(), 0.48, score.bars[4:14], 0.35)
    hook = "C6:.5 A5:.5 F5:1 A5:.5 C6:1.5 D6:.5 C6:.5 A5:1 F5:2 D5:.5 F5:.5 Bb5:1 A5:1 F5:1 G5:4"
    score.sing(hook, bell, 0.5, 4, 0.15)
    score.sing(hook, bell, 0.55, 8, 0.15)
    return score.mix.master(room=1.1, share=0.22)


def deep_focus(_: np.random.Generator) -> Signal:
    """Minimal, steady: a pulse to work by."""
    score = Score(118, ["Am7", "Am7", "Fmaj7", "Fmaj7"] * 4 + ["Am7"])
    score.beats("X...X...X...X...", kick(0.5), 0.95, score.bars[:16])
    score.beats("..x...x...x...x.", hat(True), 0.2, score.bars[4:16], 0.2)
    score.beats("oxoxoxoxoxoxoxox", shaker(), 0.4, score.bars[2:16], -0.3)
    score.low("..x...x...x...xo", 0.75, score.bars[2:16], 0.4)
    score.arpeggio([0, 2, 1, 3, 2, 4, 3, 1], _synth, 0.5, score.bars[4:], 4, 0.5)
    score.hold(_wide, 0.5, score.bars[6:], 3)
    score.beats("....o.......o...", clap(2), 0.35, score.bars[8:16])
    score.sing("E5:6 G5:2 A5:6 -:2 " * 2, electric, 0.35, 8, 0.3)
    return score.mix.master(room=2.0, share=0.3, drive=1.1)


def last_train(_: np.random.Generator) -> Signal:
    """Piano alone, wistful."""
    score = Score(70, ["Am", "Em", "F", "C", "Dm", "Am", "F", "G", "Am"])
    score.arpeggio([0, 2, 3, 4, 5, 4, 3, 2], _soft, 0.5, score.bars[:8], 3, 2.4)
    score.strum("X...............", _soft, 0.7, score.bars[8:], 3, 4.0, 0.06)
    score.sing(
        "E5:2 C5:1 D5:1 B4:3 G4:1 A4:2 C5:1 F5:1 E5:4 "
        "F5:2 A5:1 G5:1 E5:3 C5:1 A4:1 C5:1 F5:1 E5:1 D5:3 B4:1 A4:4",
        piano,
        0.85,
        0,
        0.1,
    )
    return score.mix.master(room=2.6, share=0.35, fade=(0.02, 3.5))


def _guitar(note: int, seconds: float) -> Signal:
    return pluck(note, round(seconds, 3), 0.35)


def _muted(note: int, seconds: float) -> Signal:
    sound = pluck(note, round(seconds, 3), 0.5)
    return sound * np.exp(-np.arange(sound.size) / 44_100 * 9)


def _ukulele(note: int, seconds: float) -> Signal:
    return pluck(note, round(seconds, 3), 0.45)


def _wide(note: int, seconds: float) -> Signal:
    return pad(note, round(seconds, 3), 0.72)


def _synth(note: int, seconds: float) -> Signal:
    sound = lead(note, round(seconds, 3))
    return sound * np.exp(-np.arange(sound.size) / 44_100 * 6)


def _soft(note: int, seconds: float) -> Signal:
    return piano(note, round(seconds, 3), 0.75)
