"""Where connections are accepted, and ended when they never get to ask for anything."""

from __future__ import annotations

import asyncio
import resource
import socket
import ssl
from typing import Final, cast

import structlog
from aiohttp import web
from aiohttp.web_protocol import RequestHandler
from aiohttp.web_server import Server

from api import errors
from server.homes import Home

FIRST_REQUEST_SECONDS: Final = 10.0
"""How long a connection may take for its first request line and headers, a WebSocket's handshake
included. aiohttp's own limit is the one for idle connections between two requests, which has to be
longer than a proxy's."""

IDLE_SECONDS: Final = 150.0
"""How long a connection may rest between two requests: longer than usual proxies keep theirs."""

BACKLOG: Final = 4096
"""Connections that may wait to be accepted: a thousand editors reconnect at once."""


_log = structlog.get_logger(__name__)


def allow_all_files() -> None:
    """Let this process and its children have as many files and sockets open as the system lets
    them: the usual soft limit of 1024 is no more than that many editors."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


class _Handler(RequestHandler):
    """A connection that has to come to the point.

    Args:
        server: of the application's runner.
        home: where videos have homes, a request may be for another process.
        begun: what another process has read of a request that is for this one.
    """

    __slots__ = ("_answered", "_begun", "_home", "_late")

    def __init__(self, server: Server, home: Home | None, begun: bytes = b"") -> None:
        super().__init__(
            server,
            loop=asyncio.get_running_loop(),
            access_log=None,  # type: ignore[arg-type]
            keepalive_timeout=IDLE_SECONDS,
        )
        self._home = home
        self._begun = begun
        self._answered = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self._late = self._loop.call_later(FIRST_REQUEST_SECONDS, self._end_if_silent)
        if self._begun:
            begun, self._begun = self._begun, b""
            super().data_received(begun)

    def data_received(self, data: bytes) -> None:
        home = self._home
        if home is not None and self._request_count == self._answered:
            # uvloop's transports are none of asyncio's classes.
            transport = cast("asyncio.Transport", self.transport)
            if home.pass_on(transport, data, super().data_received):
                return
        super().data_received(data)

    async def finish_response(
        self, request: web.BaseRequest, resp: web.StreamResponse, start_time: float | None
    ) -> tuple[web.StreamResponse, bool]:
        finished = await super().finish_response(request, resp, start_time)
        self._answered += 1
        return finished

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        if status >= 500 or request.writer.output_size > 0:
            return super().handle_error(request, status, exc, message)
        # What is no HTTP is its sender's fault: no traceback, and the answer that all errors have.
        _log.info("bad_request", address=request.remote, error=type(exc).__name__)
        answer = errors.response(
            errors.BadRequest("This is no HTTP request, or its first line or headers are too long.")
        )
        answer.force_close()
        return answer

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
        home: this process among several on the port.
    """

    __slots__ = ("_given", "_home", "_listener")

    def __init__(
        self,
        runner: web.AppRunner,
        listener: socket.socket,
        tls: ssl.SSLContext | None,
        home: Home | None = None,
    ) -> None:
        super().__init__(runner, ssl_context=tls, backlog=BACKLOG)
        self._listener = listener
        self._home = home
        self._given: set[asyncio.Task[None]] = set()

    @property
    def name(self) -> str:
        """Where it listens."""
        return f"{self._listener.getsockname()}"

    async def start(self) -> None:
        """Accept connections."""
        await super().start()
        server = self._runner.server
        assert server is not None
        self._server = await asyncio.get_running_loop().create_server(
            lambda: _Handler(server, self._home),
            sock=self._listener,
            ssl=self._ssl_context,
            backlog=self._backlog,
            ssl_handshake_timeout=None if self._ssl_context is None else FIRST_REQUEST_SECONDS,
        )
        if self._home is not None:
            self._home.receive(self._take)

    async def stop(self) -> None:
        """Accept no more."""
        await super().stop()
        if self._home is not None:
            self._home.close()
        await asyncio.gather(*self._given)

    def _take(self, connection: socket.socket, begun: bytes) -> None:
        task = asyncio.get_running_loop().create_task(self._go_on(connection, begun))
        self._given.add(task)
        task.add_done_callback(self._given.discard)

    async def _go_on(self, connection: socket.socket, begun: bytes) -> None:
        server = self._runner.server
        if server is None:  # it has just been cleaned up
            connection.close()
            return
        await asyncio.get_running_loop().connect_accepted_socket(
            lambda: _Handler(server, self._home, begun), connection
        )
