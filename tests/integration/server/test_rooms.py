"""Rooms come and go: opened for whoever asks, closed when nobody is there, memory given back."""

from __future__ import annotations

import asyncio
import ctypes
import gc
from pathlib import Path
from random import Random
from typing import Any, ClassVar
from uuid import UUID

import pytest
from pycrdt import Doc, Map, Text

from collab import protocol
from persistence.database import Database
from server import memory
from server.load.edits import prepared_video
from tests.support.channels import ListChannel
from tests.support.hub import hub_of, sit, until
from tests.support.videos import make_video

ROOMS = 200
IDLE_SECONDS = 0.2


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


async def large_videos(database: Database, state: bytes) -> list[UUID]:
    """Videos with this content, as snapshots: closing their rooms makes no new ones."""
    videos = [await make_video(database) for _ in range(ROOMS)]
    async with database.transaction() as connection:
        await connection.execute(
            "INSERT INTO video_snapshots (video_id, seq, state, checksum)"
            " SELECT id, 1, $1, sha256($1) FROM videos",
            state,
        )
        await connection.execute("DELETE FROM video_updates")
    return videos


@pytest.fixture
async def given_back(monkeypatch: pytest.MonkeyPatch) -> asyncio.Event:
    """Set when memory was given back to the system."""
    given_back = asyncio.Event()
    loop, real = asyncio.get_running_loop(), memory.give_back

    def give_back() -> None:
        real()
        loop.call_soon_threadsafe(given_back.set)

    monkeypatch.setattr("server.hub.memory.give_back", give_back)
    return given_back


async def test_memory_returns_when_rooms_are_closed(
    database: Database, tmp_path: Path, given_back: asyncio.Event
) -> None:
    state = content()
    videos = await large_videos(database, state)
    async with hub_of(database, tmp_path, editors=ROOMS, idle_seconds=IDLE_SECONDS) as (hub, seen):
        began = in_use()
        seats = [await sit(hub, video, ListChannel()) for video in videos]
        await until(seen, rooms=ROOMS)
        held = in_use() - began
        for seat in seats:
            seat.leave()
        del seats, seat
        await until(seen, rooms=0)
        async with asyncio.timeout(30):
            await given_back.wait()
        kept = in_use() - began
    assert held > ROOMS * len(state)
    assert kept < held / 20, (kept, held)


async def test_memory_returns_while_editors_rest(
    database: Database, tmp_path: Path, given_back: asyncio.Event
) -> None:
    """R9"""
    videos = await large_videos(database, prepared_video(20, 5, Random(1)))
    async with hub_of(database, tmp_path, editors=ROOMS, rest_seconds=3.0) as (hub, seen):
        began = in_use()
        seats = [await sit(hub, video, ListChannel()) for video in videos]
        held = in_use() - began
        for seat in seats:
            seat.receive(b"".join(protocol.step_2(b"\0\0")))
        await until(seen, rooms=ROOMS, rooms_resting=ROOMS)
        async with asyncio.timeout(30):
            await given_back.wait()
        kept = in_use() - began
        for seat in seats:
            seat.leave()
    assert kept < held / 10, (kept, held)
