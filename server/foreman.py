"""The worker that `cocut serve` runs as a child process, started again when it dies."""

from __future__ import annotations

import asyncio
import json
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Final

import structlog

from server.settings import Settings

RESTART_SECONDS: Final = 0.5
STOP_SECONDS: Final = 8.0

_log = structlog.get_logger(__name__)


@asynccontextmanager
async def foreman(settings: Settings) -> AsyncIterator[None]:
    """A worker beside this process, for a while."""
    stop = asyncio.Event()
    keeping = asyncio.get_running_loop().create_task(_keep(settings, stop))
    try:
        yield
    finally:
        stop.set()
        await keeping


async def _keep(settings: Settings, stop: asyncio.Event) -> None:
    stopping = asyncio.ensure_future(stop.wait())
    try:
        while not stop.is_set():
            process = await _start(settings)
            ended = asyncio.ensure_future(process.wait())
            await asyncio.wait({ended, stopping}, return_when=asyncio.FIRST_COMPLETED)
            if stop.is_set():
                await _end(process)
            await ended
            if not stop.is_set():
                _log.error("worker_died", code=process.returncode)
                with suppress(TimeoutError):
                    await asyncio.wait_for(stop.wait(), RESTART_SECONDS)
    finally:
        stopping.cancel()


async def _start(settings: Settings) -> Process:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "server.worker_child"), stdin=PIPE, stdout=DEVNULL
    )
    assert process.stdin is not None
    # The pipe stays open: its end tells the worker that this process has gone.
    process.stdin.write(json.dumps(settings.revealed()).encode() + b"\n")
    return process


async def _end(process: Process) -> None:
    assert process.stdin is not None
    process.stdin.close()
    try:
        await asyncio.wait_for(process.wait(), STOP_SECONDS)
    except TimeoutError:
        with suppress(ProcessLookupError):
            process.kill()
