"""Rows about what a node carries: the model of docs/scaling.md, checked at two sizes."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from server.load.usage import measure
from tests.benchmarks.bench import Bench, Row
from tests.benchmarks.edits import options
from tests.benchmarks.servers import cocut

if TYPE_CHECKING:
    from tests.benchmarks.servers import Cocut

EDITORS_PER_VIDEO = 10
EDITS_PER_EDITOR = 0.1
SIZES = (50, 150, 300)
TOLERANCE = 0.25
JOIN_SECONDS = 90.0


@dataclass(frozen=True, slots=True)
class Load:
    """What a node did: by the second, in shares of a core, and in bytes."""

    videos: int
    edits: float
    commits: float
    sent: float
    server: float
    database: float
    memory: float


def capacity(bench: Bench) -> list[Row]:
    """Two sizes make the model, what a node costs by itself and by the edit; it has to foretell the
    third."""
    small, middle, large = (_measured(bench, videos) for videos in SIZES)
    more = (large.edits - small.edits) / (middle.edits - small.edits)
    foretold = (
        small.server + more * (middle.server - small.server),
        small.database + more * (middle.database - small.database),
    )
    rows = []
    for name, had, wanted in (
        ("the server", large.server, foretold[0]),
        ("PostgreSQL", large.database, foretold[1]),
    ):
        rows.append(
            Row(
                "capacity",
                f"{name}: {large.videos} videos of {EDITORS_PER_VIDEO} editors, "
                f"{large.edits:.0f} edits/s, foretold from {small.videos} and "
                f"{middle.videos} videos",
                f"within {TOLERANCE:.0%} of the model",
                f"{had:.1%} of a core, foretold {wanted:.1%} ({had / large.edits * 1000:.2f} ms "
                f"an edit; {large.commits / large.edits:.2f} commits and "
                f"{large.sent / large.edits:.0f} bytes an edit; {large.memory / 1e6:.0f} MB)",
                abs(had - wanted) <= TOLERANCE * wanted,
                {"small": str(small), "middle": str(middle), "large": str(large)},
            )
        )
    return rows


def _measured(bench: Bench, videos: int) -> Load:
    editors = videos * EDITORS_PER_VIDEO
    seconds = bench.seconds(12, 6)
    with cocut(bench.logs) as server:
        wanted = options(editors, editors * EDITS_PER_EDITOR, seconds + 6, "--videos", str(videos))
        with bench.load_in_background(
            server.server, *wanted, "--scenes", "2", "--layers", "3"
        ) as load:
            end = time.monotonic() + JOIN_SECONDS
            # The prepared videos are an edit each; then the editors join, and begin.
            while server.metric("cocut_edits_total") < 2 * videos:
                if time.monotonic() > end or load.poll() is not None:
                    raise RuntimeError("the editors did not begin")
                time.sleep(0.1)
            before, began = _counts(server), time.monotonic()
            time.sleep(seconds)
            after, passed = _counts(server), time.monotonic() - began
            memory = measure(server.server.pids[:1]).memory
            load.wait(JOIN_SECONDS)
    edits, commits, sent, own, database = (
        (there - here) / passed for here, there in zip(before, after, strict=True)
    )
    return Load(videos, edits, commits, sent, own, database, memory)


def _counts(server: Cocut) -> tuple[float, ...]:
    own, *database = server.server.pids
    return (
        server.metric("cocut_edits_total"),
        server.metric("cocut_batches_total"),
        server.metric("cocut_sent_bytes_total"),
        measure([own]).cpu,
        measure(database).cpu,
    )
