"""`cocut doctor` on databases in which something is wrong."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from pycrdt import Doc, Map

from collab.document import Document
from collab.edits import create_layer, create_scene
from collab.errors import CorruptLog, VideoNotFound
from collab.ports import Edit
from collab.projection import Projection
from collab.schema import DocumentLimits, Touches
from collab.values import Rules
from persistence.blobs import Blobs
from persistence.compaction import compact
from persistence.database import Database
from persistence.errors import DataDirectoryInUse
from persistence.filelock import DataDirLock
from persistence.filestore import FileStore
from persistence.journal import Journal, JournalRecord
from persistence.scenes import Scenes
from persistence.tables import Tables
from persistence.update_log import UpdateLog
from server.command_settings import DoctorSettings
from server.doctor import NothingThere, check_up
from server.settings import Settings
from tests.support.videos import first_update, make_video

LIMITS = DocumentLimits()


def no_link(_: str) -> bool:
    return False


RULES = Rules(LIMITS, no_link)


@dataclass
class Ward:
    """A database with a video of three scenes, and the doctor's words about it."""

    database: Database
    settings: Settings
    capsys: pytest.CaptureFixture[str]
    video: UUID = field(default_factory=uuid4)
    scenes: list[str] = field(default_factory=lambda: [str(uuid4()) for _ in range(3)])
    layers: list[str] = field(default_factory=lambda: [str(uuid4()) for _ in range(3)])

    async def admit(self) -> None:
        """Make the video: its first update is row 1, each scene and each layer a row after it."""
        self.video = await make_video(self.database)
        document = Document.load(7, LIMITS.document_bytes, first_update(), [])
        edits: list[Edit] = []
        for number, (scene, layer) in enumerate(zip(self.scenes, self.layers, strict=True)):
            edits.append(create_scene(RULES, scene, {"text": f"Scene {number}"}))
            given = {"type": "text", "properties": {"text": f"Layer {number} 🎬", "x": 1.5}}
            edits.append(create_layer(RULES, scene, layer, given))
        updates = [document.edit(edit).update for edit in edits]
        entries = [(update, ["ann"]) for update in updates if update is not None]
        seq = await UpdateLog(self.database).append(self.video, entries)
        projection = Projection(LIMITS, no_link)
        projection.refresh(document.doc, Touches(everything=True))
        document.close()
        tables = Tables(self.database)
        assert (await tables.write(self.video, seq, projection.rows(), base=None)).written

    async def sql(self, statement: str, *arguments: object) -> None:
        async with self.database.connection() as connection:
            await connection.execute(statement, *arguments)

    async def ask(self, *, repair: bool = False, video: UUID | None = None) -> tuple[int, str]:
        """The exit code, and what was printed."""
        code = await check_up(self.settings, DoctorSettings(video=video, repair=repair))
        return code, self.capsys.readouterr().out

    async def shown(self) -> list[dict[str, Any]]:
        return (await Scenes(self.database).read(self.video)).scenes

    async def document(self) -> Doc[Any]:
        """The document as a room would load it."""
        stored = await UpdateLog(self.database).load(self.video)
        document = Document.load(
            9, LIMITS.document_bytes, stored.state, [row.update for row in stored.rows]
        )
        return document.doc

    async def quarantined(self) -> list[tuple[str, int, bytes]]:
        async with self.database.connection() as connection:
            rows = await connection.fetch(
                "SELECT kind, seq, content FROM quarantine WHERE video_id = $1 ORDER BY id",
                self.video,
            )
        return [(row["kind"], row["seq"], row["content"]) for row in rows]

    def exported(self) -> dict[str, bytes]:
        [directory] = (self.settings.data_dir / "doctor").iterdir()
        return {path.name: path.read_bytes() for path in directory.iterdir()}


