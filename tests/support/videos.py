"""Videos with real documents, for tests of what is stored."""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid4

from pycrdt import Doc, Map

from collab.schema import Changes, LayerRow, SceneRow, VideoFields
from persistence.database import Database
from persistence.videos import Videos


class Editor:
    """A document of an editor's own, and the updates that its edits made."""

    def __init__(self, client_id: int, state: bytes | None = None) -> None:
        self.doc: Doc[Any] = Doc(client_id=client_id)
        if state is not None:
            self.doc.apply_update(state)
        self.scenes: Map[Any] = self.doc.get("scenes", type=Map)
        self.updates: list[bytes] = []
        self._subscription = self.doc.observe(lambda event: self.updates.append(event.update))


def first_update(title: str = "First") -> bytes:
    """The first update of a video, by client 1."""
    editor = Editor(1)
    video: Map[Any] = editor.doc.get("video", type=Map)
    video["title"] = title
    return editor.doc.get_update()


async def make_video(database: Database, owner: str = "ann", title: str = "First") -> UUID:
    """A video with its first update as row 1."""
    video_id = uuid4()
    await Videos(database).create(
        video_id,
        owner=owner,
        title=title,
        aspect_ratio="16:9",
        first_update=first_update(title),
    )
    return video_id


def scene_row(number: int, **fields: Any) -> SceneRow:
    """A scene of five seconds at a place among others like it."""
    values: dict[str, Any] = {
        "id": str(uuid4()),
        "scene_number": number,
        "order": f"a{number}",
        "text": f"Scene {number}",
        "duration": 5.0,
        "start_time": 5.0 * (number - 1),
        "end_time": 5.0 * number,
        "is_expanded": False,
    }
    return SceneRow(**(values | fields))


def layer_row(scene: SceneRow, index: int, **fields: Any) -> LayerRow:
    """A text layer of a scene."""
    values: dict[str, Any] = {
        "id": str(uuid4()),
        "scene_id": scene.id,
        "type": "text",
        "name": f"Layer {index}",
        "enabled": True,
        "duration": 5.0,
        "start_time": 0.0,
        "end_time": 5.0,
        "order_index": index,
        "order": f"a{index}",
        "properties": {"text": "Grüße 🎬", "position": {"x": 50, "y": 50.5}, "list": [1, None]},
    }
    return LayerRow(**(values | fields))


def everything(
    scenes: list[SceneRow], layers: list[LayerRow], video: VideoFields | None = None
) -> Changes:
    """These rows as a whole projection."""
    return Changes(
        video=video or VideoFields(title="First"),
        scenes={row.id: row for row in scenes},
        layers={row.id: row for row in layers},
        created={row.id for row in scenes} | {row.id for row in layers},
    )
