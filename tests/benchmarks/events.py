"""Rows about Socket.IO listeners: what they hear and when, and what they cost the editors."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from array import array
from contextlib import contextmanager
from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING, Any

from pycrdt import Doc, Map

from server.load.documents import write_document
from server.load.editor import Counts
from server.load.edits import client_ids, prepared_video
from server.load.frames import Wire
from server.load.latency import Histogram
from server.load.swarm import Seat, Swarm
from server.load.trail import Trail
from server.load.usage import measure
from server.load.verify import Ledger
from server.load.verify import judge as judge_editors
from tests.benchmarks.bench import LOAD_CORE, Bench, Row, owner_token, rest, run_async
from tests.benchmarks.joins import new_video
from tests.benchmarks.listeners import Shown, first_shown
from tests.benchmarks.servers import PEERS, Server, cocut, core, install_peers, wait_for_line

if TYPE_CHECKING:
    from collections.abc import Iterator

LAYERS = 10
RATE = 100.0
REAL = 3
"""Listeners with the real client, in a process of their own, beside the many."""


@dataclass(frozen=True)
class Video:
    """The video of a run: its editors' wire and client ids, the layers, and the edits' frames."""

    wire: Wire
    clients: list[int]
    layers: list[str]
    frames: list[bytes]


@dataclass(frozen=True)
class Run:
    """What came of a run: the editors' latency, the server's CPU as a share of a core, and what
    listeners heard, the many and the real ones."""

    latency: dict[str, Any]
    share: float
    heard: dict[str, Any]
    real: dict[str, Any]


async def _prepare(server: Server, seconds: float) -> Video:
    """A video of 20 scenes with five layers, and edits of ten editors, each of one layer's `x`."""
    random = Random(6)
    wire = await new_video(server)
    keeper = await write_document(wire, [prepared_video(20, 5, random)])
    await keeper.leave()
    async with rest(server) as api:
        base = await api.document(wire.document)
    clients, layers, updates = client_ids(LAYERS, random), list[str](), dict[int, bytes]()
    for author, client in enumerate(clients):
        doc: Doc[Any] = Doc(client_id=client)
        doc.apply_update(base)
        scene = sorted(doc.get("scenes", type=Map).items())[author][1]
        id_, layer = min(scene["layers"].items())
        layers.append(id_)
        made = list[bytes]()
        subscription = doc.observe(lambda event, made=made: made.append(event.update))
        numbers = range(author, int(RATE * seconds), LAYERS)
        for number in numbers:
            layer["properties"]["x"] = number
        doc.unobserve(subscription)
        updates.update(zip(numbers, made, strict=True))
    frames = [wire.update(updates[number]) for number in sorted(updates)]
    return Video(wire, clients, layers, frames)


@contextmanager
def _process(
    bench: Bench, command: list[str], first: str = ""
) -> Iterator[subprocess.Popen[bytes]]:
    """Listeners in a process of their own, once they have joined."""
    with subprocess.Popen(
        [*core(LOAD_CORE), *command],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=bench.logs,
    ) as process:
        try:
            assert process.stdin is not None
            process.stdin.write(first.encode())
            process.stdin.flush()
            wait_for_line(process, b"joined")
            yield process
        finally:
            process.kill()


def _answer(process: subprocess.Popen[bytes], line: str) -> Any:
    """Tell a process that all edits were made; returns what it says it has heard."""
    stdin, stdout = process.stdin, process.stdout
    assert stdin is not None and stdout is not None
    stdin.write(line.encode())
    stdin.close()
    return json.loads(stdout.readline())


async def _edit(server: Server, video: Video) -> tuple[array[float], dict[str, Any], float]:
    """Make the edits; returns when each was sent, the editors' latency, and the server's share."""
    trail, sent = Trail(), array("d")
    swarm = Swarm([Seat(video.wire, trail) for _ in video.clients], Counts())
    await swarm.join()
    before, began = measure(server.pids), time.perf_counter()
    await swarm.send(video.frames, RATE, sent)
    await swarm.quiet(0.5, 20)
    share = (measure(server.pids).cpu - before.cpu) / (time.perf_counter() - began)
    delivery = judge_editors([(trail, range(LAYERS))], Ledger(video.clients, sent))
    await swarm.leave()
    if delivery.incomplete or delivery.latency is None:
        raise RuntimeError("editors have not got all edits")
    return sent, delivery.latency.summary(), share


