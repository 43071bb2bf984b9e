"""Everything that speaks: the installed providers behind one door, with what they said before."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Final
from uuid import UUID

from collab.errors import VoiceNotFound
from persistence.blobs import Blobs
from persistence.speech import MAX_SPOKEN, Manner, Recording, Recordings
from persistence.texts import one_line
from persistence.voices import Voices
from server.media.errors import NotSpeakable, SpeechFailed, SpeechProviderFailed
from server.media.model import SpeechAudio, Word
from server.media.speech.model import SpeechProvider, Utterance

DEFAULT_VOICE: Final = "espeak-en-US-female"
SAMPLES: Final = {
    "de": "Hallo! So klingt meine Stimme in deinem nächsten Video.",
    "en": "Hello! This is how I sound in your next video.",
    "es": "¡Hola! Así suena mi voz en tu próximo vídeo.",
    "fr": "Bonjour ! Voici ma voix pour votre prochaine vidéo.",
    "it": "Ciao! Questa è la mia voce per il tuo prossimo video.",
    "nl": "Hallo! Zo klinkt mijn stem in je volgende video.",
    "pl": "Cześć! Tak brzmi mój głos w twoim następnym filmie.",
    "pt": "Olá! É assim que soa a minha voz no seu próximo vídeo.",
    "ru": "Привет! Так звучит мой голос в вашем следующем видео.",
    "tr": "Merhaba! Bir sonraki videonuzda sesim böyle duyulacak.",
    "zh": "你好。这就是我在你的下一个视频里的声音。",
}
"""What a voice's sample says, by language; in others it counts."""
COUNTING: Final = "1, 2, 3, 4, 5, 6, 7."


class SpeechStudio:
    """Speaks with every voice that is installed.

    Args:
        providers: each with a name of its own.
        voices: the table that lists what they offer.
        recordings: what was spoken before.
        blobs: where recordings are.
        directory: for what is being made.
    """

    def __init__(
        self,
        providers: Sequence[SpeechProvider],
        voices: Voices,
        recordings: Recordings,
        blobs: Blobs,
        directory: Path,
    ) -> None:
        self._providers = {provider.name: provider for provider in providers}
        self._voices = voices
        self._recordings = recordings
        self._blobs = blobs
        self._directory = directory

    async def install(self) -> None:
        """Have the table list what the providers offer; nothing to do when it does already.

        Raises:
            SpeechFailed: a provider cannot say what it has.
        """
        listed = await self._voices.revisions()
        for name, provider in self._providers.items():
            if listed.get(name) != provider.revision:
                offered = await provider.voices()
                revised = [replace(voice, revision=provider.revision) for voice in offered]
                await self._voices.replace(name, revised)
        if not listed.keys() <= self._providers.keys():
            await self._voices.keep_only(list(self._providers))

    async def speak(self, voice_id: str, text: str, manner: Manner) -> Recording:
        """Speak, or find what was spoken.

        Raises:
            VoiceNotFound: there is no such voice.
            NotSpeakable: there is nothing to speak, or too much.
            SpeechFailed: it cannot be spoken; the message says why.
            BlobStoreFailed: it could not be stored.
        """
        voice = await self._voices.get(voice_id or DEFAULT_VOICE)
        said = one_line(text)
        if not said:
            raise NotSpeakable("There is nothing to speak.")
        if len(said) > MAX_SPOKEN:
            raise NotSpeakable(f"A text to speak has at most {MAX_SPOKEN:,} characters.")
        found = await self._recordings.find(voice, said, manner)
        if found is not None:
            return found
        provider = self._providers.get(voice.provider)
        if provider is None:
            raise SpeechProviderFailed(f"The voice {voice.name} is not installed here.")
        utterance = Utterance(voice.provider_voice, said, **asdict(manner))
        with tempfile.TemporaryDirectory(dir=self._directory) as made:
            target = Path(made) / "speech.mp3"
            spoken = await provider.speak(utterance, target)
            return await self._recordings.put(
                *(voice, said, manner, target, spoken.duration),
                [asdict(word) for word in spoken.words],
            )

    async def sample(self, voice_id: str) -> Recording:
        """What a voice sounds like; raises as `speak`."""
        voice = await self._voices.get(voice_id)
        language = voice.language_code.split("-", 1)[0].lower()
        return await self.speak(voice_id, SAMPLES.get(language, COUNTING), Manner())

    async def copy_for(
        self, video_id: UUID, recording: Recording, *, owner: UUID, room: int
    ) -> Recording:
        """A recording's copy that goes with a video: it stays as long as that does.

        Args:
            video_id: the video.
            recording: what was spoken.
            owner: whose storage it takes.
            room: how many bytes they may have stored.

        Raises:
            StorageQuotaExceeded: they have no room for it.
            BlobStoreFailed: it could not be stored.
        """
        with tempfile.TemporaryDirectory(dir=self._directory) as made:
            target = Path(made) / "speech.mp3"
            await self._blobs.store.fetch(recording.key, target)
            blob = await self._blobs.put_file(
                target, "audio/mpeg", owner=owner, video_id=video_id, room=room
            )
        return replace(recording, key=blob.key)


class RenderSpeech:
    """What speaks the voiceovers of one render; see `server.media.model.Speech`.

    Args:
        studio: speaks.
        blobs: where recordings are.
        directory: for copies, which live as long as it does.
    """

    def __init__(self, studio: SpeechStudio, blobs: Blobs, directory: Path) -> None:
        self._studio = studio
        self._blobs = blobs
        self._directory = directory

    async def speak(
        self, text: str, voice_id: str, speed: float, pitch: float, volume: float
    ) -> SpeechAudio:
        """Speak; see `Speech.speak`."""
        try:
            recording = await self._studio.speak(voice_id, text, Manner(speed, pitch, volume))
        except VoiceNotFound as error:
            raise SpeechFailed(f"there is no voice {voice_id[:60]!r}") from error
        path = Path(tempfile.mkdtemp(dir=self._directory)) / recording.key
        await self._blobs.store.fetch(recording.key, path)
        words = [Word(word["text"], word["start"], word["end"]) for word in recording.words]
        return SpeechAudio(path, recording.duration, words, recording.key)
