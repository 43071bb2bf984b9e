"""python-socketio on aiohttp, with what it lacks.

- A message is encoded and framed once, and the same bytes are written to each listener's transport.
- Each connection has the same limits as an editor's; what does not read what it gets, is noticed.
- What is no packet of the protocol ends its connection; binary packets, which the library would
  collect without a limit, are refused.
- It logs nothing: it would log what it gets, tokens too.
"""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

import engineio
import socketio
from aiohttp import WSMsgType, web
from engineio.exceptions import EngineIOError
from engineio.packet import MESSAGE, Packet
from socketio.packet import BINARY_ACK, BINARY_EVENT, EVENT
from socketio.packet import Packet as Message

from api import body
from api.channel import CLOSE_SECONDS, Allowance
from api.websocket import text_frame
from collab.errors import BadInput, Unavailable

MAX_MESSAGE_BYTES: Final = 1024 * 1024
PING_SECONDS: Final = 25
PONG_SECONDS: Final = 20

UPGRADE_SECONDS: Final = 10.0
"""How long a connection that polls may take to make use of a WebSocket that it has opened."""

MAX_STRANGERS: Final = 5_000
"""Connections at once that have not said who they are."""

_PACKET: Final = re.compile(r"[2356].{0,20}\Z|4[0-9]")
"""What a packet of Engine.IO begins with, or is. The library's own reader does not survive all that
is none. One that closes the connection (1) is answered by closing it, like what is none: the
library would go on reading."""

_BETWEEN: Final = "\x1e"
"""What stands between two packets of one request."""

_RESERVED: Final = frozenset({"connect", "disconnect"})
"""What the library itself calls its handlers with."""

Receive = Callable[[str, str, list[Any]], Awaitable[Any]]
"""Called with the name of an event, the id of the connection, and the event's arguments; what it
returns is the acknowledgement."""


class TextMessage(Message):  # type: ignore[misc]
    """A Socket.IO packet without binary parts."""

    uses_binary_events = False

    def decode(self, encoded_packet: str) -> int:
        """Read a packet.

        Raises:
            ValueError: it is none, or a binary one.
        """
        attachments: int = super().decode(encoded_packet)
        if self.packet_type in (BINARY_EVENT, BINARY_ACK):
            raise ValueError("binary packets are not taken")
        if self.packet_type == EVENT and not (
            isinstance(self.data, list)
            and self.data
            and isinstance(self.data[0], str)
            and self.data[0] not in _RESERVED
        ):
            raise ValueError("an event without a name, or with a reserved one")
        return attachments


@dataclass(frozen=True, slots=True)
class Outgoing:
    """Events on their way: as WebSocket frames one after the other, and as texts for pollers."""

    frames: bytes
    texts: list[str]


class _Queued(Packet):  # type: ignore[misc]
    """A packet in a connection's queue; `left` is called when it leaves."""

    def __init__(self, text: str, left: Callable[[], None]) -> None:
        super().__init__(MESSAGE, text)
        self._left = left

    def encode(self, b64: bool = False) -> Any:
        self._left()
        return super().encode(b64)


