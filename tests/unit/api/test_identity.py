"""Tokens: what is accepted, and every way not to be."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from api.identity import HmacKeys, Identity, Verifier, mint
from api.tiers import Tier
from collab.errors import Unauthenticated

SECRET = b"an agreed secret of 32 bytes, ok"
NOW = 1_800_000_000.0


def verifier() -> Verifier:
    return Verifier(HmacKeys(SECRET))


def signed(secret: bytes = SECRET, algorithm: str = "HS256", **changes: Any) -> str:
    claims: dict[str, Any] = {"sub": "alice", "iat": int(NOW), "exp": int(NOW) + 3600} | changes
    return jwt.encode(
        {name: value for name, value in claims.items() if value is not ...},
        secret,
        algorithm=algorithm,
    )


async def refusal(token: str, now: float = NOW) -> str:
    with pytest.raises(Unauthenticated) as caught:
        await verifier().verify(token, now)
    return str(caught.value)


async def test_a_minted_token_is_accepted() -> None:
    token = mint(SECRET, "alice", "pro", "Alice", 3600, NOW)
    assert await verifier().verify(token, NOW) == Identity("alice", Tier.PRO, "Alice", NOW + 3600)


async def test_tier_and_name_are_optional() -> None:
    assert await verifier().verify(signed(), NOW) == Identity("alice", Tier.FREE, None, NOW + 3600)


async def test_the_moment_of_expiry_is_too_late() -> None:
    await verifier().verify(signed(), NOW + 3599)
    assert "expired" in await refusal(signed(), NOW + 3600)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"sub": ...}, "`sub`"),
        ({"sub": ""}, "`sub`"),
        ({"sub": "  "}, "`sub`"),
        ({"sub": "a" * 256}, "`sub`"),
        ({"sub": "a\x00b"}, "`sub`"),
        ({"sub": "a\nb"}, "`sub`"),
        ({"iat": ...}, "`iat`"),
        ({"iat": True}, "`iat`"),
        ({"iat": "now"}, "`iat`"),
        ({"exp": ...}, "`exp`"),
        ({"exp": 1e300}, "`exp`"),
        ({"exp": NOW - 1}, "expired"),
        ({"exp": NOW + 24 * 3600 + 1}, "24 hours"),
        ({"iat": NOW + 61, "exp": NOW + 100}, "future"),
        ({"nbf": NOW + 61}, "not valid yet"),
        ({"tier": "platinum"}, "`tier`"),
        ({"tier": 3}, "`tier`"),
        ({"tier": ["pro"]}, "`tier`"),
        ({"name": 5}, "`name`"),
    ],
)
async def test_claims(changes: dict[str, Any], reason: str) -> None:
    assert reason in await refusal(signed(**changes))


async def test_a_lifetime_of_exactly_24_hours_and_a_clock_a_minute_ahead_are_fine() -> None:
    await verifier().verify(signed(iat=NOW + 60, exp=NOW + 60 + 24 * 3600), NOW)


async def test_a_sub_of_255_characters_of_any_script_is_fine() -> None:
    await verifier().verify(signed(sub="ü" * 254 + "漢"), NOW)


async def test_a_sub_that_is_no_string() -> None:
    body = base64.urlsafe_b64encode(
        json.dumps({"sub": 5, "iat": NOW, "exp": NOW + 60}).encode()
    ).rstrip(b"=")
    assert "`sub`" in await refusal(_sign_raw(body))


def _sign_raw(payload: bytes) -> str:
    header = base64.urlsafe_b64encode(b'{"alg":"HS256","typ":"JWT"}').rstrip(b"=")
    signature = hmac.new(SECRET, header + b"." + payload, hashlib.sha256).digest()
    return b".".join((header, payload, base64.urlsafe_b64encode(signature).rstrip(b"="))).decode()


async def test_forged() -> None:
    assert "signature" in await refusal(signed(secret=b"not the agreed secret of this server"))
    head, body, signature = signed().split(".")
    other = base64.urlsafe_b64encode(
        json.dumps({"sub": "root", "iat": NOW, "exp": NOW + 60}).encode()
    ).rstrip(b"=")
    assert "signature" in await refusal(f"{head}.{other.decode()}.{signature}")
    assert "signature" in await refusal(f"{head}.{body}.")


async def test_algorithm_none() -> None:
    token = jwt.encode({"sub": "a", "iat": NOW, "exp": NOW + 60}, "", algorithm="none")
    assert "algorithm" in await refusal(token)


async def test_algorithms_of_the_same_family_are_not_accepted_either() -> None:
    secret = SECRET * 2
    tokens = Verifier(HmacKeys(secret))
    with pytest.raises(Unauthenticated, match="algorithm"):
        await tokens.verify(signed(secret=secret, algorithm="HS512"), NOW)


async def test_a_public_key_is_no_secret() -> None:
    """A token signed by HS256 with the public key as its secret, sent where RS256 is expected."""
    public = rsa.generate_private_key(65537, 2048).public_key()
    pem = public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)

    class PublicKeys:
        algorithms: tuple[str, ...] = ("RS256", "ES256", "EdDSA")

        async def key(self, kid: str | None, algorithm: str) -> Any:
            return public

    header = base64.urlsafe_b64encode(b'{"alg":"HS256"}').rstrip(b"=")
    claims = json.dumps({"sub": "root", "iat": NOW, "exp": NOW + 60}).encode()
    signing = header + b"." + base64.urlsafe_b64encode(claims).rstrip(b"=")
    mac = base64.urlsafe_b64encode(hmac.new(pem, signing, hashlib.sha256).digest()).rstrip(b"=")
    with pytest.raises(Unauthenticated, match="algorithm"):
        await Verifier(PublicKeys()).verify((signing + b"." + mac).decode(), NOW)


@pytest.mark.parametrize(
    "token", ["", ".", "..", "a.b.c", "not a token", "é.é.é", "\x00", "x" * 10_000, "e30.e30.e30"]
)
async def test_garbage(token: str) -> None:
    assert await refusal(token)


async def test_a_header_nested_too_deeply() -> None:
    header = base64.urlsafe_b64encode(b'{"alg":' + b"[" * 3000 + b"]" * 3000 + b"}")
    assert await refusal(header.decode().rstrip("=") + ".e30.e30")


@pytest.mark.parametrize(
    "arguments",
    [
        {"sub": ""},
        {"sub": "a\x00"},
        {"tier": "platinum"},
        {"ttl_seconds": 24 * 3600 + 1},
        {"ttl_seconds": 0},
        {"secret": b"short"},
        {"name": ""},
    ],
)
def test_what_no_server_would_accept_is_not_minted(arguments: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r".+"):
        mint(**{"secret": SECRET, "sub": "alice", "now": NOW, **arguments})


def test_a_short_secret_is_refused() -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        HmacKeys(b"x" * 31)
