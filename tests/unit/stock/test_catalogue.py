"""What the stock library is made of: sounds by their measurements, pictures by their colours."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from server.stock import effects, people, pictures
from server.stock.catalogue import CATALOGUE, Drawing, Person, Sound
from server.stock.sound import PEAK, RATE, chord, hertz, pitch, pluck, swung

SOUNDS = {slug: item for slug, item in CATALOGUE.items() if isinstance(item, Sound)}
DRAWINGS = {slug: item for slug, item in CATALOGUE.items() if isinstance(item, Drawing)}
PEOPLE = {slug: item for slug, item in CATALOGUE.items() if isinstance(item, Person)}
QUICK = ("effect-chime", "effect-impact", "music-bright-idea")
slow = pytest.mark.slow


def some(names: Any, quick: tuple[str, ...]) -> list[Any]:
    return [pytest.param(name, marks=() if name in quick else slow) for name in names]


def test_there_is_enough_of_everything() -> None:
    assert len(SOUNDS) >= 12
    assert {item.category for item in SOUNDS.values()} == {"music", "sound_effects"}
    assert len(DRAWINGS) >= 12
    base = {slug for slug, item in PEOPLE.items() if item.of is None}
    assert len(base) >= 6
    assert {item.of for item in PEOPLE.values() if item.of} == base, "each has a variation"
    assert any(item.is_premium for item in CATALOGUE.values())
    assert len({item.title for item in CATALOGUE.values()}) == len(CATALOGUE)


def test_notes_and_chords() -> None:
    assert (pitch("A4"), pitch("C4"), pitch("F#3"), pitch("Bb5")) == (69, 60, 54, 82)
    assert hertz(69) == 440
    assert chord("Am7", 3) == [57, 60, 64, 67]
    assert chord("F#m", 2) == [42, 45, 49]
    assert [swung(beat, 1 / 3) for beat in (0, 0.5, 1)] == pytest.approx([0, 2 / 3, 1])


@pytest.mark.parametrize("note", [45, 64, 84])
def test_strings_are_in_tune(note: int) -> None:
    sound = pluck(note, 2.0, 0.45)
    spectrum = np.abs(np.fft.rfft(sound * np.hanning(sound.size), 1 << 19))
    frequencies = np.fft.rfftfreq(1 << 19, 1 / RATE)
    near = (frequencies > hertz(note) * 0.9) & (frequencies < hertz(note) * 1.1)
    heard = frequencies[near][spectrum[near].argmax()]
    assert abs(1200 * np.log2(heard / hertz(note))) < 3, "cents"


@pytest.mark.parametrize("slug", some(SOUNDS, QUICK))
def test_sounds(slug: str) -> None:
    sound = SOUNDS[slug].make(np.random.default_rng(1))
    seconds = sound.shape[1] / RATE
    assert 30 < seconds < 60 if SOUNDS[slug].category == "music" else 0.1 <= seconds <= 10
    assert np.isfinite(sound).all()
    peak, effective = np.abs(sound).max(), np.sqrt(np.mean(sound**2))
    assert peak <= PEAK + 1e-9, "nothing clips"
    assert -24 < 20 * np.log10(effective) < -12, "dBFS"
    assert peak / effective > 2.5, "it is not squashed"
    assert np.abs(sound.mean(axis=1)).max() < 0.002, "no offset"
    assert np.abs(sound[:, -20:]).max() < 0.005, "it fades out"
    assert np.abs(sound[:, :3]).max() < 0.3, "it does not start with a crack"
    spectrum = np.abs(np.fft.rfft(sound.mean(axis=0))) ** 2
    frequencies = np.fft.rfftfreq(sound.shape[1], 1 / RATE)
    assert spectrum[(frequencies > 60) & (frequencies < 10_000)].sum() > 0.4 * spectrum.sum()
    other = SOUNDS["effect-pop" if slug != "effect-pop" else "effect-click"]
    assert not np.array_equal(sound, other.make(np.random.default_rng(1)))


def test_a_whoosh_passes_from_left_to_right_and_is_loudest_between() -> None:
    left, right = effects.whoosh(np.random.default_rng(1))
    third = left.size // 3
    assert (left[:third] ** 2).sum() > 4 * (right[:third] ** 2).sum()
    assert (right[-third:] ** 2).sum() > 4 * (left[-third:] ** 2).sum()
    levels = [(piece**2).sum() for piece in np.array_split(left + right, 3)]
    assert levels[1] > 3 * max(levels[0], levels[2])


@pytest.mark.parametrize("slug", some(DRAWINGS, ("picture-bokeh",)))
def test_pictures(slug: str) -> None:
    image = DRAWINGS[slug].make(np.random.default_rng(1))
    assert (image.size, image.mode) == ((1920, 1080), "RGB")
    colours = np.asarray(image.resize((192, 108)), dtype=float)
    assert colours.std(axis=(0, 1)).max() > 12, "it is not one colour"
    assert 10 < colours.mean() < 245


@pytest.mark.parametrize("slug", some(PEOPLE, ("avatar-mei-medical",)))
def test_people_stand_on_nothing(slug: str) -> None:
    look = PEOPLE[slug].look
    drawn = people.portrait(look)
    alpha = np.asarray(drawn.getchannel("A"))
    assert drawn.size == people.SIZE
    assert alpha[5, 5] == 0
    assert 0.3 < (alpha > 128).mean() < 0.85
    face, breast = (np.asarray(drawn.convert("RGB"))[y, 400] for y in (320, 960))
    assert (face != breast).any()
    assert people.thumbnail(drawn, look).size == (480, 480)


def test_the_same_numbers_make_the_same_bytes() -> None:
    drawn = pictures.lights_out_of_focus
    first, again = (drawn(np.random.default_rng(5)).tobytes() for _ in range(2))
    assert first == again
    sounds = [effects.riser(np.random.default_rng(5)).tobytes() for _ in range(2)]
    assert sounds[0] == sounds[1]
