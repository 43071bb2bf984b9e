"""Runs a module as the last in line for the processor.

Usage: python -m persistence.background MODULE

Before the module is even imported: an interpreter that starts takes a good part of a core.
"""

from __future__ import annotations

import os
import runpy
import sys
from contextlib import suppress


def stand_back() -> None:
    """Leave the processor to all others.

    Linux may share it among sessions first (autogroup); a process that is alone in its session has
    to be nice as a session, too.
    """
    os.nice(19)
    with suppress(OSError), open("/proc/self/autogroup", "w") as group:  # noqa: PTH123
        group.write("19")


if __name__ == "__main__":
    stand_back()
    runpy.run_module(sys.argv[1], run_name="__main__", alter_sys=True)
