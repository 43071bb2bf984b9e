"""What the OpenAPI document says, sent in all its variations: the answers are as it says."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from server.settings import Settings
from tests.integration.api.conftest import fresh_database
from tests.support.face import Client, serve_face, token

pytestmark = pytest.mark.asyncio(loop_scope="module")

SECONDS = 25
CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
    "negative_data_rejection",
    "missing_required_header",
    "ignored_auth",
)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def api(postgres_dsn: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Client]:
    """The face with a worker, since some answers wait for one."""
    works = Settings(data_dir=tmp_path_factory.mktemp("work"))
    async with serve_face(await fresh_database(postgres_dsn), works=works) as client:
        yield client


async def test_answers_are_as_documented(api: Client, tmp_path: Path) -> None:
    video = await api.make_video()
    scene = await api.make_scene(video)
    layer = await api.make_layer(scene)
    config = tmp_path / "schemathesis.toml"
    config.write_text(
        f"""
[parameters]
"path.video_id" = "{video}"
"path.scene_id" = "{scene}"
"path.layer_id" = "{layer}"

[[operations]]
include-method = "DELETE"
[operations.parameters]
"path.video_id" = "{scene}"
"path.scene_id" = "{layer}"
"path.layer_id" = "{video}"
"""
    )
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "schemathesis.cli", "--config-file", str(config), "run"),
        f"{api.address}/api/v1/openapi.json",
        *("--header", f"Authorization: Bearer {token('alice')}"),
        *("--phases", "examples,coverage,fuzzing", "--max-examples", "3"),
        *("--max-time", str(SECONDS), "--seed", "20", "--generation-deterministic"),
        *("--no-color", "--checks", ",".join(CHECKS)),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        cwd=tmp_path,
    )
    output, _ = await process.communicate()
    assert process.returncode == 0, output.decode()
    assert not [line for line in api.logged if line["level"] == "error"]
