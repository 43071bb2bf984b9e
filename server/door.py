"""Where connections are accepted, and ended when they never get to ask for anything."""

from __future__ import annotations

import asyncio
import resource
import socket
import ssl
from typing import Final

from aiohttp import web
from aiohttp.web_protocol import RequestHandler

FIRST_REQUEST_SECONDS: Final = 10.0
"""How long a connection may take for its first request line and headers, a WebSocket's handshake
included. aiohttp's own limit is the one for idle connections between two requests, which has to be
longer than a proxy's."""

IDLE_SECONDS: Final = 150.0
"""How long a connection may rest between two requests: longer than usual proxies keep theirs."""

BACKLOG: Final = 4096
"""Connections that may wait to be accepted: a thousand editors reconnect at once."""


def allow_all_files() -> None:
    """Let this process and its children have as many files and sockets open as the system lets
    them: the usual soft limit of 1024 is no more than that many editors."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


class _Handler(RequestHandler):
    """A connection that has to come to the point."""

    __slots__ = ("_late",)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self._late = self._loop.call_later(FIRST_REQUEST_SECONDS, self._end_if_silent)

    def connection_lost(self, exc: BaseException | None) -> None:
        self._late.cancel()
        super().connection_lost(exc)

    def _end_if_silent(self) -> None:
        if not self._request_count:
            self.force_close()


class Door(web.BaseSite):
    """Accepts the connections of an application's runner on a bound socket.

    Args:
        runner: of the application; it is set up.
        listener: a bound socket.
        tls: for a server that speaks TLS itself.
    """

    __slots__ = ("_listener",)

    def __init__(
        self, runner: web.AppRunner, listener: socket.socket, tls: ssl.SSLContext | None
    ) -> None:
        super().__init__(runner, ssl_context=tls, backlog=BACKLOG)
        self._listener = listener

    @property
    def name(self) -> str:
        """Where it listens."""
        return f"{self._listener.getsockname()}"

    async def start(self) -> None:
        """Accept connections."""
        await super().start()
        loop = asyncio.get_running_loop()
        server = self._runner.server
        assert server is not None
        self._server = await loop.create_server(
            lambda: _Handler(server, loop=loop, access_log=None, keepalive_timeout=IDLE_SECONDS),  # type: ignore[arg-type]
            sock=self._listener,
            ssl=self._ssl_context,
            backlog=self._backlog,
            ssl_handshake_timeout=None if self._ssl_context is None else FIRST_REQUEST_SECONDS,
        )
