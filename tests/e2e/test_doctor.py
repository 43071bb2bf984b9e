"""A video whose log was damaged: the server names the row, `cocut doctor` mends it."""

from __future__ import annotations

import asyncio
import os
import signal
from pathlib import Path
from uuid import UUID

import asyncpg

from persistence.embedded import EmbeddedPostgres
from tests.e2e.editors import connection, editor
from tests.support.server import COCUT, calling, environment, serving


async def _damage(data_dir: Path, video: str, seq: int) -> None:
    postgres = EmbeddedPostgres(data_dir)
    dsn = await postgres.start()
    database = await asyncpg.connect(dsn)
    done = await database.execute(
        "UPDATE video_updates SET update = '\\xff' WHERE video_id = $1 AND seq = $2",
        *(UUID(video), seq),
    )
    assert done == "UPDATE 1"
    await database.close()
    await postgres.stop()


async def _doctor(data_dir: Path, *options: str) -> tuple[int, str]:
    process = await asyncio.create_subprocess_exec(
        *(str(COCUT), "doctor", "--data-dir", str(data_dir), *options),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        env=environment(),
    )
    said, _ = await asyncio.wait_for(process.communicate(), 60)
    assert process.returncode is not None
    return process.returncode, said.decode()


async def test_a_damaged_row_is_named_and_mended(tmp_path: Path) -> None:
    data_dir = tmp_path / "data"
    with serving(data_dir) as server:
        async with calling(server) as api:
            video, other = await api.make_video(), await api.make_video()
            code, said = await _doctor(data_dir)
            assert (code, "a server is running here" in said) == (0, True)
            code, said = await _doctor(data_dir, "--repair")
            assert (code, "Another server" in said) == (1, True)
    server_log = data_dir.with_name("data.log")
    with serving(data_dir) as server:
        # While somebody is there, no snapshot takes the row's place.
        async with calling(server) as api, editor(api, video):
            await api.make_scene(video, text="One")
            seq = (await api.call("GET", f"/videos/{video}/document")).seq
            os.kill(server.pid, signal.SIGKILL)
            await asyncio.to_thread(server.wait)
    await _damage(data_dir, video, seq)

    with serving(data_dir) as server:
        async with calling(server) as api:
            reply = await api.call("GET", f"/videos/{video}/document")
            assert (reply.status, reply.code) == (500, "internal")
            async with connection(api, video, server.token()) as one:
                assert await one.closed() == 1011
            async with editor(api, other):
                pass
            server.ask_to_stop()
            assert await asyncio.to_thread(server.wait) == 0
    assert f"Row {seq} of video {video}" in server_log.read_text()
    assert "run `cocut doctor`" in server_log.read_text()

    code, said = await _doctor(data_dir)
    assert (code, f"row {seq} cannot be read" in said) == (1, True)
    code, said = await _doctor(data_dir, "--repair", "--video", video)
    assert (code, "mended" in said) == (1, True)
    assert (await _doctor(data_dir))[0] == 0

    with serving(data_dir) as server:
        async with calling(server) as api:
            assert await api.scenes(video) == []
            await api.make_scene(video, text="Two")
            server.ask_to_stop()
            assert await asyncio.to_thread(server.wait) == 0
