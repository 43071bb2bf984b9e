"""One face for each module: its tests keep apart by their users and videos."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from server.worker import Handlers
from tests.support.face import Client, serve_face
from tests.support.postgres import execute, in_database
from tests.support.rendering import handlers, working


async def fresh_database(dsn: str) -> str:
    """The address of a new database with the schema; it goes with the session's server."""
    name = f"face_{uuid.uuid4().hex}"
    await execute(dsn, f"CREATE DATABASE {name} TEMPLATE cocut_template")
    return in_database(dsn, name)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def api(postgres_dsn: str) -> AsyncIterator[Client]:
    """The face, with limits off."""
    async with serve_face(await fresh_database(postgres_dsn)) as client:
        yield client


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def known(api: Client, tmp_path_factory: pytest.TempPathFactory) -> Handlers:
    """What a worker does; modules that want others have a fixture of this name."""
    return await handlers(api, tmp_path_factory.mktemp("renders"))


@pytest_asyncio.fixture(loop_scope="module")
async def worker(api: Client, known: Handlers) -> AsyncIterator[None]:
    async with working(api, known):
        yield
