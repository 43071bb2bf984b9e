"""Many editors at once."""

from __future__ import annotations

import asyncio
import resource
import ssl
import time
from array import array
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from server.load.editor import Counts, Editor
from server.load.frames import EMPTY_STATE_VECTOR, Wire
from server.load.trail import Trail

_TICK: Final = 0.001
_OPENING: Final = 256
_SPARE_FILES: Final = 256


@dataclass(frozen=True, slots=True)
class Seat:
    """Where one editor goes: its connection's wire, and its video's trail."""

    wire: Wire
    trail: Trail


class Swarm:
    """Editors that join, send at a rate, and leave together.

    Args:
        seats: one for each editor.
        counts: where what they receive is counted.

    Attributes:
        editors: those who have joined.
        began: when the joining began, in seconds of the monotonic clock.
    """

    def __init__(self, seats: Sequence[Seat], counts: Counts) -> None:
        self.counts = counts
        self.editors: list[Editor] = []
        self.began = 0.0
        self._seats = seats

    async def join(
        self,
        vector: bytes = EMPTY_STATE_VECTOR,
        answer: Callable[[bytes], bytes] | None = None,
        *,
        at_once: int = _OPENING,
        keeps: bool = True,
        timeout: float = 120.0,
    ) -> list[float]:
        """Connect all and wait until each has the document.

        Args:
            vector: the state vector that they say to have.
            answer: makes the update that answers the server's state vector.
            at_once: how many may be connecting at the same time.
            keeps: whether frames over a megabyte are kept and compared.
            timeout: seconds for all of them.

        Returns:
            The seconds from the beginning until each had the document.

        Raises:
            ConnectionError: one was refused.
            TimeoutError: not all had it in time.
        """
        allow_files(len(self._seats) + _SPARE_FILES)
        loop = asyncio.get_running_loop()
        gate = asyncio.Semaphore(at_once)
        began = self.began = time.perf_counter()

        async def one(index: int, seat: Seat) -> tuple[Editor, float]:
            async with gate:
                editor = Editor(
                    index, seat.wire, seat.trail, self.counts, vector, answer, keeps=keeps
                )
                context = ssl.create_default_context() if seat.wire.secure else None
                try:
                    await loop.create_connection(
                        lambda: editor, seat.wire.host, seat.wire.port, ssl=context
                    )
                    return editor, await editor.synced - began
                except BaseException:
                    editor.synced.cancel()
                    editor.leave()
                    raise

        async with asyncio.timeout(timeout):
            tasks = [asyncio.ensure_future(one(*seat)) for seat in enumerate(self._seats)]
            try:
                results = await asyncio.gather(*tasks)
            except BaseException:
                for task in tasks:
                    task.cancel()
                done = await asyncio.gather(*tasks, return_exceptions=True)
                for result in done:
                    if isinstance(result, tuple):
                        result[0].leave()
                raise
        self.editors = [editor for editor, _ in results]
        return [seconds for _, seconds in results]

    async def send(self, frames: Sequence[bytes], rate: float, sent: array[float]) -> None:
        """Send frame `n` by editor `n % editors`, `rate` a second.

        Args:
            frames: what to send.
            rate: frames a second.
            sent: gets the time at which each was written, in seconds of the monotonic clock.
        """
        editors, count = self.editors, len(frames)
        clock = time.perf_counter
        began = clock()
        number = 0
        while number < count:
            due = min(count, int((clock() - began) * rate) + 1)
            while number < due:
                sent.append(clock())
                editors[number % len(editors)].send(frames[number])
                number += 1
            if number < count:
                wait = began + number / rate - clock()
                await asyncio.sleep(max(wait, _TICK))

    async def quiet(self, seconds: float, timeout: float) -> None:
        """Wait until nothing has arrived for so many seconds, or until the timeout."""
        end = time.perf_counter() + timeout
        while (now := time.perf_counter()) < end:
            silent = now - self.counts.last_arrival
            if silent >= seconds:
                return
            await asyncio.sleep(min(seconds - silent, end - now))

    async def leave(self) -> None:
        """Close all connections."""
        for editor in self.editors:
            editor.leave()
        await asyncio.sleep(0)


def allow_files(wanted: int) -> None:
    """Raise this process' limit of open files to `wanted`, as far as the system lets it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY or soft >= wanted:
        return
    top = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    resource.setrlimit(resource.RLIMIT_NOFILE, (top, hard))
