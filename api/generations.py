"""Jobs that are asked for over REST: what they may cost, and what came of them."""

from __future__ import annotations

from typing import Any, Final

from api.errors import InvalidFields
from collab.errors import (
    CocutError,
    Conflict,
    GenerationFailed,
    StorageQuotaExceeded,
    VoiceNotFound,
)
from persistence.jobs import Job

STILL_RUNNING: Final = "The job is still going on; ask again in a moment."


def result_of(job: Job) -> dict[str, Any]:
    """What came of a job that somebody waited for.

    Raises:
        InvalidFields: the text was the reason that it failed.
        VoiceNotFound: the voice went away meanwhile.
        Conflict: it was cancelled.
        GenerationFailed: it failed, or has not ended yet.
    """
    if job.status == "completed":
        assert job.result is not None
        return job.result
    if job.status == "cancelled":
        raise Conflict("The job was cancelled.")
    if job.error is None:
        raise GenerationFailed("generation_timeout", STILL_RUNNING)
    code, message = job.error["code"], job.error["message"]
    if code == "not_speakable":
        raise InvalidFields([{"field": "text", "message": message}])
    if code == VoiceNotFound.code:
        raise VoiceNotFound
    if code == StorageQuotaExceeded.code:
        raise StorageQuotaExceeded(message)
    if code == "internal":
        raise CocutError(message)
    raise GenerationFailed(code, message)
