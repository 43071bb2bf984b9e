"""The same request, sent twice under one key, is done once and answered twice."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

from aiohttp import web

from collab.errors import Conflict, DatabaseAway
from persistence.idempotency import IdempotencyKeys, StoredAnswer

WAIT_SECONDS: Final = 30.0
"""How long a request waits for another one with its key: as long as speech may take."""
LOOK_SECONDS: Final = 0.05
_KEPT_HEADERS: Final = ("X-Video-Seq", "ETag", "Location")


class Idempotency:
    """Keeps the answers of requests that carry an `Idempotency-Key`.

    Args:
        keys: where they are kept.
        clock: monotonic seconds.
    """

    def __init__(self, keys: IdempotencyKeys, clock: Callable[[], float]) -> None:
        self._keys = keys
        self._clock = clock

    async def once(
        self,
        *,
        user: str,
        key: str,
        route: str,
        fingerprint: Callable[[], Awaitable[bytes]],
        run: Callable[[], Awaitable[web.StreamResponse]],
    ) -> web.StreamResponse:
        """Answer a request, running it unless it was run before.

        Only what went well is kept: a request that failed did nothing, and may be sent again.

        Args:
            user: the caller's id.
            key: as sent.
            route: method and path.
            fingerprint: of the body, which `run` may have read by then.
            run: does it.

        Raises:
            Conflict: the key was used for something else, or its request is under way for long.
        """
        stored = await self._claim(user, key, route)
        if stored is not None:
            if stored.route == route and stored.status is None:
                raise Conflict(
                    "The request with this Idempotency-Key is still under way; send it again later."
                )
            if stored.route != route or stored.request_hash != await fingerprint():
                raise Conflict("This Idempotency-Key was used for another request.")
            assert stored.status is not None
            return web.Response(
                status=stored.status,
                body=stored.body,
                content_type="application/json",
                headers={**stored.headers, "Idempotent-Replay": "true"},
            )
        try:
            response = await run()
            request_hash = await fingerprint()
        except BaseException:
            await self._keys.release(user, key)
            raise
        if isinstance(response, web.Response) and isinstance(response.body, bytes):
            kept = {
                name: response.headers[name] for name in _KEPT_HEADERS if name in response.headers
            }
            try:
                await self._keys.finish(
                    user, key, request_hash, response.status, kept, response.body
                )
            except DatabaseAway:
                # It is done and stored; a second try finds it by the id that follows from the key.
                return response
        return response

    async def _claim(self, user: str, key: str, route: str) -> StoredAnswer | None:
        """What is known of a key, once its request has ended or has taken `WAIT_SECONDS`."""
        until = self._clock() + WAIT_SECONDS
        while True:
            stored = await self._keys.claim(user, key, route)
            ended = stored is None or stored.status is not None or stored.route != route
            if ended or self._clock() >= until:
                return stored
            await asyncio.sleep(LOOK_SECONDS)
