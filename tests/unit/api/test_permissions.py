"""The table of roles, against the one in the design."""

from __future__ import annotations

import pytest

from api.permissions import Action, Role, allows, require
from collab.errors import Forbidden, VideoNotFound


@pytest.mark.parametrize(
    ("role", "allowed"),
    [
        ("owner", {"read", "edit", "manage"}),
        ("editor", {"read", "edit"}),
        ("viewer", {"read"}),
        (None, set()),
    ],
)
def test_what_each_role_may_do(role: str | None, allowed: set[str]) -> None:
    assert {action.value for action in Action if allows(role, action)} == allowed


def test_no_role_is_told_nothing_and_a_small_one_is_refused() -> None:
    assert require(Role.EDITOR, Action.EDIT) is Role.EDITOR
    with pytest.raises(Forbidden):
        require(Role.VIEWER, Action.EDIT)
    with pytest.raises(VideoNotFound):
        require(None, Action.READ)