def _judge_real(heard: list[list[Any]], video: Video, sent: array[float]) -> dict[str, Any]:
    """What the real clients heard, judged like what the many did."""
    latency, missing = Histogram(), 0
    for events in heard:
        rows = [Shown(layer, x, seq, 0) for _, layer, x, seq in events]
        for edit, event in enumerate(first_shown(rows, video.layers, len(sent))):
            if event is None:
                missing += 1
            else:
                latency.add(events[event][0] - sent[edit])
    return {
        "latency": latency.summary(),
        "edits_not_shown": missing,
        "events": [len(events) for events in heard],
    }


def _run(bench: Bench, listeners: int) -> Run:
    with cocut(bench.logs) as ours:
        server = ours.server
        video = run_async(lambda: _prepare(server, bench.seconds(15, 6)))
        if not listeners:
            _, latency, share = run_async(lambda: _edit(server, video))
            return Run(latency, share, {}, {})
        address = server.url.replace("ws", "http", 1).removesuffix("/ws/videos")
        token, id_ = owner_token(server), video.wire.document
        asked = {"address": address, "token": token, "video": id_, "layers": video.layers}
        many = [sys.executable, "-m", "tests.benchmarks.listeners"]
        real = ["node", str(PEERS / "listeners.mjs"), address, token, id_, str(REAL)]
        first = json.dumps({**asked, "listeners": listeners - REAL}) + "\n"
        with _process(bench, many, first) as crowd, _process(bench, real) as few:
            with bench.recording(server):
                sent, latency, share = run_async(lambda: _edit(server, video))
            heard = _answer(crowd, json.dumps(list(sent)) + "\n")
            seen = _judge_real(_answer(few, ""), video, sent)
    run = Run(latency, share, heard, seen)
    _check(run)
    return run


def _check(run: Run) -> None:
    """Nothing may be lost, come twice or out of order, whatever it takes.

    Raises:
        RuntimeError: something was.
    """
    heard = run.heard
    wrong = [name for name in ("troubles", "incomplete", "edits_not_shown", "twice") if heard[name]]
    if wrong or not heard["in_order"] or run.real["edits_not_shown"]:
        raise RuntimeError(f"listeners have not heard what they must: {heard} {run.real}")


def events(bench: Bench) -> list[Row]:
    """100 edits a second over ten layers: without listeners, with 100 and with 1000."""
    install_peers()
    alone = _run(bench, 0)
    return [_row(bench, count, p99, alone) for count, p99 in ((100, 250), (1000, 1500))]


def _row(bench: Bench, listeners: int, limit: int, alone: Run) -> Row:
    run = _run(bench, listeners)
    heard, real = run.heard["latency"], run.real["latency"]
    cost = run.share - alone.share
    slower = run.latency["p99_ms"] - alone.latency["p99_ms"]
    met = max(heard["p99_ms"], real["p99_ms"]) <= limit and cost <= 1 / 3 and slower <= 20
    return Row(
        "events",
        f"{listeners} Socket.IO listeners, 100 edits/s over ten layers",
        f"p99 <= {limit} ms, <= a third of a core for events, the room's p99 within 20 ms",
        f"p50 {heard['p50_ms']:.0f} ms, p99 {heard['p99_ms']:.0f} ms (the real client "
        f"{real['p99_ms']:.0f} ms), {run.heard['events']} events to each, {cost:.0%} of a core "
        f"more than without; the room's p99 {run.latency['p99_ms']:.1f} ms, without listeners "
        f"{alone.latency['p99_ms']:.1f} ms",
        met,
        {
            "alone": {"latency": alone.latency, "share": alone.share},
            "with": {"latency": run.latency, "share": run.share},
            "heard": run.heard,
            "real": run.real,
        },
        [] if met else bench.profiles,
    )
