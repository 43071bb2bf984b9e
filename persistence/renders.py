"""Renders: jobs that turn a video, as it stood when they were asked for, into a file.

What is rendered is copied from the projection in the transaction that starts the job, so that it
is of one sequence number, whatever editors do meanwhile.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal
from uuid import UUID

from collab.errors import InvalidEdit, JobNotFound, TierRequired, VideoNotFound
from collab.schema import LayerRow, SceneRow, is_id
from persistence.database import Database
from persistence.jobs import Job, Jobs
from persistence.premium import premium_layers

if TYPE_CHECKING:
    from asyncpg import Record

    from persistence.database import Connection

KINDS: Final = ("render", "regenerate")
SECONDS_PER_COST: Final = 1.0
"""How long a unit of `cost` takes on a machine of two cores, until this one has shown it."""
CORES: Final = 2
"""How many parts of a render are made at the same time."""
PLANNED_BYTES: Final = 4_000_000
"""The costs of larger videos are not looked into part by part."""
SECOND_COST: Final = 0.2
"""What a second of film costs then."""

_FREEZE: Final = """
INSERT INTO render_inputs (job_id, seq, scene_count, duration, video)
SELECT $1, v.projected_seq, v.scene_count, v.duration, json_build_object(
  'title', v.title, 'aspect_ratio', v.aspect_ratio, 'background', v.background,
  'scenes', coalesce((
    SELECT json_agg(json_build_object(
      'id', s.id, 'scene_number', s.scene_number, 'order', s.order_key, 'text', s.text,
      'duration', s.duration, 'start_time', s.start_time, 'end_time', s.end_time,
      'is_expanded', s.is_expanded) ORDER BY s.scene_number)
    FROM scenes s WHERE s.video_id = v.id), '[]'),
  'layers', coalesce((
    SELECT json_agg(json_build_object(
      'id', l.id, 'scene_id', l.scene_id, 'type', l.type, 'name', l.name, 'enabled', l.enabled,
      'duration', l.duration, 'start_time', l.start_time, 'end_time', l.end_time,
      'order_index', l.order_index, 'order', l.order_key, 'properties', l.properties)
      ORDER BY l.scene_id, l.order_index)
    FROM scenes_layers l WHERE l.video_id = v.id), '[]'))
FROM videos v WHERE v.id = $2
RETURNING seq, scene_count, duration, video
"""
_FILMS: Final = """
SELECT id::text FROM avatars WHERE video_url IS NOT NULL AND id::text IN (
  SELECT lower(layer->'properties'->>'avatar_id')
  FROM render_inputs, json_array_elements(video->'layers') AS layer WHERE job_id = $1)
"""
_KEEP_PARTS: Final = "UPDATE render_inputs SET parts = $2::text::jsonb WHERE job_id = $1"
_MADE: Final = """
SELECT DISTINCT name FROM jobs j
JOIN render_inputs i ON i.job_id = j.id, jsonb_object_keys(i.parts) AS name
WHERE j.video_id = $1 AND j.status = 'completed' AND name = ANY($2::text[]) AND name NOT LIKE ' %'
"""
_OUTLOOK: Final = """
WITH speed AS (
  SELECT coalesce(sum(took) / nullif(sum(cost), 0), $1::float8) AS seconds FROM (
    SELECT coalesce((result->>'worked')::float8,
                    extract(epoch FROM finished_at - started_at)::float8) AS took,
           (input->>'cost')::float8 AS cost
    FROM jobs
    WHERE status = 'completed' AND kind IN ('render', 'regenerate') AND attempts = 1
    ORDER BY finished_at DESC LIMIT 20
  ) recent
), open AS (
  SELECT j.id, j.status = 'processing' AS runs, j.created_at, j.started_at,
    CASE WHEN q.status = 'picked' AND q.heartbeat > now() - interval '10 seconds'
      THEN q.queue_manager_id END AS worker,
    CASE WHEN j.status = 'processing' AND j.state->>'stage' <> 'preparing'
      THEN coalesce((j.state->>'estimated_time_remaining')::float8, 0)
      ELSE (j.input->>'cost')::float8 * (1 - j.progress / 100) * speed.seconds END AS seconds
  FROM speed, jobs j LEFT JOIN pgqueuer q ON q.id = j.queue_id
  WHERE j.status IN ('queued', 'processing') AND j.kind IN ('render', 'regenerate')
), lane AS (
  SELECT greatest(count(DISTINCT worker), 1) AS workers,
         coalesce(sum(seconds) FILTER (WHERE runs), 0) AS running
  FROM open
), ahead AS (
  SELECT id, runs, seconds,
    row_number() OVER (PARTITION BY runs ORDER BY created_at, id) AS position,
    sum(seconds) OVER (PARTITION BY runs ORDER BY created_at, id) - seconds AS waiting,
    sum(seconds) OVER (PARTITION BY runs, worker ORDER BY started_at, id) AS beside
  FROM open
)
SELECT id, CASE WHEN runs THEN 0 ELSE position END AS position,
  CASE WHEN runs THEN beside ELSE (running + waiting) / workers + seconds END AS seconds
