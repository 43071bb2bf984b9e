"""The way to PostgreSQL: one error for all that can fail on it, noticed soon, gone when it is."""

from __future__ import annotations

import asyncio
import time
from uuid import uuid4

import asyncpg
import psutil
import pytest

from collab.errors import DatabaseAway
from persistence.database import Database
from persistence.embedded import EmbeddedPostgres
from persistence.errors import DatabaseRefused, SchemaTooNew
from persistence.idempotency import IdempotencyKeys
from persistence.migrations import known, migrate
from persistence.update_log import UpdateLog
from tests.support.postgres import in_database
from tests.support.videos import make_video

REQUIRED_LAYER_COLUMNS = {
    "id": "uuid",
    "scene_id": "uuid",
    "type": "character varying",
    "name": "character varying",
    "enabled": "boolean",
    "duration": "double precision",
    "start_time": "double precision",
    "end_time": "double precision",
    "order_index": "integer",
    "properties": "jsonb",
    "created_at": "timestamp with time zone",
    "updated_at": "timestamp with time zone",
}


async def test_an_outage_is_noticed_within_a_second_and_ends(
    own_postgres: EmbeddedPostgres,
) -> None:
    database = await Database.connect(await own_postgres.start(), retry_seconds=5)
    await migrate(database)
    video_id, log = await make_video(database), UpdateLog(database)
    assert await log.append(video_id, [(b"\0\0", ["ann"])]) == 2
    await own_postgres.stop()
    for _ in range(2):
        start = time.monotonic()
        with pytest.raises(DatabaseAway):
            await log.append(video_id, [(b"\0\0", ["ann"])])
        assert time.monotonic() - start < 3
        assert not database.reachable and not await database.ping()
    await own_postgres.start()
    assert await database.ping() and database.reachable
    assert await log.append(video_id, [(b"\0\0", ["ann"])]) == 3
    await database.close()


async def test_a_database_that_hangs_is_away(own_postgres: EmbeddedPostgres) -> None:
    database = await Database.connect(await own_postgres.start(), retry_seconds=5)
    await migrate(database)
    video_id, log = await make_video(database), UpdateLog(database)
    assert own_postgres.pid is not None
    processes = [psutil.Process(own_postgres.pid)]
    processes += processes[0].children()
    for process in processes:
        process.suspend()
    start = time.monotonic()
    results = await asyncio.gather(
        *(log.append(video_id, [(b"\0\0", ["ann"])]) for _ in range(3)), return_exceptions=True
    )
    assert all(isinstance(result, DatabaseAway) for result in results)
    assert time.monotonic() - start < 6
    for process in processes:
        process.resume()
    while not await database.ping():
        pass
    assert await log.append(video_id, [(b"\0\0", ["ann"])]) >= 2
    await database.close()


async def test_a_cut_connection_is_replaced(database: Database) -> None:
    killed = None
    with pytest.raises(DatabaseAway):
        async with database.connection() as connection:
            killed = await connection.fetchval("SELECT pg_backend_pid()")
            await connection.execute("SELECT pg_terminate_backend($1)", killed)
            await connection.fetchval("SELECT 1")
    async with database.connection() as connection:
        assert await connection.fetchval("SELECT pg_backend_pid()") != killed


async def test_errors_of_statements_stay_what_they_are(database: Database) -> None:
    with pytest.raises(asyncpg.UndefinedTableError):
        async with database.connection() as connection:
            await connection.execute("SELECT * FROM nothing")
    with pytest.raises(asyncpg.DataError):
        async with database.transaction() as connection:
            await connection.fetchval("SELECT $1::integer", "no number")
    assert database.reachable


async def test_a_transaction_is_all_or_nothing(database: Database) -> None:
    with pytest.raises(ZeroDivisionError):
        async with database.transaction() as connection:
            await connection.execute("INSERT INTO users (sub) VALUES ('ann')")
            raise ZeroDivisionError
    async with database.connection() as connection:
        assert await connection.fetchval("SELECT count(*) FROM users") == 0


