"""Counts of requests that all nodes share, in Redis."""

from __future__ import annotations

import hashlib
import time
from typing import Final, NamedTuple

from limits import RateLimitItemPerMinute
from limits.aio.storage import RedisStorage
from limits.aio.strategies import SlidingWindowCounterRateLimiter
from limits.errors import StorageError
from redis.asyncio import ConnectionPool
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from collab.errors import CocutError

ANSWER_SECONDS: Final = 0.5
"""How long a request may wait for its count."""


class CountsAway(CocutError):
    """Redis does not answer."""

    code = "counts_away"


class Count(NamedTuple):
    """What was taken: whether it was, how many are left, and in how many seconds it would be."""

    allowed: bool
    remaining: int
    reset: float


class SharedCounts:
    """Counts a minute by key, over a sliding window.

    Args:
        url: of Redis.
        prefix: what all keys begin with.
    """

    def __init__(self, url: str, prefix: str) -> None:
        self._pool = ConnectionPool.from_url(
            url,
            socket_timeout=ANSWER_SECONDS,
            socket_connect_timeout=ANSWER_SECONDS,
            retry=Retry(NoBackoff(), 0),
        )
        storage = RedisStorage(
            "redis://",
            wrap_exceptions=True,
            implementation="redispy",
            key_prefix=prefix,
            connection_pool=self._pool,  # type: ignore[arg-type]
        )
        self._limiter = SlidingWindowCounterRateLimiter(storage)

    async def take(self, key: str, a_minute: int, cost: int) -> Count:
        """Take `cost` of the key's `a_minute`.

        Raises:
            CountsAway: Redis does not answer; nothing is known.
        """
        item = RateLimitItemPerMinute(a_minute)
        name = hashlib.blake2b(key.encode(), digest_size=16).hexdigest()
        try:
            allowed = await self._limiter.hit(item, name, cost=cost)
            reset, remaining = await self._limiter.get_window_stats(item, name)
        except (StorageError, OSError) as error:
            raise CountsAway(str(error)) from error
        # Right at the window's end nothing of it has passed yet: one more comes a little later.
        wait = max(0.0, reset - time.time()) + (0.0 if allowed else 60.0 * cost / a_minute)
        return Count(allowed, remaining, wait)

    async def close(self) -> None:
        """Close the connections."""
        await self._pool.aclose()
