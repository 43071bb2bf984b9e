"""A connection over TLS whose backlog can be told.

asyncio and uvloop encrypt all they are given at once, and do not count what then waits for the
socket. A large document would lie there once for each who opens it, and nobody could tell one who
reads slowly from one who does not read at all. So they are given it in pieces, as those before
leave.
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Any, Final

Bytes = bytes | bytearray | memoryview

PIECE_BYTES: Final = 64 * 1024
"""As much as a socket's transport holds before it asks for a pause."""


class Encrypted(asyncio.Transport, asyncio.Protocol):
    """Stands between a transport over TLS and its protocol; to that it is the transport.

    Args:
        transport: over TLS; its protocol is taken from it by `set_protocol`.
    """

    __slots__ = ("_closing", "_protocol", "_queue", "_queued", "_transport")

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        self._queue: deque[memoryview] = deque()
        self._queued = 0
        self._closing = False
        # What was as much as a piece has left when `resume_writing` comes.
        transport.set_write_buffer_limits(high=PIECE_BYTES, low=0)

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        """Hand what arrives to another protocol."""
        assert isinstance(protocol, asyncio.Protocol)
        self._protocol = protocol
        self._transport.set_protocol(self)

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        """What the transport knows."""
        return self._transport.get_extra_info(name, default)

    def is_reading(self) -> bool:
        """Whether what arrives is handed on."""
        return self._transport.is_reading()

    def pause_reading(self) -> None:
        """Hand nothing on."""
        self._transport.pause_reading()

    def resume_reading(self) -> None:
        """Hand on again what arrives."""
        self._transport.resume_reading()

    def write(self, data: Bytes) -> None:
        """Send something; it is not copied while it waits."""
        if len(data) <= PIECE_BYTES and not self._queue and self._waiting() < PIECE_BYTES:
            self._transport.write(data)
            return
        self._queue.append(memoryview(data))
        self._queued += len(data)
        self._feed()

    def get_write_buffer_size(self) -> int:
        """Bytes that wait; up to two pieces more may lie in the socket's transport."""
        return self._queued + self._waiting()

    def is_closing(self) -> bool:
        """Whether nothing more is sent."""
        return self._closing or self._transport.is_closing()

    def close(self) -> None:
        """Send what waits, and end the connection."""
        if not self.is_closing():
            self._closing = True
            self._feed()

    def abort(self) -> None:
        """End the connection at once."""
        self._drop()
        self._transport.abort()

    def data_received(self, data: bytes) -> None:
        """Hand on what has arrived."""
        self._protocol.data_received(data)

    def resume_writing(self) -> None:
        """Send the next pieces."""
        self._feed()

    def connection_lost(self, exc: Exception | None) -> None:
        """Hand on that it has ended."""
        self._drop()
        self._protocol.connection_lost(exc)

    def _feed(self) -> None:
        queue, transport = self._queue, self._transport
        if transport.is_closing():
            self._drop()
            return
        while queue and self._waiting() < PIECE_BYTES:
            piece = queue[0][:PIECE_BYTES]
            if len(piece) == len(queue[0]):
                queue.popleft()
            else:
                queue[0] = queue[0][PIECE_BYTES:]
            self._queued -= len(piece)
            transport.write(piece)
        if self._closing and not queue:
            transport.close()

    def _waiting(self) -> int:
        # One that was closed takes nothing more, and asyncio's cannot be asked any more.
        return 0 if self._transport.is_closing() else self._transport.get_write_buffer_size()

    def _drop(self) -> None:
        self._queue.clear()
        self._queued = 0
