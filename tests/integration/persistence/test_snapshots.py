"""Snapshots: what was in the log is in them, or the log stays."""

from __future__ import annotations

import asyncio
import json
import os
import random
import signal
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import psutil
import pytest
from pycrdt import Array, Doc, Map, Text, XmlElement, XmlFragment

from collab.errors import CorruptLog, VideoNotFound
from collab.update import read_state_vector
from persistence.background import PATIENT
from persistence.compaction import Compacted
from persistence.compactor import Compactor
from persistence.database import Database
from persistence.errors import CompactionFailed, CompactionRefused
from persistence.historian import Historian
from persistence.snapshots import DUE_BYTES, DUE_ROWS, Snapshots, due
from persistence.squash import Incomplete, Unreadable, squash
from persistence.update_log import StoredDocument, UpdateLog
from persistence.videos import Videos
from tests.support.videos import Editor, make_video


def session_group(pid: int) -> str | None:
    """The scheduling group of a process's session, where the system has such."""
    file = Path(f"/proc/{pid}/autogroup")
    return file.read_text() if file.exists() else None


@pytest.fixture
async def compactor() -> AsyncIterator[Compactor]:
    compactor = Compactor()
    yield compactor
    await compactor.close()


def rebuilt(document: StoredDocument) -> Doc[Any]:
    doc: Doc[Any] = Doc()
    for update in [document.state, *(row.update for row in document.rows)]:
        if update is not None:
            doc.apply_update(update)
    return doc


def random_edits(editor: Editor, count: int, seed: int) -> list[bytes]:
    rng = random.Random(seed)
    for _ in range(count):
        key = f"s{rng.randrange(8)}"
        scene = editor.scenes.get(key)
        roll = rng.random()
        if not isinstance(scene, Map):
            editor.scenes[key] = Map({"text": Text("a"), "list": Array([1, float("nan"), None])})
        elif roll < 0.1:
            del editor.scenes[key]
        elif roll < 0.5:
            scene["text"].insert(0, rng.choice(["x", "ß", "🎬"]))
        elif roll < 0.6 and len(scene["text"]):
            del scene["text"][:]
        else:
            scene["duration"] = rng.random()
    updates, editor.updates = editor.updates, []
    return updates


def vector(doc: Doc[Any]) -> dict[int, int]:
    return read_state_vector(doc.get_state())


def content(doc: Doc[Any]) -> str:
    scenes: Map[Any] = doc.get("scenes", type=Map)
    return json.dumps(scenes.to_py(), sort_keys=True)


def test_when_a_snapshot_is_due() -> None:
    assert not due(DUE_ROWS - 1, DUE_BYTES - 1, 0)
    assert due(DUE_ROWS, 0, 10 * DUE_BYTES)
    assert due(1, DUE_BYTES, 0)
    assert not due(1, DUE_BYTES, 2 * DUE_BYTES) and due(1, 2 * DUE_BYTES, 2 * DUE_BYTES)


async def test_a_document_is_the_same_after_each_snapshot(
    database: Database, compactor: Compactor
) -> None:
    video_id = await make_video(database)
    log, snapshots = UpdateLog(database), Snapshots(database, compactor)
    editor = Editor(7, (await log.load(video_id)).rows[0].update)
    for turn in range(3):
        updates = random_edits(editor, 60, seed=turn)
        last = await log.append(video_id, [(update, ["ann"]) for update in updates])
        made = await snapshots.compact(video_id)
        assert isinstance(made, Compacted) and made.seq == last
        document = await log.load(video_id)
        assert (document.seq, document.snapshot_seq, document.rows) == (last, last, [])
        after = rebuilt(document)
        assert vector(after) == vector(editor.doc)
        assert content(after) == content(editor.doc)
    assert await snapshots.compact(video_id) is None
    async with database.connection() as connection:
        assert await connection.fetchval("SELECT count(*) FROM video_snapshots") == 1


