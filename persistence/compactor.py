"""The child process that makes snapshots, so that no room waits for one."""

from __future__ import annotations

import asyncio
import struct
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import Sequence
from typing import Final

from persistence.errors import CompactionFailed
from persistence.squash import DONE, UNREADABLE, Incomplete, Unreadable

_BUFFER: Final = 1024 * 1024
_LARGE: Final = 8 * 1024 * 1024
"""A child that has read more than this ends with its request: memory that a process has grown to
is seldom given back."""


class Compactor:
    """One child process, started when it is first needed, doing one thing at a time."""

    def __init__(self) -> None:
        self._turn = asyncio.Lock()
        self._child: Process | None = None

    @property
    def pid(self) -> int | None:
        """The child's process id, while there is one."""
        return self._child.pid if self._child is not None else None

    @property
    def busy(self) -> bool:
        """Whether the child has a request in hand."""
        return self._turn.locked()

    async def squash(self, state: bytes | None, updates: Sequence[bytes]) -> bytes:
        """`persistence.squash.squash`, in the child.

        Raises:
            Unreadable: an update cannot be applied.
            Incomplete: the result would lose something.
            CompactionFailed: the child died.
        """
        async with self._turn:
            parts = [state or b"", *updates]
            child = await self._started()
            answered = False
            try:
                status, answer = await self._ask(child, parts)
                answered = True
            except (asyncio.IncompleteReadError, OSError) as error:
                raise CompactionFailed("The process that makes snapshots died.") from error
            finally:
                if not answered or sum(map(len, parts)) > _LARGE:
                    await self._end(kill=True)
        if status == DONE:
            return answer
        text = answer.decode()
        if status == UNREADABLE:
            index, _, reason = text.partition(":")
            raise Unreadable(int(index), reason)
        raise Incomplete(text)

    async def close(self) -> None:
        """End the child."""
        async with self._turn:
            await self._end(kill=False)

    async def _started(self) -> Process:
        if self._child is None or self._child.returncode is not None:
            self._child = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "persistence.squash"),
                stdin=PIPE,
                stdout=PIPE,
                stderr=DEVNULL,
                limit=_BUFFER,
                start_new_session=True,
            )
        return self._child

    async def _ask(self, child: Process, parts: Sequence[bytes]) -> tuple[int, bytes]:
        assert child.stdin is not None
        assert child.stdout is not None
        child.stdin.write(struct.pack("<Q", len(parts)))
        for part in parts:
            child.stdin.write(struct.pack("<Q", len(part)))
            child.stdin.write(part)
            await child.stdin.drain()
        await child.stdin.drain()
        status, length = struct.unpack("<BQ", await child.stdout.readexactly(9))
        return status, await child.stdout.readexactly(length)

    async def _end(self, *, kill: bool) -> None:
        child, self._child = self._child, None
        if child is None:
            return
        assert child.stdin is not None
        if kill and child.returncode is None:
            child.kill()
        child.stdin.close()
        await child.wait()
