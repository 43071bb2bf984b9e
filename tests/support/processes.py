"""Looking at processes that may end meanwhile."""

from __future__ import annotations

import subprocess
import time
from pathlib import Path

import psutil


def command_of(process: psutil.Process) -> list[str]:
    """Its command line; none if it has just ended, or is somebody else's."""
    try:
        return process.cmdline()
    except (psutil.NoSuchProcess, psutil.ZombieProcess, psutil.AccessDenied):
        return []


def await_words(
    words: str, log: Path, process: subprocess.Popen[bytes], seconds: float, *, behind: int = 0
) -> None:
    """Wait until a process has written words to its log.

    Args:
        words: they.
        log: the file that it writes to.
        process: it.
        seconds: how long it may take.
        behind: characters of the log that were there before.

    Raises:
        AssertionError: it has ended, or takes too long.
    """
    late = time.monotonic() + seconds
    while words not in (said := log.read_text()[behind:]):
        assert process.poll() is None and time.monotonic() < late, said[-2000:]
        time.sleep(0.02)
