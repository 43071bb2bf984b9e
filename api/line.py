"""An editor's connection, from the handshake to its end.

aiohttp keeps a request, a parser, a task and several timers for each WebSocket: 12 KB, and a turn
of the event loop for each message. So an editor's connection is taken from it after the handshake:
what arrives is handed to the editor's seat at once, and what is too much is not read.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Final

import structlog
from aiohttp import web

from api.channel import CLOSE_SECONDS, Allowance, SocketChannel
from api.encrypted import Encrypted
from api.errors import code_of
from api.websocket import (
    BINARY,
    CLOSE,
    PING,
    PONG,
    TEXT,
    FrameReader,
    Message,
    control_frame,
)
from collab.errors import BadInput, CocutError, MalformedFrame
from collab.ports import Seat
from collab.room import BACKLOG_BYTES

HEARTBEAT_SECONDS: Final = 60.0
"""How often a silent editor is asked whether it is there; half of it is how long it may take: the
question waits behind what was sent before, which may be a large document on a slow line."""

LOOK_SECONDS: Final = 15.0

_PING: Final = control_frame(PING)

_log = structlog.get_logger(__name__)


class Lines:
    """The open connections of editors.

    Args:
        clock: monotonic seconds.
        message_bytes: what a message may have.
        limited: whether connections have limits.
        refused: told the code of each error that an editor is refused with.
    """

    def __init__(
        self,
        clock: Callable[[], float],
        message_bytes: int,
        refused: Callable[[str], None],
        *,
        limited: bool,
    ) -> None:
        self.clock = clock
        self.message_bytes = message_bytes
        self.limited = limited
        self.refused = refused
        self._open: set[Line] = set()
        self._empty = asyncio.Event()
        self._empty.set()
        self._tasks: set[asyncio.Task[None]] = set()

    def start(self) -> None:
        """Begin to ask those who are silent whether they are there."""
        self.spawn(self._look_for_ever())

    def take(self, request: web.Request, name: str) -> Line:
        """Take a connection from aiohttp: from now on, what it receives is the line's.

        Args:
            request: the request on it, to which nothing was answered yet.
            name: what log lines call it.

        Raises:
            ConnectionError: it has ended.
        """
        transport = request.transport
        if transport is None or transport.is_closing():
            raise ConnectionResetError
        if transport.get_extra_info("sslcontext") is not None:
            transport = Encrypted(transport)
        line = Line(self, transport, name)
        transport.pause_reading()
        transport.set_protocol(line)
        # aiohttp closes what it is told to have lost, unless it does not know it.
        request.protocol.transport = None
        request.protocol.connection_lost(None)
        self._open.add(line)
        self._empty.clear()
        return line

    def ended(self, line: Line) -> None:
        """A connection has ended."""
        self._open.discard(line)
        if not self._open:
            self._empty.set()

    def spawn(self, work: Coroutine[None, None, None]) -> None:
        """Run something that ends with these connections at the latest."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def look(self) -> None:
        """Ask those who are silent whether they are there, and end those who do not answer."""
        now = self.clock()
        for line in list(self._open):
            line.look(now)

    async def close(self, seconds: float) -> None:
        """Wait until all who were refused have heard it, at most so long; then end the rest."""
        try:
            async with asyncio.timeout(seconds):
                await self._empty.wait()
        except TimeoutError:
            for line in list(self._open):
                line.channel.abort()
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _look_for_ever(self) -> None:
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            self.look()


