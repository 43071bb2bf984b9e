"""Tokens that were verified are remembered for a while, and never past their end."""

from __future__ import annotations

from uuid import UUID, uuid4

import pytest

from api.callers import REMEMBERED_SECONDS, Callers
from api.identity import HmacKeys, Verifier, mint
from collab.errors import Unauthenticated

SECRET = b"an agreed secret of 32 bytes, ok"
NOW = 1_800_000_000.0


class Rows:
    """The table of users, and how often it was asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str, str | None]] = []

    async def ensure(self, sub: str, tier: str, name: str | None) -> UUID:
        self.asked.append((sub, tier, name))
        return uuid4()


async def test_a_users_row_is_made_when_first_seen_and_not_at_every_request() -> None:
    rows = Rows()
    callers = Callers(Verifier(HmacKeys(SECRET)), rows.ensure)
    token = mint(SECRET, "alice", "pro", "Alice", 3600, NOW)
    first = await callers.of_token(token, NOW)
    assert await callers.of_token(token, NOW + 10) is first
    assert (first.sub, first.tier, first.name) == ("alice", "pro", "Alice")
    assert rows.asked == [("alice", "pro", "Alice")]


async def test_a_remembered_token_ends_when_it_ends() -> None:
    callers = Callers(Verifier(HmacKeys(SECRET)), Rows().ensure)
    token = mint(SECRET, "alice", ttl_seconds=60, now=NOW)
    await callers.of_token(token, NOW)
    assert callers.known(token, NOW + 59.9) is not None
    assert callers.known(token, NOW + 60) is None
    with pytest.raises(Unauthenticated, match="expired"):
        await callers.of_token(token, NOW + 60)


async def test_a_remembered_token_is_verified_again_after_a_while() -> None:
    keys = HmacKeys(SECRET)
    callers = Callers(Verifier(keys), Rows().ensure)
    token = mint(SECRET, "alice", ttl_seconds=3600, now=NOW)
    await callers.of_token(token, NOW)
    keys._secret = b"another secret, after a rotation"
    await callers.of_token(token, NOW + REMEMBERED_SECONDS - 1)
    with pytest.raises(Unauthenticated, match="signature"):
        await callers.of_token(token, NOW + REMEMBERED_SECONDS)


async def test_memory_is_bounded() -> None:
    callers = Callers(Verifier(HmacKeys(SECRET)), Rows().ensure, remembered=3)
    for number in range(10):
        await callers.of_token(mint(SECRET, f"user {number}", now=NOW), NOW)
    assert len(callers._known) == 3
