"""What is wrong with a value, for a person who knows nothing of pydantic."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

_MESSAGES: Final[Mapping[str, str]] = {
    "bool_parsing": "must be true or false",
    "bool_type": "must be true or false",
    "dict_type": "must be an object",
    "extra_forbidden": "is not known here",
    "float_type": "must be a number",
    "float_parsing": "must be a number",
    "greater_than_equal": "must be {ge} or more",
    "int_from_float": "must be a whole number",
    "int_parsing": "must be a whole number",
    "int_type": "must be a whole number",
    "less_than_equal": "must be {le} or less",
    "list_type": "must be a list",
    "literal_error": "must be {expected}",
    "missing": "is needed",
    "model_type": "must be an object",
    "string_pattern_mismatch": "must match {pattern}",
    "string_too_long": "must have at most {max_length} character{s}",
    "string_too_short": "must have at least {min_length} character{s}",
    "string_type": "must be a text",
    "too_long": "must have at most {max_length} item{s}",
    "too_short": "must have at least {min_length} item{s}",
}
"""By pydantic's names of errors."""


def said(found: ErrorDetails) -> str:
    """The end of a sentence that begins with the name of the value."""
    wording = _MESSAGES.get(found["type"])
    if wording is None:
        return found["msg"].removeprefix("Value error, ")
    context = {name: _plain(value) for name, value in found.get("ctx", {}).items()}
    one = context.get("max_length", context.get("min_length")) == 1
    return wording.format(**context, s="" if one else "s")


def _plain(value: Any) -> Any:
    return int(value) if isinstance(value, float) and value.is_integer() else value