class Carrier:
    """The WebSocket of one connection, as engineio's driver for aiohttp has it, with limits."""

    def __init__(self, handler: Callable[[Carrier], Awaitable[None]], server: Engine) -> None:
        self._handler = handler
        self._server = server
        self._connection: Any = handler.__self__  # type: ignore[attr-defined]
        self._sid: str = self._connection.sid
        self._socket: web.WebSocketResponse
        self._transport: asyncio.WriteTransport | None = None

    async def __call__(self, environ: Mapping[str, Any]) -> web.WebSocketResponse:
        """Serve the connection until it ends.

        Raises:
            BadInput: it has a WebSocket already.
        """
        request: web.Request = environ["aiohttp.request"]
        if self._sid in self._server.carriers:
            raise BadInput("This connection has a WebSocket already.")
        self._socket = web.WebSocketResponse(
            max_msg_size=MAX_MESSAGE_BYTES,
            compress=False,
            timeout=CLOSE_SECONDS,
            writer_limit=2**62,
        )
        await self._socket.prepare(request)
        self._transport = request.transport
        self._server.carriers[self._sid] = self
        try:
            await self._handler(self)
        finally:
            del self._server.carriers[self._sid]
        return self._socket

    async def send(self, message: str | bytes) -> None:
        """Send one message."""
        assert isinstance(message, str)
        self.write(text_frame(message.encode()))

    async def wait(self) -> str:
        """The next message.

        Raises:
            OSError: the connection has ended, says what it must not, or takes too long to begin.
        """
        async with asyncio.timeout(None if self._connection.upgraded else UPGRADE_SECONDS):
            message = await self._socket.receive()
        if message.type is not WSMsgType.TEXT or not _PACKET.match(message.data):
            raise OSError
        text: str = message.data
        await self._server.spend(self._sid, len(text))
        return text

    async def close(self, code: int = 1000) -> None:
        """End the connection."""
        await self._socket.close(code=code)

    def write(self, frames: bytes) -> None:
        """Send whole frames; nothing, if the connection has ended: its reader will say so."""
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(frames)

    def backlog(self) -> int:
        """Bytes that were written and have not left yet."""
        return 0 if self._transport is None else self._transport.get_write_buffer_size()

    def abort(self) -> None:
        """End the connection at once."""
        if self._transport is not None:
            self._transport.abort()


class Engine(engineio.AsyncServer):  # type: ignore[misc]
    """The transports; see `Wire`.

    Attributes:
        carriers: the WebSockets by the engine's id of the connection.
        allowances: what connections may send, where there are limits.
    """

    def __init__(self, *, clock: Callable[[], float], **options: Any) -> None:
        super().__init__(**options)
        self.carriers: dict[str, Carrier] = {}
        self.allowances: dict[str, Allowance] = {}
        self._clock = clock
        driver: dict[str, Any] = getattr(self, "_async")  # noqa: B009
        self._async = {**driver, "websocket": Carrier}

    async def spend(self, sid: str, size: int) -> None:
        """Count what a connection has sent, and let time pass when it was too much."""
        allowance = self.allowances.get(sid)
        if allowance is not None:
            pause = allowance.spend(size, self._clock())
            if pause:
                await asyncio.sleep(pause)


