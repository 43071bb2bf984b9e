"""Looks at videos: shared, never older than who asks, and roles that end when they end."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from uuid import UUID, uuid4

import pytest

from api.access import TRUSTED_SECONDS, Access
from api.permissions import Action, Role
from collab.errors import DatabaseAway, Forbidden, VideoNotFound
from persistence.update_log import Head


class Tables:
    """Videos and roles, and a count of the looks at them."""

    def __init__(self) -> None:
        self.heads: dict[UUID, Head] = {}
        self.roles: dict[tuple[UUID, str], str] = {}
        self.looks: list[list[UUID]] = []
        self.begun: asyncio.Queue[None] = asyncio.Queue()
        self.role_reads = 0
        self.gate = asyncio.Event()
        self.gate.set()
        self.away = False

    async def read_heads(self, wanted: Sequence[UUID]) -> Mapping[UUID, Head]:
        self.looks.append(list(wanted))
        self.begun.put_nowait(None)
        found = dict(self.heads)
        await self.gate.wait()
        if self.away:
            raise DatabaseAway
        return found

    async def read_role(self, video_id: UUID, sub: str) -> str | None:
        self.role_reads += 1
        return self.roles.get((video_id, sub))

    def put(self, video_id: UUID, seq: int, access_version: int = 0) -> None:
        self.heads[video_id] = Head(seq, access_version, seq, deleted=False)


@pytest.fixture
def tables() -> Tables:
    return Tables()


@pytest.fixture
def access(tables: Tables) -> Access:
    return Access(tables.read_heads, tables.read_role, lambda: 0.0)


async def test_many_who_ask_at_once_share_a_look(tables: Tables, access: Access) -> None:
    videos = [uuid4() for _ in range(3)]
    for video in videos:
        tables.put(video, 7)
    heads = await asyncio.gather(*(access.head(video) for video in videos * 100))
    assert {head.seq for head in heads} == {7}
    assert len(tables.looks) == 1
    assert set(tables.looks[0]) == set(videos)


async def test_who_asks_during_a_look_gets_one_that_begins_later(
    tables: Tables, access: Access
) -> None:
    video = uuid4()
    tables.put(video, 1)
    tables.gate.clear()
    early = asyncio.create_task(access.head(video))
    await tables.begun.get()
    tables.put(video, 2)
    late = asyncio.create_task(access.head(video))
    await asyncio.sleep(0)
    tables.gate.set()
    assert (await early).seq == 1
    assert (await late).seq == 2
    assert len(tables.looks) == 2


async def test_one_who_gives_up_does_not_disturb_the_others(tables: Tables, access: Access) -> None:
    video = uuid4()
    tables.put(video, 1)
    tables.gate.clear()
    waiting = [asyncio.create_task(access.head(video)) for _ in range(3)]
    await tables.begun.get()
    waiting[1].cancel()
    tables.gate.set()
    outcomes = await asyncio.gather(*waiting, return_exceptions=True)
    assert [type(outcome) for outcome in outcomes] == [Head, asyncio.CancelledError, Head]


async def test_an_outage_is_told_to_all_who_wait_and_is_over_afterwards(
    tables: Tables, access: Access
) -> None:
    video = uuid4()
    tables.put(video, 1)
    tables.away = True
    outcomes = await asyncio.gather(*(access.head(video) for _ in range(3)), return_exceptions=True)
    assert [type(outcome) for outcome in outcomes] == [DatabaseAway] * 3
    tables.away = False
    assert (await access.head(video)).seq == 1


@pytest.mark.parametrize("alone", [False, True])
async def test_what_is_deleted_or_never_was_stays_so(tables: Tables, alone: bool) -> None:
    access = Access(tables.read_heads, tables.read_role, lambda: 0.0, alone=alone)
    video = uuid4()
    tables.heads[video] = Head(3, 0, 3, deleted=True)
    tables.roles[video, "olga"] = "owner"
    for asked in (video, video, uuid4()):
        with pytest.raises(VideoNotFound):
            await access.head(asked)
        with pytest.raises(VideoNotFound):
            await access.require(asked, "olga", Action.READ)


async def test_roles_are_remembered_until_the_members_change(
    tables: Tables, access: Access
) -> None:
    video = uuid4()
    tables.put(video, 1)
    tables.roles[video, "bob"] = "editor"
    for _ in range(5):
        assert (await access.require(video, "bob", Action.EDIT)).role is Role.EDITOR
    assert tables.role_reads == 1
    tables.roles[video, "bob"] = "viewer"
    tables.put(video, 1, access_version=1)
    with pytest.raises(Forbidden):
        await access.require(video, "bob", Action.EDIT)
    del tables.roles[video, "bob"]
    tables.put(video, 1, access_version=2)
    with pytest.raises(VideoNotFound):
        await access.require(video, "bob", Action.READ)


async def test_a_deleted_video_is_gone_whatever_is_remembered(
    tables: Tables, access: Access
) -> None:
    video = uuid4()
    tables.put(video, 1)
    tables.roles[video, "bob"] = "owner"
    await access.require(video, "bob", Action.MANAGE)
    tables.heads[video] = Head(0, 0, 0, deleted=True)
    with pytest.raises(VideoNotFound):
        await access.require(video, "bob", Action.READ)


async def test_memory_is_bounded(tables: Tables) -> None:
    access = Access(tables.read_heads, tables.read_role, lambda: 0.0, remembered=10)
    video = uuid4()
    tables.put(video, 1)
    for number in range(50):
        with pytest.raises(VideoNotFound):
            await access.require(video, f"user {number}", Action.READ)
    assert len(access._roles) == 10


async def test_closing_ends_who_waits(tables: Tables, access: Access) -> None:
    tables.gate.clear()
    waiting = asyncio.create_task(access.head(uuid4()))
    await tables.begun.get()
    await access.close()
    outcome = await asyncio.gather(waiting, return_exceptions=True)
    assert isinstance(outcome[0], asyncio.CancelledError)


async def test_a_node_that_is_alone_looks_once_until_something_moves(tables: Tables) -> None:
    now = 0.0
    access = Access(tables.read_heads, tables.read_role, lambda: now, alone=True)
    video = uuid4()
    tables.put(video, 1)
    for _ in range(3):
        assert (await access.head(video)).projected_seq == 1
    assert len(tables.looks) == 1
    tables.put(video, 2)
    access.moved(video)
    assert (await access.head(video)).projected_seq == 2
    tables.put(video, 3)
    now = TRUSTED_SECONDS
    assert (await access.head(video)).projected_seq == 3
    tables.heads[video] = Head(0, 0, 0, deleted=True)
    access.moved(video)
    with pytest.raises(VideoNotFound):
        await access.head(video)


async def test_a_look_that_something_moved_under_is_not_remembered(tables: Tables) -> None:
    access = Access(tables.read_heads, tables.read_role, lambda: 0.0, alone=True)
    video = uuid4()
    tables.put(video, 1)
    tables.gate.clear()
    early = asyncio.create_task(access.head(video))
    await tables.begun.get()
    tables.put(video, 2)
    access.moved(video)
    tables.gate.set()
    assert (await early).projected_seq == 1
    assert (await access.head(video)).projected_seq == 2
