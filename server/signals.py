"""SIGTERM and SIGINT: asked to end."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Iterator
from contextlib import contextmanager


class StopSignal:
    """Whether this process was asked to end; made by the task that runs it.

    Signals may come at any time: while the process starts (see `starting`) they cancel that,
    afterwards `wait` returns.
    """

    def __init__(self) -> None:
        self._asked = asyncio.Event()
        self._starting: asyncio.Task[object] | None = None
        loop = asyncio.get_running_loop()
        for name in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(name, self.ask)

    def ask(self) -> None:
        """Ask the process to end."""
        if not self._asked.is_set():
            self._asked.set()
            if self._starting is not None:
                self._starting.cancel()

    async def wait(self) -> None:
        """Wait until the process is asked to end."""
        await self._asked.wait()

    @contextmanager
    def ending(self) -> Iterator[None]:
        """Hold everything that the process does: a start that was cancelled ends here."""
        try:
            yield
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if not self._asked.is_set() or task is None or task.uncancel() > 0:
                raise

    @contextmanager
    def starting(self) -> Iterator[None]:
        """Hold the start, which may wait long for what is needed."""
        self._starting = asyncio.current_task()
        if self._asked.is_set() and self._starting is not None:
            self._starting.cancel()
        try:
            yield
        finally:
            self._starting = None