class Line(asyncio.Protocol):
    """One editor's connection. Nothing is read from it until `begin`.

    Args:
        lines: whose it is.
        transport: of the connection.
        name: what log lines call it.

    Attributes:
        channel: the way to the editor.
    """

    __slots__ = (
        "_allowance",
        "_deaf",
        "_ended",
        "_heard_at",
        "_lines",
        "_name",
        "_reader",
        "_resting",
        "_seat",
        "_transport",
        "channel",
    )

    def __init__(self, lines: Lines, transport: asyncio.Transport, name: str) -> None:
        now = lines.clock()
        self._lines = lines
        self._transport = transport
        self._name = name
        self._reader = FrameReader(lines.message_bytes)
        self._allowance = Allowance(now) if lines.limited else None
        self._heard_at = now
        self._seat: Seat | None = None
        self._resting = True
        self._deaf = False
        self._ended = False
        self.channel = SocketChannel(transport, self._refusing)

    def begin(self, seat: Seat | None) -> None:
        """Read what the editor sends; without a seat, for the answer to its refusal only."""
        if self._ended:
            if seat is not None:
                seat.leave()
            return
        self._seat = seat
        self._go_on()

    def look(self, now: float) -> None:
        """Ask a silent editor whether it is there; end the connection if it was asked in vain."""
        silent = now - self._heard_at
        if self._resting or silent < HEARTBEAT_SECONDS:
            return
        if silent < 1.5 * HEARTBEAT_SECONDS:
            self.channel.write(_PING)
        else:
            self.channel.abort()

    def data_received(self, data: bytes) -> None:
        """Hand in what has arrived."""
        self._heard_at = self._lines.clock()
        if not self._deaf:
            self._reader.feed(data)
            if not self._resting:
                self._take()

    def connection_lost(self, exc: Exception | None) -> None:
        """Give the seat back."""
        self._ended = self._deaf = True
        self._leave()
        self.channel.end()
        self._lines.ended(self)
        _log.debug("editor_left", connection=self._name)

    def _take(self) -> None:
        """Hand in messages until there is none, or it is too much for now."""
        while not self._resting and not self._deaf:
            try:
                message = self._reader.next()
            except BadInput as error:
                self._deaf = isinstance(error, MalformedFrame)
                self._refuse(error)
                continue
            if message is None:
                return
            self._hear(message)
            if self._allowance is not None:
                wait = self._allowance.spend(message.size, self._lines.clock())
                if wait:
                    self._rest()
                    asyncio.get_running_loop().call_later(wait, self._go_on)

    def _hear(self, message: Message) -> None:
        kind, data, _ = message
        if kind == BINARY:
            seat = self._seat
            if seat is not None and not self.channel.refused and not seat.receive(data):
                self._rest()
                self._lines.spawn(self._go_on_when_drained(seat))
        elif kind == TEXT:
            self._refuse(BadInput("This protocol has binary messages only."))
        elif kind == PING:
            # Who does not read what is there would pile up answers.
            if self.channel.backlog() <= BACKLOG_BYTES:
                self.channel.write(control_frame(PONG, data))
        elif kind == CLOSE:
            self.channel.write(control_frame(CLOSE, data[:2]))
            self._deaf = True
            self._leave()
            self._transport.close()
            if self.channel.backlog():
                asyncio.get_running_loop().call_later(CLOSE_SECONDS, self.channel.abort)

    def _rest(self) -> None:
        self._resting = True
        if not self._ended:
            self._transport.pause_reading()

    def _go_on(self) -> None:
        if self._ended:
            return
        self._heard_at = self._lines.clock()
        self._resting = False
        self._take()
        if not self._resting and not self._transport.is_closing():
            self._transport.resume_reading()

    async def _go_on_when_drained(self, seat: Seat) -> None:
        await seat.drained()
        self._go_on()

    def _refuse(self, error: CocutError) -> None:
        self._leave()
        self.channel.refuse(error)

    def _leave(self) -> None:
        seat, self._seat = self._seat, None
        if seat is not None:
            seat.leave()

    def _refusing(self, error: CocutError) -> None:
        self._lines.refused(code_of(error))
        _log.info("editor_refused", connection=self._name, reason=str(error))


class TakenOver(web.StreamResponse):
    """What a handler returns whose connection is aiohttp's no more: nothing is left to answer."""

    def __init__(self) -> None:
        super().__init__(status=101)

    @property
    def prepared(self) -> bool:
        """It was answered by hand."""
        return True

    @property
    def keep_alive(self) -> bool | None:
        """No further request comes."""
        return False

    async def prepare(self, request: web.BaseRequest) -> None:
        """Nothing to do."""

    async def write_eof(self, data: bytes = b"") -> None:
        """Nothing to do."""
