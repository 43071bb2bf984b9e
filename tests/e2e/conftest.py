"""One server for all tests that do not end it, and clients for each test."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import pytest

from tests.e2e.node import NodeClients, node_clients
from tests.support.server import Api, Server, calling, serving


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(
        tmp_path_factory.mktemp("server") / "data",
        *("--max-connections-per-user", "200", "--max-message-bytes", "1000000"),
        *("--cors-origin", "https://app.example"),
    ) as server:
        yield server


@pytest.fixture
async def api(server: Server) -> AsyncIterator[Api]:
    async with calling(server) as api:
        yield api


@pytest.fixture
async def clients(server: Server) -> AsyncIterator[NodeClients]:
    async with node_clients(server) as clients:
        yield clients
