"""The child process that makes snapshots, so that no room waits for one.

It has a connection to PostgreSQL of its own; a request is a line of JSON on its standard input,
`[dsn, video id]`, the answer a line on its standard output. It ends with its input, that is, also
with a parent that was killed.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from asyncio.subprocess import PIPE, Process
from dataclasses import asdict
from typing import Any, Final
from uuid import UUID

from collab.errors import CocutError, CorruptLog, DatabaseAway, VideoNotFound
from persistence.compaction import Compacted, compact
from persistence.database import Database
from persistence.errors import CompactionFailed, CompactionRefused

_LARGE: Final = 8 * 1024 * 1024
"""A child that has read more than this ends with its request: memory that a process has grown to
is seldom given back."""

_EXPECTED: Final[dict[str, type[CocutError]]] = {
    error.__name__: error for error in (VideoNotFound, CorruptLog, CompactionRefused, DatabaseAway)
}


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

    async def compact(self, dsn: str, video_id: UUID) -> Compacted | None:
        """`persistence.compaction.compact`, in the child.

        Raises:
            CompactionFailed: the child died, or something that is not expected happened in it.
        """
        async with self._turn:
            child = await self._started()
            answer: dict[str, Any] = {"last": True}
            try:
                answer = await _ask(child, json.dumps([dsn, str(video_id)]))
            except (ValueError, OSError) as error:
                raise CompactionFailed("The process that makes snapshots died.") from error
            finally:
                if answer["last"]:
                    await self._end()
        if "error" in answer:
            raise _EXPECTED.get(answer["error"], CompactionFailed)(answer["message"])
        made = answer["made"]
        return Compacted(**made) if made is not None else None

    async def close(self) -> None:
        """End the child."""
        async with self._turn:
            await self._end()

    async def _started(self) -> Process:
        if self._child is None or self._child.returncode is not None:
            self._child = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "persistence.compactor"),
                stdin=PIPE,
                stdout=PIPE,
                start_new_session=True,
            )
        return self._child

    async def _end(self) -> None:
        child, self._child = self._child, None
        if child is None:
            return
        assert child.stdin is not None
        child.stdin.close()
        if child.returncode is None:
            child.kill()
        await child.wait()


async def _ask(child: Process, request: str) -> dict[str, Any]:
    assert child.stdin is not None
    assert child.stdout is not None
    child.stdin.write(f"{request}\n".encode())
    await child.stdin.drain()
    answer: dict[str, Any] = json.loads(await child.stdout.readline())
    return answer


async def _answer(databases: dict[str, Database], dsn: str, video_id: UUID) -> dict[str, Any]:
    try:
        if dsn not in databases:
            databases[dsn] = await Database.connect(
                dsn, retry_seconds=0, max_connections=2, max_urgent=1
            )
        made = await compact(databases[dsn], video_id)
    except Exception as error:  # noqa: BLE001  the parent decides what it means
        return {"error": type(error).__name__, "message": str(error), "last": False}
    if made is None:
        return {"made": None, "last": False}
    return {"made": asdict(made), "last": made.read > _LARGE}


async def _serve() -> None:
    databases: dict[str, Database] = {}
    while line := await asyncio.to_thread(sys.stdin.readline):
        dsn, video_id = json.loads(line)
        answer = await _answer(databases, dsn, UUID(video_id))
        try:
            print(json.dumps(answer), flush=True)
        except BrokenPipeError:
            # Nobody hears it: the parent was killed. Nor shall the interpreter try, at its end.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            break
    for database in databases.values():
        await database.close()


if __name__ == "__main__":
    os.nice(19)
    asyncio.run(_serve())
