"""Short processes that do one piece of work: started, fed, heard, and surely ended."""

from __future__ import annotations

import asyncio
import os
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

ONE_THREAD: Final = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
"""For the libraries in them: each thread takes address space, which is limited."""


@dataclass(frozen=True, slots=True)
class Ended:
    """How a process ended.

    Attributes:
        code: 0 when it went well.
        output: what it wrote on standard output.
        reason: the last line on standard error; empty where nobody listened.
    """

    code: int
    output: bytes
    reason: str


async def run(
    *command: str | Path, seconds: float, given: bytes = b"", listens: bool = True
) -> Ended:
    """Run a process to its end; it has ended when this returns or raises.

    Args:
        command: program and arguments.
        seconds: how long it may take.
        given: its standard input.
        listens: keep what it says on standard error.

    Raises:
        TimeoutError: it took longer, and was killed.
    """
    process = await asyncio.create_subprocess_exec(
        *map(str, command),
        stdin=asyncio.subprocess.PIPE if given else asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE if listens else asyncio.subprocess.DEVNULL,
        env={**dict(os.environ.items()), **ONE_THREAD},
    )
    try:
        async with asyncio.timeout(seconds):
            output, errors = await process.communicate(given or None)
    finally:
        if process.returncode is None:
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()
    assert process.returncode is not None
    said = (errors or b"").decode(errors="replace").strip().splitlines()
    return Ended(process.returncode, output, said[-1] if said else "")
