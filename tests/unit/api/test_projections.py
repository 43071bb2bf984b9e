"""Bodies of answers: made once for each state, shared, and never older than asked for."""

from __future__ import annotations

import asyncio
from uuid import UUID, uuid4

from api.projections import Projections
from persistence.scenes import VideoProjection


class Tables:
    def __init__(self) -> None:
        self.seq = 1
        self.reads = 0
        self.begun: asyncio.Queue[None] = asyncio.Queue()
        self.gate = asyncio.Event()
        self.gate.set()

    async def read(self, video_id: UUID) -> VideoProjection:
        self.reads += 1
        self.begun.put_nowait(None)
        seq = self.seq
        await self.gate.wait()
        return VideoProjection(seq, [{"id": str(video_id), "text": f"at {seq}"}])


async def test_one_read_for_each_state() -> None:
    tables = Tables()
    projections = Projections(tables.read)
    video = uuid4()
    made = await asyncio.gather(*(projections.scenes(video, 1) for _ in range(50)))
    assert tables.reads == 1
    assert len({id(each) for each in made}) == 1
    tables.seq = 2
    assert (await projections.scenes(video, 2)).seq == 2
    assert (await projections.scenes(video, 1)).seq == 2
    assert tables.reads == 2


async def test_a_read_that_began_too_early_is_not_shared() -> None:
    tables = Tables()
    projections = Projections(tables.read)
    video = uuid4()
    tables.gate.clear()
    early = asyncio.create_task(projections.scenes(video, 1))
    await tables.begun.get()
    tables.seq = 2
    late = asyncio.create_task(projections.scenes(video, 2))
    await tables.begun.get()
    tables.gate.set()
    assert (await late).seq == 2
    assert (await early).seq == 1
    assert (await projections.scenes(video, 2)).seq == 2
    assert tables.reads == 2


async def test_one_who_gives_up_does_not_disturb_the_others() -> None:
    tables = Tables()
    projections = Projections(tables.read)
    video = uuid4()
    tables.gate.clear()
    first, second = (asyncio.create_task(projections.scenes(video, 1)) for _ in range(2))
    await tables.begun.get()
    first.cancel()
    tables.gate.set()
    assert (await second).seq == 1
    assert tables.reads == 1


async def test_memory_is_bounded() -> None:
    tables = Tables()
    projections = Projections(tables.read, max_bytes=1000)
    for _ in range(50):
        await projections.scenes(uuid4(), 1)
    assert sum(len(each.body) for each in projections._kept.values()) == projections._bytes <= 1000


async def test_the_tag_is_of_the_content() -> None:
    tables = Tables()
    video = uuid4()
    first = await Projections(tables.read).scenes(video, 1)
    on_another_node = await Projections(tables.read).scenes(video, 1)
    assert first.etag == on_another_node.etag
    tables.seq = 2
    assert (await Projections(tables.read).scenes(video, 2)).etag != first.etag
