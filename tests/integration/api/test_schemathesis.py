"""What the OpenAPI document says, sent in all its variations: the answers are as it says."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import pytest

from tests.support.face import Client, token

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
