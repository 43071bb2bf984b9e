"""The installed providers of speech and images, as the settings name them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Final

from pydantic import SecretStr

from collab.errors import GenerationFailed
from persistence.blobs import Blobs
from persistence.database import Database
from persistence.speech import Recordings
from persistence.voices import Voices
from server.media.errors import SpeechFailed
from server.media.fetch import Fetcher
from server.media.images.model import ImageProvider
from server.media.images.openai import OpenAiImages
from server.media.images.procedural import Procedural
from server.media.provider import Endpoint
from server.media.speech.espeak import Espeak
from server.media.speech.model import SpeechProvider
from server.media.speech.openai import NamedVoice, OpenAiSpeech
from server.media.speech.studio import SpeechStudio
from server.setting_values import VOICE
from server.settings import Settings

SPEAK_AT_ONCE: Final = 4
SPEECH_SECONDS: Final = 8.0
"""For all attempts to have something spoken by another server: ten seconds are promised."""
PAINT_AT_ONCE: Final = 2
IMAGE_SECONDS: Final = 55.0
"""For all attempts to have a picture made by another server: a minute is promised."""
IMAGE_ATTEMPTS: Final = 6
"""Together they outlast a server that is started again, which takes some seconds."""


async def speech_studio(
    settings: Settings, database: Database, blobs: Blobs, directory: Path
) -> SpeechStudio:
    """Everything that speaks, with its voices listed; `directory` is for what is being made.

    Raises:
        SpeechFailed: a provider cannot say which voices it has.
    """
    providers: list[SpeechProvider] = [Espeak(SPEAK_AT_ONCE)]
    if settings.speech_url is not None:
        endpoint = Endpoint(
            settings.speech_url,
            _secret(settings.speech_key),
            settings.speech_model,
            seconds=SPEECH_SECONDS,
            patience=SPEECH_SECONDS,
        )
        voices = [_named(text) for text in settings.speech_voices]
        providers.append(OpenAiSpeech(endpoint, voices, Fetcher([endpoint.origin])))
    recordings = Recordings(database, blobs)
    studio = SpeechStudio(providers, Voices(database), recordings, blobs, directory)
    await studio.install()
    return studio


def image_provider(settings: Settings) -> ImageProvider:
    """What makes pictures from words."""
    if settings.image_url is None:
        return Procedural(PAINT_AT_ONCE)
    endpoint = Endpoint(
        settings.image_url,
        _secret(settings.image_key),
        settings.image_model,
        seconds=IMAGE_SECONDS,
        patience=IMAGE_SECONDS,
        attempts=IMAGE_ATTEMPTS,
    )
    return OpenAiImages(endpoint, Fetcher([endpoint.origin]))


def sampler(studio: SpeechStudio) -> Callable[[str], Awaitable[str]]:
    """What gives the path of what a voice sounds like.

    It raises VoiceNotFound, and GenerationFailed when the voice does not speak.
    """

    async def sample(voice_id: str) -> str:
        try:
            return (await studio.sample(voice_id)).path
        except SpeechFailed as error:
            raise GenerationFailed(error.code, str(error)) from error

    return sample


def _secret(value: SecretStr | None) -> str | None:
    return None if value is None else value.get_secret_value()


def _named(text: str) -> NamedVoice:
    found = VOICE.fullmatch(text)
    assert found is not None
    given = {name: value for name, value in found.groupdict().items() if value is not None}
    return NamedVoice(**given)
