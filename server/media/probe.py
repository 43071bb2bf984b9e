"""A process that opens a file from elsewhere; it may die of it, and nobody else does.

    python -m server.media.probe look FORMAT PATH
    python -m server.media.probe take FORMAT PATH DIRECTORY

It sets limits on its time, memory and output before anything of the file is read. Its answer is
one line of JSON.
"""

from __future__ import annotations

import asyncio
import errno
import json
import os
import resource
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any, Final, Literal

from server.media.look import look
from server.media.opening import Refused
from server.media.take import take

Command = Literal["look", "take"]

MEMORY_BYTES: Final = 2 << 30
CPU_SECONDS: Final = {"look": 15, "take": 90}
WALL_SECONDS: Final = {"look": 20.0, "take": 120.0}
OUTPUT_BYTES: Final = {"look": 0, "take": 200 << 20}


async def probe(command: Command, form: str, *paths: Path) -> dict[str, Any]:
    """Have a file opened.

    Args:
        command: `look` says what is in it, `take` makes what is stored of an upload.
        form: one of `api.mediatypes.TYPES`, which its first bytes are of.
        paths: the file, and for `take` the directory for what is made of it.

    Returns:
        What was found; or a sentence under `refused` and, for the operator, a reason under `why`.

    Raises:
        OSError: there is no room for what is made of it.
    """
    # One thread for the libraries: each takes address space, which is limited.
    environment = {**dict(os.environ.items()), "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", __name__, command, form, *map(str, paths)),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        env=environment,
    )
    try:
        said, _ = await asyncio.wait_for(process.communicate(), WALL_SECONDS[command])
    except TimeoutError:
        return {"refused": "The file takes too long to read."}
    finally:
        if process.returncode is None:
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()
    if process.returncode or not said:
        why = f"the probe ended with {process.returncode}"
        return {"refused": "The file is damaged: it cannot be read.", "why": why}
    answer: dict[str, Any] = json.loads(said)
    if "errno" in answer:
        raise OSError(answer["errno"], answer["why"])
    return answer


def confine(command: str) -> None:
    """Set the limits of this process."""
    for what, most in (
        (resource.RLIMIT_CPU, CPU_SECONDS[command]),
        (resource.RLIMIT_AS, MEMORY_BYTES),
        (resource.RLIMIT_FSIZE, OUTPUT_BYTES[command]),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(what, (most, most))


def run(command: str, form: str, *paths: str) -> dict[str, Any]:
    """Open the file, within limits; the answer."""
    confine(command)
    try:
        source, *rest = map(Path, paths)
        return take(form, source, *rest) if command == "take" else look(form, source)
    except Refused as refusal:
        return {"refused": str(refusal)}
    except OSError as error:
        # A full disk says nothing about the file; all else that Pillow and PyAV raise does.
        full = {"errno": error.errno} if error.errno in (errno.ENOSPC, errno.EDQUOT) else {}
        return {
            "refused": "The file is damaged.",
            "why": f"{type(error).__name__}: {error}",
            **full,
        }
    except (ValueError, SyntaxError, ArithmeticError, LookupError, StopIteration) as error:
        # What Pillow and PyAV raise for broken files is below these.
        return _damaged(error)
    except MemoryError:
        return {"refused": "The file takes too much memory to read."}


def _damaged(error: Exception) -> dict[str, Any]:
    return {"refused": "The file is damaged.", "why": f"{type(error).__name__}: {error}"}


if __name__ == "__main__":
    print(json.dumps(run(*sys.argv[1:])))
