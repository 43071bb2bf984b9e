"""The projection's tables, as they are written from documents; `scenes` reads them.

An edit of a quiet video is a write of its own, so a process with many videos writes much and often;
what several videos have to write at the same time is written in one transaction.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from collab.errors import VideoNotFound
from collab.schema import Changes, LayerRow, SceneRow
from persistence.database import Database
from persistence.group import GroupCommit

if TYPE_CHECKING:
    from persistence.database import Connection

MOST: Final = 100
"""Videos whose writes share a transaction."""
ALONE_ROWS: Final = 200
"""A write of more rows is not worth making others wait for."""

_LOCK: Final = """
SELECT id, projected_seq, set_config('idle_in_transaction_session_timeout', '5s', true)
FROM videos WHERE id = ANY($1::uuid[]) ORDER BY id FOR NO KEY UPDATE
"""
# A process that is stopped in the middle holds up the other nodes no longer than that.

_CLAIM: Final = """
INSERT INTO {table} (id, video_id)
SELECT id, video_id FROM unnest($1::uuid[], $2::uuid[]) AS wanted (video_id, id) ORDER BY id
ON CONFLICT (id) DO NOTHING
"""

_FOREIGN: Final = """
SELECT wanted.video_id, wanted.id
FROM unnest($1::uuid[], $2::uuid[]) AS wanted (video_id, id)
JOIN {table} claimed ON claimed.id = wanted.id AND claimed.video_id <> wanted.video_id
"""

_KNOWN_SCENES: Final = """
SELECT video_id, id FROM scenes
JOIN unnest($1::uuid[], $2::uuid[]) AS wanted (video_id, id) USING (video_id, id)
"""

_WRITE_SCENES: Final = """
INSERT INTO scenes AS old (video_id, seq, id, scene_number, order_key, text, duration, start_time,
                           end_time, is_expanded)
SELECT *
FROM unnest($1::uuid[], $2::bigint[], $3::uuid[], $4::integer[], $5::text[], $6::text[],
            $7::float8[], $8::float8[], $9::float8[], $10::boolean[])
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
INSERT INTO scenes_layers AS old (video_id, seq, id, scene_id, type, name, enabled, duration,
                                  start_time, end_time, order_index, order_key, properties)
SELECT video_id, seq, id, scene_id, type, name, enabled, duration, start_time, end_time,
       order_index, order_key, properties::jsonb
FROM unnest($1::uuid[], $2::bigint[], $3::uuid[], $4::uuid[], $5::text[], $6::text[],
            $7::boolean[], $8::float8[], $9::float8[], $10::float8[], $11::integer[],
            $12::text[], $13::text[])
  AS new (video_id, seq, id, scene_id, type, name, enabled, duration, start_time, end_time,
          order_index, order_key, properties)
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

_REMOVE: Final = """
DELETE FROM {table} old USING unnest($1::uuid[], $2::uuid[]) AS gone (video_id, id)
WHERE old.video_id = gone.video_id AND old.id = gone.id
"""

_REMOVE_OTHERS: Final = "DELETE FROM {table} WHERE video_id = $1 AND id <> ALL($2::uuid[])"

_WRITE_VIDEOS: Final = """
UPDATE videos v
SET projected_seq = new.seq,
    updated_at = CASE WHEN new.changed THEN now() ELSE v.updated_at END,
    title = coalesce(new.title, v.title),
    aspect_ratio = coalesce(new.aspect_ratio, v.aspect_ratio),
    background = coalesce(new.background, v.background),
    scene_count = s.count, duration = s.duration
FROM unnest($1::uuid[], $2::bigint[], $3::boolean[], $4::text[], $5::text[], $6::text[])
       AS new (id, seq, changed, title, aspect_ratio, background),
     LATERAL (SELECT count(*) AS count, coalesce(sum(duration), 0) AS duration
              FROM scenes WHERE video_id = new.id) s
WHERE v.id = new.id
"""

