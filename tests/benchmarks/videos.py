"""Rows about memory: many videos open, five editors each."""

from __future__ import annotations

import asyncio
import multiprocessing
import os
from dataclasses import asdict, dataclass
from random import Random
from typing import TYPE_CHECKING, Any

from pycrdt import Doc

from server.load.documents import read_document, write_document
from server.load.editor import Counts
from server.load.edits import prepared_video
from server.load.swarm import Seat, Swarm
from server.load.trail import Trail
from server.load.usage import measure
from tests.benchmarks.bench import Bench, Row, clock, run_async
from tests.benchmarks.joins import MB, new_video
from tests.benchmarks.servers import cocut

if TYPE_CHECKING:
    from server.load.frames import Wire
    from tests.benchmarks.servers import Cocut, Server

REST_SECONDS = 180.0
"""In which all documents must have come to rest."""

SETTLED_SECONDS = 12.0
"""A server whose memory has not fallen for so long gives back no more."""


@dataclass(frozen=True, slots=True)
class Memory:
    """Bytes that the server took: without a video, when one editor had joined each, when all of
    these rested, and with five editors each."""

    before: int
    opened: int
    at_rest: int
    five_each: int


def videos(bench: Bench) -> list[Row]:
    """Small videos, and videos of 20 scenes x 5 layers."""
    count = 200 if bench.quick else 2000
    return [_videos(bench, count, 2, 3), _videos(bench, min(count, 500), 20, 5)]


def _videos(bench: Bench, count: int, scenes: int, layers: int) -> Row:
    with cocut(bench.logs) as server:
        wires = run_async(lambda: _prepare(server.server, count, scenes, layers))
        server.stop()
        server.start()
        memory = run_async(lambda: _fill(server, wires))
    connection = (memory.five_each - memory.at_rest) / (4 * count)
    opened = (memory.opened - memory.before) / count - connection
    video = (memory.at_rest - memory.before) / count - connection
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        bare = pool.apply(_bare_documents, (scenes, layers))
    return Row(
        "videos",
        f"{count:,} videos of {scenes} scenes x {layers} layers open, five editors each, "
        "a minute after the last edit",
        "<= 200 KB a video, <= 12 KB an idle connection",
        f"{video / 1000:.0f} KB a video, {connection / 1000:.1f} KB a connection; just opened "
        f"{opened / 1000:.0f} KB a video (a bare pycrdt document of the same: {bare / 1000:.0f} "
        f"KB); {memory.before / MB:.0f} MB before, {memory.opened / MB:.0f} MB when all were "
        f"open, {memory.five_each / MB:.0f} MB in the end",
        video <= 200_000 and connection <= 12_000,
        {**asdict(memory), "bare_document": bare},
    )


async def _prepare(server: Server, count: int, scenes: int, layers: int) -> list[Wire]:
    wires, random = [], Random(9)
    for _ in range(count):
        wire = await new_video(server)
        editor = await write_document(wire, [prepared_video(scenes, layers, random)])
        await editor.leave()
        wires.append(wire)
    return wires


async def _fill(server: Cocut, wires: list[Wire]) -> Memory:
    pids = server.server.pids[:1]
    await read_document(await new_video(server.server))
    before = measure(pids).memory
    trails = [Trail() for _ in wires]
    first = Swarm([Seat(w, t) for w, t in zip(wires, trails, strict=True)], Counts())
    await first.join()
    await first.quiet(1, 10)
    opened = measure(pids).memory
    async with asyncio.timeout(REST_SECONDS):
        while await asyncio.to_thread(server.metric, "cocut_rooms_resting") < len(wires):
            await asyncio.sleep(1)
    at_rest = await _settled(pids)
    more = [Seat(wire, trail) for wire, trail in zip(wires, trails, strict=True) for _ in range(4)]
    rest_of_them = Swarm(more, Counts())
    await rest_of_them.join()
    await rest_of_them.quiet(1, 10)
    five_each = await _settled(pids)
    await first.leave()
    await rest_of_them.leave()
    return Memory(before, opened, at_rest, five_each)


async def _settled(pids: list[int]) -> int:
    """The memory once it does not fall any more."""
    least, since = measure(pids).memory, clock()
    while clock() - since < SETTLED_SECONDS:
        await asyncio.sleep(1)
        now = measure(pids).memory
        if now < 0.995 * least:
            least, since = now, clock()
    return measure(pids).memory


def _bare_documents(scenes: int, layers: int, count: int = 100) -> float:
    """Bytes of memory that a pycrdt document takes by itself, in this (new) process."""
    states = [prepared_video(scenes, layers, Random(number)) for number in range(count)]
    documents: list[Doc[Any]] = []
    before = measure([os.getpid()]).memory
    for state in states:
        documents.append(Doc())
        documents[-1].apply_update(state)
    return (measure([os.getpid()]).memory - before) / count
