"""The tables of roles and tiers, against the ones in the design."""

from __future__ import annotations

import pytest

from api.permissions import Action, Role, allows, require
from api.tiers import Tier, allowance, require_sharing
from collab.errors import Forbidden, TierRequired, VideoNotFound


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


def test_tiers() -> None:
    free, pro, business = (allowance(tier) for tier in Tier)
    assert [tier.requests_a_minute for tier in (free, pro, business)] == [300, 1_200, 6_000]
    assert [tier.generations_an_hour for tier in (free, pro, business)] == [10, 100, 1_000]
    assert [tier.quality for tier in (free, pro, business)] == [720, 1080, 2160]
    assert [tier.no_watermark for tier in (free, pro, business)] == [False, True, True]
    assert [tier.white_label for tier in (free, pro, business)] == [False, False, True]
    assert [tier.premium_assets for tier in (free, pro, business)] == [False, True, True]
    require_sharing("business")
    for tier in ("free", "pro"):
        with pytest.raises(TierRequired):
            require_sharing(tier)
