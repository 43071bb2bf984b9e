"""From a request to the user who makes it."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from aiohttp import web

from api.identity import Identity, Verifier
from api.tiers import Tier
from collab.errors import Unauthenticated

Ensure = Callable[[str, str, str | None], Awaitable[UUID]]

_REMEMBERED: Final = 8192


@dataclass(frozen=True, slots=True)
class Caller:
    """A user with a good token: `sub` is the id in every interface, `id` the row's."""

    sub: str
    tier: Tier
    name: str | None
    id: UUID
    expires_at: float


class Callers:
    """Verifies tokens and makes the row of a user who is seen for the first time.

    Args:
        verifier: of tokens.
        ensure: makes or renews a user's row: sub, tier, name.
    """

    def __init__(self, verifier: Verifier, ensure: Ensure) -> None:
        self._verifier = verifier
        self._ensure = ensure
        self._known: OrderedDict[str, tuple[Identity, Caller]] = OrderedDict()

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
        identity = await self._verifier.verify(token, now)
        known = self._known.get(token)
        if known is not None and known[0] is identity:
            return known[1]
        row = await self._ensure(identity.sub, identity.tier.value, identity.name)
        caller = Caller(identity.sub, identity.tier, identity.name, row, identity.expires_at)
        self._known[token] = (identity, caller)
        if len(self._known) > _REMEMBERED:
            self._known.popitem(last=False)
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
