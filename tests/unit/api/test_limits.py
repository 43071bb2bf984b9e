"""The rate limiter in memory."""

from __future__ import annotations

from api.limits import MemoryRateLimiter, Taken


async def test_a_minutes_worth_at_once_then_evenly() -> None:
    limiter = MemoryRateLimiter()
    taken = [await limiter.take("a", 60, 1, 1000.0) for _ in range(61)]
    assert [each.allowed for each in taken] == [True] * 60 + [False]
    assert [each.remaining for each in taken[:3]] == [59, 58, 57]
    assert taken[-1] == Taken(False, 60, 0, 1.0)
    assert (await limiter.take("a", 60, 1, 1001.0)).allowed
    assert not (await limiter.take("a", 60, 1, 1001.5)).allowed
    assert (await limiter.take("a", 60, 60, 1061.0)).allowed


async def test_keys_do_not_touch_each_other() -> None:
    limiter = MemoryRateLimiter()
    await limiter.take("a", 1, 1, 0.0)
    assert not (await limiter.take("a", 1, 1, 0.0)).allowed
    assert (await limiter.take("b", 1, 1, 0.0)).allowed


async def test_a_refused_request_takes_nothing() -> None:
    limiter = MemoryRateLimiter()
    await limiter.take("a", 60, 60, 0.0)
    for _ in range(1000):
        await limiter.take("a", 60, 1, 0.5)
    assert (await limiter.take("a", 60, 1, 1.0)).allowed


async def test_memory_is_bounded_by_those_who_asked_within_a_minute() -> None:
    limiter = MemoryRateLimiter()
    for number in range(50_000):
        await limiter.take(str(number), 300, 1, number * 0.1)
    assert len(limiter._empty_at) <= 20_000