Key = tuple[UUID, str]
"""A video, and the id of a scene or a layer of it."""


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
class _Write:
    video_id: UUID
    seq: int
    changes: Changes
    base: int | None

    @property
    def everything(self) -> bool:
        return self.base is None

    @property
    def is_large(self) -> bool:
        return self.everything or len(self.changes.scenes) + len(self.changes.layers) > ALONE_ROWS

    def new(self, rows: Mapping[str, SceneRow] | Mapping[str, LayerRow]) -> Iterable[str]:
        """Those of its rows whose ids may be another video's."""
        if self.everything:
            return rows
        return [
            id_ for id_ in rows if id_ in self.changes.created or id_ not in self.changes.changed
        ]


class Tables:
    """The tables of all videos."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._writes: GroupCommit[_Write, Written] = GroupCommit(
            self._write_all, at_once=1, most=MOST
        )

    async def write(
        self,
        video_id: UUID,
        seq: int,
        changes: Changes,
        *,
        base: int | None,
        patience: float = 0.0,
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
            patience: seconds that it may wait for other videos' writes.

        Raises:
            VideoNotFound: no such video.
            DatabaseAway: PostgreSQL does not answer; nothing was written.
        """
        write = _Write(video_id, seq, changes, base)
        if write.is_large:
            return await self._writes.alone(write)
        return await self._writes.submit(write, patience=patience)

    async def foreign(self, video_id: UUID, ids: Iterable[str]) -> frozenset[str]:
        """Which of these ids of scenes and layers belong to other videos."""
        wanted = list(ids)
        async with self._database.connection() as connection:
            return await foreign(connection, video_id, scenes=wanted, layers=wanted)

    async def _write_all(self, writes: Sequence[_Write]) -> list[Written | Exception]:
        if len({write.video_id for write in writes}) < len(writes):  # one after the other
            return [one for write in writes for one in await self._write_all([write])]
        written = await self._write_together(writes)
        return [written[write.video_id] for write in writes]

    async def _write_together(
        self, writes: Sequence[_Write]
    ) -> dict[UUID, Written | VideoNotFound]:
        outcomes: dict[UUID, Written | VideoNotFound] = {}
        async with self._database.transaction() as connection:
            found = await connection.fetch(_LOCK, [write.video_id for write in writes])
            stored = {row["id"]: row["projected_seq"] for row in found}
            fitting: list[_Write] = []
            for write in writes:
                there = stored.get(write.video_id)
                if there is None:
                    outcomes[write.video_id] = VideoNotFound()
                elif there > write.seq or write.base not in (None, there):
                    outcomes[write.video_id] = Written(False, there, frozenset())
                else:
                    fitting.append(write)
            foreign = await _write(connection, fitting) if fitting else set()
        for write in fitting:
            left_out = frozenset(id_ for video_id, id_ in foreign if video_id == write.video_id)
            outcomes[write.video_id] = Written(True, write.seq, left_out)
        return outcomes


async def foreign(
    connection: Connection, video_id: UUID, scenes: Iterable[str], layers: Iterable[str]
) -> frozenset[str]:
    """Of these scenes and layers, those that belong to other videos."""
    found: set[Key] = set()
    for table, ids in (("scene_ids", scenes), ("layer_ids", layers)):
        found |= await _foreign(connection, table, [(video_id, id_) for id_ in ids])
    return frozenset(id_ for _, id_ in found)


