"""A histogram of times in logarithmic buckets, one per cent wide."""

from __future__ import annotations

import math
from typing import Any, Final

_GROWTH: Final = math.log(1.01)
_SMALLEST: Final = 1e-6


class Histogram:
    """Times in seconds, each counted with a weight; percentiles are right to one per cent."""

    def __init__(self) -> None:
        self._buckets: dict[int, float] = {}
        self.count = 0.0
        self.total = 0.0
        self.largest = 0.0

    def add(self, seconds: float, weight: float = 1.0) -> None:
        """Count a time; what is below a microsecond counts as one."""
        seconds = max(seconds, _SMALLEST)
        bucket = int(math.log(seconds / _SMALLEST) / _GROWTH)
        self._buckets[bucket] = self._buckets.get(bucket, 0.0) + weight
        self.count += weight
        self.total += seconds * weight
        self.largest = max(self.largest, seconds)

    def percentile(self, share: float) -> float:
        """The time in seconds that `share` (0 to 1) of the weight stays within; 0 when empty."""
        wanted = share * self.count
        seen = 0.0
        for bucket in sorted(self._buckets):
            seen += self._buckets[bucket]
            if seen >= wanted:
                return min(_SMALLEST * math.exp((bucket + 1) * _GROWTH), self.largest)
        return self.largest

    def bars(self, rows: int = 12) -> list[tuple[float, float, float]]:
        """The distribution in at most `rows` rows: from, to (seconds) and the share of weight."""
        if not self._buckets:
            return []
        low, high = min(self._buckets), max(self._buckets)
        width = max(1, math.ceil((high - low + 1) / rows))
        bars = []
        for start in range(low, high + 1, width):
            share = sum(self._buckets.get(b, 0.0) for b in range(start, start + width)) / self.count
            bars.append(
                (
                    _SMALLEST * math.exp(start * _GROWTH),
                    _SMALLEST * math.exp((start + width) * _GROWTH),
                    share,
                )
            )
        return bars

    def summary(self) -> dict[str, Any]:
        """Mean, percentiles and the largest, in milliseconds."""

        def ms(seconds: float) -> float:
            return round(seconds * 1000, 3)

        return {
            "mean_ms": ms(self.total / self.count) if self.count else 0.0,
            "p50_ms": ms(self.percentile(0.50)),
            "p90_ms": ms(self.percentile(0.90)),
            "p99_ms": ms(self.percentile(0.99)),
            "p999_ms": ms(self.percentile(0.999)),
            "max_ms": ms(self.largest),
        }
