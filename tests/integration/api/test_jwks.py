"""Public keys from an address, served by a real server."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import jwt
import pytest
from aiohttp import web
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from api.identity import Verifier
from api.jwks import JwksKeys
from collab.errors import Unauthenticated, Unavailable

NOW = 1_800_000_000.0


class KeyServer:
    """Serves a set of keys, and counts who asks."""

    def __init__(self) -> None:
        self.keys: list[Any] = []
        self.asked = 0
        self.status = 200
        self.address = ""

    async def answer(self, request: web.Request) -> web.Response:
        self.asked += 1
        return web.Response(status=self.status, text=json.dumps({"keys": self.keys}))


@pytest.fixture
async def server() -> AsyncIterator[KeyServer]:
    made = KeyServer()
    app = web.Application()
    app.router.add_get("/keys", made.answer)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    made.address = f"http://127.0.0.1:{runner.addresses[0][1]}/keys"
    yield made
    await runner.cleanup()


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def make(algorithm: str) -> Any:
    if algorithm == "RS256":
        return rsa.generate_private_key(65537, 2048)
    if algorithm == "ES256":
        return ec.generate_private_key(ec.SECP256R1())
    return ed25519.Ed25519PrivateKey.generate()


def public(key: Any, algorithm: str, kid: str) -> dict[str, Any]:
    shown = jwt.get_algorithm_by_name(algorithm).to_jwk(key.public_key(), as_dict=True)
    return {**shown, "kid": kid, "use": "sig"}


def token(key: Any, algorithm: str, kid: str | None, sub: str = "alice") -> str:
    claims = {"sub": sub, "iat": NOW, "exp": NOW + 60}
    return jwt.encode(claims, key, algorithm=algorithm, headers={"kid": kid} if kid else None)


@pytest.mark.parametrize("algorithm", ["RS256", "ES256", "EdDSA"])
async def test_each_algorithm(server: KeyServer, clock: Clock, algorithm: str) -> None:
    key = make(algorithm)
    server.keys = [{"kty": "oct", "k": "c2VjcmV0"}, public(key, algorithm, "one"), {"kty": "?"}]
    verifier = Verifier(JwksKeys(server.address, clock))
    for kid in ("one", None):
        identity = await verifier.verify(token(key, algorithm, kid), NOW)
        assert identity.sub == "alice"
    with pytest.raises(Unauthenticated, match="signature"):
        await verifier.verify(token(make(algorithm), algorithm, "one"), NOW)
    assert server.asked == 1


async def test_a_shared_secret_is_not_taken(server: KeyServer, clock: Clock) -> None:
    server.keys = [{"kty": "oct", "k": "c2VjcmV0", "kid": "one", "alg": "HS256"}]
    verifier = Verifier(JwksKeys(server.address, clock))
    forged = jwt.encode({"sub": "a", "iat": NOW, "exp": NOW + 9}, "s" * 32, headers={"kid": "one"})
    with pytest.raises(Unauthenticated, match="algorithm"):
        await verifier.verify(forged, NOW)


async def test_unknown_keys_are_looked_for_at_most_every_30_seconds(
    server: KeyServer, clock: Clock
) -> None:
    first, second = make("ES256"), make("ES256")
    server.keys = [public(first, "ES256", "one")]
    verifier = Verifier(JwksKeys(server.address, clock))
    await verifier.verify(token(first, "ES256", "one"), NOW)
    server.keys.append(public(second, "ES256", "two"))
    for number in range(20):
        with pytest.raises(Unauthenticated, match="not known"):
            await verifier.verify(token(second, "ES256", "two", f"user {number}"), NOW)
    assert server.asked == 1
    clock.now = 31
    await verifier.verify(token(second, "ES256", "two"), NOW)
    assert server.asked == 2


async def test_keys_stay_while_their_server_is_away(server: KeyServer, clock: Clock) -> None:
    key = make("ES256")
    server.keys = [public(key, "ES256", "one")]
    verifier = Verifier(JwksKeys(server.address, clock))
    await verifier.verify(token(key, "ES256", "one"), NOW)
    server.status = 500
    clock.now = 4000
    await verifier.verify(token(key, "ES256", "one", "bob"), NOW)
    assert server.asked == 2


async def test_without_any_keys_it_is_an_outage_and_no_bad_token(
    server: KeyServer, clock: Clock
) -> None:
    key = make("ES256")
    server.status = 500
    verifier = Verifier(JwksKeys(server.address, clock))
    for _ in range(3):
        with pytest.raises(Unavailable):
            await verifier.verify(token(key, "ES256", "one"), NOW)
    assert server.asked == 1
    server.status = 200
    server.keys = [public(key, "ES256", "one")]
    clock.now = 31
    await verifier.verify(token(key, "ES256", "one"), NOW)
