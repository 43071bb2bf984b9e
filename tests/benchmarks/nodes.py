"""Rows about several processes: from one to another, and what a second one adds."""

from __future__ import annotations

import asyncio
import math
import tempfile
from array import array
from contextlib import contextmanager
from dataclasses import astuple, dataclass
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any

from persistence.database import Database
from persistence.embedded import EmbeddedPostgres
from server.load.documents import write_document
from server.load.editor import Counts
from server.load.edits import author_updates, client_ids, prepared_video
from server.load.frames import Wire
from server.load.swarm import Seat, Swarm
from server.load.trail import Trail
from server.load.usage import measure
from tests.benchmarks.bench import Bench, Row, owner_token, quantile, rest, run_async
from tests.benchmarks.edits import options, said
from tests.benchmarks.servers import Cocut, cocut
from tests.support.redis import redis_running

if TYPE_CHECKING:
    from collections.abc import Iterator

RATE = 20
WRITERS_RATE = 100
"""Edits a second of each of two editors of one video."""

COUNTED_SECONDS = 11
"""Within ten, PostgreSQL counts what its sessions did before they became idle."""

LATENCY_LIMIT = 100.0
EDITORS_PER_VIDEO = 5
VIDEOS = 200
STEP = 1.5
RUNS = 7
FIRST_RATE = 2000.0


def nodes(bench: Bench) -> list[Row]:
    """From an editor on one node to an editor on another, at low load."""
    seconds = bench.seconds(15, 5)
    with _two_nodes(bench) as (one, two, dsn):
        with bench.recording(two.server):
            delays = run_async(lambda: _across(one, two, seconds))
        together = run_async(lambda: _written(dsn, (one, one), seconds, 12))
        apart = run_async(lambda: _written(dsn, (one, two), seconds, 13))
    p50, p99 = quantile(delays, 0.5) * 1000, quantile(delays, 0.99) * 1000
    return [
        Row(
            "nodes",
            f"an edit from an editor on one node to an editor on another, {RATE} edits/s",
            "p50 <= 5 ms",
            f"p50 {p50:.1f} ms, p99 {p99:.1f} ms",
            p50 <= 5,
            {"p50_ms": p50, "p99_ms": p99, "edits": len(delays)},
            [] if p50 <= 5 else bench.profiles,
        ),
        Row(
            "nodes",
            f"two editors of a video of 20 scenes x 5 layers, {WRITERS_RATE} edits/s each, on two "
            "nodes: what writing the tables costs",
            "<= 1.3 x the rows and the database's CPU of both editors on one node",
            f"{apart.rows:.0f} rows/s of {together.rows:.0f}; PostgreSQL "
            f"{apart.cpu:.1%} of a core of {together.cpu:.1%}; {apart.commits:.0f} transactions/s "
            f"of {together.commits:.0f}; write-ahead log {apart.log / 1000:.0f} KB/s of "
            f"{together.log / 1000:.0f}",
            apart.rows <= 1.3 * together.rows and apart.cpu <= 1.3 * together.cpu,
            {"apart": astuple(apart), "together": astuple(together)},
        ),
    ]


@dataclass(frozen=True, slots=True)
class Written:
    """What a database did, by the second.

    Attributes:
        rows: of the projection's tables, written or removed.
        commits: transactions.
        log: bytes of write-ahead log.
        cpu: seconds of CPU, of all its processes.
    """

    rows: float
    commits: float
    log: float
    cpu: float


_WRITTEN = """
SELECT (SELECT sum(n_tup_ins + n_tup_upd + n_tup_del) FROM pg_stat_user_tables
        WHERE relname IN ('videos', 'scenes', 'scenes_layers'))::float8 AS rows,
       (SELECT xact_commit FROM pg_stat_database WHERE datname = current_database())::float8
         AS commits,
       (pg_current_wal_lsn() - '0/0')::float8 AS log,
       (SELECT setting FROM pg_settings WHERE name = 'data_directory') AS directory
"""


async def _written(dsn: str, nodes: tuple[Cocut, Cocut], seconds: float, seed: int) -> Written:
    """What the database does while two editors write, each on its node."""
    random = Random(seed)
    base = prepared_video(20, 5, random)
    async with rest(nodes[0].server) as api:
        video = await api.make_video("Two writers")
    token = owner_token(nodes[0].server)
    wires = [Wire(node.server.protocol, node.server.url, video, token) for node in nodes]
    await (await write_document(wires[0], [base])).leave()
    trails = [Trail()] if nodes[0] is nodes[1] else [Trail(), Trail()]
    swarm = Swarm([Seat(wire, trails[at % len(trails)]) for at, wire in enumerate(wires)], Counts())
    await swarm.join()
    count = int(WRITERS_RATE * seconds)
    updates = [
        author_updates(base, client, author, count, "scenes", random)
        for author, client in enumerate(client_ids(2, random))
    ]
    frames = [wires[at].update(updates[at][n]) for n in range(count) for at in range(2)]
    database = await Database.connect(dsn, retry_seconds=5)
    try:
        await asyncio.sleep(COUNTED_SECONDS)
        before = await _counts(database)
        await swarm.send(frames, 2 * WRITERS_RATE, array("d"))
        await asyncio.sleep(COUNTED_SECONDS)
        after = await _counts(database)
    finally:
        await database.close()
    await swarm.leave()
    return Written(*((there - here) / seconds for here, there in zip(before, after, strict=True)))


