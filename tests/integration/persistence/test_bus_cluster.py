"""The bus on a Redis Cluster: sharded channels, and what happens when a server goes."""

from __future__ import annotations

from uuid import uuid4

import pytest

from persistence.shards import Shards
from tests.support.buses import nodes, until
from tests.support.redis_cluster import RedisCluster, cluster_running


def messages(cluster: RedisCluster) -> list[int]:
    """How many commands each server took to publish: plain ones, then sharded ones."""
    found = []
    for name in ("cmdstat_publish", "cmdstat_spublish"):
        calls = 0
        for port in cluster.ports:
            calls += cluster.ask(port, "INFO", "commandstats").get(name, {}).get("calls", 0)
        found.append(calls)
    return found


@pytest.mark.timeout(100)
async def test_hints_go_over_sharded_channels_and_survive_a_server() -> None:
    with cluster_running() as cluster:
        videos = [uuid4() for _ in range(12)]
        async with nodes(cluster.url, 2) as (one, two):
            for video in videos:
                await two.bus.subscribe(video)
                one.bus.stored(video, 1, b"update", "ann")
            await until(lambda: two.stored() == {video: {1} for video in videos})
            plain, sharded = messages(cluster)
            assert plain == 0
            assert sharded >= len(videos)
            shards = Shards(cluster.url)
            await shards.look()
            carriers = {shards.of(f"cocut:test:{{{video}}}") for video in videos}
            await shards.close()
            assert len(carriers) > 1

            await two.bus.unsubscribe(videos[0])
            gone = cluster.ports[2]
            cluster.kill(gone)
            await until(lambda: two.changes[-1] is False and one.changes[-1] is False)
            cluster.start_one(gone)
            cluster.wait()
            await until(lambda: two.changes[-1] is True and one.changes[-1] is True)

            def heard_again() -> bool:
                # What is sent at the very moment may be lost: hints cost time, never edits.
                for video in videos:
                    one.bus.stored(video, 2, b"more", "ann")
                return two.stored() == {v: {1, 2} for v in videos[1:]} | {videos[0]: {1}}

            await until(heard_again)
