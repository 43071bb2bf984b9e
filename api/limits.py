"""How many requests a caller may make.

One node counts in memory, several count in Redis (`persistence.limits`). The library that counts
there has a memory of its own, too; it looks at all keys for each request, which takes a
millisecond with 10,000 users, where `MemoryRateLimiter` takes 4 us.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Protocol

from persistence.limits import CountsAway, SharedCounts

BEFORE_TOKEN: Final = 300
"""Requests a minute from one address that carry no good token."""

AGAIN_SECONDS: Final = 1.0
"""How long a node counts for itself before it asks Redis again."""

_SWEEP: Final = 10_000
_ROUNDING: Final = 1e-6


@dataclass(frozen=True, slots=True)
class Taken:
    """What a limiter says: whether to go on, how many are left, and after how many seconds one
    more is allowed."""

    allowed: bool
    limit: int
    remaining: int
    reset: float


class RateLimiter(Protocol):
    """Counts by key; in memory on one node, in Redis on several."""

    async def take(self, key: str, a_minute: int, cost: int, now: float) -> Taken:
        """Take `cost` of the key's `a_minute`; `now` in seconds."""
        ...


class MemoryRateLimiter:
    """A leaky bucket for each key, as one number: when it will be empty (GCRA).

    A whole minute's worth may be taken at once; it comes back evenly.
    """

    def __init__(self) -> None:
        self._empty_at: dict[str, float] = {}
        self._sweep_at = _SWEEP

    async def take(self, key: str, a_minute: int, cost: int, now: float) -> Taken:
        """Take `cost` of the key's `a_minute`; see `RateLimiter`."""
        return self.count(key, a_minute, cost, now)

    def count(self, key: str, a_minute: int, cost: int, now: float) -> Taken:
        """Like `take`."""
        interval = 60.0 / a_minute
        empty = max(self._empty_at.get(key, now), now)
        after = empty + cost * interval
        if after - now > 60.0 + 1e-9:
            return Taken(
                False,
                a_minute,
                int((60.0 - (empty - now)) / interval + _ROUNDING),
                after - now - 60,
            )
        self._empty_at[key] = after
        if len(self._empty_at) > self._sweep_at:
            self._sweep(now)
        return Taken(
            True, a_minute, int((60.0 - (after - now)) / interval + _ROUNDING), after - now
        )

    def _sweep(self, now: float) -> None:
        self._empty_at = {key: at for key, at in self._empty_at.items() if at > now}
        self._sweep_at = max(_SWEEP, 2 * len(self._empty_at))


class SharedRateLimiter:
    """Counts together with the other nodes; while that does not work, by itself.

    Args:
        shared: the counts of all nodes.
        alone: counts meanwhile.
        changed: told whether the counts are shared, whenever that changes.
    """

    def __init__(
        self, shared: SharedCounts, alone: RateLimiter, changed: Callable[[bool], None]
    ) -> None:
        self._shared = shared
        self._alone = alone
        self._changed = changed
        self._away_until: float | None = None
        changed(True)

    async def take(self, key: str, a_minute: int, cost: int, now: float) -> Taken:
        """Take `cost` of the key's `a_minute`; see `RateLimiter`."""
        if self._away_until is None or now >= self._away_until:
            try:
                count = await self._shared.take(key, a_minute, cost)
            except CountsAway:
                if self._away_until is None:
                    self._changed(False)
                self._away_until = now + AGAIN_SECONDS
            else:
                if self._away_until is not None:
                    self._away_until = None
                    self._changed(True)
                return Taken(count.allowed, a_minute, count.remaining, count.reset)
        return await self._alone.take(key, a_minute, cost, now)
