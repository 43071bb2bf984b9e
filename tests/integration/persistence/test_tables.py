"""The projection's rows: written as a whole or by difference, never backwards, never another's."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace
from typing import Any
from uuid import UUID, uuid4

import pytest

from collab.errors import DatabaseAway, LayerNotFound, SceneNotFound, VideoNotFound
from collab.schema import Changes, SceneRow, VideoFields
from persistence.database import Database
from persistence.scenes import Scenes
from persistence.tables import _LOCK, Tables, Written
from persistence.videos import Videos
from tests.support.videos import everything, layer_row, make_video, scene_row

SCENE_KEYS = [
    *("id", "video_id", "scene_number", "text", "duration", "start_time", "end_time"),
    *("is_expanded", "created_at", "updated_at", "layers"),
]
LAYER_KEYS = [
    *("id", "scene_id", "type", "name", "enabled", "duration", "start_time", "end_time"),
    *("order_index", "properties"),
]


async def stamps(database: Database) -> dict[str, Any]:
    async with database.connection() as connection:
        rows = await connection.fetch(
            "SELECT id, seq, updated_at FROM scenes UNION ALL"
            " SELECT id, seq, updated_at FROM scenes_layers"
        )
    return {str(row["id"]): (row["seq"], row["updated_at"]) for row in rows}


async def test_what_is_written_is_read_in_the_shape_of_the_rest_api(database: Database) -> None:
    video_id = await make_video(database)
    scenes, tables = Scenes(database), Tables(database)
    one, two = scene_row(1), scene_row(2, text="", is_expanded=True)
    second, first = layer_row(one, 2, enabled=False), layer_row(one, 1, type="audio", duration=2.5)
    written = await tables.write(
        video_id, 7, everything([two, one], [second, first], VideoFields("New", "1:1")), base=None
    )
    assert (written.written, written.seq, written.foreign) == (True, 7, frozenset())
    projection = await scenes.read(video_id)
    assert projection.seq == 7
    assert [list(scene) for scene in projection.scenes] == [SCENE_KEYS, SCENE_KEYS]
    shown = projection.scenes[0]
    assert [list(layer) for layer in shown["layers"]] == [LAYER_KEYS, LAYER_KEYS]
    assert (shown["id"], shown["video_id"], shown["text"]) == (one.id, str(video_id), "Scene 1")
    assert shown["created_at"].endswith("Z") and len(shown["created_at"]) == 24
    assert [layer["id"] for layer in shown["layers"]] == [first.id, second.id]
    assert shown["layers"][0]["duration"] == 2.5 and shown["layers"][0]["type"] == "audio"
    assert shown["layers"][1]["properties"] == second.properties
    assert projection.scenes[1]["layers"] == [] and projection.scenes[1]["is_expanded"] is True
    video = await Videos(database).get(video_id, "ann")
    assert (video.title, video.aspect_ratio, video.scene_count) == ("New", "1:1", 2)
    assert (video.duration, video.projected_seq) == (10.0, 7)
    assert await scenes.read_scene(video_id, UUID(one.id)) == (shown, 7)
    assert await scenes.read_layer(UUID(first.id)) == (video_id, shown["layers"][0], 7)


async def test_only_rows_that_differ_get_a_new_time(database: Database) -> None:
    video_id = await make_video(database)
    tables = Tables(database)
    one, two = scene_row(1), scene_row(2)
    same, other = layer_row(one, 1), layer_row(one, 2)
    await tables.write(video_id, 2, everything([one, two], [same, other]), base=None)
    before = await stamps(database)
    other = replace(other, properties={**other.properties, "volume": 1})
    await tables.write(
        video_id, 3, everything([one, replace(two, text="New")], [same, other]), base=None
    )
    after = await stamps(database)
    assert {id_ for id_ in before if before[id_] != after[id_]} == {two.id, other.id}
    assert after[other.id][0] == 3 and after[other.id][1] > before[other.id][1]


async def test_differences_follow_each_other(database: Database) -> None:
    video_id = await make_video(database)
    scenes, tables = Scenes(database), Tables(database)
    one, two = scene_row(1), scene_row(2)
    stays, goes, moves = layer_row(one, 1), layer_row(two, 1), layer_row(two, 2)
    await tables.write(video_id, 2, everything([one, two], [stays, goes, moves]), base=None)
    moved = replace(moves, scene_id=one.id, order_index=2)
    changes = Changes(
        layers={moved.id: moved}, removed_scenes={two.id}, removed_layers={goes.id: two.id}
    )
    assert (await tables.write(video_id, 3, changes, base=2)).written
    (scene,) = (await scenes.read(video_id)).scenes
    assert [layer["id"] for layer in scene["layers"]] == [stays.id, moves.id]
    assert (await Videos(database).get(video_id, "ann")).scene_count == 1
    with pytest.raises(LayerNotFound):
        await scenes.read_layer(UUID(goes.id))
    with pytest.raises(SceneNotFound):
        await scenes.read_scene(video_id, UUID(two.id))
    assert await scenes.layer_video(UUID(goes.id)) == video_id
    assert await scenes.scene_video(UUID(two.id)) == video_id
    # A second look at the same document, after ids turned out to be another video's.
    assert (await tables.write(video_id, 3, Changes(removed_layers={stays.id: ""}), base=3)).written


async def test_a_whole_projection_removes_what_is_not_in_it(database: Database) -> None:
    video_id = await make_video(database)
    scenes, tables = Scenes(database), Tables(database)
    one, two = scene_row(1), scene_row(2)
    kept, gone = layer_row(one, 1), layer_row(one, 2)
    await tables.write(video_id, 2, everything([one, two], [kept, gone]), base=None)
    await tables.write(video_id, 3, everything([one], [kept]), base=None)
    assert set(await stamps(database)) == {one.id, kept.id}
    await tables.write(video_id, 4, everything([], []), base=None)
    assert (await scenes.read(video_id)).scenes == []


async def test_an_older_projection_changes_nothing(database: Database) -> None:
    video_id = await make_video(database)
    scenes, tables = Scenes(database), Tables(database)
    new = scene_row(1, text="new")
    await tables.write(video_id, 9, everything([new], []), base=None)
    for base in (None, 8, 9):
        written = await tables.write(
            video_id, 8, everything([replace(new, text="old")], []), base=base
        )
        assert (written.written, written.seq) == (False, 9)
    assert (await scenes.read(video_id)).scenes[0]["text"] == "new"


async def test_a_difference_from_something_else_is_not_written(database: Database) -> None:
    """Node A wrote 5, then B wrote 6; A's difference from 5 to 7 may lack what B's 6 shows."""
    video_id = await make_video(database)
    scenes, tables = Scenes(database), Tables(database)
    row = scene_row(1, text="as at 5")
    await tables.write(video_id, 5, everything([row], []), base=None)
    await tables.write(video_id, 6, Changes(scenes={row.id: replace(row, text="B's")}), base=5)
    written = await tables.write(video_id, 7, Changes(), base=5)
    assert (written.written, written.seq) == (False, 6)
    assert (await tables.write(video_id, 7, everything([row], []), base=None)).written
    assert (await scenes.read(video_id)).scenes[0]["text"] == "as at 5"


async def test_ids_of_another_video_are_left_out_and_named(database: Database) -> None:
    first, second = await make_video(database), await make_video(database)
    scenes, tables = Scenes(database), Tables(database)
    theirs = scene_row(1)
    their_layer = layer_row(theirs, 1)
    await tables.write(first, 2, everything([theirs], [their_layer]), base=None)
    await tables.write(first, 3, everything([], []), base=None)  # deleted, and still theirs
    mine = scene_row(2)
    taken, inside = replace(their_layer, scene_id=mine.id), layer_row(theirs, 2)
    written = await tables.write(second, 2, everything([theirs, mine], [taken, inside]), base=None)
    assert written.foreign == {theirs.id, their_layer.id}
    assert [scene["id"] for scene in (await scenes.read(second)).scenes] == [mine.id]
    assert await scenes.layer_video(UUID(taken.id)) == first
    assert await scenes.scene_video(UUID(theirs.id)) == first
    assert await scenes.layer_video(UUID(inside.id)) is None
    await Videos(database).delete(first, by="ann")
    assert await scenes.layer_video(UUID(taken.id)) == first


async def test_a_layer_without_its_scene_is_left_out(database: Database) -> None:
    video_id = await make_video(database)
    lost = layer_row(scene_row(1), 1)
    written = await Tables(database).write(video_id, 2, Changes(layers={lost.id: lost}), base=1)
    assert written.written and (await Scenes(database).read(video_id)).scenes == []


async def test_two_nodes_and_two_videos_at_once_do_not_deadlock(database: Database) -> None:
    videos = [await make_video(database) for _ in range(2)]
    scenes, tables = Scenes(database), Tables(database)
    rows = [scene_row(number) for number in range(1, 30)]
    layers = [layer_row(row, 1) for row in rows]

    async def write(video_id: UUID, seq: int) -> frozenset[str]:
        order = rows if seq % 2 else rows[::-1]
        written = await tables.write(video_id, seq, everything(order, layers), base=None)
        return written.foreign

    await asyncio.gather(*(write(video, seq) for seq in range(2, 12) for video in videos))
    shown = [await scenes.read(video) for video in videos]
    ids = [{scene["id"] for scene in projection.scenes} for projection in shown]
    assert [projection.seq for projection in shown] == [11, 11]
    assert ids[0] | ids[1] == {row.id for row in rows} and not ids[0] & ids[1]


async def test_appends_do_not_wait_for_a_projection(database: Database) -> None:
    from persistence.update_log import UpdateLog

    video_id = await make_video(database)
    async with database.transaction() as connection:
        await connection.execute("SELECT 1 FROM videos WHERE id = $1 FOR UPDATE", video_id)
        assert await UpdateLog(database).append(video_id, [(b"\0\0", ["ann"])]) == 2


async def test_no_such_video(database: Database) -> None:
    with pytest.raises(VideoNotFound):
        await Scenes(database).read(uuid4())
    with pytest.raises(VideoNotFound):
        await Tables(database).write(uuid4(), 1, Changes(), base=None)


async def test_reading_twenty_scenes_of_five_layers_is_fast(database: Database) -> None:
    video_id = await make_video(database)
    scenes, tables = Scenes(database), Tables(database)
    rows = [scene_row(number) for number in range(1, 21)]
    layers = [layer_row(row, index) for row in rows for index in range(1, 6)]
    await tables.write(video_id, 2, everything(rows, layers), base=None)
    times = []
    for _ in range(30):
        start = time.perf_counter()
        await scenes.read(video_id)
        times.append(time.perf_counter() - start)
    assert min(times) < 0.01


def edited(row: SceneRow, text: str) -> Changes:
    """A scene that has another text than before."""
    return Changes(scenes={row.id: replace(row, text=text)}, changed={row.id: frozenset({"text"})})


async def test_what_many_videos_write_at_once_is_each_videos_own(database: Database) -> None:
    scenes, tables = Scenes(database), Tables(database)
    videos = [await make_video(database) for _ in range(12)]
    rows = [scene_row(1) for _ in videos]
    layers = [layer_row(row, 1) for row in rows]
    for video_id, row, layer in zip(videos, rows, layers, strict=True):
        await tables.write(video_id, 2, everything([row], [layer]), base=None)
    new = [scene_row(2) for _ in videos]
    inside = [layer_row(row, 1) for row in new]
    results = await asyncio.gather(
        *(
            tables.write(
                video_id,
                3,
                Changes(
                    video=VideoFields(title=f"Video {at}"),
                    scenes={new[at].id: new[at]},
                    layers={inside[at].id: inside[at]},
                    removed_layers={layers[at].id: rows[at].id},
                    created={new[at].id, inside[at].id},
                ),
                base=2,
            )
            for at, video_id in enumerate(videos)
        )
    )
    assert all((done.written, done.seq, done.foreign) == (True, 3, frozenset()) for done in results)
    for at, video_id in enumerate(videos):
        shown = await scenes.read(video_id)
        assert shown.seq == 3
        assert [scene["id"] for scene in shown.scenes] == [rows[at].id, new[at].id]
        assert [[layer["id"] for layer in scene["layers"]] for scene in shown.scenes] == [
            [],
            [inside[at].id],
        ]
        video = await Videos(database).get(video_id, "ann")
        assert (video.title, video.scene_count) == (f"Video {at}", 2)


async def test_in_a_group_each_write_has_its_own_end(database: Database) -> None:
    scenes, tables = Scenes(database), Tables(database)
    good, late, misfit, gone, thief = [await make_video(database) for _ in range(5)]
    row = {video_id: scene_row(1) for video_id in (good, late, misfit, gone, thief)}
    for video_id in row:
        await tables.write(video_id, 5, everything([row[video_id]], []), base=None)
    await Videos(database).delete(gone, by="ann")
    bad = replace(row[misfit], text="no \0 in a text")
    taken = row[good]
    results = await asyncio.gather(
        tables.write(good, 6, edited(row[good], "new"), base=5),
        tables.write(late, 4, edited(row[late], "old"), base=3),
        tables.write(gone, 6, edited(row[gone], "new"), base=5),
        tables.write(thief, 6, Changes(scenes={taken.id: taken}, created={taken.id}), base=5),
        tables.write(misfit, 6, Changes(scenes={bad.id: bad}), base=5),
        tables.write(good, 7, edited(row[good], "newer"), base=6),
        return_exceptions=True,
    )
    first, behind, missing, other, broken, second = results
    assert isinstance(first, Written) and (first.written, first.seq) == (True, 6)
    assert isinstance(behind, Written) and (behind.written, behind.seq) == (False, 5)
    assert isinstance(missing, VideoNotFound)
    assert isinstance(other, Written) and (other.written, other.foreign) == (
        True,
        frozenset({taken.id}),
    )
    assert isinstance(broken, Exception) and not isinstance(broken, DatabaseAway)
    assert isinstance(second, Written) and (second.written, second.seq) == (True, 7)
    assert [scene["text"] for scene in (await scenes.read(good)).scenes] == ["newer"]
    assert [scene["text"] for scene in (await scenes.read(late)).scenes] == ["Scene 1"]
    assert [scene["id"] for scene in (await scenes.read(thief)).scenes] == [row[thief].id]
    assert (await scenes.read(misfit)).seq == 5


async def test_nodes_that_write_the_same_videos_do_not_block_each_other(
    database: Database,
) -> None:
    videos = [await make_video(database) for _ in range(10)]
    rows = {video_id: scene_row(1) for video_id in videos}
    nodes = [Tables(database) for _ in range(3)]
    for video_id in videos:
        await nodes[0].write(video_id, 2, everything([rows[video_id]], []), base=None)

    async def write_all(node: Tables, order: list[UUID]) -> None:
        for seq in range(3, 30):
            await asyncio.gather(
                *(
                    node.write(video_id, seq, edited(rows[video_id], f"{seq}"), base=seq - 1)
                    for video_id in order
                )
            )

    orders = [videos, videos[::-1], videos[5:] + videos[:5]]
    await asyncio.gather(*map(write_all, nodes, orders))
    for video_id in videos:
        shown = await Scenes(database).read(video_id)
        assert shown.scenes[0]["text"] == str(shown.seq)


async def test_who_is_stopped_in_the_middle_of_a_write_holds_up_others_for_seconds(
    database: Database,
) -> None:
    video_id = await make_video(database)
    tables, row = Tables(database), scene_row(1)
    with pytest.raises(DatabaseAway):
        async with database.transaction() as stopped:
            assert await stopped.fetch(_LOCK, [video_id])
            began = time.monotonic()
            assert (await tables.write(video_id, 2, everything([row], []), base=None)).written
            assert 1 < time.monotonic() - began < 9
            await stopped.execute("UPDATE videos SET projected_seq = 1 WHERE id = $1", video_id)
    assert (await Scenes(database).read(video_id)).seq == 2
