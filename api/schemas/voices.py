"""The models of voices."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from api.schemas.base import Given, Id, Pagination, Shown
from api.schemas.layers import Layer
from persistence.speech import MAX_SPOKEN

Gender = Literal["male", "female", "child"]
VoiceCategory = Literal["standard", "ultra", "studio"]
Factor = Annotated[float, Field(ge=0.25, le=4)]
Loudness = Annotated[float, Field(ge=0, le=4)]


class VoiceQuery(BaseModel):
    """Which voices; `language` is a code such as `en-US`, or `en` for all of a language.

    Without `limit` all of them are one page, unless they are more than a thousand.
    """

    model_config = ConfigDict(frozen=True)

    language: Annotated[str, Field(max_length=35, pattern=r"^[A-Za-z0-9-]*$")] = ""
    gender: Gender | None = None
    category: VoiceCategory | None = None
    search: Annotated[str, Field(max_length=200, pattern=r"^[^\x00]*$")] = ""
    page: Annotated[int, Field(ge=1, le=1_000_000)] = 1
    limit: Annotated[int | None, Field(ge=1, le=100)] = None


class Voice(Shown):
    """A voice; standard ones are built in."""

    id: str
    name: str
    language: str
    language_code: str
    dialect: str | None
    gender: Gender
    style: str | None
    category: VoiceCategory
    sample_url: str
    is_premium: bool


class ManyVoices(Shown):
    """A page of voices."""

    voices: list[Voice]
    pagination: Pagination


class VoiceGenerate(Given):
    """What to speak; `speed`, `pitch` and `volume` are factors around 1."""

    voice_id: Annotated[str, Field(min_length=1, max_length=100)]
    text: Annotated[str, Field(min_length=1, max_length=MAX_SPOKEN)]
    speed: Factor = 1.0
    pitch: Factor = 1.0
    volume: Loudness = 1.0


class SpokenWord(Shown):
    """A word and when it is heard, in seconds."""

    text: str
    start: float
    end: float


class Voiceover(Shown):
    """What was spoken: an MP3, its seconds, and its words where the voice tells their times."""

    audio_url: str
    duration: float
    job_id: Id
    words: list[SpokenWord]


class LayerVoiceover(Shown):
    """The layer with its new audio."""

    layer: Layer
    job_id: Id
