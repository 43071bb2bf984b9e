"""Edits of the video itself."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from pycrdt import Doc, Map

from collab.edits.checks import check_choice, check_fields, check_text
from collab.edits.sight import write
from collab.errors import InvalidEdit
from collab.ports import Edit
from collab.schema import ASPECT_RATIOS, DEFAULT_BACKGROUND, MAX_NAME, is_colour


def initial_update(client_id: int, title: str, aspect_ratio: str) -> bytes:
    """The first update of a new video.

    Args:
        client_id: the Yjs client id that makes it.
        title: the video's title.
        aspect_ratio: one of `ASPECT_RATIOS`.

    Raises:
        InvalidEdit: a value is out of range.
    """
    doc: Doc[Any] = Doc(client_id=client_id)
    given = {"title": title, "aspect_ratio": aspect_ratio, "background": DEFAULT_BACKGROUND}
    update_video(given)(doc)
    return doc.get_update()


def update_video(given: Mapping[str, Any]) -> Edit:
    """Change the title, the aspect ratio or the background.

    Raises:
        InvalidEdit: a value is out of range.
    """
    check_fields(given, _CHECKS)
    checked = {field: _CHECKS[field](field, value) for field, value in given.items()}

    def edit(doc: Doc[Any]) -> None:
        with doc.transaction():
            video: Map[Any] = doc.get("video", type=Map)
            write(video, checked)

    return edit


def _title(field: str, value: Any) -> str:
    return check_text(field, value, MAX_NAME)


def _aspect_ratio(field: str, value: Any) -> str:
    return check_choice(field, value, ASPECT_RATIOS)


def _background(field: str, value: Any) -> str:
    if not is_colour(value):
        raise InvalidEdit(field, "This must be a colour like #1A2B3C.")
    return str(value)


_CHECKS: Final[dict[str, Callable[[str, Any], str]]] = {
    "title": _title,
    "aspect_ratio": _aspect_ratio,
    "background": _background,
}
