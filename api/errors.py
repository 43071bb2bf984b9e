"""The one place where the error tree becomes HTTP statuses and close codes."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

from aiohttp import web

from collab.errors import (
    BadInput,
    CocutError,
    Conflict,
    DocumentTooBig,
    Draining,
    Forbidden,
    InvalidEdit,
    MessageTooBig,
    MissingUpdates,
    NotFound,
    StorageQuotaExceeded,
    TierRequired,
    TooManyGenerations,
    Unauthenticated,
    Unavailable,
)
from persistence.errors import BlobStoreFailed

Detail = dict[str, str]
"""`{"field": dotted path, "message": sentence}`."""


class BadRequest(BadInput):
    """What is no HTTP request, or none that makes sense here."""

    code = "bad_request"


class MalformedJson(BadInput):
    """A body that is not JSON."""

    code = "malformed_json"


class InvalidFields(BadInput):
    """Fields, parameters or headers that the route does not take.

    Args:
        details: one entry a field.
    """

    code = "invalid_fields"

    def __init__(self, details: Sequence[Detail]) -> None:
        fields = ", ".join(detail["field"] for detail in details[:5] if detail["field"])
        super().__init__(f"Some fields are not valid: {fields}." if fields else "It is not valid.")
        self.details = list(details)


class UnreadableFile(InvalidFields):
    """A file of a known type that is damaged, cut off, or a trap; the reason is a sentence."""

    def __init__(self, reason: str) -> None:
        super().__init__([{"field": "file", "message": reason}])


class UnsupportedType(BadInput):
    """A body of another type than the route takes."""

    code = "unsupported_media_type"


class BodyTooBig(BadInput):
    """A request body over the route's limit."""

    code = "body_too_big"


class RangeNotSatisfiable(BadInput):
    """A range that begins behind the end of a file.

    Args:
        size: of the file, in bytes.
    """

    code = "range_not_satisfiable"

    def __init__(self, size: int) -> None:
        super().__init__(f"The range begins behind the end: the file has {size} bytes.")
        self.size = size


class TooManyRequests(CocutError):
    """Over a rate limit.

    Args:
        retry_after: seconds until the next request is allowed.
    """

    code = "rate_limited"

    def __init__(self, retry_after: float) -> None:
        super().__init__("Too many requests; try again later.")
        self.retry_after = max(1, round(retry_after + 0.5))


class UnknownPath(NotFound):
    """No such endpoint."""

    code = "not_found"


class MethodNotAllowed(CocutError):
    """A path that is known, with another method."""

    code = "method_not_allowed"

    def __init__(self, allowed: Sequence[str]) -> None:
        super().__init__("This path does not take this method.")
        self.allowed = sorted(allowed)


class NotReady(Unavailable):
    """This process should get no traffic now.

    Args:
        details: what is the matter, one entry a part.
    """

    code = "not_ready"

    def __init__(self, details: Sequence[Detail]) -> None:
        super().__init__("This server is not ready.")
        self.details = list(details)


_STATUSES: Final[Sequence[tuple[type[CocutError], int]]] = (
    (MalformedJson, 400),
    (InvalidFields, 422),
    (InvalidEdit, 422),
    (UnsupportedType, 415),
    (BodyTooBig, 413),
    (MessageTooBig, 413),
    (DocumentTooBig, 413),
    (RangeNotSatisfiable, 416),
    (BadInput, 400),
    (StorageQuotaExceeded, 413),
    (TooManyRequests, 429),
    (TooManyGenerations, 429),
    (MethodNotAllowed, 405),
    (Unauthenticated, 401),
    (Forbidden, 403),
    (TierRequired, 403),
    (NotFound, 404),
    (MissingUpdates, 409),
    (Conflict, 409),
    (Unavailable, 503),
    (BlobStoreFailed, 503),
)

