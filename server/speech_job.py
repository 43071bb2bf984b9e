"""Jobs of the kind `speech`: a text becomes an MP3."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from api.tiers import allowance
from persistence.speech import Manner
from server.media.speech.studio import SpeechStudio
from server.worker import Running


class SpeechJob:
    """Runs them; see `JobHandler`. A job that is about a video makes a copy that goes with it."""

    def __init__(self, studio: SpeechStudio) -> None:
        self._studio = studio

    async def __call__(self, running: Running) -> Mapping[str, Any]:
        """Speak what the job says: `voice_id`, `text`, `speed`, `pitch` and `volume`."""
        job = running.job
        given = job.input
        manner = Manner(given["speed"], given["pitch"], given["volume"])
        recording = await self._studio.speak(given["voice_id"], given["text"], manner)
        if job.video_id is not None:
            room = allowance(job.tier).storage_bytes
            recording = await self._studio.copy_for(
                job.video_id, recording, owner=job.user_id, room=room
            )
        return recording.shown()
