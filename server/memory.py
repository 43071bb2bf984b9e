"""Memory that is free goes back to the system."""

from __future__ import annotations

import ctypes
from typing import Final

PACE_SECONDS: Final = 5.0
"""The least time between two times: each looks through all that is free."""


class Memory:
    """Says when it is time to give memory back."""

    def __init__(self) -> None:
        self._freed = False
        self._next = 0.0

    def freed(self) -> None:
        """A good deal was freed."""
        self._freed = True

    def due(self, now: float) -> bool:
        """Whether it is time now, in monotonic seconds; if so, it counts as done."""
        if not self._freed or now < self._next:
            return False
        self._freed = False
        self._next = now + PACE_SECONDS
        return True


def give_back() -> None:
    """Have the C library give back what was freed; glibc keeps most of it otherwise.

    Takes a few milliseconds for 100 MB, without the interpreter's lock.
    """
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)
