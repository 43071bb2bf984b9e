"""The bus on one Redis: what is sent, and what is not since nobody else would hear it."""

from __future__ import annotations

import asyncio
from uuid import UUID, uuid4

from redis.asyncio import Redis

from persistence import bus
from tests.support.buses import Node, nodes, until
from tests.support.redis import redis_running


async def published(url: str) -> int:
    """How many messages Redis was given."""
    async with Redis.from_url(url) as client:
        stats = await client.info("commandstats")
    calls: int = stats.get("cmdstat_publish", {}).get("calls", 0)
    return calls


async def say_alone(node: Node, video: UUID) -> int:
    """Say something until nothing more is sent; returns the last number said."""
    seq = 1
    channel = node.bus._channel(video)
    async with asyncio.timeout(30):
        while channel not in node.bus._alone:
            node.bus.stored(video, seq, b"update", "ann")
            seq += 1
            await asyncio.sleep(0.01)
    return seq


async def test_nothing_is_sent_to_nobody_and_a_node_that_comes_hears_at_once() -> None:
    with redis_running() as redis:
        async with nodes(redis.url, 2) as (one, two):
            video = uuid4()
            await one.bus.subscribe(video)
            seq = await say_alone(one, video)
            before = await published(redis.url)
            for number in range(100):
                one.bus.stored(video, seq + number, b"update", "ann")
            one.bus.presence(video, b"states")
            one.bus.access_changed(video)
            await until(lambda: not one.bus._outgoing)
            assert await published(redis.url) - before <= 3  # the change of access, signs of life

            await two.bus.subscribe(video)
            await until(lambda: any(hint.kind == bus.QUERY for hint in one.hints))
            one.bus.stored(video, 1000, b"update", "ann")
            await until(lambda: 1000 in two.stored().get(video, ()))


async def test_what_was_written_and_what_is_wanted_is_heard_by_its_number() -> None:
    with redis_running() as redis:
        async with nodes(redis.url, 2) as (one, two):
            video = uuid4()
            for node in (one, two):
                await node.bus.subscribe(video)
            await until(lambda: any(hint.kind == bus.QUERY for hint in one.hints))
            one.bus.tables(video, 300)
            one.bus.wanted(video, 70_000)
            one.bus.tables(video, 0)
            await until(lambda: [hint.kind for hint in two.hints].count(bus.TABLES) == 2)
            heard = [
                (hint.kind, hint.video_id, hint.seq)
                for hint in two.hints
                if hint.kind in (bus.TABLES, bus.WANTED)
            ]
            assert heard == [
                (bus.TABLES, video, 300),
                (bus.WANTED, video, 70_000),
                (bus.TABLES, video, 0),
            ]


async def test_who_is_alone_asks_again_now_and_then() -> None:
    with redis_running() as redis:
        async with nodes(redis.url, 2) as (one, two):
            video = uuid4()
            await one.bus.subscribe(video)
            seq = await say_alone(one, video)
            # Its question is lost: it is known of by what is said within a second or so.
            two.bus._wanted.add(video)
            channel = two.bus._channel(video)
            await two.bus._join(two.bus._pubsubs[redis.url], channel)

            def heard() -> bool:
                one.bus.stored(video, seq, b"update", "ann")
                return seq in two.stored().get(video, ())

            await until(heard, 3 * bus.ALONE_SECONDS)
            # Both were there: now everything is sent.
            for number in range(50):
                one.bus.stored(video, seq + number, b"update", "ann")
            await until(lambda: two.stored()[video] >= set(range(seq, seq + 50)))


async def test_who_does_not_hear_itself_is_never_alone() -> None:
    with redis_running() as redis:
        async with nodes(redis.url, 2) as (one, two):
            video = uuid4()
            await two.bus.subscribe(video)
            for seq in range(1, 200):
                one.bus.stored(video, seq, b"update", "ann")
                await asyncio.sleep(0)
            await until(lambda: two.stored().get(video, set()) == set(range(1, 200)))


async def test_after_a_restart_of_redis_all_is_said_again() -> None:
    with redis_running() as redis:
        async with nodes(redis.url, 2) as (one, two):
            video = uuid4()
            await one.bus.subscribe(video)
            await say_alone(one, video)
            redis.kill()
            await until(lambda: one.changes[-1] is False)
            assert not one.bus._alone
            redis.start()
            await until(lambda: one.changes[-1] is True and two.changes[-1] is True)
            await two.bus.subscribe(video)
            await until(lambda: any(hint.kind == bus.QUERY for hint in one.hints))
            one.bus.stored(video, 7, b"update", "ann")
            await until(lambda: 7 in two.stored().get(video, ()))
