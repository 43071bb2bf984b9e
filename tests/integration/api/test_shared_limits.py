"""Requests that are counted for all nodes together, and what happens while Redis is away."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from api.limits import AGAIN_SECONDS, MemoryRateLimiter, SharedRateLimiter
from persistence.limits import SharedCounts
from tests.support.redis import RedisServer, redis_running


@asynccontextmanager
async def two_nodes(
    redis: RedisServer,
) -> AsyncIterator[tuple[list[SharedRateLimiter], list[bool]]]:
    """The limiters of two nodes, and whether the first one's counts are shared, as it was told."""
    counts = [SharedCounts(redis.url, "test") for _ in range(2)]
    told: list[bool] = []
    try:
        yield (
            [
                SharedRateLimiter(counts[0], MemoryRateLimiter(), told.append),
                SharedRateLimiter(counts[1], MemoryRateLimiter(), lambda shared: None),
            ],
            told,
        )
    finally:
        for each in counts:
            await each.close()


async def test_two_nodes_count_together() -> None:
    with redis_running() as redis:
        async with two_nodes(redis) as (nodes, told):
            taken = [await nodes[turn % 2].take("user a}", 40, 1, 0.0) for turn in range(41)]
            assert [each.allowed for each in taken] == [True] * 40 + [False]
            assert [each.remaining for each in taken[:3]] == [39, 38, 37]
            assert 0 < taken[-1].reset <= 62
            assert (await nodes[0].take("user b", 40, 1, 0.0)).allowed
            assert told == [True]


async def test_a_node_counts_for_itself_while_redis_is_away() -> None:
    with redis_running() as redis:
        async with two_nodes(redis) as (nodes, told):
            node = nodes[0]
            for _ in range(10):
                await node.take("a", 10, 1, 0.0)
            redis.freeze()
            taken = [await node.take("a", 10, 1, 0.1) for _ in range(11)]
            assert [each.allowed for each in taken] == [True] * 10 + [False]
            assert told == [True, False]
            redis.thaw()
            assert not (await node.take("a", 10, 1, 0.2 + AGAIN_SECONDS)).allowed
            assert told == [True, False, True]
            redis.kill()
            assert (await node.take("b", 10, 1, 3.0)).allowed
            redis.start()
            async with asyncio.timeout(5):
                assert (await node.take("b", 10, 1, 5.0)).allowed
            assert told == [True, False, True, False, True]
