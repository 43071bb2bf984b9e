"""Who may do what on a video: the one table, used by every door."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from collab.errors import Forbidden, VideoNotFound


class Role(StrEnum):
    """A user's role on one video."""

    OWNER = "owner"
    EDITOR = "editor"
    VIEWER = "viewer"


class Action(StrEnum):
    """What can be done with a video."""

    READ = "read"
    """Read it, watch it, be present in it."""

    EDIT = "edit"
    """Change scenes and layers, render, make and restore versions."""

    MANAGE = "manage"
    """Change its members, its name, delete it."""


_TABLE: Final[Mapping[str, frozenset[Action]]] = MappingProxyType(
    {
        Role.OWNER: frozenset({Action.READ, Action.EDIT, Action.MANAGE}),
        Role.EDITOR: frozenset({Action.READ, Action.EDIT}),
        Role.VIEWER: frozenset({Action.READ}),
    }
)


def allows(role: str | None, action: Action) -> bool:
    """Whether `role` (None: no role at all) may do `action`."""
    return role is not None and action in _TABLE[role]


def require(role: Role | None, action: Action) -> Role:
    """Return the role if it may do `action`.

    Raises:
        VideoNotFound: no role at all, which tells nothing about the video.
        Forbidden: a role that is too small.
    """
    if role is None:
        raise VideoNotFound
    if not allows(role, action):
        raise Forbidden(f"Your role on this video, {role}, does not allow this.")
    return role
