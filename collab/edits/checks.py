"""Checks of the values that an edit is given; each raises `InvalidEdit` with the field's path."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from math import isfinite
from typing import Any

from collab.errors import InvalidEdit
from collab.schema import is_id
from collab.values import JS_SAFE, MAX_DEPTH, Rules, is_storable


def check_fields(given: Mapping[str, Any], known: Collection[str]) -> None:
    """That there are no other fields than the known ones."""
    for field in given:
        if field not in known:
            raise InvalidEdit(field, "There is no such field.")


def check_id(field: str, value: Any) -> str:
    """A UUID in canonical lower-case form."""
    if not is_id(value):
        raise InvalidEdit(field, "This must be a UUID in lower case.")
    return str(value)


def check_text(field: str, value: Any, limit: int) -> str:
    """A text of at most `limit` characters that can be stored."""
    if not isinstance(value, str):
        raise InvalidEdit(field, "This must be a text.")
    if len(value) > limit:
        raise InvalidEdit(field, f"This must have at most {limit} characters.")
    if not is_storable(value):
        raise InvalidEdit(field, "This must hold neither NUL nor half of a surrogate pair.")
    return value


def check_choice(field: str, value: Any, choices: Collection[str]) -> str:
    """One of several texts."""
    if not isinstance(value, str) or value not in choices:
        raise InvalidEdit(field, f"This must be one of {', '.join(choices)}.")
    return value


def check_flag(field: str, value: Any) -> bool:
    """True or false."""
    if not isinstance(value, bool):
        raise InvalidEdit(field, "This must be true or false.")
    return value


def check_seconds(field: str, value: Any, low: float, high: float) -> float:
    """A number of seconds in a range."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
        raise InvalidEdit(field, f"This must be a number from {low:g} to {high:g}.")
    return float(value)


def check_position(field: str, value: Any) -> int:
    """A position: 1, 2, 3..."""
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise InvalidEdit(field, "This must be a whole number from 1 on.")
    return value


def check_listed(field: str, name: str, items: Sequence[tuple[str, int]]) -> list[str]:
    """The ids of a reordering in the order that it asks for, each once.

    Args:
        field: the list's field.
        name: the field of a position in it.
        items: ids and the positions that they shall have among each other.
    """
    seen: set[str] = set()
    for at, (item, position) in enumerate(items):
        check_position(f"{field}.{at}.{name}", position)
        if item in seen:
            raise InvalidEdit(f"{field}.{at}", "This is listed twice.")
        seen.add(item)
    return [item for item, _ in sorted(items, key=lambda listed: listed[1])]


def check_properties(rules: Rules, value: Any) -> dict[str, Any]:
    """Properties that can be stored; None stands for taking one out.

    How large they are together is checked where it is known what they are merged with.
    """
    if not isinstance(value, Mapping):
        raise InvalidEdit("properties", "This must be an object.")
    checked: dict[str, Any] = {}
    for key, inner in value.items():
        field = f"properties.{key}"
        if not isinstance(key, str) or not is_storable(key):
            raise InvalidEdit("properties", "A key holds NUL or half of a surrogate pair.")
        if inner is None:
            checked[key] = None
        elif key == "text":
            checked[key] = check_text(field, inner, rules.limits.text)
        else:
            checked[key] = _check_inner(rules, field, key, inner, 0)
    return checked


def check_json(rules: Rules, field: str, value: Any, depth: int) -> Any:
    """A JSON value as the document holds it: integers beyond 2**53 become floats."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int | float):
        return _check_number(field, value)
    if isinstance(value, str):
        return check_text(field, value, len(value))
    if depth > MAX_DEPTH:
        raise InvalidEdit(field, f"This is nested deeper than {MAX_DEPTH} levels.")
    if isinstance(value, Mapping):
        return {
            check_text(field, key, len(key)): _check_inner(
                rules, f"{field}.{key}", key, inner, depth
            )
            for key, inner in value.items()
        }
    if isinstance(value, Sequence) and not isinstance(value, bytes | bytearray):
        return [
            check_json(rules, f"{field}.{index}", inner, depth + 1)
            for index, inner in enumerate(value)
        ]
    raise InvalidEdit(field, "This must be a JSON value.")


def _check_inner(rules: Rules, field: str, key: str, value: Any, depth: int) -> Any:
    checked = check_json(rules, field, value, depth + 1)
    if not rules.allows(key, checked):
        raise InvalidEdit(field, "This must be an http or https URL.")
    return checked


def _check_number(field: str, value: float) -> float:
    if isinstance(value, int) and -JS_SAFE < value < JS_SAFE:
        return value
    try:
        number = float(value)
    except OverflowError:
        raise InvalidEdit(field, "This number is too large.") from None
    if not isfinite(number):
        raise InvalidEdit(field, "This must be a finite number.")
    return number
