"""Counts of requests that all nodes share, in Redis."""

from __future__ import annotations

import hashlib
import time
from typing import Final, NamedTuple

from limits import RateLimitItemPerMinute
from limits.aio.storage import RedisStorage
from limits.aio.strategies import SlidingWindowCounterRateLimiter
from limits.errors import StorageError
from redis.exceptions import RedisError

from collab.errors import CocutError
from persistence.shards import Shards

ANSWER_SECONDS: Final = 0.5
"""How long a server of Redis may take to answer."""


class CountsAway(CocutError):
    """Redis does not answer."""

    code = "counts_away"


class Count(NamedTuple):
    """What was taken: whether it was, how many are left, and in how many seconds it would be."""

    allowed: bool
    remaining: int
    reset: float


class SharedCounts:
    """Counts a minute by key, over a sliding window; in a Redis Cluster where the key's slot is.

    Args:
        url: of Redis, or of one server of a cluster.
        prefix: what all keys begin with.
    """

    def __init__(self, url: str, prefix: str) -> None:
        self._shards = Shards(url, ANSWER_SECONDS)
        self._prefix = prefix
        self._limiters: dict[str, SlidingWindowCounterRateLimiter] = {}

    async def take(self, key: str, a_minute: int, cost: int) -> Count:
        """Take `cost` of the key's `a_minute`.

        Raises:
            CountsAway: Redis does not answer; nothing is known.
        """
        item = RateLimitItemPerMinute(a_minute)
        name = hashlib.blake2b(key.encode(), digest_size=16).hexdigest()
        try:
            if not self._shards.known:
                await self._shards.look()
            # The storage puts this between braces in all of its keys: it is what makes their slot.
            limiter = self._limiter(self._shards.of(f"{{{item.key_for(name)}}}"))
            allowed = await limiter.hit(item, name, cost=cost)
            reset, remaining = await limiter.get_window_stats(item, name)
        except (StorageError, RedisError, OSError) as error:
            self._shards.forget()
            raise CountsAway(str(error)) from error
        # Right at the window's end nothing of it has passed yet: one more comes a little later.
        wait = max(0.0, reset - time.time()) + (0.0 if allowed else 60.0 * cost / a_minute)
        return Count(allowed, remaining, wait)

    def _limiter(self, server: str) -> SlidingWindowCounterRateLimiter:
        limiter = self._limiters.get(server)
        if limiter is None:
            storage = RedisStorage(
                "redis://",
                wrap_exceptions=True,
                implementation="redispy",
                key_prefix=self._prefix,
                connection_pool=self._shards.client(server).connection_pool,  # type: ignore[arg-type]
            )
            limiter = self._limiters[server] = SlidingWindowCounterRateLimiter(storage)
        return limiter

    async def close(self) -> None:
        """Close the connections."""
        await self._shards.close()
