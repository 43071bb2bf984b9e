"""Voices: what there are, and what they say."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any, Final
from uuid import UUID

from aiohttp import web

from api.editing import change
from api.errors import InvalidFields
from api.generations import result_of
from api.keys import Parts
from api.pages import pagination
from api.permissions import Action
from api.projections import sign
from api.routes import OPEN, USER, Answer, Call, Route, on_layer
from api.schemas.blobs import BlobSignature
from api.schemas.voices import (
    LayerVoiceover,
    ManyVoices,
    VoiceGenerate,
    Voiceover,
    VoiceQuery,
)
from api.tiers import allowance, require_premium
from collab import edits
from collab.errors import Conflict
from persistence.jobs import Job
from persistence.speech import Manner
from persistence.texts import one_line
from persistence.voices import Voice

WAIT_SECONDS: Final = 30.0
WORDS_BYTES: Final = 32 * 1024
"""Word timings in a layer's properties; those of longer texts are left out there."""


async def list_voices(call: Call[None, VoiceQuery]) -> Answer:
    """The voices of the installed providers, by language."""
    query = call.query
    found, limit, total = await call.parts.media.voices.page(
        language=query.language,
        gender=query.gender,
        category=query.category,
        search=query.search,
        page=query.page,
        limit=query.limit,
    )
    return Answer(
        {
            "voices": [shown(voice, call.parts) for voice in found],
            "pagination": pagination(query.page, limit, total),
        }
    )


async def play_sample(call: Call[None, BlobSignature]) -> web.Response:
    """What a voice sounds like; spoken when it is first asked for."""
    links, voice_id = call.parts.media.links, call.ids["voice"]
    links.check(f"voice:{voice_id}", call.query.exp, call.query.sig)
    path = links.sign(await call.parts.media.sample(voice_id))
    assert path is not None
    return web.Response(
        status=302, headers={"Location": path, "Cache-Control": "private, max-age=3600"}
    )


async def generate_voiceover(call: Call[VoiceGenerate, None]) -> Answer:
    """Speak a text; the answer comes when it is spoken."""
    body = call.body
    manner = Manner(body.speed, body.pitch, body.volume)
    job = await _speak(call, body.voice_id, body.text, manner, "text")
    spoken = result_of(job)
    return Answer(
        {
            "audio_url": call.parts.media.links.sign(spoken["path"]),
            "duration": spoken["duration"],
            "job_id": str(job.id),
            "words": spoken["words"],
        }
    )


async def voice_layer(call: Call[None, None]) -> Answer:
    """Speak a voiceover layer's text, or its scene's where it has none, and set its audio."""
    parts, layer_id = call.parts, call.ids["layer_id"]
    _, layer, _ = await parts.scenes.read_layer(UUID(layer_id))
    if layer["type"] != "voiceover":
        raise Conflict("Only voiceover layers can be spoken.")
    given = layer["properties"]
    text = given.get("text")
    if not (isinstance(text, str) and text.strip()):
        scene, _ = await parts.scenes.read_scene(call.video_id, UUID(str(layer["scene_id"])))
        text = scene["text"]
    voice_id = given.get("voice_id")
    if not (isinstance(voice_id, str) and voice_id):
        voice_id = parts.media.default_voice
    manner = Manner(_factor(given, "speed"), _factor(given, "pitch"))
    job = await _speak(call, voice_id, text, manner, "properties.text", call.video_id)
    spoken = result_of(job)
    words = spoken["words"]
    changes = {
        "audio_url": parts.media.links.bare(spoken["path"]),
        "audio_duration": spoken["duration"],
        "audio_text": text,
        "words": words if len(str(words)) <= WORDS_BYTES else None,
    }
    edit = edits.update_layer(
        parts.rules, layer_id, {"duration": spoken["duration"], "properties": changes}
    )
    seq = await change(call, edit)
    video_id, layer, _ = await parts.scenes.read_layer(UUID(layer_id))
    shown_layer = await sign(parts.media, video_id, layer)
    return Answer(
        {"layer": shown_layer, "job_id": str(job.id)}, "Voiceover generated successfully", seq=seq
    )


def shown(voice: Voice, parts: Parts) -> dict[str, Any]:
    """A voice as the API shows it."""
    return {
        "id": voice.id,
        "name": voice.name,
        "language": voice.language,
        "language_code": voice.language_code,
        "dialect": voice.dialect,
        "gender": voice.gender,
        "style": voice.style,
        "category": voice.category,
        "sample_url": parts.media.links.sample(voice.id),
        "is_premium": voice.is_premium,
    }


async def _speak(
    call: Call[Any, Any],
    voice_id: str,
    text: str,
    manner: Manner,
    field: str,
    video_id: UUID | None = None,
) -> Job:
    """A job that speaks, once it has ended; at once for what was spoken before.

    Args:
        call: in whose name.
        voice_id: with which voice.
        text: what.
        manner: how.
        field: that `text` came from.
        video_id: what the audio shall stay as long as.

    Raises:
        VoiceNotFound: there is no such voice.
        TierRequired: it is premium.
        InvalidFields: there is nothing to speak.
        TooManyGenerations: the caller has no generations left this hour.
    """
    media, caller = call.parts.media, call.caller
    voice = await media.voices.get(voice_id)
    if voice.is_premium:
        require_premium(caller.tier, f"the voice {voice.name}")
    said = one_line(text)
    if not said:
        raise InvalidFields([{"field": field, "message": "holds nothing that can be spoken"}])
    given = {"voice_id": voice.id, "text": said, **asdict(manner)}
    limit = allowance(caller.tier).generations_an_hour
    job_id = call.make_id()
    found = await media.recordings.find(voice, said, manner) if video_id is None else None
    if found is not None:
        return await media.jobs.record(
            *(job_id, "speech"),
            user=caller.id,
            tier=caller.tier,
            given=given,
            result=found.shown(),
            limit=limit,
        )
    job = await media.jobs.start(
        *(job_id, "speech"),
        user=caller.id,
        tier=caller.tier,
        given=given,
        limit=limit,
        video_id=video_id,
    )
    return await media.news.ended(job.id, WAIT_SECONDS)


def _factor(given: dict[str, Any], name: str) -> float:
    value = given.get(name, 1.0)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return 1.0
    return min(max(float(value), 0.25), 4.0)


ROUTES: Final = (
    Route(
        method="GET",
        path="/api/v1/voices",
        handler=list_voices,
        permission=USER,
        summary="List and search the voices",
        tag="Voices",
        query=VoiceQuery,
        data=ManyVoices,
    ),
    Route(
        method="GET",
        path="/api/v1/voices/{voice}/sample",
        handler=play_sample,
        permission=OPEN,
        summary="What a voice sounds like, by the signed link of its `sample_url`",
        tag="Voices",
        query=BlobSignature,
        status=302,
        content_type="audio/mpeg",
        errors=frozenset({403}),
    ),
    Route(
        method="POST",
        path="/api/v1/voices/generate",
        handler=generate_voiceover,
        permission=USER,
        summary="Speak a text",
        tag="Voices",
        body=VoiceGenerate,
        data=Voiceover,
        status=201,
        idempotent=True,
        errors=frozenset({404}),
    ),
    Route(
        method="POST",
        path="/api/v1/layers/{layer_id}/voiceover",
        handler=voice_layer,
        permission=on_layer(Action.EDIT),
        summary="Speak a voiceover layer's text, and set its audio",
        tag="Voices",
        data=LayerVoiceover,
        idempotent=True,
    ),
)