async def _write(connection: Connection, writes: Sequence[_Write]) -> set[Key]:
    """Write what fits; returns what was left out, since it is other videos'."""
    foreign = await _claim(
        connection,
        "scene_ids",
        [(write.video_id, id_) for write in writes for id_ in write.new(write.changes.scenes)],
    )
    homeless = foreign | await _unknown(connection, writes)
    layers = {
        (write.video_id, row.id): (write, row)
        for write in writes
        for row in write.changes.layers.values()
        if (write.video_id, row.scene_id) not in homeless
    }
    foreign_layers = await _claim(
        connection,
        "layer_ids",
        [
            (write.video_id, id_)
            for write in writes
            for id_ in write.new(write.changes.layers)
            if (write.video_id, id_) in layers
        ],
    )
    foreign |= foreign_layers
    scene_rows = [
        (write, row)
        for write in writes
        for row in write.changes.scenes.values()
        if (write.video_id, row.id) not in foreign
    ]
    layer_rows = [layers[key] for key in layers.keys() - foreign_layers]
    if scene_rows:
        await connection.execute(_WRITE_SCENES, *_columns(scene_rows))
    if layer_rows:
        await connection.execute(_WRITE_LAYERS, *_columns(layer_rows))
    await _remove(connection, "scenes_layers", writes, layer_rows)
    await _remove(connection, "scenes", writes, scene_rows)
    fields = [write.changes.video for write in writes]
    await connection.execute(
        _WRITE_VIDEOS,
        [write.video_id for write in writes],
        [write.seq for write in writes],
        [bool(write.changes) for write in writes],
        [one.title if one else None for one in fields],
        [one.aspect_ratio if one else None for one in fields],
        [one.background if one else None for one in fields],
    )
    return foreign


async def _claim(connection: Connection, table: str, wanted: Sequence[Key]) -> set[Key]:
    """Take ids that nobody has, in an order that all writers keep; returns those of others."""
    if not wanted:
        return set()
    await connection.execute(_CLAIM.format(table=table), *_keys(wanted))
    return await _foreign(connection, table, wanted)


async def _foreign(connection: Connection, table: str, wanted: Sequence[Key]) -> set[Key]:
    rows = await connection.fetch(_FOREIGN.format(table=table), *_keys(wanted))
    return {(row["video_id"], str(row["id"])) for row in rows}


async def _unknown(connection: Connection, writes: Sequence[_Write]) -> set[Key]:
    """Scenes that layers come into but that neither these writes nor the tables have."""
    wanted = {
        (write.video_id, row.scene_id)
        for write in writes
        if not write.everything
        for row in write.changes.layers.values()
        if row.scene_id not in write.changes.scenes
        and "scene_id" in write.changes.changed.get(row.id, {"scene_id"})
    }
    if not wanted:
        return set()
    rows = await connection.fetch(_KNOWN_SCENES, *_keys(sorted(wanted)))
    return wanted - {(row["video_id"], str(row["id"])) for row in rows}


async def _remove(
    connection: Connection,
    table: str,
    writes: Sequence[_Write],
    rows: Sequence[tuple[_Write, SceneRow]] | Sequence[tuple[_Write, LayerRow]],
) -> None:
    gone = [
        (write.video_id, id_)
        for write in writes
        if not write.everything
        for id_ in (
            write.changes.removed_scenes if table == "scenes" else write.changes.removed_layers
        )
    ]
    if gone:
        await connection.execute(_REMOVE.format(table=table), *_keys(gone))
    for write in writes:
        if write.everything:
            kept = [row.id for owner, row in rows if owner is write]
            await connection.execute(_REMOVE_OTHERS.format(table=table), write.video_id, kept)


def _keys(keys: Sequence[Key]) -> tuple[list[UUID], list[str]]:
    return [video_id for video_id, _ in keys], [id_ for _, id_ in keys]


def _columns(
    rows: Sequence[tuple[_Write, SceneRow]] | Sequence[tuple[_Write, LayerRow]],
) -> list[list[Any]]:
    """Videos, sequence numbers, and the rows' fields in their order, as one array each."""
    fields = dataclasses.fields(rows[0][1])
    return [
        [write.video_id for write, _ in rows],
        [write.seq for write, _ in rows],
        *([_cell(getattr(row, field.name)) for _, row in rows] for field in fields),
    ]


def _cell(value: Any) -> Any:
    if isinstance(value, dict):
        return json.dumps(value, ensure_ascii=False, allow_nan=False)
    return value
