"""What listeners of one video are sent: once, in order, and merged for those who do not keep up."""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import Any, cast
from uuid import UUID, uuid4

import pytest

from api.events import feed as feeds
from api.events.feed import BACKLOG_BYTES, Feed, Pace
from api.events.payloads import Event
from api.events.wire import Wire
from api.keys import Parts
from collab.errors import DatabaseAway
from collab.schema import Changes, LayerRow, SceneRow

SCENE = str(uuid4())
LAYER = str(uuid4())


class FakeWire:
    """What `Feed` needs of `Wire`; `full` says whose buffers are full."""

    def __init__(self) -> None:
        self.sent: defaultdict[str, list[Event]] = defaultdict(list)
        self.full: set[str] = set()
        self.aborted: list[str] = []
        self.went: asyncio.Event = asyncio.Event()

    def outgoing(self, events: list[Event]) -> list[Event]:
        return events

    def send(self, listener: str, events: list[Event]) -> None:
        self.sent[listener] += events
        self.went.set()

    def backlog(self, listener: str) -> int:
        return BACKLOG_BYTES + 1 if listener in self.full else 0

    def abort(self, listener: str) -> None:
        self.aborted.append(listener)
        self.went.set()

    async def until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(30):
            while not condition():
                self.went.clear()
                await self.went.wait()


class FakeScenes:
    """Reads nothing, or fails as often as it is told to."""

    def __init__(self) -> None:
        self.failures: list[Exception] = []

    async def read_scenes(self, video_id: UUID, scene_ids: list[str]) -> dict[str, dict[str, Any]]:
        if self.failures:
            raise self.failures.pop()
        return {id_: {"id": id_, "scene_number": 1, "text": ""} for id_ in scene_ids}


@asynccontextmanager
async def feeding(*listeners: str) -> AsyncIterator[tuple[Feed, FakeWire, FakeScenes]]:
    wire, scenes = FakeWire(), FakeScenes()
    media = SimpleNamespace(links=SimpleNamespace(keys_in=lambda data: set()))
    parts = cast(Parts, SimpleNamespace(scenes=scenes, media=media))
    feed = Feed(uuid4(), parts, cast(Wire, wire), Pace(time.monotonic))
    feed.listeners.update(listeners)
    try:
        yield feed, wire, scenes
    finally:
        await feed.close()


def layer(name: str) -> Changes:
    row = LayerRow(
        id=LAYER,
        scene_id=SCENE,
        type="text",
        name=name,
        enabled=True,
        duration=1.0,
        start_time=0.0,
        end_time=1.0,
        order="a0",
        order_index=1,
        properties={},
    )
    return Changes(layers={LAYER: row}, changed={LAYER: frozenset({"name"})})


def scene() -> Changes:
    row = SceneRow(
        id=SCENE,
        order="a0",
        scene_number=1,
        text="",
        duration=1.0,
        start_time=0.0,
        end_time=1.0,
        is_expanded=False,
    )
    return Changes(scenes={SCENE: row}, created={SCENE}, changed={SCENE: frozenset({"text"})})


def job(progress: int) -> Event:
    return "video:render:progress", {"job_id": "1", "render": {"progress": progress}}


async def test_what_comes_together_is_told_once_and_in_order() -> None:
    async with feeding("a", "b") as (feed, wire, _):
        feed.tell(3, layer("One"))
        feed.tell(4, layer("Two"))
        feed.announce(job(1))
        await wire.until(lambda: len(wire.sent["b"]) == 2 and len(wire.sent["a"]) == 2)
        for listener in ("a", "b"):
            assert [name for name, _ in wire.sent[listener]] == [
                "layer:updated",
                "video:render:progress",
            ]
            payload = wire.sent[listener][0][1]
            assert payload["changes"] == {"name": "Two"}
            assert payload["seq"] == 4
            assert payload["layer"]["name"] == "Two"
        await feed.flushed()


async def test_what_could_not_be_read_is_told_once_when_it_can(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(feeds, "RETRY_SECONDS", 0.01)
    async with feeding("a") as (feed, wire, scenes):
        scenes.failures = [DatabaseAway(), DatabaseAway()]
        feed.tell(3, scene())
        feed.announce(job(1))
        await wire.until(lambda: len(wire.sent["a"]) == 2)
        await feed.flushed()
        assert [name for name, _ in wire.sent["a"]] == ["scene:created", "video:render:progress"]


async def test_who_does_not_keep_up_is_left_out_and_then_told_all_of_it_at_once() -> None:
    async with feeding("slow", "fast") as (feed, wire, _):
        wire.full.add("slow")
        feed.tell(1, layer("0"))
        await wire.until(lambda: len(wire.sent["fast"]) == 1 and len(wire.sent["slow"]) == 1)
        for number in range(1, 4):
            feed.tell(number + 1, layer(str(number)))
            feed.announce(job(number))
            await wire.until(lambda n=number: len(wire.sent["fast"]) == 1 + 2 * n)  # type: ignore[misc]
        assert len(wire.sent["slow"]) == 1
        wire.full.clear()
        await wire.until(lambda: len(wire.sent["slow"]) == 3)
        (_, change), (_, told) = wire.sent["slow"][1:]
        assert (change["layer"]["name"], change["seq"]) == ("3", 4)
        assert told["render"] == {"progress": 3}
        feed.tell(9, layer("Last"))
        await wire.until(lambda: len(wire.sent["slow"]) == 4 and len(wire.sent["fast"]) == 8)


async def test_a_failure_that_nobody_foresaw_sends_all_away_to_come_back() -> None:
    async with feeding("a", "b") as (feed, wire, scenes):
        scenes.failures = [ValueError("unforeseen")]
        feed.tell(1, scene())
        await wire.until(lambda: sorted(wire.aborted) == ["a", "b"])
        feed.tell(2, layer("Next"))
        await wire.until(lambda: len(wire.sent["a"]) == 1 and len(wire.sent["b"]) == 1)
