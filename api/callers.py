"""From a request to the user who makes it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from aiohttp import web

from api.identity import Verifier
from api.tiers import Tier, require_api_keys
from collab.errors import Unauthenticated
from persistence.api_keys import KeyOwner
from persistence.videos import VideoRecord

Ensure = Callable[[str, str, str | None], Awaitable[UUID]]
OwnerOf = Callable[[str], Awaitable[KeyOwner | None]]

REMEMBERED_SECONDS: Final = 300.0
KEY_REMEMBERED_SECONDS: Final = 4.0
"""An API key that was deleted must not be good for longer than that on another node."""
_KEY: Final = "X-API-Key "


@dataclass(frozen=True, slots=True)
class Caller:
    """A user with a good token: `sub` is the id in every interface, `id` the row's."""

    sub: str
    tier: Tier
    name: str | None
    id: UUID
    expires_at: float


def tier_of(video: VideoRecord, caller: Caller) -> str:
    """The tier that a video goes by: its owner's, which is the token's where the owner calls.

    A user may have valid tokens of several tiers; the row keeps that of the one verified last.
    """
    return caller.tier if video.owner_id == caller.sub else video.owner_tier


class Callers:
    """Verifies tokens, makes the row of a user who is seen for the first time, remembers both.

    Args:
        verifier: of tokens.
        ensure: makes or renews a user's row: sub, tier, name.
        owner_of: whose an API key is; None takes no keys.
        remembered: how many tokens are kept; the oldest goes first.
    """

    def __init__(
        self,
        verifier: Verifier,
        ensure: Ensure,
        owner_of: OwnerOf | None = None,
        *,
        remembered: int = 8192,
    ) -> None:
        self._verifier = verifier
        self._ensure = ensure
        self._owner_of = owner_of
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
        if token.startswith(_KEY):
            return await self._verify_key(token, now)
        identity = await self._verifier.verify(token, now)
        row = await self._ensure(identity.sub, identity.tier.value, identity.name)
        caller = Caller(identity.sub, identity.tier, identity.name, row, identity.expires_at)
        # A key that was withdrawn must not live on in here for as long as its tokens do.
        self._remember(token, caller, min(identity.expires_at, now + REMEMBERED_SECONDS))
        return caller

    async def _verify_key(self, token: str, now: float) -> Caller:
        ask = self._owner_of
        owner = await ask(token.removeprefix(_KEY)) if ask is not None else None
        if owner is None:
            raise Unauthenticated("This API key is not known.")
        require_api_keys(owner.tier)
        until = now + KEY_REMEMBERED_SECONDS
        caller = Caller(owner.sub, Tier(owner.tier), owner.name, owner.id, until)
        self._remember(token, caller, until)
        return caller

    def _remember(self, token: str, caller: Caller, until: float) -> None:
        self._known[token] = (caller, until)
        if len(self._known) > self._remembered:
            del self._known[next(iter(self._known))]


def bearer(request: web.Request, *, in_query: bool = False) -> str:
    """The token or API key that a request carries; what takes `in_query` takes no API keys.

    Raises:
        Unauthenticated: it carries none.
    """
    header = request.headers.get("Authorization")
    if header is not None:
        scheme, _, token = header.partition(" ")
        if scheme.lower() != "bearer" or not token.strip():
            raise Unauthenticated("The Authorization header must be `Bearer <token>`.")
        return token.strip()
    key = request.headers.get("X-API-Key")
    if key and not in_query:
        return _KEY + key
    token = request.query.get("token", "") if in_query else ""
    if not token:
        raise Unauthenticated("A token is needed: `Authorization: Bearer <token>`.")
    return token
