"""The built-in voices as what speaks the voiceovers of a render."""

from __future__ import annotations

import hashlib
import tempfile
from pathlib import Path
from typing import Final

from server.media.errors import SpeechFailed
from server.media.model import SpeechAudio
from server.media.speech.espeak import Espeak
from server.media.speech.model import Utterance

DEFAULT_VOICE: Final = "espeak-en-US-female"


class EmbeddedSpeech:
    """A `Speech` that speaks everything anew, into files in a directory."""

    def __init__(self, espeak: Espeak, directory: Path) -> None:
        self._espeak = espeak
        self._directory = directory

    async def speak(
        self, text: str, voice_id: str, speed: float, pitch: float, volume: float
    ) -> SpeechAudio:
        """Speak; see `Speech.speak`."""
        offered = {voice.id: voice for voice in await self._espeak.voices()}
        voice = offered.get(voice_id or DEFAULT_VOICE)
        if voice is None:
            raise SpeechFailed(f"there is no voice {voice_id[:60]!r}")
        path = Path(tempfile.mkdtemp(dir=self._directory)) / "speech.mp3"
        said = Utterance(voice.provider_voice, text, speed, pitch, volume)
        spoken = await self._espeak.speak(said, path)
        key = hashlib.sha256(repr((self._espeak.revision, said)).encode()).hexdigest()
        return SpeechAudio(path, spoken.duration, spoken.words, key)
