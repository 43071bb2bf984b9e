"""What a batch costs in a video that many clients have been in."""

from __future__ import annotations

import cProfile
import pstats
import statistics
import time
from random import Random
from typing import TYPE_CHECKING

from collab.batch import Received
from collab.document import Document
from collab.room import Room
from collab.session import Session
from collab.surrogates import find_pairs
from server.load.edits import author_updates, client_ids
from server.load.frames import var_bytes
from server.projector import pace
from tests.benchmarks.bench import Bench, Row
from tests.benchmarks.documents import video_with_past

if TYPE_CHECKING:
    from collab.errors import CocutError

BATCH = 25
BATCHES = 240
BATCHES_A_SECOND = 25
"""Of a room of a thousand editors; the projection looks at the pace of `server.projector`."""


class Sink:
    """A channel that nobody reads."""

    def write(self, frame: bytes) -> bool:
        return False

    def backlog(self) -> int:
        return 0

    def refuse(self, error: CocutError) -> None:
        raise error

    def abort(self) -> None:
        raise AssertionError("aborted")


def past(bench: Bench) -> list[Row]:
    """A batch among 10,000 and 100,000 past clients, against a fresh video."""
    repeats = bench.repeats(3)
    fresh: list[tuple[float, float]] = []
    old: dict[int, list[tuple[float, float]]] = {10_000: [], 100_000: []}
    states = {clients: video_with_past(clients, Random(clients)) for clients in (0, *old)}
    for _ in range(repeats):
        fresh.append(_cost(*states[0]))
        for clients, costs in old.items():
            costs.append(_cost(*states[clients]))
    rows = []
    base_batch = statistics.median(batch for batch, _ in fresh)
    base = statistics.median(whole for _, whole in fresh)
    for clients, limit in ((10_000, 1.3), (100_000, 3.0)):
        batch = statistics.median(batch for batch, _ in old[clients])
        whole = statistics.median(whole for _, whole in old[clients])
        profile = _profile(*states[clients]) if bench.profile else []
        for what, mine, fresh_one in (
            ("", batch, base_batch),
            (", with its share of the projection's looks", whole, base),
        ):
            rows.append(
                Row(
                    "past",
                    f"a batch of {BATCH} edits in a video with {clients:,} past clients{what}",
                    f"<= {limit} x the cost in a fresh one",
                    f"{mine / fresh_one:.2f} x ({mine * 1e6:.0f} of {fresh_one * 1e6:.0f} us)",
                    mine / fresh_one <= limit,
                    {"seconds": mine, "fresh": fresh_one},
                    profile,
                )
            )
    return rows


def _profile(base: bytes, state: bytes) -> list[str]:
    """The functions with the largest own share of the same batches."""
    profiler = cProfile.Profile()
    _cost(base, state, profiler)
    stats = pstats.Stats(profiler).get_stats_profile()
    top = sorted(stats.func_profiles.items(), key=lambda item: -item[1].tottime)[:12]
    return [f"{found.tottime / stats.total_tt:.1%} {name}" for name, found in top]


def _cost(
    base: bytes, state: bytes, profiler: cProfile.Profile | None = None
) -> tuple[float, float]:
    """Seconds of CPU a batch takes by itself (median), and with its share of the looks (mean)."""
    document = Document.load(77, 1 << 28, state, [])
    document.settle()
    document.learn_characters(find_pairs(document.encode()))
    room = Room(document, 1, lambda *parts: b"".join(parts))
    session = Session(1, "user", True, Sink())
    room.join(session)
    random = Random(8)
    updates: list[bytes] = []
    for author, client in enumerate(client_ids(BATCH, random)):
        updates += author_updates(base, client, author, BATCHES, "scenes", random)
    frames = [b"\0\2" + var_bytes(update) for update in updates]
    times, looks = [], 0.0
    look_after = 0.0
    if profiler is not None:
        profiler.enable()
    for number in range(BATCHES):
        start = time.thread_time()
        batch = room.take([Received(session, frame) for frame in frames[number::BATCHES]])
        assert batch.update is not None
        assert batch.edits == BATCH
        room.publish(batch.update, number + 2)
        times.append(time.thread_time() - start)
        if number / BATCHES_A_SECOND >= look_after:
            start = time.thread_time()
            document.settle()
            spent = time.thread_time() - start
            looks += spent
            look_after = number / BATCHES_A_SECOND + pace(spent, len(document.ledger.state))
    if profiler is not None:
        profiler.disable()
    return statistics.median(times), (sum(times) + looks) / BATCHES
