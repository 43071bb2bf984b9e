from __future__ import annotations

import random

import pytest

from server.load.latency import Histogram


def test_percentiles_are_right_to_one_per_cent() -> None:
    rng = random.Random(3)
    times = [rng.lognormvariate(-4, 1) for _ in range(20_000)]
    histogram = Histogram()
    for seconds in times:
        histogram.add(seconds)
    times.sort()
    for share in (0.1, 0.5, 0.9, 0.99, 0.999):
        exact = times[int(share * len(times)) - 1]
        assert histogram.percentile(share) == pytest.approx(exact, rel=0.012)
    assert histogram.percentile(1.0) == max(times)


def test_weights_count_as_repetitions() -> None:
    histogram = Histogram()
    histogram.add(0.001, 99)
    histogram.add(1.0, 1)
    assert histogram.percentile(0.98) == pytest.approx(0.001, rel=0.011)
    assert histogram.percentile(0.995) == 1.0
    assert histogram.count == 100


def test_bars_hold_everything() -> None:
    histogram = Histogram()
    for milliseconds in range(1, 400):
        histogram.add(milliseconds / 1000)
    bars = histogram.bars(10)
    assert len(bars) <= 10
    assert sum(share for _, _, share in bars) == pytest.approx(1)
    assert bars[0][0] <= 0.001
    assert bars[-1][1] >= 0.399


def test_an_empty_histogram_is_all_zero() -> None:
    histogram = Histogram()
    assert histogram.percentile(0.5) == 0
    assert histogram.bars() == []
    assert set(histogram.summary().values()) == {0.0}
