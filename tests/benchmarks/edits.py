"""Rows about edits that go through: latency, delivery, CPU."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.benchmarks.bench import Bench, Row
from tests.benchmarks.floor import cpu_of_a_write

if TYPE_CHECKING:
    from tests.benchmarks.servers import PeerName

PEER_RATE = 50
PEERS: tuple[tuple[PeerName, str, int], ...] = (
    ("y-websocket", "y-websocket 1.5.4, no storage", 50),
    ("y-websocket", "y-websocket 1.5.4, no storage", 150),
    ("hocuspocus", "Hocuspocus 3.4.4, no storage", 50),
    ("hocuspocus", "Hocuspocus 3.4.4, no storage", 150),
    ("pycrdt-websocket", "pycrdt-websocket 0.16.5, no storage", 10),
)


def said(outcome: dict[str, Any]) -> str:
    """One outcome in one line."""
    latency = outcome["latency"]
    lost = outcome["connections_lost"]
    return (
        f"{outcome['delivered_share']:.2%} delivered, p50 {latency['p50_ms']:.1f} ms, "
        f"p99 {latency['p99_ms']:.1f} ms, {outcome['server_cpu_ms_per_edit']:.3f} ms CPU an edit, "
        f"{outcome['server_core_share']:.0%} of a core"
        + (f", {lost} connections lost" if lost else "")
    )


def options(editors: int, rate: float, seconds: float, *more: str) -> list[str]:
    return ["--editors", str(editors), "--rate", str(rate), "--seconds", str(seconds), *more]


def hocuspocus_cpu(bench: Bench) -> float:
    """CPU of Hocuspocus for an edit to 1000 editors at 50 a second, in milliseconds."""
    outcome = bench.load_peer(
        "hocuspocus", *options(1000, PEER_RATE, bench.seconds(10, 4)), repeats=1
    )
    value: float = outcome["server_cpu_ms_per_edit"]
    return value


def peers_1000(bench: Bench) -> list[Row]:
    """What the peers do with 1000 editors."""
    rows = []
    for name, title, rate in PEERS:
        seconds = bench.seconds(10, 4)
        outcome = bench.load_peer(name, *options(1000, rate, seconds, "--drain", "60"))
        rows.append(
            Row("peers", f"{title}: 1000 editors, {rate} edits/s", "", said(outcome), None, outcome)
        )
    return rows


def edits_1000(bench: Bench) -> list[Row]:
    """1000 editors, 1000 edits a second."""
    base = hocuspocus_cpu(bench)
    outcome = bench.load_cocut(*options(1000, 1000, bench.seconds(30, 6)))
    return [_edits(bench, "edits-1000", outcome, 1000, base, limit=100, share=20)]


def edits_10000(bench: Bench) -> list[Row]:
    """1000 editors, 10,000 edits a second."""
    base = hocuspocus_cpu(bench)
    outcome = bench.load_cocut(*options(1000, 10_000, bench.seconds(30, 6)))
    return [_edits(bench, "edits-10000", outcome, 10_000, base, limit=150, share=100)]


def _edits(
    bench: Bench,
    name: str,
    outcome: dict[str, Any],
    rate: int,
    base: float,
    *,
    limit: float,
    share: int,
) -> Row:
    ratio = base / outcome["server_cpu_ms_per_edit"]
    met = outcome["ok"] and outcome["latency"]["p99_ms"] <= limit and ratio >= share
    return Row(
        name,
        f"1000 editors, one video of 20 scenes x 5 layers, {rate:,} edits/s into them",
        f"all delivered, p99 <= {limit:.0f} ms, CPU an edit <= 1/{share} of Hocuspocus's at 50/s",
        f"{said(outcome)}: 1/{ratio:.0f} of Hocuspocus's {base:.1f} ms",
        met,
        {**outcome, "hocuspocus_cpu_ms_per_edit": base, "ratio": ratio},
        [] if met else bench.profiles,
    )


def editors_10000(bench: Bench) -> list[Row]:
    """10,000 editors on one video."""
    outcome = bench.load_cocut(*options(10_000, 1000, bench.seconds(30, 6), "--drain", "60"))
    met = outcome["ok"] and outcome["latency"]["p99_ms"] <= 750
    memory = outcome["server_memory_peak"] / 1e6
    return [
        Row(
            "editors-10000",
            "10,000 editors on one video, 1,000 edits/s",
            "all delivered, no connection lost, p99 <= 750 ms",
            f"{said(outcome)}, {memory:.0f} MB",
            met,
            outcome,
            [] if met else bench.profiles,
        )
    ]


def small(bench: Bench) -> list[Row]:
    """100 editors, 50 edits a second; the peers in turn."""
    wanted = options(100, 50, bench.seconds(10, 4))
    outcome = bench.load_cocut(*wanted, repeats=bench.repeats(3))
    latency = outcome["latency"]
    met = outcome["ok"] and latency["p50_ms"] <= 2.5 and latency["p99_ms"] <= 10
    rows = [
        Row(
            "small",
            "100 editors, 50 edits/s",
            "p50 <= 2.5 ms, p99 <= 10 ms",
            said(outcome),
            met,
            outcome,
            [] if met else bench.profiles,
        )
    ]
    peers: tuple[PeerName, ...] = ("y-websocket", "hocuspocus", "pycrdt-websocket")
    for name in () if bench.profile else peers:
        theirs = bench.load_peer(name, *wanted, repeats=bench.repeats(3))
        what = f"the same, {name}, no storage"
        rows.append(Row("small", what, "", said(theirs), None, theirs))
    return rows


def presence(bench: Bench) -> list[Row]:
    """1000 editors, each with a presence update and an edit a second."""
    wanted = options(1000, 1000, bench.seconds(30, 6), "--presence-rate", "1000")
    outcome = bench.load_cocut(*wanted)
    share = outcome["server_core_share"]
    met = outcome["ok"] and outcome["latency"]["p99_ms"] <= 200 and share <= 0.6
    return [
        Row(
            "presence",
            "1000 editors, each with a presence update and an edit a second",
            "<= 60% of a core, all edits delivered, p99 <= 200 ms",
            said(outcome),
            met,
            outcome,
            [] if met else bench.profiles,
        )
    ]


def frame(bench: Bench) -> list[Row]:
    """A delivered frame against a bare write() of the same bytes to as many sockets."""
    outcome = bench.load_cocut(*options(1000, 20, bench.seconds(20, 6)))
    profiles = bench.profiles
    cost = outcome["server_cpu_seconds"] / outcome["frames"] * 1e6
    size = round(outcome["bytes"] / outcome["frames"])
    rounds = outcome["frames"] / 1000 / outcome["seconds"]
    floor = cpu_of_a_write(1000, size, rounds, bench.seconds(10, 4)) * 1e6
    busy = bench.load_cocut(*options(1000, 1000, bench.seconds(10, 4)))
    busy_cost = busy["server_cpu_seconds"] / busy["frames"] * 1e6
    busy_size = round(busy["bytes"] / busy["frames"])
    rounds = busy["frames"] / 1000 / busy["seconds"]
    busy_floor = cpu_of_a_write(1000, busy_size, rounds, bench.seconds(10, 4)) * 1e6
    met = cost <= 1.5 * floor
    return [
        Row(
            "frame",
            "a frame delivered to one of 1000 editors, server and database together",
            "<= 1.5 x the CPU of a bare write() of the same bytes to 1000 sockets",
            f"{cost:.1f} us of {floor:.1f} us: {cost / floor:.2f} x at 20 edits/s ({size} bytes); "
            f"{busy_cost:.1f} us of {busy_floor:.1f} us: {busy_cost / busy_floor:.2f} x "
            f"at 1000 edits/s ({busy_size} bytes)",
            met,
            {
                "cost_us": cost,
                "floor_us": floor,
                "frame_bytes": size,
                "busy_cost_us": busy_cost,
                "busy_floor_us": busy_floor,
                "busy_frame_bytes": busy_size,
            },
            [] if met else profiles,
        )
    ]
