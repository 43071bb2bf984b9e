"""Whose limit a request counts against: its caller's by tier or, without one, its address's."""

from __future__ import annotations

import math

from aiohttp import web

from api.address import client_address
from api.callers import Caller
from api.keys import Parts
from api.limits import BEFORE_TOKEN, Taken
from api.tiers import allowance


async def take_request(
    request: web.Request, parts: Parts, caller: Caller | None, cost: int, *, door: str = ""
) -> Taken | None:
    """Count a request.

    Args:
        request: which one.
        parts: with the limiter.
        caller: whose token it carries; None for no good one.
        cost: how many requests it counts for.
        door: what is counted apart from other requests.

    Returns:
        What the limiter says; None if limits are off.
    """
    if parts.limiter is None:
        return None
    if caller is None:
        key = f"address {client_address(request, parts.config.trusted_proxies)}"
        a_minute = BEFORE_TOKEN
    else:
        key, a_minute = limit_of(caller)
    return await parts.limiter.take(key + door, a_minute, cost, parts.clock())


def limit_of(caller: Caller) -> tuple[str, int]:
    """What a caller's requests are counted under, and how many a minute may have.

    Tokens of different tiers are counted apart: one that is used up does not end the other.
    """
    return f"{caller.tier} user {caller.sub}", allowance(caller.tier).requests_a_minute


def limit_headers(taken: Taken) -> dict[str, str]:
    """What an answer says of its caller's limit."""
    return {
        "RateLimit-Limit": str(taken.limit),
        "RateLimit-Remaining": str(taken.remaining),
        "RateLimit-Reset": str(math.ceil(taken.reset)),
    }
