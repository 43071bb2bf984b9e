"""The files that renders need are made once."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.integration.media.stage import DirectoryAssets, Stage, make_assets


@pytest.fixture(scope="session")
def assets(tmp_path_factory: pytest.TempPathFactory) -> DirectoryAssets:
    return make_assets(tmp_path_factory.mktemp("assets"))


@pytest.fixture
def stage(assets: DirectoryAssets, tmp_path: Path) -> Stage:
    return Stage.at(tmp_path, assets)
