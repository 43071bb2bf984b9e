"""Reading a body: what may be in JSON before any model looks at it, and what the model says."""

from __future__ import annotations

import json
import math
from typing import Any, Final, NoReturn

from aiohttp import web
from pydantic import BaseModel, ValidationError

from api.errors import BodyTooBig, Detail, InvalidFields, MalformedJson, UnsupportedType
from api.wording import said

MAX_BODY: Final = 1024 * 1024
MAX_DEPTH: Final = 40
MAX_DETAILS: Final = 20
_MAX_INTEGER: Final = 2**63 - 1


async def read(request: web.Request, limit: int = MAX_BODY) -> bytes:
    """The body's bytes.

    Args:
        request: the request.
        limit: largest body, in bytes; nothing past it is kept.

    Raises:
        BodyTooBig: it is larger than that.
    """
    if request.content_length is not None and request.content_length > limit:
        raise BodyTooBig(f"The body is larger than {limit} bytes.")
    content = bytearray()
    while chunk := await request.content.readany():
        content += chunk
        if len(content) > limit:
            raise BodyTooBig(f"The body is larger than {limit} bytes.")
    return bytes(content)


def parse(request: web.Request, content: bytes) -> Any:
    """The JSON value of a body; an empty object where there is none and none is declared.

    Raises:
        UnsupportedType: the body is not declared to be JSON in UTF-8.
        MalformedJson: it is not JSON, or nested too deeply.
        InvalidFields: it holds characters or numbers that cannot be stored.
    """
    if request.content_type != "application/json":
        if not content:  # clients that send nothing declare all sorts of types for it, or none
            return {}
        raise UnsupportedType("The body must be of the type application/json.")
    if (request.charset or "utf-8").lower() not in {"utf-8", "utf8"}:
        raise UnsupportedType("The body must be in UTF-8.")
    return parse_json(content)


def parse_json(content: bytes) -> Any:
    """The value of a JSON text; see `parse`."""
    try:
        value = json.loads(content.decode(), parse_constant=_refuse_constant)
    except RecursionError:
        raise MalformedJson("The body is nested too deeply.") from None
    except ValueError as error:  # JSONDecodeError and UnicodeDecodeError are ValueErrors
        raise MalformedJson(f"The body is not valid JSON: {error}.") from None
    check_storable(value)
    return value


def check_storable(value: Any) -> None:
    """Refuse a JSON value that cannot be stored.

    Raises:
        MalformedJson: it is nested too deeply.
        InvalidFields: it holds characters or numbers that cannot be stored.
    """
    details: list[Detail] = []
    _check(value, (), details)
    if details:
        raise InvalidFields(details)


def validate(model: type[BaseModel], value: Any, *, strict: bool = True) -> Any:
    """A value as a model.

    Args:
        model: which.
        value: JSON, or texts by name.
        strict: take no text for a number.

    Raises:
        InvalidFields: fields are missing, unknown or out of range; the first `MAX_DETAILS` of them.
    """
    try:
        return model.model_validate(value, strict=strict)
    except ValidationError as error:
        raise InvalidFields(
            [
                {"field": ".".join(str(part) for part in found["loc"]), "message": said(found)}
                for found in error.errors(include_url=False, include_input=False)[:MAX_DETAILS]
            ]
        ) from None


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _check(value: Any, path: tuple[str, ...], details: list[Detail]) -> None:
    if isinstance(value, str):
        if unstorable(value):
            _add(details, path, "holds characters that cannot be stored")
    elif isinstance(value, dict):
        if len(path) >= MAX_DEPTH:
            raise MalformedJson("The body is nested too deeply.")
        for key, item in value.items():
            if unstorable(key):
                _add(details, path, "has a name with characters that cannot be stored")
            else:
                _check(item, (*path, key), details)
    elif isinstance(value, list):
        if len(path) >= MAX_DEPTH:
            raise MalformedJson("The body is nested too deeply.")
        for index, item in enumerate(value):
            _check(item, (*path, str(index)), details)
    elif (isinstance(value, float) and not math.isfinite(value)) or (
        isinstance(value, int) and abs(value) > _MAX_INTEGER
    ):
        _add(details, path, "is too large a number")


def _add(details: list[Detail], path: tuple[str, ...], message: str) -> None:
    if len(details) < MAX_DETAILS:
        details.append({"field": ".".join(path), "message": message})


def unstorable(text: str) -> bool:
    """Whether a string holds NUL or half of a surrogate pair, which PostgreSQL refuses."""
    return (not text.isascii() and any("\ud800" <= c <= "\udfff" for c in text)) or "\0" in text