async def test_who_reads_behind_the_trimmed_log_gets_the_snapshot(
    database: Database, compactor: Compactor
) -> None:
    video_id = await make_video(database)
    log, snapshots = UpdateLog(database), Snapshots(database, compactor)
    editor = Editor(7)
    updates = random_edits(editor, 20, seed=1)
    await log.append(video_id, [(update, ["ann"]) for update in updates[:10]])
    made = await snapshots.compact(video_id)
    assert made is not None
    last = await log.append(video_id, [(update, ["ann"]) for update in updates[10:]])
    for after in (0, 5, made.seq - 1):
        rows = await log.read(video_id, after)
        assert [row.seq for row in rows] == list(range(made.seq, last + 1))
        assert rows[0].user_ids == []
        doc: Doc[Any] = Doc()
        for row in rows:
            doc.apply_update(row.update)
        assert content(doc) == content(editor.doc)
    assert next(row.seq for row in await log.read(video_id, made.seq)) == made.seq + 1
    assert await log.read(video_id, last) == []


async def test_one_at_a_time(database: Database, compactor: Compactor) -> None:
    video_id = await make_video(database)
    log = UpdateLog(database)
    await log.append(video_id, [(u, ["ann"]) for u in random_edits(Editor(7), 50, seed=1)])
    snapshots = Snapshots(database, compactor)
    made = await asyncio.gather(*(snapshots.compact(video_id) for _ in range(4)))
    assert len([one for one in made if one is not None]) == 1


async def test_rows_that_come_meanwhile_are_kept(database: Database, compactor: Compactor) -> None:
    video_id = await make_video(database)
    log, snapshots = UpdateLog(database), Snapshots(database, compactor)
    editor = Editor(7)
    updates = random_edits(editor, 200, seed=3)

    async def append() -> None:
        for update in updates:
            await log.append(video_id, [(update, ["ann"])])

    writing = asyncio.create_task(append())
    while not writing.done():
        await snapshots.compact(video_id)
    await writing
    assert content(rebuilt(await log.load(video_id))) == content(editor.doc)


async def test_a_damaged_snapshot_stops_the_load(database: Database, compactor: Compactor) -> None:
    video_id = await make_video(database)
    log, snapshots = UpdateLog(database), Snapshots(database, compactor)
    await snapshots.compact(video_id)
    async with database.connection() as connection:
        await connection.execute("UPDATE video_snapshots SET state = set_byte(state, 3, 255)")
    with pytest.raises(CorruptLog, match=f"Snapshot 1 of video {video_id}"):
        await log.load(video_id)


async def test_a_row_that_cannot_be_applied_is_named_and_nothing_is_trimmed(
    database: Database, compactor: Compactor
) -> None:
    video_id = await make_video(database)
    log, snapshots = UpdateLog(database), Snapshots(database, compactor)
    await log.append(video_id, [(b"\0\0", ["ann"]), (b"junk", ["ann"]), (b"\0\0", ["ann"])])
    with pytest.raises(CorruptLog, match=f"Row 3 of video {video_id}"):
        await snapshots.compact(video_id)
    assert len((await log.load(video_id)).rows) == 4


async def test_what_would_be_lost_is_not_trimmed(database: Database, compactor: Compactor) -> None:
    video_id = await make_video(database)
    log, snapshots = UpdateLog(database), Snapshots(database, compactor)
    editor = Editor(7)
    updates = random_edits(editor, 10, seed=1)
    await log.append(video_id, [(update, ["ann"]) for update in updates[1:]])
    with pytest.raises(CompactionRefused, match="its log is kept"):
        await snapshots.compact(video_id)
    assert len((await log.load(video_id)).rows) == len(updates)


