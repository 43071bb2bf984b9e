"""The same request, sent twice under one key, is done once and answered twice."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final

from aiohttp import web

from collab.errors import Conflict, DatabaseAway
from persistence.idempotency import IdempotencyKeys

_KEPT_HEADERS: Final = ("X-Video-Seq", "ETag", "Location")


class Idempotency:
    """Keeps the answers of requests that carry an `Idempotency-Key`.

    Args:
        keys: where they are kept.
    """

    def __init__(self, keys: IdempotencyKeys) -> None:
        self._keys = keys

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
            Conflict: the key was used for something else, or its request is still under way.
        """
        stored = await self._keys.claim(user, key, route)
        if stored is not None:
            if stored.route == route and stored.status is None:
                raise Conflict("The request with this Idempotency-Key is still under way.")
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
