"""Memory that is free goes back to the system."""

from __future__ import annotations

import ctypes
from typing import Final

PACE_SECONDS: Final = 5.0
"""The least time between two times: each looks through all that is free."""


def give_back() -> None:
    """Have the C library give back what was freed; glibc keeps most of it otherwise.

    Takes a few milliseconds for 100 MB, without the interpreter's lock.
    """
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)