async def test_a_child_that_dies_costs_nothing(database: Database, compactor: Compactor) -> None:
    video_id = await make_video(database)
    log, snapshots = UpdateLog(database), Snapshots(database, compactor)
    await snapshots.compact(video_id)
    child = compactor.pid
    assert child is not None
    await log.append(video_id, [(u, ["ann"]) for u in random_edits(Editor(7), 5, seed=1)])
    os.kill(child, signal.SIGSTOP)
    compacting = asyncio.create_task(snapshots.compact(video_id))
    while not compactor.busy:
        await log.heads([])
    os.kill(child, signal.SIGKILL)
    with pytest.raises(CompactionFailed):
        await compacting
    assert len((await log.load(video_id)).rows) == 5
    made = await snapshots.compact(video_id)
    assert made is not None and made.rows == 5


async def test_the_child_is_the_last_in_line_for_the_processor(
    database: Database, compactor: Compactor
) -> None:
    await Snapshots(database, compactor).compact(await make_video(database))
    assert compactor.pid is not None
    assert psutil.Process(compactor.pid).nice() == 19
    group = await asyncio.to_thread(session_group, compactor.pid)
    assert group is None or group.endswith(" nice 19\n")


async def test_who_waits_for_a_version_is_not_the_last_in_line(database: Database) -> None:
    historian, video_id = Historian(), await make_video(database)
    try:
        await historian.ask(
            *(database.dsn, "keep"),
            **{"video_id": f"{video_id}", "id": f"{uuid4()}", "kind": "manual", "name": "First"},
            by="ann",
            unless_kept=False,
        )
        assert historian.pid is not None
        assert psutil.Process(historian.pid).nice() == PATIENT
        group = await asyncio.to_thread(session_group, historian.pid)
        assert group is None or group.endswith(f" nice {PATIENT}\n")
    finally:
        await historian.close()


async def test_a_child_that_is_waited_for_does_not_stand_back(
    database: Database, compactor: Compactor
) -> None:
    snapshots, video_id = Snapshots(database, compactor), await make_video(database)
    await snapshots.compact(video_id)
    before = compactor.pid
    snapshots.hurry()
    await snapshots.compact(video_id)
    assert compactor.pid not in (None, before)
    assert psutil.Process(compactor.pid).nice() == psutil.Process().nice()
    last = compactor.pid
    await snapshots.compact(video_id)
    assert compactor.pid == last


async def test_a_video_deleted_meanwhile(database: Database, compactor: Compactor) -> None:
    video_id = await make_video(database)
    await Videos(database).delete(video_id, by="ann")
    with pytest.raises(VideoNotFound):
        await Snapshots(database, compactor).compact(video_id)


def test_squash_refuses_gaps_missing_parents_and_early_deletions() -> None:
    editor = Editor(7)
    editor.scenes["a"] = 1
    editor.scenes["t"] = Text("hi")
    editor.scenes["t"].insert(2, "there")
    del editor.scenes["a"]
    first, text, typed, deleted = editor.updates
    assert squash(None, [first, text, typed, deleted])
    for lacking in ([text], [first, typed], [first, text, typed, deleted][1:], [deleted]):
        with pytest.raises(Incomplete):
            squash(None, lacking)
    with pytest.raises(Unreadable) as caught:
        squash(squash(None, [first]), [text, b"\xff\xff"])
    assert caught.value.index == 1


def test_squash_keeps_roots_that_are_not_projected_and_odd_content() -> None:
    doc: Doc[Any] = Doc(client_id=3)
    scenes: Map[Any] = doc.get("scenes", type=Map)
    scenes["xml"] = XmlFragment([XmlElement("p", {"a": "b"})])
    scenes["bytes"] = b"\0\xff"
    scenes["nan"] = float("nan")
    video: Text = doc.get("video", type=Text)
    video += "no map"
    notes: Array[Any] = doc.get("notes", type=Array)
    notes.append(Map({"k": Text("v")}))
    again: Doc[Any] = Doc()
    again.apply_update(squash(None, [doc.get_update()]))
    assert again.get("notes", type=Array).to_py() == [{"k": "v"}]
    assert str(again.get("video", type=Text)) == "no map"
    assert again.get_state() == doc.get_state()
