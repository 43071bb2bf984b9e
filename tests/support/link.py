"""A way to PostgreSQL that can be cut for one node while the others keep theirs."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit

_CHUNK: Final = 64 * 1024


class Link:
    """Connections on loopback that go on to a PostgreSQL behind a Unix socket.

    It lives in a thread of its own, so that tests may wait for processes that use it.

    Args:
        dsn: of an embedded PostgreSQL.

    Attributes:
        dsn: the same database, by this way.
        port: of it, on loopback.
    """

    def __init__(self, dsn: str) -> None:
        parts = urlsplit(dsn)
        query = parse_qs(parts.query)
        self._target = f"{query['host'][0]}/.s.PGSQL.{query['port'][0]}"
        self._open = True
        self._writers: set[asyncio.StreamWriter] = set()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._server = self._run(asyncio.start_server(self._accept, "127.0.0.1", 0))
        self.port: int = self._server.sockets[0].getsockname()[1]
        host = f"127.0.0.1:{self.port}"
        self.dsn = f"postgresql://{parts.username}@{host}{parts.path}?sslmode=disable"

    def cut(self) -> None:
        """End all connections, and let nobody connect."""

        async def end() -> None:
            self._open = False
            for writer in self._writers:
                writer.transport.abort()

        self._run(end())

    def mend(self) -> None:
        """Let connections through again."""
        self._open = True

    def close(self) -> None:
        """End all connections for good."""
        self.cut()

        async def end() -> None:
            self._server.close()
            mine = asyncio.current_task()
            await asyncio.gather(*(task for task in asyncio.all_tasks() if task is not mine))

        self._run(end())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _run(self, work: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        try:
            if self._open:
                back, forth = await asyncio.open_unix_connection(self._target)
                self._writers.add(forth)
                try:
                    await asyncio.gather(_pass_on(reader, forth), _pass_on(back, writer))
                finally:
                    self._writers.discard(forth)
        finally:
            self._writers.discard(writer)
            writer.transport.abort()


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Hand on what is read until there is no more, and end what it was handed to."""
    try:
        while chunk := await reader.read(_CHUNK):
            writer.write(chunk)
            await writer.drain()
    except ConnectionError:
        pass  # cut
    finally:
        writer.close()


@contextmanager
def link_to(dsn: str) -> Iterator[Link]:
    """A link for as long as it is needed."""
    link = Link(dsn)
    try:
        yield link
    finally:
        link.close()