_CLOSE_CODES: Final[Sequence[tuple[type[CocutError], int]]] = (
    (Draining, 1001),
    (MessageTooBig, 1009),
    (DocumentTooBig, 1009),
    (BadInput, 4400),
    (MissingUpdates, 4400),
    (Unauthenticated, 4401),
    (Forbidden, 4403),
    (TierRequired, 4403),
    (NotFound, 4404),
    (Unavailable, 1013),
    (TooManyRequests, 1013),
    (TooManyGenerations, 1013),
)

_FILES_AWAY: Final = "Files cannot be stored or read just now; try again later."
_FILES_AWAY_SECONDS: Final = 30

MAX_REASON: Final = 123
"""Bytes of UTF-8 that a close frame has room for after its code (RFC 6455, 5.5)."""


def status(error: CocutError) -> int:
    """The HTTP status for an error."""
    return next((code for kind, code in _STATUSES if isinstance(error, kind)), 500)


def close_code(error: BaseException) -> tuple[int, str]:
    """The WebSocket close code for an error, and a reason that fits a close frame.

    What is nobody's input and no outage is 1011 with no details.
    """
    for kind, code in _CLOSE_CODES:
        if isinstance(error, kind):
            return code, str(error).encode()[:MAX_REASON].decode(errors="ignore")
    return 1011, "internal error"


def is_operators(error: CocutError) -> bool:
    """Whether the reason is for the operator, who finds it in the log, and not for the client."""
    return status(error) == 500 or isinstance(error, BlobStoreFailed)


def code_of(error: CocutError) -> str:
    """The machine-readable name that an answer carries."""
    return error.code if status(error) != 500 else "internal"


def body(error: CocutError) -> dict[str, Any]:
    """The `error` object of an answer: code, message, and details where there are any."""
    if status(error) == 500:
        return {"code": "internal", "message": "Something went wrong on the server."}
    if isinstance(error, BlobStoreFailed):
        return {"code": error.code, "message": _FILES_AWAY}
    shown: dict[str, Any] = {"code": error.code, "message": str(error)}
    if isinstance(error, InvalidEdit):
        shown["message"] = f"Some fields are not valid: {error.field}."
        shown["details"] = [{"field": error.field, "message": error.message}]
    elif isinstance(error, InvalidFields | NotReady):
        shown["details"] = error.details
    return shown


def response(error: CocutError) -> web.Response:
    """The HTTP answer for an error."""
    headers: dict[str, str] = {}
    if isinstance(error, Unauthenticated):
        headers["WWW-Authenticate"] = 'Bearer realm="cocut"'
    elif isinstance(error, Unavailable | TooManyRequests | TooManyGenerations):
        headers["Retry-After"] = str(error.retry_after)
    elif isinstance(error, BlobStoreFailed):
        headers["Retry-After"] = str(_FILES_AWAY_SECONDS)
    elif isinstance(error, MethodNotAllowed):
        headers["Allow"] = ", ".join(error.allowed)
    elif isinstance(error, RangeNotSatisfiable):
        headers["Content-Range"] = f"bytes */{error.size}"
    return _answer(status(error), body(error), headers)


def internal() -> web.Response:
    """The HTTP answer for what nobody foresaw; it tells nothing."""
    return response(CocutError())


def translate(error: web.HTTPException) -> web.Response:
    """The HTTP answer for an error that aiohttp itself raised, in this API's shape."""
    if isinstance(error, web.HTTPMethodNotAllowed):
        return response(MethodNotAllowed(list(error.allowed_methods)))
    if isinstance(error, web.HTTPNotFound):
        return response(UnknownPath("There is nothing at this path."))
    if isinstance(error, web.HTTPRequestEntityTooLarge):
        return response(BodyTooBig("The body is too large."))
    if error.status >= 500:
        return internal()
    code = error.reason.lower().replace(" ", "_").replace("'", "")
    return _answer(error.status, {"code": code, "message": f"{error.reason}."}, {})


def _answer(status: int, shown: Mapping[str, Any], headers: Mapping[str, str]) -> web.Response:
    return web.Response(
        status=status,
        body=json.dumps({"success": False, "error": shown}, ensure_ascii=False).encode(
            errors="replace"
        ),
        content_type="application/json",
        headers=headers,
    )
