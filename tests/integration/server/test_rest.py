"""Rooms whose documents rest (R9), from the hub down to a real database."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

from pycrdt import Doc, Map, Text

from collab import protocol
from collab.document import Document
from collab.ports import Listening
from collab.presence import write_states
from collab.schema import Changes
from persistence.database import Database
from server.hub import Hub
from tests.support.channels import Editor, ListChannel, plain
from tests.support.hub import hub_of, sit
from tests.support.videos import make_video

REST_SECONDS = 0.1


class Watcher:
    """Hears of changes, as the Socket.IO bridge does."""

    def __init__(self) -> None:
        self.told: list[tuple[int, Changes]] = []

    def hear(self, video_id: UUID, seq: int, changes: Changes) -> None:
        if changes:
            self.told.append((seq, changes))

    def refuse(self, error: Exception) -> None:
        raise error


class Person(Editor):
    """An editor in a room of a hub."""

    async def enter(self, hub: Hub, video_id: UUID) -> None:
        self.seat = await sit(hub, video_id, self.channel, self.session.user)
        self.seat.receive(self.asks().frame)
        await self.until(lambda: bool(self.doc.get("video", type=Map)))

    def does(self, change: Callable[[Doc[Any]], Any]) -> None:
        self.seat.receive(self.sends(self.change(change)).frame)

    async def until(self, condition: Callable[[], bool]) -> None:
        """Hear what is sent until the condition holds."""
        async with asyncio.timeout(60):
            while True:
                self.hears()
                if condition():
                    return
                await asyncio.sleep(0.01)


def adds(scene: str, text: str) -> Callable[[Doc[Any]], None]:
    def change(doc: Doc[Any]) -> None:
        scenes = doc.get("scenes", type=Map)
        scenes[scene] = Map({"order": "a0", "text": Text(text), "layers": Map({})})

    return change


def types(scene: str, text: str) -> Callable[[Doc[Any]], None]:
    def change(doc: Doc[Any]) -> None:
        doc.get("scenes", type=Map)[scene]["text"].insert(0, text)

    return change


def starts(person: Person, scene: str, text: str) -> Callable[[], bool]:
    return lambda: bool(person.scenes[scene]["text"].startswith(text))


def resting(document: Document) -> bool:
    return document.at_rest


async def rest(hub: Hub, video_id: UUID) -> None:
    """Wait until a video rests."""
    async with asyncio.timeout(60):
        while not hub._keepers[video_id].room.document.at_rest:
            await asyncio.sleep(0.01)


async def listen(hub: Hub, video_id: UUID, watcher: Watcher) -> Listening:
    return await hub.listen(video_id, watcher, user="ann", access_version=0)


async def test_what_comes_after_a_rest_is_told_like_anything_else(
    database: Database, tmp_path: Path
) -> None:
    video_id, watcher = await make_video(database), Watcher()
    first, second = str(uuid4()), str(uuid4())
    async with hub_of(
        database, tmp_path, rest_seconds=REST_SECONDS, framing=plain, heard=watcher.hear
    ) as (hub, _):
        ear = await listen(hub, video_id, watcher)
        one, two = Person(1, "ann"), Person(2, "bob")
        await one.enter(hub, video_id)
        await two.enter(hub, video_id)
        one.does(adds(first, "one"))
        one.does(adds(second, "two"))
        for number in range(3):
            await rest(hub, video_id)
            watcher.told.clear()
            two.hears()
            two.does(types(first, f"{number}"))
            await one.until(starts(one, first, f"{number}"))
            async with asyncio.timeout(60):
                while not watcher.told:
                    await asyncio.sleep(0.01)
            [(_, changes)] = watcher.told
            assert changes.changed == {first: frozenset({"text"})}
            assert not (changes.created or changes.removed_scenes or changes.layers)
            assert changes.authors == {first: "bob"}
        rows = await scenes_of(database, video_id)
        assert rows == {first: "210one", second: "two"}
        ear.leave()
        one.seat.leave()
        two.seat.leave()


async def scenes_of(database: Database, video_id: UUID) -> dict[str, str]:
    async with database.connection() as connection:
        rows = await connection.fetch("SELECT id, text FROM scenes WHERE video_id = $1", video_id)
    return {str(row["id"]): row["text"] for row in rows}


async def test_presence_and_joins_leave_a_document_at_rest(
    database: Database, tmp_path: Path
) -> None:
    video_id = await make_video(database)
    async with hub_of(database, tmp_path, rest_seconds=REST_SECONDS, framing=plain) as (
        hub,
        _,
    ):
        one, two = Person(1, "ann"), Person(2, "bob")
        await one.enter(hub, video_id)
        one.does(adds(str(uuid4()), "one"))
        await rest(hub, video_id)
        keeper = hub._keepers[video_id]
        document = keeper.room.document
        assert resting(document)
        for clock in range(1, 20):
            state = write_states([(77, clock, b"{}")])
            one.seat.receive(b"".join(protocol.awareness(state)))
        await two.enter(hub, video_id)
        two.seat.receive(two.sends(two.doc.get_update()).frame)
        assert len(two.scenes) == 1
        await two.until(lambda: any(frame[0] == protocol.AWARENESS for frame in two.channel.frames))
        assert keeper.room.document is document
        assert resting(document)
        # One who has a part of it, and one who reads all by the API: both need it.
        late = Person(3, "eve")
        late.doc.apply_update(two.doc.get_update())
        late.doc.get("mine", type=Map)["k"] = 1
        late.channel = ListChannel()
        late.seat = await sit(hub, video_id, late.channel, "eve")
        late.seat.receive(late.asks().frame)
        await late.until(lambda: any(frame[:2] == b"\0\1" for frame in late.channel.frames))
        assert not resting(document)
        await rest(hub, video_id)
        state, _ = await hub.state(video_id)
        assert state == document.encode()
        for person in (one, two, late):
            person.seat.leave()


async def test_a_rest_and_an_edit_by_the_api(database: Database, tmp_path: Path) -> None:
    video_id, scene = await make_video(database), str(uuid4())
    async with hub_of(database, tmp_path, rest_seconds=REST_SECONDS, framing=plain) as (
        hub,
        _,
    ):
        one = Person(1, "ann")
        await one.enter(hub, video_id)
        await hub.edit(video_id, adds(scene, "one"), by="api")
        for letter in "ab":
            await rest(hub, video_id)
            await hub.edit(video_id, types(scene, letter), by="api")
            assert (await scenes_of(database, video_id))[scene] == one_text(one, scene)
        one.seat.leave()
    assert (await scenes_of(database, video_id))[scene] == "baone"


def one_text(person: Person, scene: str) -> str:
    person.hears()
    return str(person.scenes[scene]["text"])
