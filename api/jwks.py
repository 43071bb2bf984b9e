"""Public keys from a JWKS address."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any, Final

import aiohttp
import jwt

from collab.errors import Unauthenticated, Unavailable

REFRESH_SECONDS: Final = 30.0
MAX_AGE: Final = 3600.0
_MAX_BYTES: Final = 1 << 20
_TIMEOUT: Final = aiohttp.ClientTimeout(total=5)
_KEY_TYPES: Final = {"RS256": "RSA", "ES256": "EC", "EdDSA": "OKP"}


class JwksKeys:
    """The keys of a JWKS, fetched when first needed and when a token names an unknown one.

    Args:
        url: the address of the set.
        clock: monotonic seconds.
        http: makes the session for each fetch.
    """

    algorithms: tuple[str, ...] = ("RS256", "ES256", "EdDSA")

    def __init__(
        self,
        url: str,
        clock: Callable[[], float],
        http: Callable[[], aiohttp.ClientSession] = aiohttp.ClientSession,
    ) -> None:
        self._url = url
        self._clock = clock
        self._http = http
        self._keys: list[jwt.PyJWK] = []
        self._asked: float | None = None
        self._fetched: float | None = None
        self._lock = asyncio.Lock()

    async def key(self, kid: str | None, algorithm: str) -> Any:
        """The key with this id, made for this algorithm; see `identity.Keys`."""
        found = self._find(kid, algorithm)
        if found is None or self._stale():
            await self._refresh()
            found = self._find(kid, algorithm)
        if found is None:
            if self._fetched is None:
                raise Unavailable("The keys that tokens are verified with cannot be fetched now.")
            raise Unauthenticated("The token is signed with a key that is not known.")
        return found

    def _find(self, kid: str | None, algorithm: str) -> Any:
        fitting = [
            key
            for key in self._keys
            if key.key_type == _KEY_TYPES[algorithm] and key.algorithm_name == algorithm
        ]
        if kid is None:
            return fitting[0].key if len(fitting) == 1 else None
        return next((key.key for key in fitting if key.key_id == kid), None)

    def _stale(self) -> bool:
        return self._fetched is None or self._clock() - self._fetched > MAX_AGE

    async def _refresh(self) -> None:
        async with self._lock:
            now = self._clock()
            if self._asked is not None and now - self._asked < REFRESH_SECONDS:
                return
            self._asked = now
            try:
                self._keys = await self._fetch()
            except (aiohttp.ClientError, TimeoutError, ValueError, RecursionError) as error:
                if self._fetched is None:
                    raise Unavailable(
                        "The keys that tokens are verified with cannot be fetched now."
                    ) from error
                return
            self._fetched = now

    async def _fetch(self) -> list[jwt.PyJWK]:
        async with self._http() as session, session.get(self._url, timeout=_TIMEOUT) as response:
            response.raise_for_status()
            body = bytearray()
            async for chunk in response.content.iter_chunked(1 << 16):
                body += chunk
                if len(body) > _MAX_BYTES:
                    raise ValueError("the key set is too large")
        content = json.loads(body)
        entries = content.get("keys") if isinstance(content, dict) else None
        if not isinstance(entries, list):
            raise ValueError("the key set has no list of keys")
        keys = []
        for entry in entries:
            if not isinstance(entry, dict) or entry.get("use", "sig") != "sig":
                continue
            try:
                keys.append(jwt.PyJWK.from_dict(entry))
            except (jwt.PyJWTError, ValueError, TypeError):
                continue  # a key of a kind that is not used here
        return keys
