"""The models of audio."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from api.schemas.base import FormTitle, Given, Id, Pagination, SearchPage, Shown, without_defaults


class AudioQuery(SearchPage):
    """Which audio: without `type`, the stock and the caller's own."""

    type: Literal["stock", "my", "favorites"] | None = None
    category: Literal["music", "sound_effects"] | None = None


class AudioForm(BaseModel):
    """An upload of audio: mp3, wav or m4a, up to 50 MB."""

    model_config = ConfigDict(extra="forbid", frozen=True, json_schema_extra=without_defaults)

    title: FormTitle = ""
    artist: FormTitle = ""
    category: Literal["music", "sound_effects"] = "music"


class AudioUpload(AudioForm):
    """The form as it is sent."""

    file: Annotated[str, Field(json_schema_extra={"format": "binary"})]


class Favorite(Given):
    """Whether a piece of audio is a favorite of the caller's."""

    is_favorite: bool


class Audio(Shown):
    """A piece of audio; `duration` in seconds."""

    id: Id
    title: str
    artist: str | None
    duration: float
    category: Literal["music", "sound_effects"]
    tags: list[str]
    url: str
    waveform_url: str | None
    thumbnail_url: str | None
    source: Literal["stock", "uploaded", "generated"]
    is_premium: bool
    is_favorite: bool


class OneAudio(Shown):
    """One piece of audio."""

    audio: Audio


class ManyAudio(Shown):
    """A page of audio."""

    audio: list[Audio]
    pagination: Pagination
