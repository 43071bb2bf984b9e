"""Rooms come and go: opened for whoever asks, closed when nobody is there, memory given back."""

from __future__ import annotations

import asyncio
import gc
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from uuid import UUID

import psutil
from pycrdt import Doc, Map, Text

from api.sync import binary_frame
from collab.projection import Projection
from collab.schema import DocumentLimits
from persistence.compactor import Compactor
from persistence.database import Database
from persistence.journal import Journal
from persistence.scenes import Scenes
from persistence.snapshots import Snapshots
from persistence.update_log import UpdateLog
from persistence.videos import Videos
from server.durable import DurableLog
from server.hub import ConnectionLimits, Hub
from server.keeper import Stores
from server.memory import PACE_SECONDS
from server.observe import Metrics
from server.projector import Projector
from tests.support.channels import ListChannel
from tests.support.videos import make_video

ROOMS = 200
ROUNDS = 3
IDLE_SECONDS = 0.2


@asynccontextmanager
async def hub_of(database: Database, directory: Path) -> AsyncIterator[tuple[Hub, Metrics]]:
    """A hub as the server has it, whose idle rooms end soon."""
    limits, metrics = DocumentLimits(), Metrics()
    log = UpdateLog(database)
    durable = DurableLog(database, log, await Journal.open(directory), time.monotonic)
    stores = Stores(log, durable, limits, binary_frame, time.monotonic, metrics)
    scenes, compactor = Scenes(database), Compactor()

    def projector(video_id: UUID) -> Projector:
        projection = Projection(limits, lambda _: False)
        return Projector(
            video_id, projection, scenes, time.monotonic, metrics, lambda _id, _seq, _changes: None
        )

    hub = Hub(
        stores,
        projector,
        Videos(database),
        Snapshots(database, compactor),
        ConnectionLimits(per_user=ROOMS),
        time.time,
        IDLE_SECONDS,
    )
    hub.start()
    try:
        yield hub, metrics
    finally:
        await hub.drain()
        await compactor.close()
        await durable.close()


def content() -> bytes:
    """Some 100 KB of scenes."""
    doc: Doc[Any] = Doc(client_id=9)
    scenes: Map[Any] = doc.get("scenes", type=Map)
    for number in range(20):
        scenes[f"scene {number}"] = Map({"order": "a0", "text": Text("five." * 1000)})
    return doc.get_update()


def resident() -> int:
    gc.collect()
    return psutil.Process().memory_info().rss


async def until(metrics: Metrics, rooms: int) -> None:
    async with asyncio.timeout(30):
        while metrics.registry.get_sample_value("cocut_rooms") != rooms:
            await asyncio.sleep(0.05)


async def test_memory_returns_when_rooms_are_closed(database: Database, tmp_path: Path) -> None:
    update, log = content(), UpdateLog(database)
    videos = [await make_video(database) for _ in range(ROOMS)]
    for video in videos:
        await log.append(video, [(update, ["ann"])])
    async with hub_of(database, tmp_path) as (hub, metrics):
        began, open_, closed = resident(), [], []
        for _ in range(ROUNDS):
            seats = [
                await hub.connect(
                    video,
                    ListChannel(),
                    user="ann",
                    may_edit=True,
                    access_version=0,
                    expires_at=time.time() + 3600,
                )
                for video in videos
            ]
            await until(metrics, ROOMS)
            open_.append(resident())
            for seat in seats:
                seat.leave()
            del seats, seat
            await until(metrics, 0)
            closed.append(resident())
        async with asyncio.timeout(2 * PACE_SECONDS):
            while resident() > began + (max(open_) - began) / 3:
                await asyncio.sleep(0.1)
    held = max(open_) - began
    assert held > ROOMS * len(update)
    # The allocator keeps what the first rounds took; a leak would go on growing.
    assert closed[-1] - closed[-2] < held / 10
