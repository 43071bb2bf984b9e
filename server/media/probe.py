"""A process that opens a file from elsewhere; it may die of it, and nobody else does.

    python -m server.media.probe look FORMAT PATH
    python -m server.media.probe take FORMAT PATH DIRECTORY
    python -m server.media.probe generated FORMAT PATH DIRECTORY WIDTH:HEIGHT

It sets limits on its time, memory and output before anything of the file is read. Its answer is
one line of JSON.
"""

from __future__ import annotations

import errno
import json
import resource
import sys
from pathlib import Path
from typing import Any, Final, Literal

from server.media import child
from server.media.look import look
from server.media.opening import Refused
from server.media.take import generated, take

Command = Literal["look", "take", "generated"]

MEMORY_BYTES: Final = 2 << 30
CPU_SECONDS: Final = {"look": 15, "take": 90, "generated": 30}
WALL_SECONDS: Final = {"look": 20.0, "take": 120.0, "generated": 60.0}
OUTPUT_BYTES: Final = {"look": 0, "take": 200 << 20, "generated": 64 << 20}


async def probe(command: Command, form: str, *given: Path | str) -> dict[str, Any]:
    """Have a file opened.

    Args:
        command: `look` says what is in it, `take` makes what is stored of an upload, `generated`
            what is stored of a picture that another server made.
        form: one of `api.mediatypes.TYPES`, which its first bytes are of.
        given: the file; for `take` and `generated` the directory for what is made of it; and for
            `generated` the ratio that it is cut to, such as `16:9`.

    Returns:
        What was found; or a sentence under `refused` and, for the operator, a reason under `why`.

    Raises:
        OSError: there is no room for what is made of it.
    """
    line = (sys.executable, "-m", __name__, command, form, *given)
    try:
        ended = await child.run(*line, seconds=WALL_SECONDS[command], listens=False)
    except TimeoutError:
        return {"refused": "The file takes too long to read."}
    if ended.code or not ended.output:
        why = f"the probe ended with {ended.code}"
        return {"refused": "The file is damaged: it cannot be read.", "why": why}
    answer: dict[str, Any] = json.loads(ended.output)
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


def run(command: str, form: str, path: str, *more: str) -> dict[str, Any]:
    """Open the file, within limits; the answer."""
    confine(command)
    try:
        source = Path(path)
        if command == "look":
            return look(form, source)
        directory, *ratio = more
        made = generated if command == "generated" else take
        return made(form, source, Path(directory), *ratio)
    except Refused as refusal:
        return {"refused": str(refusal)}
    except OSError as error:
        # A full disk says nothing about the file; all else that Pillow and PyAV raise does.
        full = {"errno": error.errno} if error.errno in (errno.ENOSPC, errno.EDQUOT) else {}
        return {**_damaged(error), **full}
    except (ValueError, SyntaxError, ArithmeticError, LookupError, StopIteration) as error:
        # What Pillow and PyAV raise for broken files is below these.
        return _damaged(error)
    except MemoryError:
        return {"refused": "The file takes too much memory to read."}


def _damaged(error: Exception) -> dict[str, Any]:
    return {"refused": "The file is damaged.", "why": f"{type(error).__name__}: {error}"}


if __name__ == "__main__":
    print(json.dumps(run(*sys.argv[1:])))
