"""An empty data directory on a database of the test server's."""

from __future__ import annotations

from pathlib import Path

import pytest

from server.settings import Settings
from tests.integration.api.conftest import fresh_database


@pytest.fixture
async def settings(tmp_path: Path, postgres_dsn: str) -> Settings:
    """Settings that lead there."""
    return Settings(data_dir=tmp_path / "data", database_url=await fresh_database(postgres_dsn))