async def test_a_cancelled_transaction_leaves_nothing_open(database: Database) -> None:
    inside = asyncio.Event()

    async def hang() -> None:
        async with database.transaction() as connection:
            await connection.execute("INSERT INTO users (sub) VALUES ('ann')")
            inside.set()
            await connection.fetchval("SELECT pg_sleep(30)")

    task = asyncio.create_task(hang())
    await inside.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    async with database.connection() as connection:
        await connection.execute("INSERT INTO users (sub) VALUES ('ann')", timeout=5)


async def test_connect_waits_for_a_database_that_comes_late(
    own_postgres: EmbeddedPostgres,
) -> None:
    dsn = await own_postgres.start()
    await own_postgres.stop()
    tried = asyncio.Event()
    waiting = asyncio.create_task(
        Database.connect(dsn, retry_seconds=20, on_wait=lambda reason: tried.set())
    )
    await tried.wait()
    await own_postgres.start()
    database = await waiting
    assert await database.ping()
    await database.close()
    await own_postgres.stop()
    with pytest.raises(DatabaseAway, match="does not answer"):
        await Database.connect(dsn, retry_seconds=0.2)


async def test_a_database_that_is_not_there_is_refused(postgres_dsn: str) -> None:
    with pytest.raises(DatabaseRefused, match="no_such_database"):
        await Database.connect(in_database(postgres_dsn, "no_such_database"), retry_seconds=5)


async def test_migrations_run_once_also_when_many_start(postgres_dsn: str) -> None:
    admin = await asyncpg.connect(postgres_dsn)
    await admin.execute("CREATE DATABASE bare TEMPLATE template0")
    await admin.close()
    database = await Database.connect(in_database(postgres_dsn, "bare"), retry_seconds=5)
    done = await asyncio.gather(*(migrate(database) for _ in range(4)))
    assert sorted(done, key=len) == [[], [], [], list(known().values())]
    async with database.connection() as connection:
        await connection.execute("INSERT INTO schema_migrations VALUES (9999, 'newer')")
    with pytest.raises(SchemaTooNew, match="9999"):
        await migrate(database)
    await database.close()


async def test_layers_have_the_columns_of_the_requirements(database: Database) -> None:
    async with database.connection() as connection:
        rows = await connection.fetch(
            "SELECT column_name, data_type, is_nullable FROM information_schema.columns"
            " WHERE table_name = 'scenes_layers'"
        )
        columns = {row["column_name"]: row["data_type"] for row in rows}
        assert REQUIRED_LAYER_COLUMNS.items() <= columns.items()
        assert all(row["is_nullable"] == "NO" for row in rows)
        keys = await connection.fetch(
            "SELECT conrelid::regclass::text AS name, pg_get_constraintdef(oid) AS definition"
            " FROM pg_constraint WHERE contype = 'p'"
        )
    primary = {row["name"]: row["definition"] for row in keys}
    for table in ("scenes", "scenes_layers"):
        assert primary[table] == "PRIMARY KEY (video_id, id)"
    for table in ("video_updates", "video_snapshots"):
        assert primary[table] == "PRIMARY KEY (video_id, seq)"


async def test_a_request_under_one_key_is_done_once(database: Database) -> None:
    keys = IdempotencyKeys(database)
    claims = await asyncio.gather(*(keys.claim("ann", "k", "POST /x") for _ in range(5)))
    assert claims.count(None) == 1
    assert all(claim is None or claim.status is None for claim in claims)
    await keys.finish("ann", "k", b"h", 201, {"ETag": '"1"'}, b"{}")
    stored = await keys.claim("ann", "k", "POST /y")
    assert stored is not None
    assert (stored.route, stored.request_hash, stored.status) == ("POST /x", b"h", 201)
    assert (stored.headers, stored.body) == ({"ETag": '"1"'}, b"{}")
    assert await keys.claim("bob", "k", "POST /x") is None
    await keys.release("bob", "k")
    assert await keys.claim("bob", "k", "POST /x") is None
    async with database.connection() as connection:
        await connection.execute("UPDATE idempotency_keys SET created_at = now() - interval '25 h'")
    assert await keys.claim("ann", "k", "POST /x") is None
    assert await keys.purge() == 1


async def test_no_such_video_is_not_an_outage(database: Database) -> None:
    assert (await UpdateLog(database).heads([uuid4()])).popitem()[1].deleted
    assert database.reachable
