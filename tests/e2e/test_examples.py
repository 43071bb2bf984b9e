"""The examples of the documentation, run as they stand against a real server."""

from __future__ import annotations

import asyncio
import json
import os
import re
import shutil
import signal
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

import pytest

from tests.e2e.editors import editor
from tests.e2e.node import HERE, node
from tests.support.server import COCUT, STOP_SECONDS, Api, environment

TOP: Final = Path(__file__).parents[2]
PAGES: Final = [TOP / "README.md", *sorted((TOP / "docs").glob("*.md"))]
EXAMPLE: Final = re.compile(r"^```(?:sh|js)\b([^\n]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
RUN: Final = {"frontend", "rest", "page", "events", "compose", "serve", "test"}
"""The marks of the examples that are run here."""

ADDRESSES: Final = {
    "http://127.0.0.1:8080": "http://",
    "ws://127.0.0.1:8080": "ws://",
    "wss://host": "ws://",
    "https://host": "http://",
}
ANSWER_SECONDS: Final = 20.0

BROWSER: Final = """
import { webcrypto } from 'node:crypto'
import WebSocket from 'ws'
globalThis.crypto ??= webcrypto
globalThis.WebSocket ??= WebSocket
globalThis.videoId = process.env.VIDEO
globalThis.token = process.env.TOKEN
globalThis.freshToken = async () => process.env.FRESH
"""
"""What a page has that Node may lack, and what the examples say that the page brings."""

PAGE_IS_USED: Final = """
await new Promise((resolve) => provider.once('sync', resolve))
addScene('One')
const two = addScene('Two')
addScene('Three')
addLayer(two, 'text', { text: 'Hello', color: '#ff0000' })
moveToFront(two)
await saved()
console.log(JSON.stringify({
  texts: inOrder(scenes).map(([, scene]) => scene.get('text').toString()),
  user: provider.awareness.getLocalState().user
}))
provider.on('status', ({ status }) => { if (status === 'connected') console.log('"again"') })
"""


def example(name: str, page: str = "README.md") -> str:
    """The code of all blocks of a page that have this mark."""
    text = (TOP / page).read_text()
    blocks = [body for mark, body in EXAMPLE.findall(text) if mark.strip() == f"example={name}"]
    assert blocks, f"{page} has no example={name}"
    return "\n".join(blocks)


def at(address: str, code: str) -> str:
    """The code with the server's address in place of the one that the documentation names."""
    for named, scheme in ADDRESSES.items():
        code = code.replace(named, address.replace("http://", scheme, 1))
    return code


@asynccontextmanager
async def page(directory: Path, code: str, **variables: str) -> AsyncIterator[asyncio.StreamReader]:
    """Code run as a module of a page; gives what it prints."""
    (directory / "node_modules").symlink_to(HERE / "node_modules")
    (directory / "browser.mjs").write_text(BROWSER)
    (directory / "page.mjs").write_text(code)
    process = await asyncio.create_subprocess_exec(
        *node("--import", "./browser.mjs", "page.mjs"),
        cwd=directory,
        env=environment() | variables,
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    try:
        yield process.stdout
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_command_and_every_script_is_run(page: Path) -> None:
    marks = [mark.strip().removeprefix("example=") for mark, _ in EXAMPLE.findall(page.read_text())]
    if page.name == "benchmarks.md":
        pytest.skip("takes half an hour")
    assert set(marks) <= RUN


async def test_the_front_end_example(api: Api, tmp_path: Path) -> None:
    video = await api.make_video()
    code = at(api.server.address, example("frontend"))
    async with page(tmp_path, code, VIDEO=video, TOKEN=api.server.token()) as printed:
        said = ""
        async with asyncio.timeout(ANSWER_SECONDS):
            while "Welcome" not in said:
                line = await printed.readline()
                assert line, said
                said += line.decode()
            async with editor(api, video) as other:
                await other.until(lambda: len(other.scenes) == 1)
    [scene] = await api.scenes(video)
    assert (scene["text"], scene["duration"], scene["layers"]) == ("Welcome", 5, [])


async def test_the_examples_for_front_ends_work_together(api: Api, tmp_path: Path) -> None:
    video = await api.make_video()
    code = at(api.server.address, example("page", "docs/frontend.md")) + PAGE_IS_USED
    short = api.server.token(ttl_seconds=4)
    variables = {"VIDEO": video, "TOKEN": short, "FRESH": api.server.token()}
    async with page(tmp_path, code, **variables) as printed, asyncio.timeout(ANSWER_SECONDS):
        said = json.loads(await printed.readline())
        assert said == {
            "texts": ["Two", "One", "Three"],
            "user": {"name": "Ann", "color": "#ff5a5f"},
        }
        scenes = await api.scenes(video)
        assert [scene["text"] for scene in scenes] == said["texts"]
        [layer] = scenes[0]["layers"]
        assert (layer["type"], layer["properties"]["text"]) == ("text", "Hello")
        # The token ends, and the page goes on with a fresh one.
        assert json.loads(await printed.readline()) == "again"


async def test_the_example_of_events(api: Api, tmp_path: Path) -> None:
    video = await api.make_video()
    scene = await api.make_scene(video)
    code = at(api.server.address, example("events", "docs/frontend.md"))
    async with (
        page(tmp_path, code, VIDEO=video, TOKEN=api.server.token()) as printed,
        asyncio.timeout(ANSWER_SECONDS),
    ):
        assert (await printed.readline()).startswith(b"joined as owner; REST")
        await api.call("PUT", f"/videos/{video}/scenes/{scene}", {"text": "Hello"})
        assert await printed.readline() == b"alice changed text of scene 1\n"


def test_the_rest_example(api: Api, tmp_path: Path) -> None:
    if shutil.which("curl") is None:
        if os.environ.get("REQUIRE_NODE"):
            pytest.fail("curl is not installed, and nothing may be skipped", pytrace=False)
        pytest.skip("curl is not installed")
    code = at(api.server.address, example("rest")).replace(".venv/bin/cocut", str(COCUT))
    run = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", code],
        cwd=tmp_path,
        env=environment() | {"COCUT_DATA_DIR": str(api.server.data_dir)},
        capture_output=True,
        text=True,
        timeout=ANSWER_SECONDS,
    )
    assert run.returncode == 0, run.stderr
    answers = json.JSONDecoder()
    made, end = answers.raw_decode(run.stdout)
    shown, _ = answers.raw_decode(run.stdout[end:].lstrip())
    assert made["success"]
    [scene] = shown["data"]["scenes"]
    assert scene["id"] == made["data"]["scene"]["id"]
    assert (scene["text"], scene["duration"]) == ("Welcome", 5)


def test_the_settings_for_docker_are_all_that_the_compose_file_asks_for(tmp_path: Path) -> None:
    *lines, last = example("compose", "docs/operating.md").strip().splitlines()
    assert last.startswith("docker compose up")
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not installed")
    subprocess.run(["bash", "-euc", "\n".join(lines)], cwd=tmp_path, check=True)
    written = dict(
        line.split("=", 1) for line in (tmp_path / ".env").read_text().splitlines() if line
    )
    asked = set(re.findall(r"\$\{([A-Z_]+)", (TOP / "docker-compose.yml").read_text()))
    caddy = set(re.findall(r"\{\$([A-Z_]+)", (TOP / "server/deploy/Caddyfile").read_text()))
    assert asked | caddy == set(written)
    assert len(written["COCUT_JWT_SECRET"]) >= 32
    assert all(written.values())


def test_make_serve(tmp_path: Path) -> None:
    """The first command of the README, in the repository where everything is installed."""
    if not (TOP / ".venv").exists():
        pytest.skip("not installed by make")
    assert example("serve").strip() == "make serve"
    options = f"--port 0 --no-worker --data-dir {tmp_path / 'data'}"
    with (tmp_path / "log").open("wb") as log:
        process = subprocess.Popen(
            ["make", "--no-print-directory", "serve", f"ARGS={options}"],
            cwd=TOP,
            env=environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
            start_new_session=True,
        )
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            assert line.startswith("ready http://127.0.0.1:"), (tmp_path / "log").read_text()
            assert process.stdout.read(0) == ""
            os.killpg(process.pid, signal.SIGTERM)
            rest, _ = process.communicate(timeout=STOP_SECONDS)
            assert rest == ""
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.communicate()
