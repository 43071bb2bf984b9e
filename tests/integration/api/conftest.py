"""One face for each module: its tests keep apart by their users and videos."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator

import asyncpg
import pytest_asyncio

from tests.support.face import Client, serve_face
from tests.support.postgres import in_database


async def fresh_database(dsn: str) -> str:
    """The address of a new database with the schema; it goes with the session's server."""
    name = f"face_{uuid.uuid4().hex}"
    connection = await asyncpg.connect(dsn)
    try:
        await connection.execute(f"CREATE DATABASE {name} TEMPLATE cocut_template")
    finally:
        await connection.close()
    return in_database(dsn, name)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def api(postgres_dsn: str) -> AsyncIterator[Client]:
    """The face, with limits off."""
    async with serve_face(await fresh_database(postgres_dsn)) as client:
        yield client
