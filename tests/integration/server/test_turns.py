"""Two nodes that have a video open: one of them writes its tables, and both show what is stored."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any
from uuid import UUID, uuid4

import pytest
from pycrdt import Doc, Map

from collab import protocol
from collab.ports import Seat
from collab.schema import Changes, DocumentLimits
from persistence.database import Database
from persistence.examination import Examiner
from persistence.scenes import Scenes
from persistence.tables import Tables, Written
from server.hub import Hub
from server.turn import LATE_SECONDS, Turn
from tests.support import buses
from tests.support.channels import ListChannel
from tests.support.hub import hub_of, nobody, sit
from tests.support.redis import RedisServer, redis_running
from tests.support.videos import make_video

DEAD_SECONDS = LATE_SECONDS + 2.0


class Counted(Tables):
    """Tables that keep what they were asked to write, and can be held up before they do."""

    def __init__(self, database: Database) -> None:
        super().__init__(database)
        self.asked: list[bool] = []
        self.go = asyncio.Event()
        self.go.set()

    @property
    def wholes(self) -> int:
        """How often everything was to be written."""
        return sum(self.asked)

    async def write(
        self,
        video_id: UUID,
        seq: int,
        changes: Changes,
        *,
        base: int | None,
        patience: float = 0.0,
    ) -> Written:
        self.asked.append(base is None)
        await self.go.wait()
        return await super().write(video_id, seq, changes, base=base, patience=patience)


@dataclass
class Node:
    """A node with an editor, who has a scene of their own.

    Attributes:
        told: what those who listen were told.
    """

    hub: Hub
    tables: Counted
    video: UUID
    told: list[tuple[int, Changes]]
    scene: str = field(default_factory=lambda: str(uuid4()))
    doc: Doc[Any] = field(default_factory=Doc)
    seat: Seat | None = None

    async def type(self, text: str) -> None:
        """Set the text of the own scene, as an editor does."""
        if self.seat is None:
            self.seat = await sit(self.hub, self.video, ListChannel())
        before = self.doc.get_state()
        write(self.scene, text)(self.doc)
        self.seat.receive(b"".join(protocol.update(self.doc.get_update(before))))

    async def put(self, text: str) -> None:
        """Set the text of the own scene, as REST does."""
        await self.hub.edit(self.video, write(self.scene, text), by="ann")

    @property
    def turn(self) -> Turn:
        return self.hub._keepers[self.video].projector.turn


@dataclass
class Cluster:
    """Two nodes with one video, and what they share."""

    one: Node
    two: Node
    redis: RedisServer
    scenes: Scenes

    async def texts(self) -> dict[str, str]:
        """What REST shows."""
        shown = await self.scenes.read(self.one.video)
        return {scene["id"]: scene["text"] for scene in shown.scenes}

    async def show(self, seconds: float, *nodes: Node, text: str) -> None:
        """Wait until the tables show this text in the scenes of these nodes."""
        async with asyncio.timeout(seconds):
            while True:
                texts = await self.texts()
                if all(texts.get(node.scene) == text for node in nodes):
                    return
                await asyncio.sleep(0.02)

    async def take_turns(self) -> tuple[Node, Node]:
        """Edit on both; returns who writes the tables, and who leaves it to that one."""
        await self.one.put("Begun")
        await self.two.put("Begun")
        await buses.until(lambda: self.one.turn.others != self.two.turn.others)
        return (self.two, self.one) if self.one.turn.others else (self.one, self.two)


def write(scene: str, text: str) -> Callable[[Doc[Any]], None]:
    def change(doc: Doc[Any]) -> None:
        scenes = doc.get("scenes", type=Map)
        if scene not in scenes:
            scenes[scene] = Map({"order": "a0", "text": text, "layers": Map({})})
        else:
            scenes[scene]["text"] = text

    return change


@pytest.fixture
async def cluster(database: Database, tmp_path: Path) -> AsyncIterator[Cluster]:
    video = await make_video(database)

    @asynccontextmanager
    async def node(name: str, redis: RedisServer) -> AsyncIterator[Node]:
        (tmp_path / name).mkdir()
        tables, told = Counted(database), list[tuple[int, Changes]]()

        def heard(video_id: UUID, seq: int, changes: Changes) -> None:
            told.append((seq, changes))
            nobody(video_id, seq, changes)

        async with hub_of(
            database, tmp_path / name, heard=heard, tables=tables, redis=redis.url
        ) as (hub, _):
            yield Node(hub, tables, video, told)
            tables.go.set()

    with redis_running() as redis:
        async with node("one", redis) as one, node("two", redis) as two:
            yield Cluster(one, two, redis, Scenes(database))


async def test_one_node_writes_what_editors_type_on_both(cluster: Cluster) -> None:
    await cluster.one.type("Begun")
    await cluster.two.type("Begun")
    await cluster.show(DEAD_SECONDS, cluster.one, cluster.two, text="Begun")
    for number in range(40):
        await cluster.one.type(f"This is {number}")
        await cluster.two.type(f"This is {number}")
        if number % 4 == 0:
            await cluster.show(2 * DEAD_SECONDS, cluster.one, cluster.two, text=f"This is {number}")
    asked = [*cluster.one.tables.asked, *cluster.two.tables.asked]
    assert len(asked) >= 10
    # If each of both wrote at each look, all these would be everything: some twenty. Now it is when
    # one begins to, and never by both without.
    assert sum(asked) <= 10


async def test_a_write_that_was_answered_is_shown_whoever_writes(cluster: Cluster) -> None:
    for number in range(40):
        node = (cluster.one, cluster.two)[number % 2]
        await node.put(f"This is {number}")
        assert (await cluster.texts())[node.scene] == f"This is {number}"
    # One writes for the other, who asks for it.
    assert cluster.one.tables.wholes + cluster.two.tables.wholes <= 10


async def test_a_node_that_waits_is_asked_for_while_another_types(cluster: Cluster) -> None:
    _, other = await cluster.take_turns()
    typing = asyncio.create_task(_type_for_ever(cluster))
    try:
        for number in range(20):
            await other.put(f"That is {number}")
            assert (await cluster.texts())[other.scene] == f"That is {number}"
    finally:
        typing.cancel()
        await asyncio.gather(typing, return_exceptions=True)


async def _type_for_ever(cluster: Cluster) -> None:
    number = 0
    while True:
        number += 1
        await cluster.one.type(f"{number}") if cluster.two.turn.others else await cluster.two.type(
            f"{number}"
        )
        await asyncio.sleep(0.01)


@pytest.mark.parametrize("door", ["put", "type"])
async def test_a_node_that_stops_costs_seconds_and_does_no_harm_when_it_goes_on(
    cluster: Cluster, door: str
) -> None:
    stopped, other = await cluster.take_turns()
    stopped.tables.go.clear()
    await stopped.type("Of the one that stops")
    await buses.until(lambda: stopped.hub._keepers[stopped.video].projector._writing is not None)
    began = time.monotonic()
    await (other.put("Meanwhile") if door == "put" else other.type("Meanwhile"))
    await cluster.show(2 * DEAD_SECONDS, other, text="Meanwhile")
    assert time.monotonic() - began < 2 * DEAD_SECONDS
    assert not other.turn.others
    stopped.tables.go.set()
    await buses.until(lambda: stopped.turn.others)
    await stopped.type("Back")
    await other.type("Done")
    await cluster.show(2 * DEAD_SECONDS, stopped, text="Back")
    await cluster.show(2 * DEAD_SECONDS, other, text="Done")


async def test_a_node_that_leaves_says_so(cluster: Cluster) -> None:
    writer, other = await cluster.take_turns()
    await writer.hub.drain()
    await buses.until(lambda: not other.turn.others)
    await other.put("Alone")
    assert (await cluster.texts())[other.scene] == "Alone"


async def test_without_redis_each_writes_at_once(cluster: Cluster) -> None:
    _, other = await cluster.take_turns()
    cluster.redis.kill()
    await buses.until(lambda: not (cluster.one.turn.shared or cluster.two.turn.shared))
    assert not other.turn.others
    for number in range(10):
        node = (cluster.one, cluster.two)[number % 2]
        await node.put(f"This is {number}")
        assert (await cluster.texts())[node.scene] == f"This is {number}"
    cluster.redis.start()
    await buses.until(lambda: cluster.one.turn.shared and cluster.two.turn.shared)
    for number in range(10):
        await cluster.one.type(f"Again {number}")
        await cluster.two.type(f"Again {number}")
        await cluster.show(2 * DEAD_SECONDS, cluster.one, cluster.two, text=f"Again {number}")


async def test_who_listens_on_the_other_node_is_told_each_change_once(cluster: Cluster) -> None:
    writer, other = await cluster.take_turns()

    class Ear:
        def refuse(self, error: Exception) -> None:
            raise AssertionError(error)

    listening = await other.hub.listen(other.video, Ear(), user="ann", access_version=0)
    del other.told[:]
    for number in range(10):
        await writer.type(f"This is {number}")
        await asyncio.sleep(0.03)
    await writer.type("The end")

    def texts() -> list[str]:
        return [c.scenes[writer.scene].text for _, c in other.told if writer.scene in c.scenes]

    await buses.until(lambda: bool(texts()) and texts()[-1] == "The end")
    assert len(texts()) == len(set(texts()))
    seqs = [seq for seq, _ in other.told]
    assert seqs == sorted(seqs)
    assert (await cluster.texts())[writer.scene] == "The end"
    listening.leave()


@pytest.mark.timeout(180)
@pytest.mark.parametrize("seed", [1, 2])
async def test_whatever_happens_the_tables_show_the_document(
    cluster: Cluster, database: Database, seed: int
) -> None:
    """Edits by both doors on both nodes; now and then a node's writes or Redis stop for a while."""
    rng, nodes = Random(seed), (cluster.one, cluster.two)
    examiner, compared, redis_up = Examiner(database, DocumentLimits()), 0, True
    scenes = [str(UUID(int=number)) for number in range(1, 9)]
    for step in range(150):
        node = rng.choice(nodes)
        await node.type(f"Step {step}")
        if rng.random() < 0.3 and all(node.tables.go.is_set() for node in nodes):
            await node.hub.edit(node.video, _shuffle(rng, scenes), by="ann")
        roll = rng.random()
        if roll < 0.04:
            node.tables.go.clear()
        elif roll < 0.12:
            for each in nodes:
                each.tables.go.set()
        elif roll < 0.15:
            (cluster.redis.kill if redis_up else cluster.redis.start)()
            redis_up = not redis_up
        await asyncio.sleep(rng.random() * 0.1)
        found = await examiner.examine(node.video)
        assert found is not None
        assert found.findings == []
    for node in nodes:
        node.tables.go.set()
    if not redis_up:
        cluster.redis.start()
    for node in nodes:
        await node.type("The end")
    await cluster.show(2 * DEAD_SECONDS, *nodes, text="The end")
    for node in nodes:
        await node.hub.edit(node.video, _shuffle(rng, scenes), by="ann")
        found = await examiner.examine(node.video)
        assert found is not None
        assert found.findings == []
        compared += found.seq == (await cluster.scenes.read(node.video)).seq
    assert compared


def _shuffle(rng: Random, scenes: list[str]) -> Callable[[Doc[Any]], None]:
    """Make, move, stretch or remove a scene, so that rows of others change, too."""
    scene, roll, key = rng.choice(scenes), rng.random(), f"a{rng.choice('0123456789')}"

    def change(doc: Doc[Any]) -> None:
        all_ = doc.get("scenes", type=Map)
        if scene not in all_:
            layers = {str(UUID(scene[:-2] + f"{n}0")): Map({"type": "text"}) for n in range(2)}
            all_[scene] = Map({"order": key, "text": "", "layers": Map(layers)})
        elif roll < 0.3:
            del all_[scene]
        elif roll < 0.6:
            all_[scene]["order"] = key
        else:
            all_[scene]["duration"] = 1.0 + roll

    return change


async def test_who_has_nobody_beside_it_never_waits() -> None:
    turn = Turn(uuid4(), None)
    turn.leave(5)
    turn.ask(9)
    assert not turn.others
    assert await turn.await_others(5)
    assert not await turn.await_others(6)
