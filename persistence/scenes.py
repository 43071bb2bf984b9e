"""The projection: scenes and layers as rows, written from the document, read by REST."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterable, Mapping, Sequence
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

_CLAIM: Final = """
INSERT INTO {table} (id, video_id) SELECT id, $1 FROM unnest($2::uuid[]) AS id
ON CONFLICT (id) DO NOTHING
"""

_FOREIGN: Final = """
SELECT id FROM {table} WHERE id = ANY($2::uuid[]) AND video_id <> $1
"""

_WRITE_SCENES: Final = """
INSERT INTO scenes AS old (video_id, id, scene_number, order_key, text, duration, start_time,
                           end_time, is_expanded, seq)
SELECT $1, new.*, $2::bigint
FROM unnest($3::uuid[], $4::integer[], $5::text[], $6::text[], $7::float8[], $8::float8[],
            $9::float8[], $10::boolean[]) AS new
ON CONFLICT (video_id, id) DO UPDATE
SET scene_number = EXCLUDED.scene_number, order_key = EXCLUDED.order_key, text = EXCLUDED.text,
    duration = EXCLUDED.duration, start_time = EXCLUDED.start_time, end_time = EXCLUDED.end_time,
    is_expanded = EXCLUDED.is_expanded, seq = EXCLUDED.seq, updated_at = now()
WHERE (old.scene_number, old.order_key, old.text, old.duration, old.start_time, old.end_time,
       old.is_expanded)
  IS DISTINCT FROM
      (EXCLUDED.scene_number, EXCLUDED.order_key, EXCLUDED.text, EXCLUDED.duration,
       EXCLUDED.start_time, EXCLUDED.end_time, EXCLUDED.is_expanded)
"""

_WRITE_LAYERS: Final = """
INSERT INTO scenes_layers AS old (video_id, id, scene_id, type, name, enabled, duration, start_time,
                                  end_time, order_index, order_key, properties, seq)
SELECT $1, new.id, new.scene_id, new.type, new.name, new.enabled, new.duration, new.start_time,
       new.end_time, new.order_index, new.order_key, new.properties::jsonb, $2::bigint
FROM unnest($3::uuid[], $4::uuid[], $5::text[], $6::text[], $7::boolean[], $8::float8[],
            $9::float8[], $10::float8[], $11::integer[], $12::text[], $13::text[])
  AS new (id, scene_id, type, name, enabled, duration, start_time, end_time, order_index,
          order_key, properties)
ON CONFLICT (video_id, id) DO UPDATE
SET scene_id = EXCLUDED.scene_id, type = EXCLUDED.type, name = EXCLUDED.name,
    enabled = EXCLUDED.enabled, duration = EXCLUDED.duration, start_time = EXCLUDED.start_time,
    end_time = EXCLUDED.end_time, order_index = EXCLUDED.order_index,
    order_key = EXCLUDED.order_key, properties = EXCLUDED.properties, seq = EXCLUDED.seq,
    updated_at = now()
WHERE (old.scene_id, old.type, old.name, old.enabled, old.duration, old.start_time, old.end_time,
       old.order_index, old.order_key, old.properties)
  IS DISTINCT FROM
      (EXCLUDED.scene_id, EXCLUDED.type, EXCLUDED.name, EXCLUDED.enabled, EXCLUDED.duration,
       EXCLUDED.start_time, EXCLUDED.end_time, EXCLUDED.order_index, EXCLUDED.order_key,
       EXCLUDED.properties)
"""

_WRITE_VIDEO: Final = """
UPDATE videos v
SET projected_seq = $2, updated_at = CASE WHEN $3 THEN now() ELSE v.updated_at END,
    title = coalesce($4, v.title), aspect_ratio = coalesce($5, v.aspect_ratio),
    background = coalesce($6, v.background),
    scene_count = s.count, duration = s.duration
FROM (SELECT count(*) AS count, coalesce(sum(duration), 0) AS duration
      FROM scenes WHERE video_id = $1) s
