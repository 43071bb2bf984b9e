"""What a provider of speech is."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

from persistence.voices import Voice
from server.media.model import Word

Gender = Literal["male", "female", "child"]


@dataclass(frozen=True, slots=True)
class Utterance:
    """What is to be spoken.

    Attributes:
        voice: what the provider calls it.
        text: without control characters, not blank.
        speed: a factor, 0.25 to 4.
        pitch: a factor, 0.25 to 4.
        volume: a factor, 0 to 4.
    """

    voice: str
    text: str
    speed: float = 1.0
    pitch: float = 1.0
    volume: float = 1.0


@dataclass(frozen=True, slots=True)
class Spoken:
    """What was spoken: seconds, and the words' times where the provider has them."""

    duration: float
    words: Sequence[Word] = ()


class SpeechProvider(Protocol):
    """Speaks with voices of its own.

    Attributes:
        name: what `Voice.provider` says.
        revision: changes when the same utterance would sound different; part of a cache's key.
    """

    name: str
    revision: str

    async def voices(self) -> Sequence[Voice]:
        """Every voice it has.

        Raises:
            SpeechFailed: it cannot say.
        """
        ...

    async def speak(self, utterance: Utterance, target: Path) -> Spoken:
        """Write an MP3 to `target`, with what it needs meanwhile beside it.

        Raises:
            SpeechFailed: it cannot be spoken; the message says why. `target` may hold anything.
        """
        ...


def within(value: float, least: float, most: float) -> float:
    """The nearest allowed number; 1 for what is none."""
    return min(max(value, least), most) if math.isfinite(value) else 1.0
