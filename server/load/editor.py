"""One simulated editor: a socket that sends prepared frames and accounts for what it receives."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, cast

from server.load import frames
from server.load.frames import Wire
from server.load.trail import Frame, Trail

_SKIPPED_FROM: Final = 1 << 20


@dataclass(slots=True)
class Counts:
    """What all editors of a run received together."""

    frames: int = 0
    bytes: int = 0
    presence: int = 0
    repeated: int = 0
    lost: int = 0
    closes: dict[int, int] = field(default_factory=dict)
    last_arrival: float = 0.0


class Editor(asyncio.Protocol):
    """A connection to one document.

    Args:
        index: its number in the run.
        wire: the server's protocol.
        trail: of its video.
        counts: of the run.
        vector: the state vector that it says to have when it joins.
        answer: makes the update that answers the server's state vector; None answers with nothing.
        keeps: whether to keep and compare frames over a megabyte, instead of counting their bytes.

    Attributes:
        synced: done with the time at which the document came (its first part, if it comes in
            several), in seconds of the monotonic clock.
        closed: whether the connection has ended.
        heard: when something arrived last, in the same seconds.
        repeat: what to answer presence with, if anything.
    """

    def __init__(
        self,
        index: int,
        wire: Wire,
        trail: Trail,
        counts: Counts,
        vector: bytes = frames.EMPTY_STATE_VECTOR,
        answer: Callable[[bytes], bytes] | None = None,
        *,
        keeps: bool = True,
    ) -> None:
        self.index = index
        self.wire = wire
        self.synced: asyncio.Future[float] = asyncio.get_running_loop().create_future()
        self.closed = False
        self.heard = 0.0
        self.repeat: Callable[[bytes], bytes | None] | None = None
        self._trail = trail
        self._counts = counts
        self._vector = vector
        self._answer = answer
        self._keeps = keeps
        self._at: Frame = trail.start
        self._parts: list[bytes] = []
        self._held = 0
        self._wanted = 0
        self._skip = 0
        self._open = False
        self._leaving = False
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Ask for the WebSocket."""
        self._transport = cast(asyncio.Transport, transport)
        self._transport.write(self.wire.handshake(self.index))

    def send(self, frame: bytes) -> None:
        """Write a prepared frame; nothing happens when the connection is gone."""
        if self._transport is not None and not self.closed:
            self._transport.write(frame)

    def leave(self) -> None:
        """Close the connection without being counted as lost."""
        self._leaving = True
        if self._transport is not None and not self.closed:
            self._transport.write(frames.close())
            self._transport.close()

    def data_received(self, data: bytes) -> None:
        """Account for what arrived."""
        now = time.perf_counter()
        counts = self._counts
        counts.bytes += len(data)
        counts.last_arrival = self.heard = now
        if self._skip:
            if len(data) < self._skip:
                self._skip -= len(data)
                return
            data = data[self._skip :]
            self._skip = 0
            self._sync(now)
        if self._parts:
            self._parts.append(data)
            self._held += len(data)
            if self._held < self._wanted:
                return
            data = b"".join(self._parts)
            self._parts.clear()
        position, end = 0, len(data)
        while position < end:
            frame = self._at.next
            if frame is not None and data.startswith(frame.raw, position):
                frame.editors.append(self.index)
                frame.times.append(now)
                counts.frames += 1
                self._at = frame
                position += frame.size
                if not self.synced.done():
                    self._sync(now)
            else:
                behind = self._read(data, position, now)
                if behind < 0:
                    if not self._skip:
                        self._parts.append(data[position:])
                        self._held = end - position
                    return
                position = behind

    def connection_lost(self, exc: Exception | None) -> None:
        """Count the connection as lost, unless it was to end."""
        self.closed = True
        if not self._leaving:
            self._counts.lost += 1
        if not self.synced.done():
            self.synced.set_exception(ConnectionError(f"closed before the document came: {exc}"))

    def _read(self, data: bytes, at: int, now: float) -> int:
        """Read what is not the expected next frame; the position behind it, -1 when cut off."""
        if not self._open:
            return self._read_handshake(data)
        sizes = frames.frame_size(data, at)
        if sizes is None:
            self._wanted = 10
            return -1
        head, size = sizes
        stop = at + head + size
        if stop > len(data):
            self._wanted = head + size
            if size >= _SKIPPED_FROM and not self._keeps:
                self._skip = stop - len(data)
            return -1
        opcode = data[at] & 0x0F
        if opcode == 2:
            self._read_message(data[at:stop], head, now)
        elif opcode == 9:
            self.send(frames.pong(data[at + head : stop]))
        elif opcode == 8:
            code = int.from_bytes(data[at + head : at + head + 2], "big")
            if not self._leaving:
                self._counts.closes[code] = self._counts.closes.get(code, 0) + 1
            if self._transport is not None:
                self._transport.close()
        return stop

    def _read_handshake(self, data: bytes) -> int:
        end = data.find(b"\r\n\r\n")
        if end < 0:
            self._wanted = len(data) + 1
            return -1
        if b" 101 " not in data[: data.find(b"\r\n")]:
            status = data[: data.find(b"\r\n")].decode("latin-1")
            if not self.synced.done():
                self.synced.set_exception(ConnectionError(f"no WebSocket: {status}"))
            if self._transport is not None:
                self._transport.abort()
            return len(data)
        self._open = True
        self.send(self.wire.hello(self._vector))
        return end + 4

    def _read_message(self, raw: bytes, head: int, now: float) -> None:
        counts = self._counts
        frame = self._trail.find(raw)
        if frame is None:
            message = self.wire.read(raw[head:])
            if message.kind == frames.AWARENESS:
                counts.presence += 1
                if self.repeat is not None and (answer := self.repeat(message.body)):
                    counts.repeated += 1
                    self.send(answer)
                return
            if message.kind != frames.SYNC:
                return
            if message.subtype == frames.STEP_1:
                update = self._answer(message.body) if self._answer else frames.EMPTY_UPDATE
                self.send(self.wire.step_2(update))
                return
            frame = self._trail.add(raw, message.body)
        frame.editors.append(self.index)
        frame.times.append(now)
        counts.frames += 1
        self._at.next = frame
        self._at = frame
        self._sync(now)

    def _sync(self, now: float) -> None:
        if not self.synced.done():
            self.synced.set_result(now)
