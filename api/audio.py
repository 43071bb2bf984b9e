"""The audio library: listing, uploads, favorites."""

from __future__ import annotations

from typing import Any, Final
from uuid import UUID

from api.keys import Parts
from api.pages import pagination
from api.routes import USER, Answer, Call, Route
from api.schemas.audio import AudioForm, AudioQuery, AudioUpload, Favorite, ManyAudio, OneAudio
from api.uploads import Upload, fingerprint_of, take
from persistence.audio import Audio


async def list_audio(call: Call[None, AudioQuery]) -> Answer:
    """What the caller may see of the audio library, newest first."""
    query, library = call.query, call.parts.media.audio
    found, total = await library.page(
        call.caller.id,
        which=query.type,
        category=query.category,
        search=query.search,
        page=query.page,
        limit=query.limit,
    )
    favorites = await library.favorites_among([audio.id for audio in found], call.caller.id)
    return Answer(
        {
            "audio": [shown(audio, call.parts, audio.id in favorites) for audio in found],
            "pagination": pagination(query.page, query.limit, total),
        }
    )


async def upload_audio(call: Call[None, None]) -> Answer:
    """Add a piece of audio of the caller's own."""
    audio = await take(call, call.parts.media.audio, "audio", AudioForm, _uploaded)
    return Answer({"audio": shown(audio, call.parts)}, "Audio uploaded successfully")


def _uploaded(upload: Upload) -> Audio:
    url, thumbnail_url, waveform_url = upload.links
    return Audio(
        id=upload.id,
        title=upload.title,
        artist=upload.form.artist.strip() or None,
        duration=upload.examined.duration or 0.0,
        category=upload.form.category,
        tags=[],
        url=url,
        waveform_url=waveform_url,
        thumbnail_url=thumbnail_url,
        source="uploaded",
        is_premium=False,
        user_id=upload.owner,
    )


async def favorite_audio(call: Call[Favorite, None]) -> Answer:
    """Make a piece of audio a favorite of the caller's, or no longer one."""
    await call.parts.media.audio.set_favorite(
        UUID(call.ids["audio_id"]), call.caller.id, favorite=call.body.is_favorite
    )
    return Answer(message="Audio favorite status updated")


async def delete_audio(call: Call[None, None]) -> Answer:
    """Delete an upload of the caller's, with its files."""
    await call.parts.media.audio.delete(
        UUID(call.ids["audio_id"]), call.caller.id, by=call.caller.sub
    )
    return Answer(message="Audio deleted successfully")


def shown(audio: Audio, parts: Parts, is_favorite: bool = False) -> dict[str, Any]:
    """A piece of audio as the API shows it."""
    sign = parts.media.links.sign
    return {
        "id": str(audio.id),
        "title": audio.title,
        "artist": audio.artist,
        "duration": audio.duration,
        "category": audio.category,
        "tags": audio.tags,
        "url": sign(audio.url),
        "waveform_url": sign(audio.waveform_url),
        "thumbnail_url": sign(audio.thumbnail_url),
        "source": audio.source,
        "is_premium": audio.is_premium,
        "is_favorite": is_favorite,
    }


ROUTES: Final = (
    Route(
        method="GET",
        path="/api/v1/audio/library",
        handler=list_audio,
        permission=USER,
        summary="List and search the audio library",
        tag="Audio",
        query=AudioQuery,
        data=ManyAudio,
    ),
    Route(
        method="POST",
        path="/api/v1/audio/upload",
        handler=upload_audio,
        permission=USER,
        summary="Upload audio (mp3, wav, m4a)",
        tag="Audio",
        form=AudioUpload,
        fingerprint=fingerprint_of("audio"),
        data=OneAudio,
        status=201,
        idempotent=True,
    ),
    Route(
        method="POST",
        path="/api/v1/audio/{audio_id}/favorite",
        handler=favorite_audio,
        permission=USER,
        summary="Make audio a favorite, or no longer one",
        tag="Audio",
        body=Favorite,
    ),
    Route(
        method="DELETE",
        path="/api/v1/audio/{audio_id}",
        handler=delete_audio,
        permission=USER,
        summary="Delete an upload",
        tag="Audio",
    ),
)
