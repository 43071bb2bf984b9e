"""What is done now and then: automatic versions, retention, old idempotency keys."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from uuid import UUID

import pytest

from collab.schema import DocumentLimits
from persistence.database import Database
from persistence.idempotency import IdempotencyKeys
from persistence.update_log import UpdateLog
from persistence.upkeep import upkeep_turn
from persistence.versions import Version, Versions
from server.chores import Chores, Periods, Tidied
from tests.support.videos import Editor, make_video

NOW = Periods(quiet=timedelta(0))


@pytest.fixture
async def versions(database: Database) -> AsyncIterator[Versions]:
    made = Versions(database, DocumentLimits(), "https://here/api/v1/blobs/")
    yield made
    await made.close()


async def type_in(database: Database, video_id: UUID, *users: str) -> int:
    """An edit of each user; returns the last row."""
    log = UpdateLog(database)
    document = await log.load(video_id)
    editor = Editor(100 + document.seq)
    for update in [document.state, *(row.update for row in document.rows)]:
        if update is not None:
            editor.doc.apply_update(update)
    editor.updates.clear()
    for user in users:
        editor.scenes[user] = document.seq
    return await log.append(
        video_id, [(update, [user]) for update, user in zip(editor.updates, users, strict=True)]
    )


async def all_of(versions: Versions, video_id: UUID) -> list[Version]:
    return (await versions.list(video_id, page=1, limit=100)).versions


async def test_a_quiet_video_that_was_edited_gets_a_version(
    database: Database, versions: Versions
) -> None:
    video_id, untouched = await make_video(database), await make_video(database)
    seq = await type_in(database, video_id, "ben", "cat")
    assert await Chores(database, versions).do() == Tidied(0, 0, 0), "it was edited just now"
    now = Chores(database, versions, NOW)
    assert await now.do() == Tidied(1, 0, 0)
    [made] = await all_of(versions, video_id)
    assert (made.number, made.kind, made.name, made.seq) == (1, "automatic", None, seq)
    assert (made.created_by, made.user_ids) == (None, ["cat", "ben", "ann"])
    assert await now.do() == Tidied(0, 0, 0), "nobody has edited since"
    # Who edited is known, also when snapshots have trimmed the log in between.
    await type_in(database, video_id, "dan")
    await versions.keep(video_id, "manual", name="Ours", by="eve")
    assert await now.do() == Tidied(0, 0, 0)
    last = await type_in(database, video_id, "ben")
    assert await now.do() == Tidied(1, 0, 0)
    listed = [(one.number, one.kind, one.user_ids) for one in await all_of(versions, video_id)]
    assert listed[:2] == [(3, "automatic", ["ben"]), (2, "manual", ["dan"])]
    assert last == (await versions.get(video_id, 3)).seq
    assert await all_of(versions, untouched) == []


async def test_edits_that_were_trimmed_just_now_are_not_quiet(
    database: Database, versions: Versions
) -> None:
    video_id = await make_video(database)
    await versions.keep(video_id, "manual")
    await type_in(database, video_id, "ben")
    await versions.keep(video_id, "manual")
    async with database.connection() as connection:
        await connection.execute("UPDATE videos SET versioned_seq = 1 WHERE id = $1", video_id)
        count = "SELECT count(*) FROM video_updates WHERE video_id = $1"
        assert await connection.fetchval(count, video_id) == 0
    assert await Chores(database, versions).do() == Tidied(0, 0, 0)


async def test_versions_without_a_name_go_after_a_while(
    database: Database, versions: Versions
) -> None:
    video_id = await make_video(database)
    for name in ("First", None, "Last"):
        await type_in(database, video_id, "ben")
        await versions.keep(video_id, "manual", name=name)
    async with database.connection() as connection:
        await connection.execute(
            "UPDATE video_versions SET created_at = now() - interval '31 days' WHERE number < 3"
        )
    assert await Chores(database, versions).do() == Tidied(0, 1, 0)
    assert [one.number for one in await all_of(versions, video_id)] == [3, 1]
    async with database.connection() as connection:
        states = "SELECT array_agg(seq ORDER BY seq) FROM video_version_states"
        assert await connection.fetchval(states) == [2, 4]
    # No number comes twice, and what was in a version once does not make another one.
    assert await Chores(database, versions, NOW).do() == Tidied(0, 0, 0)
    assert (await versions.keep(video_id, "manual")).number == 4


async def test_old_idempotency_keys_go(database: Database, versions: Versions) -> None:
    keys = IdempotencyKeys(database)
    for key in ("old", "new"):
        await keys.claim("ann", key, "POST /x")
    async with database.connection() as connection:
        await connection.execute(
            "UPDATE idempotency_keys SET created_at = now() - interval '25 hours' WHERE key = 'old'"
        )
    assert await Chores(database, versions).do() == Tidied(0, 0, 1)
    assert await keys.claim("ann", "new", "POST /x") is not None


async def test_one_node_at_a_time(database: Database, versions: Versions) -> None:
    async with upkeep_turn(database) as mine:
        assert mine
        assert await Chores(database, versions).do() is None
    assert await Chores(database, versions).do() is not None


async def test_a_video_that_cannot_be_read_keeps_no_other_from_it(
    database: Database, versions: Versions
) -> None:
    broken, good = await make_video(database), await make_video(database)
    for video_id in (broken, good):
        await type_in(database, video_id, "ben")
    async with database.connection() as connection:
        await connection.execute(
            "UPDATE video_updates SET update = '\\xff' WHERE video_id = $1", broken
        )
    now = Chores(database, versions, NOW)
    assert await now.do() == Tidied(1, 0, 0)
    assert len(await all_of(versions, good)) == 1
    assert await now.do() == Tidied(0, 0, 0)


async def test_they_are_done_again_and_again(database: Database, versions: Versions) -> None:
    often = Periods(quiet=timedelta(0), pause=timedelta(milliseconds=10))
    video_id = await make_video(database)
    await type_in(database, video_id, "ben")
    async with asyncio.timeout(60), Chores(database, versions, often).running():
        while len(await all_of(versions, video_id)) < 2:
            if await all_of(versions, video_id):
                await type_in(database, video_id, "ben")
            await asyncio.sleep(0.01)
