"""A child process for work on whole documents, so that no room waits for it.

It has a connection to PostgreSQL of its own; a request is a line of JSON on its standard input,
`[dsn, task, arguments]`, the answer a line on its standard output, with the bytes after it that
JSON has no place for: to read 20 MB of it takes a tenth of a second, in which nobody's turn comes.
It ends with its input, that is, also with a parent that was killed.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from collab.errors import CocutError
from persistence.database import Database
from persistence.errors import ChildFailed

_LARGE: Final = 8 * 1024 * 1024
"""A child that has read more than this ends with its request: memory that a process has grown to
is seldom given back."""

_LINE_BYTES: Final = 2**30


@dataclass(frozen=True, slots=True)
class Done:
    """What a task has made, as JSON has it (and an object may have values that are bytes); and how
    many bytes of documents it read for that."""

    made: Any
    read: int


Task = Callable[..., Awaitable[Done]]
"""Takes the database, and the arguments by name."""


class Child:
    """One child process, started when it is first needed, doing one thing at a time.

    Args:
        module: what it runs; it calls `serve`.
        expected: the errors that its tasks may raise; they are raised here, too.
        failed: what is raised for everything else.
        niceness: how much it leaves to others, see `persistence.background`.
    """

    def __init__(
        self,
        module: str,
        expected: Iterable[type[CocutError]],
        failed: type[ChildFailed],
        niceness: int,
    ) -> None:
        self._expected = {error.__name__: error for error in expected}
        self._failed = failed
        self._turn = asyncio.Lock()
        self._child: Process | None = None
        self._module = module
        self._niceness = niceness
        self._stale = False

    @property
    def pid(self) -> int | None:
        """The child's process id, while there is one."""
        return self._child.pid if self._child is not None else None

    @property
    def busy(self) -> bool:
        """Whether the child has a request in hand."""
        return self._turn.locked()

    async def ask(self, dsn: str, task: str, **arguments: Any) -> Any:
        """Have a task done; returns what it made."""
        async with self._turn:
            child = await self._started()
            answer: dict[str, Any] = {"last": True}
            try:
                answer = await _ask(child, json.dumps([dsn, task, arguments]))
            except (ValueError, OSError, EOFError) as error:
                raise self._failed("The process that works on documents died.") from error
            finally:
                if answer["last"]:
                    await self._end()
        if "error" in answer:
            raise self._expected.get(answer["error"], self._failed)(answer["message"])
        return answer["made"]

    def hurry(self) -> None:
        """From the next request on the child does not stand back: somebody waits for its end. On a
        busy machine one that stands back takes many seconds only to start."""
        self._niceness = 0
        self._stale = True

    async def close(self) -> None:
        """End the child."""
        async with self._turn:
            await self._end()

    async def _started(self) -> Process:
        if self._stale:
            self._stale = False
            await self._end()
        if self._child is None or self._child.returncode is not None:
            self._child = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "persistence.background"),
                *(f"{self._niceness}", self._module),
                stdin=PIPE,
                stdout=PIPE,
                start_new_session=True,
                limit=_LINE_BYTES,
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
    for name, size in answer["bytes"].items():
        answer["made"][name] = await child.stdout.readexactly(size)
    return answer


async def serve(tasks: Mapping[str, Task]) -> None:
    """What the child does: one task after the other, until its input ends."""
    databases: dict[str, Database] = {}
    while line := await asyncio.to_thread(sys.stdin.readline):
        dsn, task, arguments = json.loads(line)
        answer = await _answer(databases, dsn, tasks[task], arguments)
        try:
            sys.stdout.buffer.writelines(_encode(answer))
            sys.stdout.buffer.flush()
        except BrokenPipeError:
            # Nobody hears it: the parent was killed. Nor shall the interpreter try, at its end.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            break
    for database in databases.values():
        await database.close()


def _encode(answer: dict[str, Any]) -> list[bytes]:
    """The line, and what comes after it."""
    made = answer.get("made")
    after: dict[str, bytes] = {}
    if isinstance(made, dict):
        after = {name: value for name, value in made.items() if isinstance(value, bytes)}
        answer["made"] = {name: value for name, value in made.items() if name not in after}
    answer["bytes"] = {name: len(value) for name, value in after.items()}
    return [f"{json.dumps(answer)}\n".encode(), *after.values()]


async def _answer(
    databases: dict[str, Database], dsn: str, task: Task, arguments: dict[str, Any]
) -> dict[str, Any]:
    try:
        if dsn not in databases:
            databases[dsn] = await Database.connect(
                dsn, retry_seconds=0, max_connections=2, max_urgent=1
            )
        done = await task(databases[dsn], **arguments)
    except Exception as error:  # noqa: BLE001  the parent decides what it means
        return {"error": type(error).__name__, "message": str(error), "last": False}
    return {"made": done.made, "last": done.read > _LARGE}
