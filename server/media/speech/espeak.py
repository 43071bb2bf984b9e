"""The built-in voices: eSpeak NG from its wheel, one short process an utterance."""

from __future__ import annotations

import asyncio
import json
import math
import sys
import tempfile
import unicodedata
from collections.abc import Iterable, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

import espeakng_loader

from persistence.voices import Voice
from server.media import child
from server.media.errors import NotSpeakable, SpeechFailed
from server.media.model import Word
from server.media.speech import espeak_child, mp3
from server.media.speech.catalogue import PROVIDER, Native, catalogue
from server.media.speech.model import Spoken, Utterance, within

NORMAL_RATE: Final = 175
SLOWEST: Final = 80
FASTEST: Final = 450
"""Words a minute that eSpeak NG speaks by itself; beyond, its samples are stretched."""
PROCESS_SECONDS: Final = 90.0


class Espeak:
    """The provider; see `SpeechProvider`.

    Args:
        at_once: how many utterances at a time.
    """

    def __init__(self, at_once: int) -> None:
        self.name = PROVIDER
        self.revision = f"{version('espeakng-loader')}/1"
        self._turns = asyncio.Semaphore(at_once)

    async def voices(self) -> Sequence[Voice]:
        """Every language in its kinds; see `SpeechProvider.voices`."""
        listed = await _ask({"do": "voices"})
        return catalogue((identifier, name, code) for identifier, name, code in listed)

    async def speak(self, utterance: Utterance, target: Path) -> Spoken:
        """Speak; see `SpeechProvider.speak`."""
        try:
            native = Native.parse(utterance.voice)
        except ValueError as error:
            raise SpeechFailed(str(error)) from error
        wanted = NORMAL_RATE * within(utterance.speed, 0.25, 4)
        rate = round(within(wanted, SLOWEST, FASTEST))
        stretch = wanted / rate
        async with self._turns:
            with tempfile.TemporaryDirectory(dir=target.parent) as directory:
                samples = Path(directory) / "samples"
                said = await _ask(
                    {
                        "do": "speak",
                        "voice": native.identifier,
                        "variant": native.variant,
                        "text": utterance.text,
                        "rate": rate,
                        "pitch": pitch_parameter(utterance.pitch * native.pitch),
                        "target": str(samples),
                        "seconds": mp3.MAX_SECONDS,
                    }
                )
                filters = [*mp3.tempo(stretch), *mp3.loudness(within(utterance.volume, 0, 4))]
                await mp3.encode(samples, said["rate"], filters, target)
        duration = said["samples"] / said["rate"] / stretch
        scale = said["rate"] * stretch
        heard = [(start, sample / scale) for start, _, sample in said["words"]]
        return Spoken(round(duration, 3), words_of(utterance.text, heard, duration))


def pitch_parameter(factor: float) -> int:
    """ESpeak's pitch, 0 to 100, where 50 steps are an octave, for a factor."""
    return round(50 + 50 * math.log2(within(factor, 0.5, 2)))


def words_of(text: str, heard: Iterable[tuple[int, float]], duration: float) -> list[Word]:
    """The words as they are written, with their times.

    eSpeak tells more words than are written (`1984` is three), and each character of a text that
    has no spaces; a written word is told once, and lasts until the next one.

    Args:
        text: what was spoken.
        heard: position in the text and second, of each word that eSpeak told.
        duration: seconds of the whole.
    """
    starts: dict[int, float] = {}
    for position, second in heard:
        if 0 <= position < len(text):
            begin = position if _alone(text[position]) else _word_start(text, position)
            starts.setdefault(begin, second)
    if not starts:
        return []
    positions = sorted(starts)
    words: list[Word] = []
    for begin, following in zip(positions, [*positions[1:], len(text)], strict=True):
        start = max(starts[begin], words[-1].start if words else 0.0)
        end = max(start, starts.get(following, duration))
        written = text[begin:following].strip()
        words.append(Word(written, round(start, 3), round(end, 3)))
    return words


def _word_start(text: str, position: int) -> int:
    while position > 0 and not text[position - 1].isspace() and not _alone(text[position - 1]):
        position -= 1
    return position


def _alone(character: str) -> bool:
    return character >= "\u0e00" and unicodedata.category(character) == "Lo"


async def _ask(given: dict[str, Any]) -> Any:
    """Run one process on one request."""
    paths = {
        "library": espeakng_loader.get_library_path(),
        "data": espeakng_loader.get_data_path(),
    }
    command = (sys.executable, "-I", "-S", espeak_child.__file__)
    asked = json.dumps({**paths, **given}).encode()
    try:
        ended = await child.run(*command, given=asked, seconds=PROCESS_SECONDS)
    except TimeoutError as error:
        raise SpeechFailed("The text takes too long to speak.") from error
    if ended.code:
        unspeakable = ended.code == espeak_child.NOT_SPEAKABLE
        raise (NotSpeakable if unspeakable else SpeechFailed)(
            ended.reason or "The voice ended without a word."
        )
    return json.loads(ended.output)
