from __future__ import annotations

import asyncio
from random import Random
from uuid import uuid4

import pytest

from collab.errors import CorruptLog, VideoNotFound
from persistence.database import Database
from persistence.update_log import UpdateLog
from persistence.videos import Videos
from tests.support.videos import first_update, make_video


async def test_parallel_appends_take_every_number_once(database: Database) -> None:
    video_id = await make_video(database)
    log = UpdateLog(database)
    seqs = await asyncio.gather(*(log.append(video_id, [(b"%d" % n, ["u"])]) for n in range(50)))
    assert sorted(seqs) == list(range(2, 52))
    rows = await log.read(video_id, 0)
    assert [row.seq for row in rows] == list(range(1, 52))
    stored = {row.seq: row.update for row in rows}
    assert all(stored[seq] == b"%d" % n for n, seq in enumerate(seqs))


async def test_many_entries_take_consecutive_numbers_in_their_order(database: Database) -> None:
    video_id = await make_video(database)
    log = UpdateLog(database)
    last = await log.append(video_id, [(b"a", ["u", "v w"]), (b"b", ["x"]), (b"c", [])])
    assert last == 4
    rows = await log.read(video_id, 1)
    assert [(row.seq, row.update, row.user_ids) for row in rows] == [
        (2, b"a", ["u", "v w"]),
        (3, b"b", ["x"]),
        (4, b"c", []),
    ]
    assert await log.read(video_id, 4) == []
    assert [row.seq for row in await log.read(video_id, 1, 3)] == [2, 3]


async def test_a_deleted_video_takes_no_more(database: Database) -> None:
    video_id = await make_video(database)
    log = UpdateLog(database)
    await Videos(database).delete(video_id, by="ann")
    with pytest.raises(VideoNotFound):
        await log.append(video_id, [(b"a", ["u"])])
    with pytest.raises(VideoNotFound):
        await log.append(video_id, [(b"a", ["u"]), (b"b", ["u"])])
    with pytest.raises(VideoNotFound):
        await log.load(video_id)
    with pytest.raises(VideoNotFound):
        await log.read(video_id, 0)
    assert (await log.heads([video_id]))[video_id].deleted


async def test_nodes_that_append_to_the_same_videos_take_turns(database: Database) -> None:
    videos = [await make_video(database) for _ in range(6)]
    nodes = [UpdateLog(database) for _ in range(3)]
    random = Random(5)
    appends = [
        (random.choice(videos), [(b"%d" % n, ["u"])] * random.randint(1, 3)) for n in range(600)
    ]
    seqs = await asyncio.gather(
        *(nodes[n % 3].append(video, entries) for n, (video, entries) in enumerate(appends))
    )
    for video in videos:
        rows = await nodes[0].read(video, 0)
        assert [row.seq for row in rows] == list(range(1, len(rows) + 1))
        stored = {row.seq: row.update for row in rows}
        mine = [(seq, video, es) for seq, (video, es) in zip(seqs, appends, strict=True)]
        for last, _, entries in [one for one in mine if one[1] == video]:
            first = last - len(entries) + 1
            assert [(stored[seq], ["u"]) for seq in range(first, last + 1)] == entries


async def test_one_deleted_video_costs_the_others_of_its_group_nothing(database: Database) -> None:
    videos = [await make_video(database) for _ in range(8)]
    await Videos(database).delete(videos[5], by="ann")
    log = UpdateLog(database)
    entries = [(b"a", ["u"])]
    results = await asyncio.gather(
        *(log.append(video, entries) for video in videos for _ in range(3)), return_exceptions=True
    )
    for video, found in zip(videos, [results[at : at + 3] for at in range(0, 24, 3)], strict=True):
        if video == videos[5]:
            assert all(isinstance(result, VideoNotFound) for result in found)
        else:
            assert sorted(seq for seq in found if isinstance(seq, int)) == [2, 3, 4]


async def test_an_empty_append_says_where_the_log_ends(database: Database) -> None:
    video_id = await make_video(database)
    assert await UpdateLog(database).append(video_id, []) == 1


async def test_a_large_update_is_stored_beside_the_small_ones(database: Database) -> None:
    one, two = await make_video(database), await make_video(database)
    log = UpdateLog(database)
    large = bytes(1 << 20)
    seqs = await asyncio.gather(
        log.append(one, [(large, ["u"]), (b"b", ["v"])]), log.append(two, [(b"a", ["u"])])
    )
    assert tuple(seqs) == (3, 2)
    assert [row.update for row in await log.read(one, 1)] == [large, b"b"]


async def test_load_sees_everything(database: Database) -> None:
    video_id = await make_video(database)
    log = UpdateLog(database)
    await log.append(video_id, [(b"a", ["u"])])
    document = await log.load(video_id)
    assert (document.seq, document.projected_seq, document.snapshot_seq) == (2, 1, 0)
    assert document.state is None
    assert [row.update for row in document.rows] == [first_update(), b"a"]


@pytest.mark.parametrize("missing", [1, 2, 3])
async def test_a_missing_row_stops_the_load(database: Database, missing: int) -> None:
    video_id = await make_video(database)
    log = UpdateLog(database)
    await log.append(video_id, [(b"a", ["u"]), (b"b", ["u"])])
    async with database.connection() as connection:
        await connection.execute("DELETE FROM video_updates WHERE seq = $1", missing)
    with pytest.raises(CorruptLog, match=f"row {missing} is missing"):
        await log.load(video_id)


async def test_heads_of_many_videos(database: Database) -> None:
    one, two, none = await make_video(database), await make_video(database), uuid4()
    log = UpdateLog(database)
    await log.append(two, [(b"a", ["u"])])
    heads = await log.heads([one, two, none])
    assert (heads[one].seq, heads[two].seq) == (1, 2)
    assert heads[none].deleted and not heads[two].deleted


async def test_a_crowd_of_readers_does_not_make_an_append_wait(database: Database) -> None:
    video_id = await make_video(database)
    crowded = asyncio.Event()

    async def read_slowly() -> None:
        async with database.connection() as connection:
            crowded.set()
            await connection.fetchval("SELECT pg_sleep(60)")

    crowd = [asyncio.create_task(read_slowly()) for _ in range(40)]
    await crowded.wait()
    assert await UpdateLog(database).append(video_id, [(b"a", ["u"])]) == 2
    assert not any(reader.done() for reader in crowd)
    for reader in crowd:
        reader.cancel()
    await asyncio.gather(*crowd, return_exceptions=True)
    assert await database.ping()
