"""The projector, on a real database."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any
from uuid import UUID, uuid4

from pycrdt import Doc, Map, merge_updates

from collab.document import Document
from collab.errors import DatabaseAway
from collab.projection import READ_AT_ONCE, Projection
from collab.room import Room
from collab.schema import Changes, DocumentLimits
from persistence.database import Database
from persistence.tables import Tables, Written
from persistence.update_log import StoredDocument, UpdateLog
from server.observe import Metrics
from server.projector import Projector
from tests.support.channels import LIMIT, Editor, plain, turn
from tests.support.videos import make_video


def nobody(video_id: UUID, seq: int, changes: Changes) -> None:
    """Nobody listens."""


async def test_what_is_put_right_again_is_counted_once(database: Database) -> None:
    video_id = await make_video(database)
    log = UpdateLog(database)
    stored = await log.load(video_id)
    document = Document.load(1, LIMIT, stored.state, [row.update for row in stored.rows])
    room = Room(document, stored.seq, plain)
    editor = Editor(7)
    room.join(editor.session)
    metrics = Metrics()
    projection = Projection(DocumentLimits(), lambda url: False)
    projector = Projector(video_id, projection, Tables(database), time.monotonic, metrics, nobody)
    projector.begin(room, stored.seq, stored.projected_seq, lambda: None)

    def put(value: object) -> Callable[[Doc[Any]], None]:
        def change(doc: Doc[Any]) -> None:
            scenes = doc.get("scenes", type=Map)
            if value is None:
                del scenes["bad"]
            else:
                scenes["bad"] = value

        return change

    for value, counted in ((1, 1), (None, 1), (2, 2), (None, 2)):
        update = editor.change(put(value))
        turn(room, editor.sends(update))
        await log.append(video_id, [(update, ["user-7"])])
        projector.look(force=True)
        await projector.wait(room.seq)
        found = metrics.registry.get_sample_value("cocut_projection_dropped_total", {"rule": "id"})
        assert found == counted
    await projector.close()
    document.close()


class Failing(Tables):
    """Tables that cannot be written now and then."""

    away = False

    async def write(
        self,
        video_id: UUID,
        seq: int,
        changes: Changes,
        *,
        base: int | None,
        patience: float = 0.0,
    ) -> Written:
        if self.away:
            raise DatabaseAway
        return await super().write(video_id, seq, changes, base=base, patience=patience)


class Desk:
    """An open video with one editor and its projector; time passes only when it is told to."""

    def __init__(self, database: Database, video_id: UUID, stored: StoredDocument) -> None:
        self.now = 0.0
        self.told: list[tuple[int, Changes]] = []
        self.tables = Failing(database)
        self.editor = Editor(7, "ann")
        self._log = UpdateLog(database)
        self._video = video_id
        document = Document.load(1, LIMIT, stored.state, [row.update for row in stored.rows])
        self.room = Room(document, stored.seq, plain)
        self.room.join(self.editor.session)
        self.room.attributing = True
        self.projector = Projector(
            video_id,
            Projection(DocumentLimits(), lambda url: False),
            self.tables,
            lambda: self.now,
            Metrics(),
            lambda _, seq, changes: self.told.append((seq, changes)),
        )
        self.projector.begin(self.room, stored.seq, stored.projected_seq, lambda: None)

    @classmethod
    async def open(cls, database: Database, video_id: UUID) -> Desk:
        return cls(database, video_id, await UpdateLog(database).load(video_id))

    async def change(self, change: Callable[[Doc[Any]], Any], editor: Editor | None = None) -> None:
        """Store an edit, and look."""
        editor = editor or self.editor
        update = editor.change(change)
        self.projector.prime()
        turn(self.room, editor.sends(update))
        await self._log.append(self._video, [(update, [editor.session.user])])
        await self.look()

    async def look(self) -> None:
        """Look and write, again where one write was not enough."""
        for _ in range(3):
            self.now += 10
            self.projector.look(force=True)
            if self.projector._writing is None:
                break
            await self.projector._writing

    async def close(self) -> None:
        await self.projector.close()
        self.room.document.close()


def adds(scene: str, text: str) -> Callable[[Doc[Any]], None]:
    def change(doc: Doc[Any]) -> None:
        doc.get("scenes", type=Map)[scene] = Map({"text": text, "layers": Map({})})

    return change


def writes(scene: str, text: str) -> Callable[[Doc[Any]], None]:
    def change(doc: Doc[Any]) -> None:
        doc.get("scenes", type=Map)[scene]["text"] = text

    return change


async def test_what_could_not_be_written_is_told_later_once_and_merged(database: Database) -> None:
    desk = await Desk.open(database, await make_video(database))
    first, second, gone = (str(uuid4()) for _ in range(3))
    await desk.change(adds(first, "One"))
    [(seq, changes)] = desk.told
    assert changes.created == {first}
    assert changes.authors == {first: "ann"}
    desk.tables.away = True
    await desk.change(writes(first, "Two"))
    await desk.change(adds(second, "New"))
    await desk.change(adds(gone, "Gone"))
    await desk.change(writes(first, "Three"))

    def remove(doc: Doc[Any]) -> None:
        del doc.get("scenes", type=Map)[gone]

    await desk.change(remove)
    assert len(desk.told) == 1
    desk.tables.away = False
    await desk.look()
    [_, (later, changes)] = desk.told
    assert later == seq + 5
    assert changes.scenes[first].text == "Three"
    assert changes.created == {second}
    assert set(changes.scenes) == {first, second}
    assert changes.removed_scenes == set()
    await desk.look()
    assert len(desk.told) == 2
    await desk.close()


async def test_what_was_there_when_the_room_opened_is_no_change(database: Database) -> None:
    video_id = await make_video(database)
    desk = await Desk.open(database, video_id)
    scene = str(uuid4())
    desk.tables.away = True
    await desk.change(adds(scene, "Stored, not projected"))
    again = await Desk.open(database, video_id)
    await again.look()
    assert not any(changes for _, changes in again.told)
    again.editor.doc.apply_update(desk.editor.doc.get_update())
    await again.change(writes(scene, "Changed"))
    changes = again.told[-1][1]
    assert changes.created == set()
    assert changes.changed == {scene: frozenset({"text"})}
    await again.close()
    await desk.close()


async def test_ids_of_other_videos_are_never_told(database: Database) -> None:
    theirs = await Desk.open(database, await make_video(database))
    taken, own = str(uuid4()), str(uuid4())
    await theirs.change(adds(taken, "Theirs"))
    ours = await Desk.open(database, await make_video(database))

    def both(doc: Doc[Any]) -> None:
        adds(taken, "Copied")(doc)
        adds(own, "Ours")(doc)

    await ours.change(both)
    told = Changes()
    for _, changes in ours.told:
        told.add(changes)
    assert told.created == {own}
    assert told.scenes[own].scene_number == 1
    assert set(told.scenes) == {own}
    assert not told.removed_scenes
    await ours.close()
    await theirs.close()


async def test_layers_out_of_a_scene_of_another_video_are_asked_whose_they_are(
    database: Database,
) -> None:
    theirs = await Desk.open(database, await make_video(database))
    scene, layer, own_scene, own_layer = (str(uuid4()) for _ in range(4))

    def with_layers(scene_id: str, *layers: str) -> Callable[[Doc[Any]], None]:
        def change(doc: Doc[Any]) -> None:
            made = {id_: Map({"type": "text", "name": scene_id}) for id_ in layers}
            doc.get("scenes", type=Map)[scene_id] = Map({"order": "a0", "layers": Map(made)})

        return change

    await theirs.change(with_layers(scene, layer))
    video_id = await make_video(database)
    ours = await Desk.open(database, video_id)

    def copied(doc: Doc[Any]) -> None:
        # Whichever of them is first in order, it is not shown: the layers are the other one's.
        with_layers(scene, layer, own_layer)(doc)
        with_layers(own_scene, layer, own_layer)(doc)
        doc.get("scenes", type=Map)[own_scene]["order"] = "a1"

    await ours.change(copied)
    async with database.connection() as connection:
        rows = await connection.fetch(
            "SELECT id::text, scene_id::text FROM scenes_layers WHERE video_id = $1", video_id
        )
        homes = await connection.fetch(
            "SELECT id::text FROM layer_ids WHERE video_id = $1", video_id
        )
    assert [tuple(row) for row in rows] == [(own_layer, own_scene)]
    assert [row["id"] for row in homes] == [own_layer]
    told = Changes()
    for _, changes in ours.told:
        told.add(changes)
    assert told.created == {own_scene, own_layer}
    assert set(told.layers) == {own_layer}
    await ours.close()
    await theirs.close()


async def test_each_change_names_who_made_it(database: Database) -> None:
    desk = await Desk.open(database, await make_video(database))
    first, second = str(uuid4()), str(uuid4())
    await desk.change(adds(first, "Ann's"))
    bob = Editor(8, "bob")
    desk.room.join(bob.session)
    bob.doc.apply_update(desk.editor.doc.get_update())
    one, two = desk.editor.change(writes(first, "By Ann")), bob.change(adds(second, "By Bob"))
    turn(desk.room, desk.editor.sends(one), bob.sends(two))
    await UpdateLog(database).append(desk._video, [(merge_updates(one, two), ["ann", "bob"])])
    await desk.look()
    assert desk.told[-1][1].authors == {first: "ann", second: "bob"}
    await desk.close()


async def test_a_look_at_much_goes_on_in_pieces_and_reads_what_changes_meanwhile(
    database: Database,
) -> None:
    desk = await Desk.open(database, await make_video(database))
    scenes = [str(uuid4()) for _ in range(3 * READ_AT_ONCE)]

    def add_all(doc: Doc[Any]) -> None:
        for scene in scenes:
            adds(scene, "One")(doc)

    await desk.change(add_all)
    assert desk.projector.reading
    assert not desk.projector.still
    await desk.change(writes(scenes[0], "Two"))
    for again in iter(lambda: desk.projector.look(force=False), None):
        assert again == 0.0
        assert desk.told == []
    await desk.look()
    [(seq, changes)] = desk.told
    assert seq == desk.room.seq == desk.projector.projected_seq
    assert changes.created == set(scenes)
    assert changes.scenes[scenes[0]].text == "Two"
    assert changes.authors == dict.fromkeys(scenes, "ann")
    await desk.close()
