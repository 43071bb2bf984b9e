"""Requests that are counted for all nodes together, and what happens while Redis is away."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from api.limits import AGAIN_SECONDS, MemoryRateLimiter, SharedRateLimiter
from persistence.limits import SharedCounts
from tests.support.redis import redis_running
from tests.support.redis_cluster import RedisCluster, cluster_running


@asynccontextmanager
async def two_nodes(
    url: str,
) -> AsyncIterator[tuple[list[SharedRateLimiter], list[bool]]]:
    """The limiters of two nodes, and whether the first one's counts are shared, as it was told."""
    counts = [SharedCounts(url, "test") for _ in range(2)]
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
        async with two_nodes(redis.url) as (nodes, told):
            taken = [await nodes[turn % 2].take("user a}", 40, 1, 0.0) for turn in range(41)]
            assert [each.allowed for each in taken] == [True] * 40 + [False]
            assert [each.remaining for each in taken[:3]] == [39, 38, 37]
            assert 0 < taken[-1].reset <= 62
            assert (await nodes[0].take("user b", 40, 1, 0.0)).allowed
            assert told == [True]


async def test_a_node_counts_for_itself_while_redis_is_away() -> None:
    with redis_running() as redis:
        async with two_nodes(redis.url) as (nodes, told):
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


@pytest.mark.timeout(100)
async def test_two_nodes_count_together_on_a_cluster() -> None:
    with cluster_running() as cluster:
        async with two_nodes(cluster.url) as (nodes, told):
            for user in range(24):
                taken = [await nodes[turn % 2].take(f"user {user}", 4, 1, 0.0) for turn in range(5)]
                assert [each.allowed for each in taken] == [True] * 4 + [False]
            assert told == [True]
            assert min(keys(cluster)) > 0


@pytest.mark.timeout(100)
async def test_a_node_counts_for_itself_while_a_cluster_is_not_whole() -> None:
    with cluster_running() as cluster:
        async with two_nodes(cluster.url) as (nodes, told):
            assert (await nodes[0].take("a", 1, 1, 0.0)).allowed
            cluster.kill(cluster.ports[0])  # the one whose address is known
            now = await until_all(nodes[0], told, shared=False, now=10.0)
            taken = [await nodes[0].take("b", 3, 1, now) for _ in range(4)]
            assert [each.allowed for each in taken] == [True] * 3 + [False]
            cluster.start_one(cluster.ports[0])
            cluster.wait()
            now = await until_all(nodes[0], told, shared=True, now=now)
            for user in map(str, range(12)):
                assert (await nodes[0].take(user, 1, 1, now)).allowed
                assert not (await nodes[1].take(user, 1, 1, now)).allowed


@pytest.mark.timeout(100)
async def test_a_node_follows_slots_that_move() -> None:
    with cluster_running() as cluster:
        async with two_nodes(cluster.url) as (nodes, told):
            now = await until_all(nodes[0], told, shared=True, now=0.0)
            cluster.give_away(1, to=2)
            await until_all(nodes[0], told, shared=True, now=now)
            assert told == [True, False, True]


async def until_all(
    node: SharedRateLimiter, told: list[bool], *, shared: bool, now: float
) -> float:
    """Wait until requests of many users in a row are counted together, or until none is.

    Returns:
        The time then; each request is made so late that Redis is asked again.
    """
    users = [f"many {number}" for number in range(24)]
    async with asyncio.timeout(20):
        while True:
            seen = set()
            for user in users:
                now += 2 * AGAIN_SECONDS
                await node.take(user, 1000, 1, now)
                seen.add(told[-1])
            if seen == {shared}:
                return now


def keys(cluster: RedisCluster) -> list[int]:
    """How many keys each server carries."""
    return [cluster.ask(port, "DBSIZE") for port in cluster.ports]