class Wire(socketio.AsyncServer):  # type: ignore[misc]
    """The Socket.IO server.

    Args:
        receive: gets the events, `connect` and `disconnect` too.
        polling: offer long polling, not only WebSockets.
        limited: whether connections have limits.
        clock: monotonic seconds.

    Attributes:
        strangers: connections that have not said who they are, and since when (monotonic seconds).
    """

    eio: Engine

    def __init__(
        self, receive: Receive, *, polling: bool, limited: bool, clock: Callable[[], float]
    ) -> None:
        quiet = logging.Logger("socketio", logging.CRITICAL + 1)
        super().__init__(
            async_mode="aiohttp",
            async_handlers=False,
            serializer=TextMessage,
            logger=quiet,
            engineio_logger=quiet,
            transports=["polling", "websocket"] if polling else ["websocket"],
            cors_allowed_origins=[],
            http_compression=False,
            max_http_buffer_size=MAX_MESSAGE_BYTES,
            ping_interval=PING_SECONDS,
            ping_timeout=PONG_SECONDS,
            clock=clock,
        )
        self.strangers: dict[str, float] = {}
        self._limited = limited
        self._clock = clock
        self._receive = receive
        self._queued: dict[str, int] = {}

    async def serve(self, request: web.Request) -> web.StreamResponse:
        """Serve one request of a transport.

        Raises:
            BadInput: it is none of the protocol.
            Unavailable: too many are connecting at the moment.
        """
        if request.method == "POST":
            return await self._take(request)
        if "sid" not in request.query and len(self.strangers) >= MAX_STRANGERS:
            raise Unavailable("Too many are connecting at the moment; try again later.")
        response: web.StreamResponse = await self.handle_request(request)
        return response

    async def _take(self, request: web.Request) -> web.Response:
        """Take the packets that a connection which polls has sent together.

        The library's own way takes sixteen at most, and says of what it has lost that all is well.
        """
        sid = request.query.get("sid", "")
        connection = self.eio.sockets.get(sid)
        if connection is None or connection.closed or connection.upgraded:
            raise BadInput("There is no such connection, or it does not poll.")
        try:
            text = (await body.read(request, MAX_MESSAGE_BYTES)).decode()
            *packets, last = text.split(_BETWEEN)
            closing = last == "1"
            packets += [] if closing else [last]
            if not all(map(_PACKET.match, packets)):
                raise BadInput("The body holds what is no packet.")
            for packet in packets:
                await self.eio.spend(sid, len(packet))
                if connection.closed:
                    raise BadInput("The connection has ended.")
                await connection.receive(Packet(encoded_packet=packet))
        except (BadInput, UnicodeDecodeError, EngineIOError) as error:
            await self.end(sid)
            raise error if isinstance(error, BadInput) else BadInput("It is malformed.") from error
        if closing:
            await connection.close(wait=False, abort=True)
        return web.Response(text="ok")

    def outgoing(self, events: Iterable[tuple[str, Mapping[str, Any]]]) -> Outgoing:
        """Encode events, once for all who get them."""
        texts = [TextMessage(EVENT, data=list(event)).encode() for event in events]
        frames = b"".join(text_frame(Packet(MESSAGE, text).encode().encode()) for text in texts)
        return Outgoing(frames, texts)

    def engine_id(self, sid: str) -> str:
        """The engine's id of a connection."""
        return str(self.manager.eio_sid_from_sid(sid, "/"))

    def send(self, engine_id: str, outgoing: Outgoing) -> None:
        """Send events to one connection.

        They go straight to its WebSocket, unless it polls, or has not yet got what was queued for
        it while it did.
        """
        socket = self.eio.sockets.get(engine_id)
        if socket is None or socket.closed:
            return
        carrier = self.eio.carriers.get(engine_id)
        if carrier is not None and socket.upgraded and not self._queued.get(engine_id):
            carrier.write(outgoing.frames)
            return
        for text in outgoing.texts:
            self._queued[engine_id] = self._queued.get(engine_id, 0) + len(text)
            socket.queue.put_nowait(_Queued(text, partial(self._left, engine_id, len(text))))

    def backlog(self, engine_id: str) -> int:
        """Characters or bytes that wait for one connection to take them up."""
        carrier = self.eio.carriers.get(engine_id)
        return self._queued.get(engine_id, 0) + (carrier.backlog() if carrier is not None else 0)

    async def end(self, engine_id: str, code: int = 1000) -> None:
        """End a connection in such a way that its client comes back by itself."""
        carrier = self.eio.carriers.get(engine_id)
        socket = self.eio.sockets.get(engine_id)
        if carrier is not None:
            await carrier.close(code)
        elif socket is not None and not socket.closed:
            await socket.close(wait=False)

    def abort(self, engine_id: str) -> None:
        """End the WebSocket of a connection that takes nothing up any more."""
        carrier = self.eio.carriers.get(engine_id)
        if carrier is not None:
            carrier.abort()

    def _left(self, engine_id: str, size: int) -> None:
        left = self._queued.pop(engine_id, 0) - size
        if left > 0:
            self._queued[engine_id] = left

    def _engineio_server_class(self) -> type[Engine]:
        return Engine

    async def _trigger_event(self, event: str, namespace: str, *args: Any) -> Any:
        sid, *rest = args
        return await self._receive(event, sid, rest)

    async def _handle_eio_connect(self, eio_sid: str, environ: Any) -> None:
        self.strangers[eio_sid] = now = self._clock()
        if self._limited:
            self.eio.allowances[eio_sid] = Allowance(now)
        await super()._handle_eio_connect(eio_sid, environ)

    async def _handle_eio_message(self, eio_sid: str, data: Any) -> None:
        try:
            await super()._handle_eio_message(eio_sid, data)
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
            await self.end(eio_sid, 1002)

    async def _handle_eio_disconnect(self, eio_sid: str, reason: str) -> None:
        self.strangers.pop(eio_sid, None)
        self.eio.allowances.pop(eio_sid, None)
        self._queued.pop(eio_sid, None)
        await super()._handle_eio_disconnect(eio_sid, reason)
