"""What each tier gets: the one table, used by every door."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from collab.errors import TierRequired


class Tier(StrEnum):
    """A user's tier, as the token says it."""

    FREE = "free"
    PRO = "pro"
    BUSINESS = "business"


@dataclass(frozen=True, slots=True)
class Allowance:
    """What one tier gets.

    Attributes:
        no_watermark: may render without one.
        white_label: may render with their own.
        premium_assets: may use them.
        quality: the largest height of a render, in pixels.
        sharing: members on videos, and API keys.
        requests_a_minute: over REST and Socket.IO together.
        generations_an_hour: speech, images, renders.
        storage_bytes: uploads and results.
    """

    no_watermark: bool
    white_label: bool
    premium_assets: bool
    quality: int
    sharing: bool
    requests_a_minute: int
    generations_an_hour: int
    storage_bytes: int


_MB: Final = 1_000_000

ALLOWANCES: Final[Mapping[str, Allowance]] = MappingProxyType(
    {
        Tier.FREE: Allowance(False, False, False, 720, False, 300, 10, 500 * _MB),
        Tier.PRO: Allowance(True, False, True, 1080, False, 1_200, 100, 10_000 * _MB),
        Tier.BUSINESS: Allowance(True, True, True, 2160, True, 6_000, 1_000, 100_000 * _MB),
    }
)


def allowance(tier: str) -> Allowance:
    """The row of the table."""
    return ALLOWANCES[tier]


def require_api_keys(tier: str) -> None:
    """Refuse who may not use API keys.

    Raises:
        TierRequired: the tier has none.
    """
    if not allowance(tier).sharing:
        raise TierRequired("API keys take the business tier.")


def require_quality(tier: str, quality: str, pixels: int) -> None:
    """Refuse a render that is larger than the tier has.

    Raises:
        TierRequired: it is.
    """
    most = allowance(tier).quality
    if pixels > most:
        raise TierRequired(f"A render in {quality} takes a larger tier; this one goes to {most}p.")


def require_no_watermark(tier: str) -> None:
    """Refuse to render without a watermark where there always is one.

    Raises:
        TierRequired: there always is.
    """
    if not allowance(tier).no_watermark:
        raise TierRequired("A render without a watermark takes the pro tier of the video's owner.")


def require_white_label(tier: str) -> None:
    """Refuse a watermark of one's own.

    Raises:
        TierRequired: the tier has none.
    """
    if not allowance(tier).white_label:
        raise TierRequired("A watermark of one's own takes the business tier.")


def require_premium(tier: str, what: str) -> None:
    """Refuse who may not use premium things of the libraries.

    Raises:
        TierRequired: the tier has none; `what` is named.
    """
    if not allowance(tier).premium_assets:
        raise TierRequired(f"Using {what} takes the pro tier: it is premium.")


def require_sharing(tier: str) -> None:
    """Refuse who may not share videos.

    Raises:
        TierRequired: the tier has no members and no API keys.
    """
    if not allowance(tier).sharing:
        raise TierRequired("Sharing a video with others takes the business tier.")