FROM ahead, lane WHERE id = ANY($2::uuid[])
"""
"""The renders that one worker has begun take turns, those that were begun first going first; those
that wait are taken by whichever worker is free."""
_FILES: Final = {
    "audio": (
        "SELECT url AS link, 'audio' AS kind, NULL::integer AS width, NULL::integer AS height,"
        " duration, is_premium, NULL::text AS film FROM audio_library WHERE {} = $1"
    ),
    "media": (
        "SELECT url AS link, type AS kind, (dimensions->>'width')::integer AS width,"
        " (dimensions->>'height')::integer AS height, duration, is_premium, NULL::text AS film"
        " FROM media_library WHERE {} = $1"
    ),
    "avatar": (
        "SELECT preview_url AS link, NULL::text AS kind, NULL::integer AS width,"
        " NULL::integer AS height, NULL::float8 AS duration, is_premium, video_url AS film"
        " FROM avatars WHERE {} = $1"
    ),
}
_FILE_BY_LINK: Final = " UNION ALL ".join(
    (
        _FILES["audio"].format("url"),
        _FILES["media"].format("url"),
        _FILES["avatar"].format("preview_url"),
        _FILES["avatar"].replace("preview_url AS", "video_url AS").format("video_url"),
    )
)


@dataclass(frozen=True, slots=True)
class Frozen:
    """A video's rows at `seq`: its scenes in order, its layers in order within their scenes.

    `films` are the ids of those avatars that have one, where it is known.
    """

    seq: int
    title: str
    aspect_ratio: str
    background: str
    scenes: list[SceneRow]
    layers: list[LayerRow]
    films: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Outlook:
    """What is ahead of a job: its place among those that wait (0 when it does not wait), and in
    how many seconds it should be done, after all that is done before it."""

    position: int
    seconds: float


@dataclass(frozen=True, slots=True)
class LibraryFile:
    """A file of a library: `link` as tables keep it; of what is not known, None. `film` is the link
    to an avatar's film, which is shown rather than its picture."""

    link: str
    kind: str | None
    width: int | None
    height: int | None
    duration: float | None
    is_premium: bool
    film: str | None = None


Estimate = Callable[[Frozen, Mapping[str, Any]], Mapping[str, float]]
"""What a render's parts cost, in milliseconds of one core, by names of their content; the names of
what is made anew each time begin with a space. Takes what is rendered, and the job's input."""


