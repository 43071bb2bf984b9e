"""Who is asking: JSON Web Tokens, verified.

The list of algorithms comes from the setting and never from the token: with a secret only HS256
is accepted, with a JWKS address only the three public-key algorithms.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from typing import Any, Final, Protocol, TypeGuard

import jwt
from jwt.types import Options

from api.tiers import Tier
from collab.errors import Unauthenticated

MAX_LIFETIME: Final = 24 * 3600
LEEWAY: Final = 60
MIN_SECRET: Final = 32
MAX_SUBJECT: Final = 255
MAX_TOKEN: Final = 8192
_UNCHECKED: Final[Options] = {
    "verify_exp": False,
    "verify_iat": False,
    "verify_nbf": False,
    "verify_aud": False,
    "verify_sub": False,
}
"""What PyJWT would compare with a clock of its own; `identify` checks it against the one given."""


@dataclass(frozen=True, slots=True)
class Identity:
    """A user as a valid token names it; `expires_at` in seconds since the epoch."""

    sub: str
    tier: Tier
    name: str | None
    expires_at: float


class Keys(Protocol):
    """Where the keys that tokens are verified with come from."""

    algorithms: tuple[str, ...]

    async def key(self, kid: str | None, algorithm: str) -> Any:
        """The key for a token's header.

        Raises:
            Unauthenticated: there is no such key.
            Unavailable: the keys cannot be fetched now.
        """
        ...


class HmacKeys:
    """One shared secret, for HS256.

    Args:
        secret: at least 32 bytes.
    """

    algorithms: tuple[str, ...] = ("HS256",)

    def __init__(self, secret: bytes) -> None:
        if len(secret) < MIN_SECRET:
            raise ValueError(f"the secret must have at least {MIN_SECRET} bytes")
        self._secret = secret

    async def key(self, kid: str | None, algorithm: str) -> bytes:
        """The secret, whatever the header says."""
        return self._secret


class Verifier:
    """Turns tokens into identities.

    Args:
        keys: where the keys come from.
    """

    def __init__(self, keys: Keys) -> None:
        self._keys = keys

    async def verify(self, token: str, now: float) -> Identity:
        """The identity that `token` proves at the time `now` (seconds since the epoch).

        Raises:
            Unauthenticated: the token is malformed, forged, expired, or lacks a claim.
            Unavailable: the keys cannot be fetched now.
        """
        if len(token) > MAX_TOKEN:
            raise Unauthenticated("The token is too long.")
        return identify(await self._claims(token), now)

    async def _claims(self, token: str) -> dict[str, Any]:
        try:
            header = jwt.get_unverified_header(token)
        except (jwt.PyJWTError, ValueError, RecursionError):
            raise Unauthenticated("The token is not a JSON Web Token.") from None
        algorithm = header.get("alg")
        if algorithm not in self._keys.algorithms:
            raise Unauthenticated("The token is signed with an algorithm that is not accepted.")
        kid = header.get("kid")
        key = await self._keys.key(kid if isinstance(kid, str) else None, algorithm)
        try:
            claims: dict[str, Any] = jwt.decode(
                token, key, algorithms=list(self._keys.algorithms), options=_UNCHECKED
            )
        except jwt.InvalidSignatureError:
            raise Unauthenticated("The token's signature is wrong.") from None
        except (jwt.PyJWTError, ValueError, TypeError, RecursionError):
            raise Unauthenticated("The token is malformed.") from None
        return claims


def identify(claims: dict[str, Any], now: float) -> Identity:
    """Check the claims of a token whose signature is good.

    Raises:
        Unauthenticated: a claim is missing or wrong.
    """
    sub = claims.get("sub")
    if not is_subject(sub):
        raise Unauthenticated(f"The token's `sub` must be 1 to {MAX_SUBJECT} printable characters.")
    issued, expires = _moment(claims, "iat"), _moment(claims, "exp")
    if expires <= now:
        raise Unauthenticated("The token has expired.")
    if expires - issued > MAX_LIFETIME:
        raise Unauthenticated("The token is valid for more than 24 hours.")
    if issued > now + LEEWAY:
        raise Unauthenticated("The token's `iat` lies in the future.")
    if "nbf" in claims and _moment(claims, "nbf") > now + LEEWAY:
        raise Unauthenticated("The token is not valid yet.")
    tier = claims.get("tier", Tier.FREE)
    if tier not in list(Tier):
        raise Unauthenticated("The token's `tier` must be free, pro or business.")
    name = claims.get("name")
    if name is not None and not is_subject(name):
        raise Unauthenticated(
            f"The token's `name` must be 1 to {MAX_SUBJECT} printable characters."
        )
    return Identity(sub, Tier(tier), name, expires)


def is_subject(value: object) -> TypeGuard[str]:
    """Whether `value` can be a user's id or name: 1 to 255 printable characters."""
    return (
        isinstance(value, str)
        and 0 < len(value) <= MAX_SUBJECT
        and value.strip() != ""
        and not any(unicodedata.category(c) in {"Cc", "Cs", "Cn", "Zl", "Zp"} for c in value)
    )


def mint(
    secret: bytes,
    sub: str,
    tier: str = Tier.FREE,
    name: str | None = None,
    ttl_seconds: float = MAX_LIFETIME,
    now: float = 0.0,
) -> str:
    """A token signed with HS256.

    Args:
        secret: at least 32 bytes.
        sub: the user's id.
        tier: free, pro or business.
        name: shown to others, if given.
        ttl_seconds: at most 24 hours.
        now: seconds since the epoch.

    Raises:
        ValueError: an argument that no server would accept.
    """
    if len(secret) < MIN_SECRET:
        raise ValueError(f"the secret must have at least {MIN_SECRET} bytes")
    if not is_subject(sub) or (name is not None and not is_subject(name)):
        raise ValueError("the user's id and name must be 1 to 255 printable characters")
    if not 0 < ttl_seconds <= MAX_LIFETIME:
        raise ValueError("a token is valid for at most 24 hours")
    issued = int(now)
    claims = {"sub": sub, "iat": issued, "exp": issued + int(ttl_seconds), "tier": Tier(tier).value}
    if name is not None:
        claims["name"] = name
    return jwt.encode(claims, secret, algorithm="HS256")


def _moment(claims: dict[str, Any], claim: str) -> float:
    value = claims.get(claim)
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) < 1e12:
        raise Unauthenticated(f"The token needs `{claim}`, a time in seconds.")
    return float(value)
