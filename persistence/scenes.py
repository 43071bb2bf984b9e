"""The projection: scenes and layers as rows, as REST reads them; `tables` writes them."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from collab.errors import LayerNotFound, SceneNotFound, VideoNotFound
from collab.schema import Changes, LayerRow, SceneRow
from persistence.database import Database

if TYPE_CHECKING:
    from asyncpg import Record

    from persistence.database import Connection

_SCENE_COLUMNS: Final = """
  s.id::text AS id, s.video_id::text AS video_id, s.scene_number, s.text, s.duration,
  s.start_time, s.end_time, s.is_expanded, s.created_at, s.updated_at
"""

_LAYERS_OF_SCENE: Final = """
  (SELECT json_agg(json_build_object(
            'id', l.id, 'scene_id', l.scene_id, 'type', l.type, 'name', l.name,
            'enabled', l.enabled, 'duration', l.duration, 'start_time', l.start_time,
            'end_time', l.end_time, 'order_index', l.order_index, 'properties', l.properties)
          ORDER BY l.order_index)::text
   FROM scenes_layers l WHERE l.video_id = s.video_id AND l.scene_id = s.id) AS layers
"""

_READ: Final = f"""
SELECT v.projected_seq, {_SCENE_COLUMNS}, {_LAYERS_OF_SCENE}
FROM videos v LEFT JOIN scenes s ON s.video_id = v.id
WHERE v.id = $1 ORDER BY s.scene_number
"""  # noqa: S608

_READ_SCENES: Final = f"""
SELECT v.projected_seq, {_SCENE_COLUMNS}, {_LAYERS_OF_SCENE}
FROM videos v JOIN scenes s ON s.video_id = v.id
WHERE v.id = $1 AND s.id = ANY($2::uuid[])
"""  # noqa: S608

_READ_LAYER: Final = """
SELECT v.projected_seq, l.video_id, l.id::text AS id, l.scene_id::text AS scene_id, l.type, l.name,
       l.enabled, l.duration, l.start_time, l.end_time, l.order_index, l.properties
FROM layer_ids d
JOIN videos v ON v.id = d.video_id
JOIN scenes_layers l ON l.video_id = d.video_id AND l.id = d.id
WHERE d.id = $1
"""

_SCENE_ROWS: Final = """
SELECT id::text AS id, scene_number, order_key AS order, text, duration, start_time, end_time,
       is_expanded
FROM scenes WHERE video_id = $1
"""

_LAYER_ROWS: Final = """
SELECT id::text AS id, scene_id::text AS scene_id, type, name, enabled, duration, start_time,
       end_time, order_index, order_key AS order, properties
FROM scenes_layers WHERE video_id = $1
"""


@dataclass(frozen=True, slots=True)
class VideoProjection:
    """What the tables show at `seq`; `scenes` as in the REST API, in order, with their layers."""

    seq: int
    scenes: list[dict[str, Any]]


class Scenes:
    """The projections of all videos."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def read(self, video_id: UUID) -> VideoProjection:
        """The whole projection of a video, of one moment.

        Raises:
            VideoNotFound: no such video.
        """
        async with self._database.connection() as connection:
            rows = await connection.fetch(_READ, video_id)
        if not rows:
            raise VideoNotFound
        scenes = [_scene(row) for row in rows if row["id"] is not None]
        return VideoProjection(rows[0]["projected_seq"], scenes)

    async def read_scene(self, video_id: UUID, scene_id: UUID) -> tuple[dict[str, Any], int]:
        """One scene with its layers, and the `seq` that the tables show.

        Raises:
            SceneNotFound: the video has no such scene.
        """
        async with self._database.connection() as connection:
            row = await connection.fetchrow(_READ_SCENES, video_id, [scene_id])
        if row is None:
            raise SceneNotFound
        return _scene(row), row["projected_seq"]

    async def read_scenes(
        self, video_id: UUID, scene_ids: Iterable[str]
    ) -> dict[str, dict[str, Any]]:
        """Some scenes with their layers, by id; those that are not there are left out."""
        wanted = list(scene_ids)
        async with self._database.connection() as connection:
            rows = await connection.fetch(_READ_SCENES, video_id, wanted)
        return {row["id"]: _scene(row) for row in rows}

    async def read_layer(self, layer_id: UUID) -> tuple[UUID, dict[str, Any], int]:
        """One layer: its video, the layer, and the `seq` that the tables show.

        Raises:
            LayerNotFound: no such layer, or it was deleted.
        """
        async with self._database.connection() as connection:
            row = await connection.fetchrow(_READ_LAYER, layer_id)
        if row is None:
            raise LayerNotFound
        layer = {name: row[name] for name in _LAYER_KEYS}
        layer["properties"] = json.loads(row["properties"])
        return row["video_id"], layer, row["projected_seq"]

    async def layer_video(self, layer_id: UUID) -> UUID | None:
        """The video that a layer's id belongs to, also when the layer or the video is gone."""
        return await self._owner("layer_ids", layer_id)

    async def scene_video(self, scene_id: UUID) -> UUID | None:
        """The video that a scene's id belongs to, also when the scene or the video is gone."""
        return await self._owner("scene_ids", scene_id)

    async def _owner(self, table: str, thing: UUID) -> UUID | None:
        async with self._database.connection() as connection:
            found: UUID | None = await connection.fetchval(
                f"SELECT video_id FROM {table} WHERE id = $1",  # noqa: S608
                thing,
            )
        return found


async def stored_rows(connection: Connection, video_id: UUID) -> Changes:
    """What the tables have of a video, as rows of the projection, without the video's own."""
    scenes = [SceneRow(**dict(row)) for row in await connection.fetch(_SCENE_ROWS, video_id)]
    layers = [
        LayerRow(**{**row, "properties": json.loads(row["properties"])})
        for row in await connection.fetch(_LAYER_ROWS, video_id)
    ]
    return Changes(scenes={row.id: row for row in scenes}, layers={row.id: row for row in layers})


_LAYER_KEYS: Final = (
    "id",
    "scene_id",
    "type",
    "name",
    "enabled",
    "duration",
    "start_time",
    "end_time",
    "order_index",
)


def _scene(row: Record) -> dict[str, Any]:
    layers = json.loads(row["layers"]) if row["layers"] is not None else []
    for layer in layers:
        for name in ("duration", "start_time", "end_time"):
            layer[name] = float(layer[name])
    return {
        "id": row["id"],
        "video_id": row["video_id"],
        "scene_number": row["scene_number"],
        "text": row["text"],
        "duration": row["duration"],
        "start_time": row["start_time"],
        "end_time": row["end_time"],
        "is_expanded": row["is_expanded"],
        "created_at": timestamp(row["created_at"]),
        "updated_at": timestamp(row["updated_at"]),
        "layers": layers,
    }


def timestamp(moment: datetime) -> str:
    """A moment as the REST API shows it: ISO 8601 in UTC with milliseconds and a `Z`."""
    text = moment.astimezone(UTC).isoformat(timespec="milliseconds")
    return text.removesuffix("+00:00") + "Z"