class Renders:
    """The renders of the whole installation.

    Args:
        database: where they are.
        jobs: the queue that they wait in.
    """

    def __init__(self, database: Database, jobs: Jobs) -> None:
        self._database = database
        self._jobs = jobs

    async def start(
        self,
        job_id: UUID,
        kind: Literal["render", "regenerate"],
        *,
        video_id: UUID,
        user: UUID,
        tier: str,
        limit: int,
        given: Mapping[str, Any],
        weight: float,
        premium: bool,
        estimate: Estimate,
    ) -> Job:
        """Copy what the tables show now and put a job into the queue, in one transaction.

        One that is there already is given back as it is.

        Args:
            job_id: a fresh id, or the one of an earlier try.
            kind: which.
            video_id: the video.
            user: whose job it is; the row's id.
            tier: theirs.
            limit: how many generations an hour they have.
            given: the options; `seq`, `scenes` (how many) and `cost` are added.
            weight: what a second of film costs, where one of 1080p costs 1; for a very large video.
            premium: whether premium things may be in the video.
            estimate: what its parts cost.

        Raises:
            TierRequired: there are premium things in it.
            TooManyGenerations: over the limit.
            VideoNotFound: it has gone.
            InvalidEdit: it has no scenes.
        """
        async with self._database.transaction() as connection:
            if await connection.fetchval("SELECT id FROM jobs WHERE id = $1", job_id) is None:
                row = await connection.fetchrow(_FREEZE, job_id, video_id)
                if row is None:
                    raise VideoNotFound
                if row["scene_count"] == 0:
                    raise InvalidEdit("scenes", "there are none to render")
                if not premium:
                    await _require_no_premium(connection, video_id)
                more = {
                    "seq": row["seq"],
                    "scenes": row["scene_count"],
                    "cost": await _cost(connection, row, job_id, video_id, given, weight, estimate),
                }
                given = {**given, **more}
            return await self._jobs.enqueue(
                connection,
                job_id,
                kind,
                user=user,
                tier=tier,
                given=given,
                limit=limit,
                video_id=video_id,
            )

    async def frozen(self, job_id: UUID) -> Frozen:
        """What a job renders.

        Raises:
            JobNotFound: there is no such render.
        """
        async with self._database.connection() as connection:
            row = await connection.fetchrow(
                "SELECT seq, video FROM render_inputs WHERE job_id = $1", job_id
            )
        if row is None:
            raise JobNotFound
        return _frozen(row["seq"], row["video"])

    async def get(self, job_id: UUID) -> Job:
        """A render.

        Raises:
            JobNotFound: there is none.
        """
        job = await self._jobs.get(job_id)
        if job.kind not in KINDS or job.video_id is None:
            raise JobNotFound
        return job

    async def latest(self, video_id: UUID, kind: str) -> Job | None:
        """The job of that kind that was asked for last."""
        found, _ = await self._jobs.of_video(video_id, [kind], page=1, limit=1)
        return found[0] if found else None

    async def last_options(self, video_id: UUID) -> dict[str, Any] | None:
        """What the last render that went well was asked for with."""
        async with self._database.connection() as connection:
            found = await connection.fetchval(
                "SELECT input FROM jobs WHERE video_id = $1 AND kind IN ('render', 'regenerate')"
                " AND status = 'completed' ORDER BY created_at DESC, id DESC LIMIT 1",
                video_id,
            )
        return None if found is None else dict(json.loads(found))

    async def unknown_scenes(self, video_id: UUID, scenes: Collection[str]) -> set[str]:
        """Which of these ids are of no scene of the video."""
        async with self._database.connection() as connection:
            rows = await connection.fetch(
                "SELECT id FROM scenes WHERE video_id = $1 AND id = ANY($2::uuid[])",
                *(video_id, [scene for scene in scenes if is_id(scene)]),
            )
        return set(scenes) - {str(row["id"]) for row in rows}

    async def outlook(self, jobs: Collection[UUID]) -> dict[UUID, Outlook]:
        """What is ahead of those of the jobs that have not ended."""
        if not jobs:
            return {}
        async with self._database.connection() as connection:
            rows = await connection.fetch(_OUTLOOK, SECONDS_PER_COST, list(jobs))
        return {row["id"]: Outlook(row["position"], row["seconds"]) for row in rows}

    async def library_file(self, kind: str, row_id: UUID) -> LibraryFile | None:
        """The file of a row of a library: `audio`, `media` or `avatar`."""
        return await self._file(_FILES[kind].format("id"), row_id)

    async def linked_file(self, link: str) -> LibraryFile | None:
        """The row of a library whose file a link, as tables keep it, leads to."""
        return await self._file(_FILE_BY_LINK, link)

    async def under_way(self, jobs: Collection[UUID]) -> set[UUID]:
        """Which of the jobs have not ended, or so short a time ago that their workers may still be
        tidying up."""
        async with self._database.connection() as connection:
            rows = await connection.fetch(
                "SELECT id FROM jobs WHERE id = ANY($1::uuid[])"
                " AND (status IN ('queued', 'processing')"
                " OR finished_at > now() - interval '10 seconds')",
                list(jobs),
            )
        return {row["id"] for row in rows}

    async def forget(self) -> None:
        """Remove the copies of videos whose renders ended a day ago."""
        async with self._database.connection() as connection:
            await connection.execute(
                "DELETE FROM render_inputs i USING jobs j WHERE j.id = i.job_id"
                " AND j.finished_at < now() - interval '1 day'"
            )

    async def _file(self, query: str, value: UUID | str) -> LibraryFile | None:
        async with self._database.connection() as connection:
            row = await connection.fetchrow(query, value)
        return None if row is None else LibraryFile(**row)


async def _cost(
    connection: Connection,
    row: Record,
    job_id: UUID,
    video_id: UUID,
    given: Mapping[str, Any],
    weight: float,
    estimate: Estimate,
) -> float:
    """What a render costs: seconds of a machine of two cores, without what is there already."""
    text: str = row["video"]
    if len(text) > PLANNED_BYTES:
        return SECOND_COST * (1 + weight * float(row["duration"]))
    films = frozenset(found["id"] for found in await connection.fetch(_FILMS, job_id))
    parts = await asyncio.to_thread(lambda: estimate(_frozen(row["seq"], text, films), given))
    await connection.execute(_KEEP_PARTS, job_id, json.dumps(dict(parts)))
    made = {found["name"] for found in await connection.fetch(_MADE, video_id, list(parts))}
    left = [cost for name, cost in parts.items() if name not in made]
    return sum(left) / 1000 / min(CORES, max(1, len(left) - 1))


def _frozen(seq: int, text: str, films: frozenset[str] = frozenset()) -> Frozen:
    video = json.loads(text)
    return Frozen(
        seq,
        video["title"],
        video["aspect_ratio"],
        video["background"],
        [SceneRow(**scene) for scene in video["scenes"]],
        [LayerRow(**layer) for layer in video["layers"]],
        films,
    )


async def _require_no_premium(connection: Connection, video_id: UUID) -> None:
    layers = await premium_layers(connection, video_id)
    if layers:
        names = ", ".join(f"“{name}”" for name in layers[:3])
        raise TierRequired(
            f"The video uses premium things ({names}), which takes the pro tier of its owner."
        )
