"""What is kept of a video begins with the video: it can be spread over partitions, or clusters."""

from __future__ import annotations

import re
from pathlib import Path

import asyncpg
import pytest

from persistence.database import Database
from tests.e2e.editors import add_scene, editor
from tests.support.server import calling, serving

SCALING = Path(__file__).parents[3] / "docs" / "scaling.md"
TABLES = (
    "video_heads",
    "video_updates",
    "video_snapshots",
    "video_authors",
    "video_version_states",
    "video_versions",
    "video_restores",
    "scenes",
    "scenes_layers",
)
"""The log, the snapshots, the versions made of them, and the projection."""

_INDEXES = """
SELECT t.relname AS "table", i.relname AS index, x.indisunique AS "unique", a.attname AS first
FROM pg_index x
JOIN pg_class t ON t.oid = x.indrelid
JOIN pg_class i ON i.oid = x.indexrelid
LEFT JOIN pg_attribute a ON a.attrelid = x.indrelid AND a.attnum = x.indkey[0]
WHERE t.relname = ANY($1::text[]) AND t.relnamespace = 'public'::regnamespace
"""
_FOREIGN_KEYS = """
SELECT t.relname AS "table", c.conname AS name, a.attname AS first
FROM pg_constraint c
JOIN pg_class t ON t.oid = c.conrelid
JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = c.conkey[1]
WHERE c.contype = 'f' AND t.relname = ANY($1::text[])
"""
SWEEPS = {"video_versions_expiring"}
"""What the minute's chore looks through: no key, and each partition has its own."""


async def test_every_key_and_index_begins_with_the_video(database: Database) -> None:
    async with database.connection() as connection:
        indexes = await connection.fetch(_INDEXES, list(TABLES))
        foreign = await connection.fetch(_FOREIGN_KEYS, list(TABLES))
    assert {row["table"] for row in indexes} == set(TABLES)
    others = {row["index"]: row["unique"] for row in indexes if row["first"] != "video_id"}
    assert others == dict.fromkeys(SWEEPS, False)
    assert {row["first"] for row in foreign} == {"video_id"}


def partitioning() -> str:
    """The SQL of docs/scaling.md."""
    found = re.search(r"```sql\n(.*?)```", SCALING.read_text(), re.DOTALL)
    assert found is not None
    return found[1]


@pytest.mark.timeout(120)
async def test_a_server_runs_on_tables_that_are_partitioned_by_video(
    database_url: str, tmp_path: Path
) -> None:
    connection = await asyncpg.connect(database_url)
    await connection.execute(partitioning())
    options = ("--database-url", database_url, "--no-worker", "--log-level", "warning")
    videos: list[str] = []
    with serving(tmp_path / "node", *options) as server:
        async with calling(server) as api:
            for _ in range(4):
                videos.append(video := await api.make_video())
                await api.make_scene(video, text="by REST")
                async with editor(api, video) as one:
                    await one.change(add_scene("by Yjs", "a9"))
                    await one.saved()
                reply = await api.call("POST", f"/videos/{video}/versions", {"name": "v"})
                assert reply.status == 201
    # The second start reads what the first has left, snapshots too.
    with serving(tmp_path / "node", *options) as server:
        async with calling(server) as api:
            for video in videos:
                texts = [scene["text"] for scene in await api.scenes(video)]
                assert texts == ["by REST", "by Yjs"]
                await api.make_scene(video, text="later")
            await api.call("DELETE", f"/videos/{videos[0]}")
    assert not [line for line in server.lines if line["level"] == "error"]
    for table in TABLES:
        rows = await connection.fetch(
            f"SELECT DISTINCT video_id::text, tableoid::regclass::text AS part FROM {table}"
        )
        assert {row["part"] for row in rows} <= {f"{table}_{number}" for number in range(4)}
        if table not in ("video_updates", "video_restores", "scenes_layers"):  # trimmed; none
            assert {row["video_id"] for row in rows} == set(videos[1:]), table
    await connection.close()
