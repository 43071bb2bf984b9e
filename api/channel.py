"""The way to one editor's socket, and how much may come from it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from os import write
from typing import Final

from api.errors import close_code
from api.websocket import close_frame
from collab.errors import CocutError

CLOSE_SECONDS: Final = 5.0
FRAMES_PER_SECOND: Final = 100.0
BYTES_PER_SECOND: Final = 1024 * 1024.0
BURST_SECONDS: Final = 5.0


class SocketChannel:
    """The way to one editor: frames built once for all go straight to its socket.

    aiohttp's own `send_bytes` frames each message for each connection, which costs more than half
    as much again as the write itself; the transport's queue, a fifth. What the socket does not
    take at once goes through the transport, and all that follows until that has left. Its `close`,
    called while the connection is being read, closes the transport without waiting for the answer:
    what the editor sent meanwhile then resets the connection, and the close code is lost. So a
    refusal writes the close frame here, and the reader reads on to the editor's answer.

    Args:
        transport: of the connection.
        refusing: told why the connection is ended.

    Attributes:
        refused: whether the editor was told why its connection ends.
    """

    __slots__ = (
        "_closing",
        "_deadline",
        "_handle",
        "_refusing",
        "_transport",
        "_waiting",
        "refused",
    )

    def __init__(
        self, transport: asyncio.WriteTransport, refusing: Callable[[CocutError], None]
    ) -> None:
        self.refused = False
        self._refusing = refusing
        self._transport = transport
        self._closing = transport.is_closing
        self._waiting = transport.get_write_buffer_size
        encrypted = transport.get_extra_info("sslcontext") is not None
        self._handle = -1 if encrypted else transport.get_extra_info("socket").fileno()
        self._deadline: asyncio.TimerHandle | None = None

    def write(self, frame: bytes) -> bool:
        """Send one message; returns whether something may wait in the transport.

        Nothing is sent if the connection has ended: its reader is about to say so.
        """
        # Python calls what stands in a slot faster by a local name.
        closing, waiting = self._closing, self._waiting
        if self.refused or closing():
            return False  # the handle may be another connection's by now
        if waiting() or self._handle < 0:
            self._transport.write(frame)
            return True
        try:
            written = write(self._handle, frame)
        except BlockingIOError:
            written = 0
        except OSError:
            return False  # the other end has gone: the transport is about to read that
        if written == len(frame):
            return False
        # Not a copy: of a large document for many who join at once, each would have one.
        self._transport.write(memoryview(frame)[written:])
        return True

    def backlog(self) -> int:
        """Bytes that were written and have not left yet."""
        return self._waiting()

    def refuse(self, error: CocutError) -> None:
        """Tell the editor why, and end the connection when it has answered, or does not."""
        if not self.refused:
            self.write(close_frame(*close_code(error)))
            self.refused = True
            self._refusing(error)
            self._deadline = asyncio.get_running_loop().call_later(
                CLOSE_SECONDS, self._transport.abort
            )

    def abort(self) -> None:
        """End the connection at once."""
        self._transport.abort()

    def end(self) -> None:
        """The reader has come to the end of the connection."""
        if self._deadline is not None:
            self._deadline.cancel()
            self._transport.close()


class Allowance:
    """What a connection may send: frames and bytes a second, with a burst."""

    __slots__ = ("_bytes", "_counted_at", "_frames")

    def __init__(self, now: float) -> None:
        self._frames = FRAMES_PER_SECOND * BURST_SECONDS
        self._bytes = BYTES_PER_SECOND * BURST_SECONDS
        self._counted_at = now

    def spend(self, size: int, now: float) -> float:
        """Count a frame; returns the seconds for which nothing more may be read."""
        elapsed = now - self._counted_at
        self._counted_at = now
        self._frames = min(
            FRAMES_PER_SECOND * BURST_SECONDS, self._frames + elapsed * FRAMES_PER_SECOND
        )
        self._bytes = min(
            BYTES_PER_SECOND * BURST_SECONDS, self._bytes + elapsed * BYTES_PER_SECOND
        )
        self._frames -= 1
        self._bytes -= size
        return max(0.0, -self._frames / FRAMES_PER_SECOND, -self._bytes / BYTES_PER_SECOND)
