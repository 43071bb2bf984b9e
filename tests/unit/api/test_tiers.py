"""The table of tiers, cell by cell, against the one in the design."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields
from typing import get_args

import pytest

from api.limits import MemoryRateLimiter
from api.schemas.renders import QUALITIES, Quality
from api.tiers import (
    ALLOWANCES,
    Allowance,
    Tier,
    allowance,
    require_api_keys,
    require_no_watermark,
    require_premium,
    require_quality,
    require_sharing,
    require_white_label,
)
from collab.errors import TierRequired

TABLE = {
    #                      free         pro             business
    "no_watermark": (False, True, True),
    "white_label": (False, False, True),
    "premium_assets": (False, True, True),
    "quality": (720, 1080, 2160),
    "sharing": (False, False, True),
    "requests_a_minute": (300, 1_200, 6_000),
    "generations_an_hour": (10, 100, 1_000),
    "storage_bytes": (500_000_000, 10_000_000_000, 100_000_000_000),
}
CELLS = [
    (name, tier, cell) for name, row in TABLE.items() for tier, cell in zip(Tier, row, strict=True)
]
DOORS: dict[str, Callable[[str], None]] = {
    "no_watermark": require_no_watermark,
    "white_label": require_white_label,
    "premium_assets": lambda tier: require_premium(tier, "this"),
    "sharing": require_sharing,
}


def test_the_table_has_these_rows_and_columns() -> None:
    assert {field.name for field in fields(Allowance)} == set(TABLE)
    assert list(ALLOWANCES) == list(Tier)


@pytest.mark.parametrize(("name", "tier", "cell"), CELLS)
def test_cells(name: str, tier: Tier, cell: object) -> None:
    found = getattr(allowance(tier), name)
    assert (found, type(found)) == (cell, type(cell))


@pytest.mark.parametrize("name", DOORS)
@pytest.mark.parametrize("tier", Tier)
def test_each_door_opens_for_those_who_have_it(name: str, tier: Tier) -> None:
    if TABLE[name][list(Tier).index(tier)]:
        DOORS[name](tier)
    else:
        with pytest.raises(TierRequired):
            DOORS[name](tier)


@pytest.mark.parametrize("tier", Tier)
def test_keys_go_with_sharing(tier: Tier) -> None:
    if allowance(tier).sharing:
        require_api_keys(tier)
    else:
        with pytest.raises(TierRequired):
            require_api_keys(tier)


@pytest.mark.parametrize("tier", Tier)
def test_quality_goes_up_to_the_largest(tier: Tier) -> None:
    most = allowance(tier).quality
    assert most in QUALITIES.values()
    for quality, pixels in QUALITIES.items():
        if pixels <= most:
            require_quality(tier, quality, pixels)
        else:
            with pytest.raises(TierRequired, match=quality):
                require_quality(tier, quality, pixels)


def test_every_quality_that_can_be_asked_for_has_its_pixels() -> None:
    assert {quality: f"{pixels}p" for quality, pixels in QUALITIES.items()} == {
        quality: quality for quality in get_args(Quality)
    }


@pytest.mark.parametrize("tier", Tier)
async def test_requests_a_minute_are_counted(tier: Tier) -> None:
    limiter = MemoryRateLimiter()
    most = allowance(tier).requests_a_minute
    taken = [(await limiter.take("user", most, 1, 0.0)).allowed for _ in range(most + 1)]
    assert taken == [True] * most + [False]
