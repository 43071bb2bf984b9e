"""Rooms come and go: opened for whoever asks, closed when nobody is there, memory given back."""

from __future__ import annotations

import asyncio
import ctypes
import gc
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, ClassVar
from uuid import UUID

import pytest
from pycrdt import Doc, Map, Text

from api.websocket import binary_frame
from collab.projection import Projection
from collab.schema import DocumentLimits
from persistence.compactor import Compactor
from persistence.database import Database
from persistence.journal import Journal
from persistence.snapshots import Snapshots
from persistence.tables import Tables
from persistence.update_log import UpdateLog
from persistence.videos import Videos
from server import memory
from server.durable import DurableLog
from server.hub import Hub
from server.observe import Metrics
from server.places import ConnectionLimits
from server.projector import Projector
from server.stores import Stores
from tests.support.channels import ListChannel
from tests.support.videos import make_video

ROOMS = 200
IDLE_SECONDS = 0.2


@asynccontextmanager
async def hub_of(database: Database, directory: Path) -> AsyncIterator[tuple[Hub, Metrics]]:
    """A hub as the server has it, whose idle rooms end soon."""
    limits, metrics = DocumentLimits(), Metrics()
    log = UpdateLog(database)
    durable = DurableLog(database, log, await Journal.open(directory), time.monotonic)
    stores = Stores(log, durable, limits, binary_frame, time.monotonic, metrics)
    scenes, compactor = Tables(database), Compactor()

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


class _Mallinfo2(ctypes.Structure):
    _fields_: ClassVar = [
        (name, ctypes.c_size_t)
        for name in (
            *("arena", "ordblks", "smblks", "hblks", "hblkhd", "usmblks", "fsmblks"),
            *("uordblks", "fordblks", "keepcost"),
        )
    ]


def in_use() -> int:
    """Bytes that this process's libraries hold, as glibc counts them."""
    mallinfo2 = getattr(ctypes.CDLL(None), "mallinfo2", None)
    if mallinfo2 is None:
        pytest.skip("only glibc says how much memory is in use")
    mallinfo2.restype = _Mallinfo2
    gc.collect()
    found = mallinfo2()
    return int(found.uordblks + found.hblkhd)


async def until(metrics: Metrics, rooms: int) -> None:
    async with asyncio.timeout(60):
        while metrics.registry.get_sample_value("cocut_rooms") != rooms:
            await asyncio.sleep(0.05)


async def test_memory_returns_when_rooms_are_closed(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given_back = asyncio.Event()
    loop, real = asyncio.get_running_loop(), memory.give_back

    def give_back() -> None:
        real()
        loop.call_soon_threadsafe(given_back.set)

    monkeypatch.setattr("server.hub.memory.give_back", give_back)
    state = content()
    videos = [await make_video(database) for _ in range(ROOMS)]
    async with database.transaction() as connection:
        # As snapshots, so that no new ones are made when the rooms are closed.
        await connection.execute(
            "INSERT INTO video_snapshots (video_id, seq, state, checksum)"
            " SELECT id, 1, $1, sha256($1) FROM videos",
            state,
        )
        await connection.execute("DELETE FROM video_updates")
    async with hub_of(database, tmp_path) as (hub, metrics):
        began = in_use()
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
        held = in_use() - began
        for seat in seats:
            seat.leave()
        del seats, seat
        await until(metrics, 0)
        async with asyncio.timeout(30):
            await given_back.wait()
        kept = in_use() - began
    assert held > ROOMS * len(state)
    assert kept < held / 20, (kept, held)
