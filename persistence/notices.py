"""What PostgreSQL notifies on a channel, heard for as long as it is there."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

import asyncpg

CONNECT_SECONDS: Final = 2.0
AGAIN_SECONDS: Final = 1.0
LOOK_SECONDS: Final = 10.0
"""How often a silent connection is asked whether it is still there."""

_AWAY: Final = (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError)


class Notices:
    """Listens on a channel, on a connection of its own.

    Args:
        dsn: where the database is.
        channel: which channel.
        hear: called with each payload.
        missed: called when it listens again after it did not: notices may have been missed.
    """

    def __init__(
        self, dsn: str, channel: str, hear: Callable[[str], None], missed: Callable[[], None]
    ) -> None:
        self._dsn = dsn
        self._channel = channel
        self._hear = hear
        self._missed = missed
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin."""
        self._task = asyncio.get_running_loop().create_task(self._run())

    async def close(self) -> None:
        """Stop."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _run(self) -> None:
        listened = False
        while True:
            try:
                connection = await asyncpg.connect(
                    self._dsn,
                    timeout=CONNECT_SECONDS,
                    server_settings={"application_name": "cocut notices"},
                )
            except _AWAY:
                await asyncio.sleep(AGAIN_SECONDS)
                continue
            try:
                await connection.add_listener(self._channel, self._heard)
                if listened:
                    self._missed()
                listened = True
                await self._until_gone(connection)
            except _AWAY:
                await asyncio.sleep(AGAIN_SECONDS)
            finally:
                connection.terminate()

    def _heard(self, connection: object, pid: int, channel: str, payload: object) -> None:
        self._hear(str(payload))

    async def _until_gone(self, connection: asyncpg.Connection[asyncpg.Record]) -> None:
        gone = asyncio.Event()
        connection.add_termination_listener(lambda _: gone.set())
        while not gone.is_set():
            try:
                async with asyncio.timeout(LOOK_SECONDS):
                    await gone.wait()
            except TimeoutError:
                await connection.execute("SELECT 1", timeout=CONNECT_SECONDS)
