"""Voices of any server that speaks OpenAI's `/v1/audio/speech`."""

from __future__ import annotations

import asyncio
import re
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from persistence.voices import Voice
from server.media.errors import SpeechFailed, SpeechProviderFailed
from server.media.fetch import Answered, Fetcher
from server.media.provider import Endpoint, GaveUp, Refused, ask
from server.media.speech import mp3
from server.media.speech.model import Spoken, Utterance, within

PROVIDER: Final = "openai"
RATE: Final = 24_000
MAX_INPUT: Final = 4096
"""Characters that the API takes at once."""
MAX_BYTES: Final = 64 << 20
_TYPES: Final = ("audio/", "application/octet-stream", "binary/octet-stream", "application/ogg")
_SENTENCE: Final = re.compile(r"(?<=[.!?\u3002\uff01\uff1f;\n])\s*")


@dataclass(frozen=True, slots=True)
class NamedVoice:
    """One of the provider's voices, as an operator names it; `code` is its language's."""

    name: str
    gender: str = "female"
    code: str = "en-US"


class OpenAiSpeech:
    """The provider; see `SpeechProvider`.

    Args:
        endpoint: whom to ask.
        voices: that it has.
        fetch: that trusts the endpoint's origin.
    """

    def __init__(self, endpoint: Endpoint, voices: Sequence[NamedVoice], fetch: Fetcher) -> None:
        self.name = PROVIDER
        named = ",".join(f"{voice.name}:{voice.gender}:{voice.code}" for voice in voices)
        self.revision = f"{endpoint.base} {endpoint.model} {named}"
        self._endpoint = endpoint
        self._voices = voices
        self._fetch = fetch

    async def voices(self) -> Sequence[Voice]:
        """Those that were configured; see `SpeechProvider.voices`."""
        return [
            Voice(
                id=f"{PROVIDER}-{voice.name.lower()}",
                name=voice.name.replace("_", " ").title(),
                language="English" if voice.code.startswith("en") else voice.code,
                language_code=voice.code,
                dialect=None,
                gender=voice.gender,
                style="natural",
                category="ultra",
                is_premium=True,
                provider=PROVIDER,
                provider_voice=voice.name,
            )
            for voice in self._voices
        ]

    async def speak(self, utterance: Utterance, target: Path) -> Spoken:
        """Speak; see `SpeechProvider.speak`. This API tells no words' times."""
        filters = [
            *mp3.shift(within(utterance.pitch, 0.25, 4), RATE),
            *mp3.loudness(within(utterance.volume, 0, 4)),
        ]
        with tempfile.TemporaryDirectory(dir=target.parent) as made:
            directory, duration = Path(made), 0.0
            whole = directory / "whole"
            for piece in pieces(utterance.text):
                samples = directory / "samples"
                duration += await self._piece(utterance, piece, filters, directory, samples)
                await asyncio.to_thread(_append, samples, whole)
            await mp3.encode(whole, RATE, (), target)
        return Spoken(round(duration, 3))

    async def _piece(
        self,
        utterance: Utterance,
        text: str,
        filters: Sequence[str],
        directory: Path,
        samples: Path,
    ) -> float:
        given = {
            "model": self._endpoint.model,
            "input": text,
            "voice": utterance.voice,
            "response_format": "mp3",
            "speed": round(within(utterance.speed, 0.25, 4), 4),
        }
        try:
            answer = await ask(
                self._fetch, self._endpoint, "audio/speech", given, _check, max_bytes=MAX_BYTES
            )
        except Refused as error:
            raise SpeechProviderFailed(
                f"The speech provider does not speak this: {error}."
            ) from error
        except GaveUp as error:
            raise SpeechProviderFailed(f"The speech provider failed: {error}") from error
        source = directory / "answer"
        await asyncio.to_thread(source.write_bytes, answer.body)
        try:
            return await mp3.decode(source, RATE, filters, samples)
        except SpeechFailed as error:
            raise SpeechProviderFailed(str(error)) from error


def pieces(text: str) -> list[str]:
    """A text in pieces that the API takes: cut between sentences, else words, else anywhere."""
    found = [""]
    for sentence in _SENTENCE.split(text):
        for part in _short(sentence):
            if len(found[-1]) + 1 + len(part) > MAX_INPUT:
                found.append("")
            found[-1] = f"{found[-1]} {part}".strip()
    return [piece for piece in found if piece]


def _short(sentence: str) -> list[str]:
    parts: list[str] = []
    while len(sentence) > MAX_INPUT:
        cut = sentence.rfind(" ", 1, MAX_INPUT) + 1 or MAX_INPUT
        parts.append(sentence[:cut].strip())
        sentence = sentence[cut:]
    return [*parts, sentence.strip()]


def _check(answer: Answered) -> str | None:
    if not answer.content_type.startswith(_TYPES):
        return f"it sends {answer.content_type} instead of audio"
    if not answer.body:
        return "it sends nothing"
    return None


def _append(source: Path, target: Path) -> None:
    with target.open("ab") as file:
        file.write(source.read_bytes())