@pytest.fixture
async def ward(
    database: Database, database_url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> Ward:
    ward = Ward(database, Settings(data_dir=tmp_path, database_url=database_url), capsys)
    await ward.admit()
    return ward


async def test_a_healthy_database(ward: Ward) -> None:
    assert await ward.ask() == (0, "all is well: 1 videos, 7 rows of logs, 0 files\n")
    assert await ward.ask(repair=True) == (0, "all is well: 1 videos, 7 rows of logs, 0 files\n")
    await compact(ward.database, ward.video)
    assert await ward.ask() == (0, "all is well: 1 videos, 0 rows of logs, 0 files\n")


@pytest.mark.parametrize(
    "garbage", [b"", b"\xff\xff\xff\x7f", b"\x01\x01\x05\x00\x84\x05\x00\x01a"]
)
async def test_a_row_that_cannot_be_read(ward: Ward, garbage: bytes) -> None:
    shown = await ward.shown()
    whole = (await ward.document()).get_update()
    await ward.sql("UPDATE video_updates SET update = $1 WHERE seq = 4", garbage)
    code, said = await ward.ask()
    assert code == 1
    assert f'video {ward.video} ("First"):' in said
    assert "row 4 cannot be read" in said
    # The layers and scenes after it come from the same client: they build on the lost row.
    assert "row 5 cannot be applied (it builds on what is lost" in said
    assert "`cocut doctor --repair`" in said
    assert not (ward.settings.data_dir / "doctor").exists()

    code, said = await ward.ask(repair=True)
    assert code == 1
    assert "mended: it stands at 8 and shows 1 scenes" in said
    assert f"lost: scenes that were shown: {', '.join(sorted(ward.scenes[1:]))}" in said
    files = ward.exported()
    assert files["row-4.yjs"] == garbage
    assert json.loads(files["tables.json"])["scenes"][1]["text"] == "Scene 1"
    assert [*json.loads(files["document.json"])["scenes"]] == ward.scenes[:1]
    assert [(kind, seq) for kind, seq, _ in await ward.quarantined()] == [
        ("row", seq) for seq in (4, 5, 6, 7)
    ]
    assert await ward.shown() == [{**shown[0], "updated_at": (await ward.shown())[0]["updated_at"]}]
    assert (await ward.ask())[0] == 0

    # Who still has what was lost brings it back.
    document = Document.load(9, LIMITS.document_bytes, files["document.yjs"], [])
    assert document.apply(whole)
    assert {*document.doc.get("scenes", type=Map).keys()} == {*ward.scenes}
    document.close()


async def test_a_row_that_is_missing(ward: Ward) -> None:
    await ward.sql("DELETE FROM video_updates WHERE seq = 7")
    with pytest.raises(CorruptLog, match="row 7 is missing: run `cocut doctor`"):
        await UpdateLog(ward.database).load(ward.video)
    code, said = await ward.ask(repair=True, video=ward.video)
    assert code == 1
    assert "row 7 of its log is missing" in said
    assert len((await ward.document()).get("scenes", type=Map)) == 3
    assert [len(scene["layers"]) for scene in await ward.shown()] == [1, 1, 0]
    assert await ward.ask() == (0, "all is well: 1 videos, 0 rows of logs, 0 files\n")


async def test_a_head_that_is_behind_or_gone(ward: Ward) -> None:
    for statement in ("UPDATE video_heads SET seq = 5", "DELETE FROM video_heads"):
        await ward.sql(statement)
        code, _ = await ward.ask(repair=True)
        assert code == 1
        assert len(await ward.shown()) == 3
        assert (await ward.ask())[0] == 0


@pytest.mark.parametrize(
    "damage",
    [
        lambda state: state[: len(state) // 2],
        lambda state: b"\xff" * len(state),
        lambda state: b"",
    ],
    ids=["cut off", "overwritten", "empty"],
)
async def test_a_snapshot_that_cannot_be_read_is_made_anew_from_the_tables(
    ward: Ward, damage: Callable[[bytes], bytes]
) -> None:
    await compact(ward.database, ward.video)
    before = await ward.shown()
    stored = await UpdateLog(ward.database).load(ward.video)
    assert stored.state is not None
    await ward.sql("UPDATE video_snapshots SET state = $1", damage(stored.state))
    code, said = await ward.ask()
    assert code == 1
    assert "its snapshot at 7 cannot be read" in said
    code, said = await ward.ask(repair=True)
    assert code == 1
    assert "made anew from what the tables show" in said
    after = await ward.shown()
    for old, new in zip(before, after, strict=True):
        assert {**old, "updated_at": None} == {**new, "updated_at": None}
    assert [kind for kind, _, _ in await ward.quarantined()] == ["snapshot"]
    doc = await ward.document()
    assert {*doc.get("scenes", type=Map).keys()} == {*ward.scenes}
    assert doc.get("video", type=Map)["title"] == "First"
    assert (await ward.ask())[0] == 0


async def test_a_snapshot_with_a_wrong_checksum_is_kept_if_it_reads(ward: Ward) -> None:
    await compact(ward.database, ward.video)
    await ward.sql("UPDATE video_snapshots SET checksum = sha256('x')")
    code, said = await ward.ask(repair=True)
    assert code == 1
    assert "its snapshot at 7 cannot be trusted (its checksum is wrong)" in said
    assert len(await ward.shown()) == 3
    assert (await ward.ask())[0] == 0


async def test_tables_that_show_something_else(ward: Ward) -> None:
    before = await ward.shown()
    await ward.sql("UPDATE scenes SET text = 'Other' WHERE id = $1", ward.scenes[0])
    await ward.sql("DELETE FROM scenes_layers WHERE id = $1", ward.layers[1])
    await ward.sql("UPDATE videos SET title = 'Other'")
    await ward.sql("DELETE FROM layer_ids WHERE id = $1", ward.layers[2])
    code, said = await ward.ask()
    assert code == 1
    for what in (
        "another title",
        f"something else than the document of scene {ward.scenes[0]}",
        f"the tables lack layer {ward.layers[1]}",
        f"the directory of ids lacks layer {ward.layers[2]}",
        "4 problems",
    ):
        assert what in said
    assert "cannot be opened" not in said
    code, said = await ward.ask(repair=True)
    assert "the tables were written anew" in said
    after = await ward.shown()
    assert [scene["text"] for scene in after] == [scene["text"] for scene in before]
    assert [scene["layers"] for scene in after] == [scene["layers"] for scene in before]
    assert (await ward.ask())[0] == 0
    assert await ward.quarantined() == []


async def test_tables_that_are_only_behind_are_no_problem(ward: Ward) -> None:
    await ward.sql("UPDATE videos SET projected_seq = 3")
    await ward.sql("DELETE FROM scenes WHERE id = $1", ward.scenes[2])
    assert (await ward.ask())[0] == 0


async def test_what_is_left_of_a_deleted_video(ward: Ward) -> None:
    gone = uuid4()
    await ward.sql("INSERT INTO video_updates VALUES ($1, 1, '', '{}')", gone)
    code, said = await ward.ask(repair=True)
    assert (code, f"video {gone} was deleted" in said) == (1, True)
    assert (await ward.ask())[0] == 0


async def test_a_journal_that_is_damaged_in_the_middle(ward: Ward) -> None:
    directory = ward.settings.data_dir / "journal" / "0"
    journal = await Journal.open(directory)
    sizes = []
    for number in range(3):
        update = (await UpdateLog(ward.database).load(ward.video)).rows[number].update
        await journal.append([JournalRecord(ward.video, ["ann"], update)])
        sizes.append(journal.size)
    await journal.close()
    code, said = await ward.ask()
    assert (code, "has 3 records; the next start stores them" in said) == (0, True)
    path = directory / "updates.journal"
    with path.open("r+b") as file:
        file.seek(sizes[0] + 30)
        file.write(b"\0\0\0\0")
    code, said = await ward.ask()
    assert code == 1
    assert f"{sizes[1] - sizes[0]} bytes in it cannot be read, 2 records can" in said
    damaged = path.read_bytes()
    code, said = await ward.ask(repair=True)
    assert code == 1
    assert path.with_name("updates.journal.damaged").read_bytes() == damaged
    journal = await Journal.open(directory)
    assert len([*journal.records()]) == 2
    await journal.close()
    assert (await ward.ask())[0] == 0
    path.write_bytes(b"something else altogether, for sure")
    code, said = await ward.ask(repair=True)
    assert (code, "is not a journal of this program" in said) == (1, True)


async def test_files_and_rows_that_do_not_belong_together(ward: Ward, tmp_path: Path) -> None:
    store = FileStore.open(ward.settings.files_url())
    blobs = Blobs(ward.database, store)
    kept, lost, orphan = [
        await blobs.put_file(made(tmp_path), "image/png"),
        await blobs.put_file(made(tmp_path), "image/png"),
        await blobs.store_file(made(tmp_path), "image/png"),
    ]
    assert (await ward.ask())[0] == 0
    await store.delete([lost.key])
    yesterday = (datetime.now(UTC) - timedelta(days=1)).timestamp()
    os.utime(store.path_of(orphan.key), (yesterday, yesterday))
    code, said = await ward.ask(repair=True)
    assert code == 1
    assert f"the file {lost.key} is not there" in said
    assert f"1 files belong to nothing: {orphan.key}\n  removed 1 files" in said
    assert store.path_of(kept.key).exists()
    assert not store.path_of(orphan.key).exists()
    assert (await ward.ask())[1].count("is not there") == 1


def made(tmp_path: Path) -> Path:
    path = tmp_path / uuid4().hex
    path.write_bytes(b"picture")
    return path


async def test_beside_a_running_server_only_a_look_is_taken(ward: Ward) -> None:
    server = DataDirLock(ward.settings.data_dir)
    server.acquire()
    code, said = await ward.ask()
    assert (code, "its journal was not looked at" in said) == (0, True)
    with pytest.raises(DataDirectoryInUse):
        await ward.ask(repair=True)
    server.release()


async def test_what_is_not_there(ward: Ward, tmp_path: Path) -> None:
    with pytest.raises(VideoNotFound):
        await ward.ask(video=uuid4())
    with pytest.raises(NothingThere, match="--data-dir"):
        await check_up(Settings(data_dir=tmp_path / "empty"), DoctorSettings())
    assert not (tmp_path / "empty").exists()
