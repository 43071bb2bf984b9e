"""Short processes: what they say is heard, and they have ended when the call has."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import psutil
import pytest

from server.media import child
from server.media.errors import ImageFailed
from server.media.images.model import Wanted
from server.media.images.procedural import Procedural

SPEAKS = "import sys; print(sys.stdin.read()[::-1]); sys.exit(int(sys.argv[1]))"
WAITS = """
import os, pathlib, sys, time
pathlib.Path(sys.argv[1]).write_text(str(os.getpid()))
time.sleep(600)
"""


def gone(pid: int) -> bool:
    return not psutil.pid_exists(pid)


def noted(note: Path) -> int | None:
    text = note.read_text() if note.exists() else ""
    return int(text) if text else None


async def started(note: Path) -> int:
    async with asyncio.timeout(20):
        while (pid := noted(note)) is None:
            await asyncio.sleep(0.02)
    return pid


@pytest.mark.parametrize("code", [0, 3])
async def test_what_it_is_given_and_what_it_says(code: int) -> None:
    ended = await child.run(sys.executable, "-c", SPEAKS, str(code), given=b"abc", seconds=20)
    assert (ended.code, ended.output.strip(), ended.reason) == (code, b"cba", "")


async def test_its_last_words() -> None:
    script = "import sys; sys.exit('first\\nlast')"
    ended = await child.run(sys.executable, "-c", script, seconds=20)
    assert (ended.code, ended.reason) == (1, "last")
    unheard = await child.run(sys.executable, "-c", script, seconds=20, listens=False)
    assert (unheard.code, unheard.reason) == (1, "")


async def test_one_that_takes_too_long_is_killed(tmp_path: Path) -> None:
    note = tmp_path / "pid"
    with pytest.raises(TimeoutError):
        await child.run(sys.executable, "-c", WAITS, note, seconds=2)
    pid = noted(note)
    assert pid is None or gone(pid)


async def test_one_that_is_not_wanted_any_more_is_killed(tmp_path: Path) -> None:
    note = tmp_path / "pid"
    task = asyncio.create_task(child.run(sys.executable, "-c", WAITS, note, seconds=600))
    pid = await started(note)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert gone(pid)


async def test_a_painter_that_fails_says_so(tmp_path: Path) -> None:
    unknown = Wanted("x", "baroque", "1:1", "low")  # type: ignore[arg-type]
    with pytest.raises(ImageFailed, match="could not be painted"):
        await Procedural(1).make(unknown, tmp_path)
    assert not (tmp_path / "picture.jpg").exists()
