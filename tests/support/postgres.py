"""A real PostgreSQL for tests: one embedded server a session, a fresh database a test."""

from __future__ import annotations

import asyncio
import atexit
import shutil
import subprocess
import tempfile
import uuid
from collections.abc import AsyncIterator, Iterator
from functools import cache
from pathlib import Path
from typing import Final

import asyncpg
import pytest

from persistence.database import Database
from persistence.embedded import SETTINGS, EmbeddedPostgres
from persistence.migrations import migrate

_TEMPLATE = "cocut_template"

HASTY: Final = {"fsync": "off", "full_page_writes": "off"}
"""For a server that ends with the tests: no crash of the machine has to leave it whole."""


@pytest.fixture(scope="session")
def postgres_dsn(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of the session's server, which has the migrated template."""
    data_dir = tmp_path_factory.mktemp("data")
    lay_cluster(data_dir)
    postgres = EmbeddedPostgres(data_dir, SETTINGS | HASTY)
    dsn = asyncio.run(postgres.start())
    try:
        asyncio.run(_make_template(dsn))
        yield dsn
    finally:
        asyncio.run(postgres.stop())


@pytest.fixture
async def database_url(postgres_dsn: str) -> AsyncIterator[str]:
    """The address of a database of this test's own, with the schema and nothing in it."""
    name = f"test_{uuid.uuid4().hex}"
    await execute(postgres_dsn, f"CREATE DATABASE {name} TEMPLATE {_TEMPLATE}")
    yield in_database(postgres_dsn, name)
    await execute(postgres_dsn, f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    """A pool on a database of this test's own."""
    database = await Database.connect(database_url, retry_seconds=30)
    yield database
    await database.close()


@pytest.fixture
async def own_postgres(tmp_path: Path) -> AsyncIterator[EmbeddedPostgres]:
    """A server of this test's own, for tests that take it down; stopped afterwards."""
    postgres = new_postgres(tmp_path / "data")
    yield postgres
    await postgres.stop()


def new_postgres(data_dir: Path) -> EmbeddedPostgres:
    """A server of a new data directory, not started yet."""
    lay_cluster(data_dir)
    return EmbeddedPostgres(data_dir)


def lay_cluster(data_dir: Path) -> None:
    """Put into a new data directory what its first start would make: that takes seconds, most of
    them until the disk has it, and tests make dozens."""
    data_dir.mkdir(mode=0o700, exist_ok=True)
    # Not shutil.copytree: PostgreSQL wants to own its files, and may run as another account.
    subprocess.run(["cp", "-Rp", _cluster(), data_dir], check=True)


@cache
def _cluster() -> Path:
    """The files of a server that was never started, made once a process."""
    made = EmbeddedPostgres(Path(tempfile.mkdtemp()))
    atexit.register(shutil.rmtree, made.data_dir)
    made._create()
    return made.data_dir / "postgres"


def in_database(dsn: str, name: str) -> str:
    """The same server, another database."""
    head, query = dsn.split("?", 1)
    return f"{head.rsplit('/', 1)[0]}/{name}?{query}"


async def _make_template(dsn: str) -> None:
    await execute(dsn, f"CREATE DATABASE {_TEMPLATE}")
    database = await Database.connect(in_database(dsn, _TEMPLATE), retry_seconds=30)
    await migrate(database)
    await database.close()


async def execute(dsn: str, statement: str) -> None:
    """Run one statement on a connection of its own."""
    connection = await asyncpg.connect(dsn)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()
