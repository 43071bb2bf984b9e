"""The projector, on a real database."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any
from uuid import UUID

from pycrdt import Doc, Map

from collab.document import Document
from collab.projection import Projection
from collab.room import Room
from collab.schema import Changes, DocumentLimits
from persistence.database import Database
from persistence.scenes import Scenes
from persistence.update_log import UpdateLog
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
    projector = Projector(video_id, projection, Scenes(database), time.monotonic, metrics, nobody)
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
