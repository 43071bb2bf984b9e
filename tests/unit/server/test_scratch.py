"""Room for files on their way: gone with the process, whatever becomes of it."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from server.scratch import scratch

HOLDER = """
import asyncio, sys
from pathlib import Path
from server.scratch import scratch
async def main():
    async with scratch(Path(sys.argv[1])) as directory:
        (directory / "half").write_bytes(b"x" * 1000)
        print(directory, flush=True)
        await asyncio.Event().wait()
asyncio.run(main())
"""


async def test_it_is_empty_and_goes(tmp_path: Path) -> None:
    async with scratch(tmp_path) as first, scratch(tmp_path) as second:
        assert first != second
        assert not [*first.iterdir(), *second.iterdir()]
        (first / "half").write_bytes(b"x")
        async with scratch(tmp_path):
            assert (first / "half").exists(), "held by this very process"
    assert not list((tmp_path / "incoming").iterdir())


async def test_it_goes_when_what_uses_it_is_cancelled(tmp_path: Path) -> None:
    async def use() -> None:
        async with scratch(tmp_path):
            began.set()
            await asyncio.Event().wait()

    began = asyncio.Event()
    task = asyncio.create_task(use())
    await began.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert not list((tmp_path / "incoming").iterdir())


async def test_what_a_killed_process_left_is_removed_and_nothing_else(tmp_path: Path) -> None:
    holders = [
        await asyncio.create_subprocess_exec(
            *(sys.executable, "-c", HOLDER, str(tmp_path)), stdout=subprocess.PIPE
        )
        for _ in range(2)
    ]
    try:
        places = []
        for holder in holders:
            assert holder.stdout is not None
            places.append(Path((await holder.stdout.readline()).decode().strip()))
        holders[0].kill()
        assert await holders[0].wait() == -signal.SIGKILL
        assert (places[0] / "half").exists()
        old = tmp_path / "incoming" / "tmpolder"
        old.mkdir()
        (old / "upload").write_bytes(b"x")
        async with scratch(tmp_path):
            assert not places[0].parent.exists()
            assert not old.exists()
            assert (places[1] / "half").read_bytes() == b"x" * 1000
    finally:
        for holder in holders:
            if holder.returncode is None:
                holder.kill()
            await holder.wait()
