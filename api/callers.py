"""From a request to the user who makes it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from aiohttp import web

from api.identity import Verifier
from api.tiers import Tier
from collab.errors import Unauthenticated

Ensure = Callable[[str, str, str | None], Awaitable[UUID]]

REMEMBERED_SECONDS: Final = 300.0


@dataclass(frozen=True, slots=True)
class Caller:
    """A user with a good token: `sub` is the id in every interface, `id` the row's."""

    sub: str
    tier: Tier
    name: str | None
    id: UUID
    expires_at: float


class Callers:
    """Verifies tokens, makes the row of a user who is seen for the first time, remembers both.

    Args:
        verifier: of tokens.
        ensure: makes or renews a user's row: sub, tier, name.
        remembered: how many tokens are kept; the oldest goes first.
    """

    def __init__(self, verifier: Verifier, ensure: Ensure, *, remembered: int = 8192) -> None:
        self._verifier = verifier
        self._ensure = ensure
        self._remembered = remembered
        self._known: dict[str, tuple[Caller, float]] = {}

    async def of(self, request: web.Request, now: float, *, in_query: bool = False) -> Caller:
        """Who makes this request.

        Args:
            request: with `Authorization: Bearer`.
            now: seconds since the epoch.
            in_query: take `?token=`, too: for what cannot send headers (sockets, links).

        Raises:
            Unauthenticated: no token, or a bad one.
            DatabaseAway: PostgreSQL does not answer.
        """
        return await self.of_token(bearer(request, in_query=in_query), now)

    async def of_token(self, token: str, now: float) -> Caller:
        """Whose token this is; see `of`."""
        return self.known(token, now) or await self._verify(token, now)

    def known(self, token: str, now: float) -> Caller | None:
        """Whose token this is, if it was verified a while ago and is still valid."""
        known = self._known.get(token)
        return known[0] if known is not None and now < known[1] else None

    async def _verify(self, token: str, now: float) -> Caller:
        self._known.pop(token, None)
        identity = await self._verifier.verify(token, now)
        row = await self._ensure(identity.sub, identity.tier.value, identity.name)
        caller = Caller(identity.sub, identity.tier, identity.name, row, identity.expires_at)
        # A key that was withdrawn must not live on in here for as long as its tokens do.
        self._known[token] = (caller, min(identity.expires_at, now + REMEMBERED_SECONDS))
        if len(self._known) > self._remembered:
            del self._known[next(iter(self._known))]
        return caller


def bearer(request: web.Request, *, in_query: bool = False) -> str:
    """The token that a request carries.

    Raises:
        Unauthenticated: it carries none.
    """
    header = request.headers.get("Authorization")
    if header is not None:
        scheme, _, token = header.partition(" ")
        if scheme.lower() != "bearer" or not token.strip():
            raise Unauthenticated("The Authorization header must be `Bearer <token>`.")
        return token.strip()
    token = request.query.get("token", "") if in_query else ""
    if not token:
        raise Unauthenticated("A token is needed: `Authorization: Bearer <token>`.")
    return token