WHERE v.id = $1
"""

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
class Written:
    """What became of a projection.

    Attributes:
        written: whether the tables show it now.
        seq: what the tables show: the `seq` that was given, or, when nothing was written, that of
            the projection that is there.
        foreign: ids of scenes and layers that belong to other videos and were left out.
    """

    written: bool
    seq: int
    foreign: frozenset[str]


@dataclass(frozen=True, slots=True)
class VideoProjection:
    """What the tables show at `seq`; `scenes` as in the REST API, in order, with their layers."""

    seq: int
    scenes: list[dict[str, Any]]


class Scenes:
    """The projections of all videos."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def write(
        self, video_id: UUID, seq: int, changes: Changes, *, base: int | None
    ) -> Written:
        """Bring the tables to what the document says at `seq`, in one transaction.

        Writers of one video take turns at its row, and what they write must fit what is there:

        - what is there is of a later `seq`: nothing is written, the tables only move forward;
        - `base` is None: `changes` is everything; rows that are not in it are removed;
        - `base` is a number: `changes` holds what differs from the projection at `base`. When the
          tables show another one (a second node wrote meanwhile), the difference does not fit, and
          nothing is written: `written` is false and `seq` is lower than asked for. The caller then
          writes everything.

        Args:
            video_id: the video.
            seq: the sequence number that the document stood at.
            changes: rows to write and to remove.
            base: what the tables showed after this caller's last write, or None.

        Raises:
            VideoNotFound: no such video.
            DatabaseAway: PostgreSQL does not answer; nothing was written.
        """
        async with self._database.transaction() as connection:
            stored = await connection.fetchval(
                "SELECT projected_seq FROM videos WHERE id = $1 FOR NO KEY UPDATE", video_id
            )
            if stored is None:
                raise VideoNotFound
            if stored > seq or (base is not None and base != stored):
                return Written(False, stored, frozenset())
            foreign = await _write(connection, video_id, seq, changes, everything=base is None)
        return Written(True, seq, foreign)

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

    async def foreign(self, video_id: UUID, ids: Iterable[str]) -> frozenset[str]:
        """Which of these ids of scenes and layers belong to other videos."""
        wanted = sorted(ids)
        async with self._database.connection() as connection:
            rows = [
                row
                for table in ("scene_ids", "layer_ids")
                for row in await connection.fetch(_FOREIGN.format(table=table), video_id, wanted)
            ]
        return frozenset(str(row["id"]) for row in rows)

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


async def _write(
    connection: Connection, video_id: UUID, seq: int, changes: Changes, *, everything: bool
) -> frozenset[str]:
    foreign = await _claim(connection, "scene_ids", video_id, changes.scenes)
    scenes = [row for id_, row in changes.scenes.items() if id_ not in foreign]
    homeless = foreign if everything else foreign | await _unknown(connection, video_id, changes)
    layers = {id_: row for id_, row in changes.layers.items() if row.scene_id not in homeless}
    foreign_layers = await _claim(connection, "layer_ids", video_id, layers)
    rows = [row for id_, row in layers.items() if id_ not in foreign_layers]
    if scenes:
        await connection.execute(_WRITE_SCENES, video_id, seq, *_columns(scenes))
    if rows:
        await connection.execute(_WRITE_LAYERS, video_id, seq, *_columns(rows))
    await _remove(connection, video_id, changes, scenes, rows, everything=everything)
    fields = changes.video
    await connection.execute(
        _WRITE_VIDEO,
        video_id,
        seq,
        bool(changes),
        fields.title if fields else None,
        fields.aspect_ratio if fields else None,
        fields.background if fields else None,
    )
    return foreign | foreign_layers


async def _claim(
    connection: Connection, table: str, video_id: UUID, ids: Iterable[str]
) -> frozenset[str]:
    """Take ids that nobody has, in an order that all writers keep; returns those of others."""
    wanted = sorted(ids)
    if not wanted:
        return frozenset()
    await connection.execute(_CLAIM.format(table=table), video_id, wanted)
    rows = await connection.fetch(_FOREIGN.format(table=table), video_id, wanted)
    return frozenset(str(row["id"]) for row in rows)


async def foreign(
    connection: Connection, video_id: UUID, scenes: Iterable[str], layers: Iterable[str]
) -> frozenset[str]:
    """Of these scenes and layers, those that belong to other videos."""
    found: set[str] = set()
    for table, ids in (("scene_ids", list(scenes)), ("layer_ids", list(layers))):
        rows = await connection.fetch(_FOREIGN.format(table=table), video_id, ids)
        found.update(str(row["id"]) for row in rows)
    return frozenset(found)


async def _unknown(connection: Connection, video_id: UUID, changes: Changes) -> frozenset[str]:
    """Scenes that layers are in but that neither this write nor the tables have."""
    wanted = {row.scene_id for row in changes.layers.values()} - changes.scenes.keys()
    if not wanted:
        return frozenset()
    rows = await connection.fetch(
        "SELECT id FROM scenes WHERE video_id = $1 AND id = ANY($2::uuid[])", video_id, wanted
    )
    return frozenset(wanted - {str(row["id"]) for row in rows})


async def _remove(
    connection: Connection,
    video_id: UUID,
    changes: Changes,
    scenes: list[SceneRow],
    layers: list[LayerRow],
    *,
    everything: bool,
) -> None:
    condition = "id <> ALL($2::uuid[])" if everything else "id = ANY($2::uuid[])"
    which: Mapping[str, list[str]] = {
        "scenes_layers": [row.id for row in layers] if everything else [*changes.removed_layers],
        "scenes": [row.id for row in scenes] if everything else [*changes.removed_scenes],
    }
    for table, ids in which.items():
        if ids or everything:
            await connection.execute(
                f"DELETE FROM {table} WHERE video_id = $1 AND {condition}",  # noqa: S608
                *(video_id, ids),
            )


def _columns(rows: Sequence[SceneRow] | Sequence[LayerRow]) -> list[list[Any]]:
    """The rows' fields, in their order, as one array each."""
    return [
        [_cell(getattr(row, field.name)) for row in rows] for field in dataclasses.fields(rows[0])
    ]


def _cell(value: Any) -> Any:
    if isinstance(value, dict):
        return json.dumps(value, ensure_ascii=False, allow_nan=False)
    return value


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