async def _counts(database: Database) -> tuple[float, ...]:
    async with database.connection() as connection:
        row = await connection.fetchrow(_WRITTEN)
    assert row is not None
    postmaster = int((Path(row["directory"]) / "postmaster.pid").read_text().split("\n", 1)[0])
    return row["rows"], row["commits"], row["log"], measure([postmaster]).cpu


@contextmanager
def _two_nodes(bench: Bench) -> Iterator[tuple[Cocut, Cocut, str]]:
    """Two nodes on one database and one Redis, and its address; nothing is pinned to a core."""
    with tempfile.TemporaryDirectory() as directory, redis_running() as redis:
        postgres = EmbeddedPostgres(Path(directory))
        dsn = run_async(postgres.start)
        shared = ("--database-url", dsn, "--redis-url", redis.url)
        first = Cocut(bench.logs, *shared, pinned=False)
        second = Cocut(bench.logs, *shared, pinned=False)
        try:
            first.start()
            second.share_secret(first)
            second.start()
            yield first, second, dsn
        finally:
            first.remove()
            second.remove()
            run_async(postgres.stop)


async def _across(one: Cocut, two: Cocut, seconds: float) -> list[float]:
    random = Random(11)
    base = prepared_video(20, 5, random)
    client = client_ids(1, random)[0]
    updates = author_updates(base, client, 0, int(RATE * seconds), "scenes", random)
    async with rest(one.server) as api:
        video = await api.make_video("Two nodes")
    wires = [
        Wire(node.server.protocol, node.server.url, video, owner_token(one.server))
        for node in (one, two)
    ]
    keeper = await write_document(wires[0], [base])
    await keeper.leave()
    trails = [Trail(), Trail()]
    swarm = Swarm([Seat(wire, trail) for wire, trail in zip(wires, trails, strict=True)], Counts())
    await swarm.join()
    await swarm.quiet(1, 10)
    had = len(trails[1].frames)
    writer = Swarm([], swarm.counts)
    writer.editors = swarm.editors[:1]
    sent: array[float] = array("d")
    await writer.send([wires[0].update(update) for update in updates], RATE, sent)
    await swarm.quiet(1, 30)
    arrived = [frame.times[0] for frame in trails[1].frames[had:]]
    await swarm.leave()
    if len(arrived) != len(sent):
        raise RuntimeError(f"{len(arrived)} of {len(sent)} edits arrived one by one")
    return [there - here for here, there in zip(sent, arrived, strict=True)]


def workers(bench: Bench) -> list[Row]:
    """The edits a second that one worker and two workers manage at the same p99."""
    with redis_running() as redis:
        shared = ("--redis-url", redis.url)
        one = _most(bench, FIRST_RATE, *shared)
        two = _most(bench, 1.25 * one["edits_per_second"], *shared, "--workers", "2")
    ratio = two["edits_per_second"] / one["edits_per_second"]
    return [
        Row(
            "workers",
            f"edits/s of two workers on two cores, {VIDEOS} videos with {EDITORS_PER_VIDEO} "
            "editors each; the generator, PostgreSQL and Redis on the same two cores",
            f">= 1.5 x those of one at p99 <= {LATENCY_LIMIT:.0f} ms",
            f"{ratio:.2f} x: one {one['edits_per_second']:.0f}/s ({said(one)}; the generator "
            f"{one['generator_core_share']:.0%}), two {two['edits_per_second']:.0f}/s "
            f"({said(two)}; the generator {two['generator_core_share']:.0%})",
            ratio >= 1.5,
            {"one": one, "two": two},
        )
    ]


def _most(bench: Bench, rate: float, *serve: str) -> dict[str, Any]:
    """The outcome at the highest rate found at which the p99 is kept and nothing is lost."""
    best: dict[str, Any] | None = None
    low, too_much = 0.0, math.inf
    for _ in range(RUNS):
        with cocut(bench.logs, *serve, pinned=False) as server:
            outcome = bench.load(
                server.server,
                *options(VIDEOS * EDITORS_PER_VIDEO, rate, bench.seconds(6, 4)),
                *("--videos", str(VIDEOS), "--scenes", "2", "--layers", "3"),
                pinned=False,
            )
        if outcome["ok"] and outcome["latency"]["p99_ms"] <= LATENCY_LIMIT:
            best, low = outcome, rate
            rate = low * STEP if too_much == math.inf else math.sqrt(low * too_much)
        else:
            too_much = rate
            rate = rate / STEP if best is None else math.sqrt(low * too_much)
    if best is None:
        raise RuntimeError("no rate was found at which the p99 is kept")
    return best
