"""Runs a module that leaves others their turn at the processor.

Usage: python -m persistence.background NICENESS MODULE

Before the module is even imported: an interpreter that starts takes a good part of a core.
"""

from __future__ import annotations

import os
import runpy
import sys
from contextlib import suppress
from typing import Final

LAST: Final = 19
"""The niceness of what nobody waits for: it gets what others leave."""

PATIENT: Final = 5
"""The niceness of what somebody waits for, though less than others do for edits: a third of what
one of them gets."""


def stand_back(niceness: int) -> None:
    """Leave others their turn at the processor.

    Linux may share it among sessions first (autogroup); a process that is alone in its session has
    to be nice as a session, too.
    """
    os.nice(niceness)
    with suppress(OSError), open("/proc/self/autogroup", "w") as group:  # noqa: PTH123
        group.write(f"{niceness}")


if __name__ == "__main__":
    stand_back(int(sys.argv[1]))
    runpy.run_module(sys.argv[2], run_name="__main__", alter_sys=True)
