"""What a provider of speech is."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal, Protocol

from server.media.model import Word

Gender = Literal["male", "female", "child"]
VoiceCategory = Literal["standard", "ultra", "studio"]

MAX_SPOKEN: Final = 20_000
"""Characters of one utterance."""


@dataclass(frozen=True, slots=True)
class Voice:
    """A voice that a provider offers.

    Attributes:
        id: in every interface; unique over all providers.
        name: a person's.
        language: in English, without the dialect.
        language_code: BCP 47, such as `en-US`.
        dialect: a place or a kind, where the language has several.
        gender: as it sounds.
        style: such as `conversational`.
        category: `standard` voices are built in.
        is_premium: takes a larger tier.
        provider: whose it is.
        provider_voice: what the provider calls it.
    """

    id: str
    name: str
    language: str
    language_code: str
    dialect: str | None
    gender: Gender
    style: str
    category: VoiceCategory
    is_premium: bool
    provider: str
    provider_voice: str


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
        """Write an MP3 to `target`.

        Raises:
            SpeechFailed: it cannot be spoken; the message says why. `target` may hold anything.
        """
        ...


def speakable(text: str) -> str:
    """The text without what cannot be spoken: control characters, lone surrogates."""
    kept = "".join(
        character if character.isprintable() or character in "\u200c\u200d" else " "
        for character in text
        if not "\ud800" <= character <= "\udfff"
    )
    return " ".join(kept.split())


def within(value: float, least: float, most: float) -> float:
    """The nearest allowed number; 1 for what is none."""
    return min(max(value, least), most) if math.isfinite(value) else 1.0
