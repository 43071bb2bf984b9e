"""How the error tree becomes answers and close codes."""

from __future__ import annotations

import json

import pytest

from api import errors
from collab.errors import (
    ApiKeyNotFound,
    AudioNotFound,
    AvatarNotFound,
    BadInput,
    BlobNotFound,
    BrokenDocument,
    CocutError,
    Conflict,
    CorruptLog,
    DatabaseAway,
    DocumentTooBig,
    Draining,
    Forbidden,
    GenerationFailed,
    InvalidEdit,
    JobNotFound,
    JournalFull,
    LayerNotFound,
    MalformedFrame,
    MalformedUpdate,
    MediaNotFound,
    MessageTooBig,
    MissingUpdates,
    NotFound,
    SceneNotFound,
    StorageQuotaExceeded,
    TierRequired,
    TooManyGenerations,
    Unauthenticated,
    Unavailable,
    UserNotFound,
    VersionNotFound,
    VideoNotFound,
    VoiceNotFound,
)

TABLE: list[tuple[CocutError, int, str, int]] = [
    (errors.MalformedJson("x"), 400, "malformed_json", 4400),
    (errors.MalformedBody("x"), 400, "malformed_body", 4400),
    (errors.MalformedRequest("x"), 400, "malformed_request", 4400),
    (errors.InvalidFields([]), 422, "invalid_fields", 4400),
    (errors.UnreadableFile("it is damaged"), 422, "invalid_fields", 4400),
    (errors.UnsupportedType("x"), 415, "unsupported_media_type", 4400),
    (errors.BodyTooBig("x"), 413, "body_too_big", 4400),
    (errors.RangeNotSatisfiable(9), 416, "range_not_satisfiable", 4400),
    (errors.TooManyRequests(2.2), 429, "rate_limited", 1013),
    (errors.UnknownPath("x"), 404, "not_found", 4404),
    (errors.MethodNotAllowed(["GET"]), 405, "method_not_allowed", 1011),
    (errors.NotReady([]), 503, "not_ready", 1013),
    (BadInput("x"), 400, "bad_input", 4400),
    (MalformedFrame("x"), 400, "malformed_frame", 4400),
    (MalformedUpdate("x"), 400, "malformed_update", 4400),
    (MessageTooBig("x"), 413, "message_too_big", 1009),
    (DocumentTooBig("x"), 413, "document_too_big", 1009),
    (InvalidEdit("text", "is too long"), 422, "invalid_fields", 4400),
    (MissingUpdates("x"), 409, "missing_updates", 4400),
    (NotFound("x"), 404, "not_found", 4404),
    (VideoNotFound(), 404, "video_not_found", 4404),
    (SceneNotFound(), 404, "scene_not_found", 4404),
    (VersionNotFound(), 404, "version_not_found", 4404),
    (LayerNotFound(), 404, "layer_not_found", 4404),
    (UserNotFound(), 404, "member_not_found", 4404),
    (AudioNotFound(), 404, "audio_not_found", 4404),
    (MediaNotFound(), 404, "media_not_found", 4404),
    (AvatarNotFound(), 404, "avatar_not_found", 4404),
    (VoiceNotFound(), 404, "voice_not_found", 4404),
    (JobNotFound(), 404, "job_not_found", 4404),
    (ApiKeyNotFound(), 404, "api_key_not_found", 4404),
    (BlobNotFound(), 404, "file_not_found", 4404),
    (StorageQuotaExceeded("x"), 413, "storage_quota_exceeded", 1011),
    (TooManyGenerations(10, 5), 429, "generation_limit", 1013),
    (Conflict("x"), 409, "conflict", 1011),
    (Forbidden("x"), 403, "forbidden", 4403),
    (TierRequired("x"), 403, "tier_required", 4403),
    (Unauthenticated("x"), 401, "unauthenticated", 4401),
    (Unavailable("x"), 503, "unavailable", 1013),
    (DatabaseAway(), 503, "database_away", 1013),
    (GenerationFailed("provider_failed", "x"), 503, "provider_failed", 1013),
    (JournalFull("x"), 503, "journal_full", 1013),
    (Draining(), 503, "draining", 1001),
    (CorruptLog("row 5 of a secret table"), 500, "internal", 1011),
    (BrokenDocument("x"), 500, "internal", 1011),
    (CocutError("a detail"), 500, "internal", 1011),
]


def _subclasses(kind: type[CocutError]) -> set[type[CocutError]]:
    return {kind}.union(*(_subclasses(each) for each in kind.__subclasses__()))


def test_every_error_of_the_api_and_the_core_is_in_this_table() -> None:
    of_ours = {
        kind
        for kind in _subclasses(CocutError)
        if kind.__module__ in {"collab.errors", "api.errors"}
    }
    assert {type(error) for error, *_ in TABLE} == of_ours


@pytest.mark.parametrize(
    ("error", "status", "code", "close"), TABLE, ids=lambda value: type(value).__name__
)
def test_status_code_and_close_code(error: CocutError, status: int, code: str, close: int) -> None:
    answer = errors.response(error)
    assert isinstance(answer.body, bytes)
    shown = json.loads(answer.body)
    assert (answer.status, shown["success"], shown["error"]["code"]) == (status, False, code)
    assert set(shown) == {"success", "error"}
    assert set(shown["error"]) <= {"code", "message", "details"}
    assert errors.close_code(error)[0] == close
    assert ("Retry-After" in answer.headers) == (status in {429, 503})
    assert ("WWW-Authenticate" in answer.headers) == (status == 401)


def test_what_is_internal_stays_inside() -> None:
    for error in (CorruptLog("row 5"), CocutError("row 5")):
        assert b"row 5" not in (errors.response(error).body or b"")  # type: ignore[operator]
        assert "row 5" not in errors.close_code(error)[1]
    assert errors.close_code(ZeroDivisionError("secret")) == (1011, "internal error")


def test_a_close_reason_fits_its_frame_and_is_never_cut_within_a_character() -> None:
    _, reason = errors.close_code(BadInput("ü" * 200))
    assert reason == "ü" * 61


def test_details() -> None:
    assert errors.body(InvalidEdit("properties.volume", "must be a number"))["details"] == [
        {"field": "properties.volume", "message": "must be a number"}
    ]


def test_retry_after_is_whole_seconds_and_long_enough() -> None:
    assert errors.response(errors.TooManyRequests(2.2)).headers["Retry-After"] == "3"
    assert errors.response(errors.TooManyRequests(0)).headers["Retry-After"] == "1"
