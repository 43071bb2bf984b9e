"""Rows about joining: many at once, after a restart, into a cold room."""

from __future__ import annotations

import asyncio
import statistics
from contextlib import asynccontextmanager
from random import Random
from typing import TYPE_CHECKING, Any

from pycrdt import Doc

from server.load.documents import read_document, write_document
from server.load.editor import Counts
from server.load.frames import Wire
from server.load.swarm import Seat, Swarm
from server.load.trail import Trail
from server.load.usage import measure
from tests.benchmarks.bench import Bench, Row, owner_token, rest, run_async
from tests.benchmarks.documents import large_video, video_after
from tests.benchmarks.servers import Server, cocut, free_port, peer

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.benchmarks.servers import PeerName

MB = 1_000_000


async def new_video(server: Server) -> Wire:
    """A new, empty video (a new room, on a peer)."""
    name = f"bench-{free_port()}"
    if server.data_dir is not None:
        async with rest(server) as api:
            name = await api.make_video("Benchmark")
    return Wire(server.protocol, server.url, name, owner_token(server))


@asynccontextmanager
async def watched(server: Server) -> AsyncIterator[list[int]]:
    """Yields a list that gets the server's memory in bytes, some ten times a second."""
    seen: list[int] = [measure(server.pids).memory]

    async def look() -> None:
        while True:
            seen.append((await asyncio.to_thread(measure, server.pids)).memory)
            await asyncio.sleep(0.1)

    task = asyncio.create_task(look())
    try:
        yield seen
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def joins(bench: Bench) -> list[Row]:
    """150 joins of a 23 MB video at once; the peers in turn."""
    editors = 150
    updates = list(large_video(23 * MB, Random(23)))

    async def measured(server: Server) -> dict[str, Any]:
        wire = await new_video(server)
        keeper = await write_document(wire, updates)
        size = len(await read_document(wire))
        trail = Trail()
        swarm = Swarm([Seat(wire, trail) for _ in range(editors)], Counts())
        async with watched(server) as memory:
            before = memory[0]
            await swarm.join(at_once=editors, keeps=False, timeout=600)
            await swarm.quiet(1, 60)
        times = [editor.heard - swarm.began for editor in swarm.editors]
        result = {
            "p50": statistics.median(times),
            "slowest": max(times),
            "before": before,
            "peak": max(memory),
            "size": size,
            "bytes": swarm.counts.bytes,
            "lost": swarm.counts.lost,
        }
        await swarm.leave()
        await keeper.leave()
        return result

    def row(title: str, found: dict[str, Any], target: str) -> Row:
        growth = found["peak"] / found["before"]
        whole = found["bytes"] >= editors * found["size"] and not found["lost"]
        met = whole and found["p50"] <= 7 and growth <= 1.5 if target else None
        return Row(
            "joins",
            f"{title}{editors} joins at once of a video of {found['size'] / MB:.0f} MB",
            target,
            f"p50 {found['p50']:.1f} s, the last {found['slowest']:.1f} s; memory "
            f"{found['before'] / MB:.0f} MB before, at most {found['peak'] / MB:.0f} MB "
            f"({growth:.2f} x)" + ("" if whole else "; not everybody got all of it"),
            met,
            found,
            bench.profiles if met is False else [],
        )

    with cocut(bench.logs) as ours, bench.recording(ours.server):
        found = run_async(lambda: measured(ours.server))
    rows = [row("", found, "p50 <= 7 s, memory <= 1.5 x before")]
    short = bench.quick or bench.profile
    peers: tuple[PeerName, ...] = () if short else ("y-websocket", "hocuspocus")
    for name in peers:
        with peer(name, bench.logs) as theirs:
            rows.append(row(f"{name}: ", run_async(lambda: measured(theirs)), ""))
    return rows


def reconnect(bench: Bench) -> list[Row]:
    """1000 editors reconnect at once after a restart; y-websocket in turn."""
    editors = 1000
    state = video_after(editors, 2, Random(5))
    repeats = bench.repeats(3)

    async def before(wire: Wire) -> None:
        keeper = await write_document(wire, [state])
        await keeper.leave()

    async def after(wire: Wire) -> float:
        document: Doc[Any] = Doc()
        document.apply_update(state)
        answers: dict[bytes, bytes] = {}

        def answer(vector: bytes) -> bytes:
            if vector not in answers:
                answers[vector] = document.get_update(vector)
            return answers[vector]

        answer(document.get_state())
        answer(b"\0")
        swarm = Swarm([Seat(wire, Trail()) for _ in range(editors)], Counts())
        times = await swarm.join(document.get_state(), answer, at_once=editors)
        await swarm.leave()
        return max(times)

    ours, theirs = [], []
    for _ in range(repeats):
        with cocut(bench.logs) as server:
            wire = run_async(lambda: new_video(server.server))
            run_async(lambda: before(wire))  # noqa: B023
            server.stop()
            server.start()
            with bench.recording(server.server):
                ours.append(run_async(lambda: after(wire)))  # noqa: B023
        with peer("y-websocket", bench.logs) as other:
            wire = run_async(lambda: new_video(other))
            theirs.append(run_async(lambda: after(wire)))  # noqa: B023
    mine, other_time = statistics.median(ours), statistics.median(theirs)
    met = mine <= 2 and mine <= other_time
    return [
        Row(
            "reconnect",
            "1000 editors reconnect at once after a restart, each with what it has",
            "all synced within 2 s, and no slower than y-websocket",
            f"{mine:.2f} s; y-websocket {other_time:.2f} s",
            met,
            {"cocut": ours, "y_websocket": theirs},
            [] if met else bench.profiles,
        )
    ]


def opening(bench: Bench) -> list[Row]:
    """Cold opening of a 5 MB video."""

    async def prepare(server: Server, count: int) -> list[Wire]:
        wires = []
        for number in range(count):
            wire = await new_video(server)
            keeper = await write_document(wire, list(large_video(5 * MB, Random(number))))
            await keeper.leave()
            wires.append(wire)
        return wires

    async def open_all(wires: list[Wire]) -> list[float]:
        times = []
        for wire in wires:
            swarm = Swarm([Seat(wire, Trail())], Counts())
            times += await swarm.join()
            await swarm.leave()
        return times

    async def warm(server: Server) -> None:
        await read_document(await new_video(server))

    with cocut(bench.logs) as server:
        wires = run_async(lambda: prepare(server.server, 5))
        server.stop()
        server.start()
        run_async(lambda: warm(server.server))
        with bench.recording(server.server):
            times = run_async(lambda: open_all(wires))
    found = statistics.median(times) * 1000
    return [
        Row(
            "opening",
            "cold opening of a 5 MB video: from connecting to having the document",
            "<= 150 ms",
            f"{found:.0f} ms (of five: {', '.join(f'{t * 1000:.0f}' for t in sorted(times))})",
            found <= 150,
            {"seconds": times},
            [] if found <= 150 else bench.profiles,
        )
    ]
