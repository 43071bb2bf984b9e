"""Which of the processes on one port keeps a video, and how its connections get there.

The kernel gives a new connection to any of them. A video whose editors were spread over all would
be applied and projected by all; so the process that reads the beginning of a request, and finds a
video in it, passes the connection on to that video's home, with what it has read.

Each process has an inbox, a pair of sockets that the supervisor made and keeps: what waits in the
inbox of one that has died is there for the one that is started in its place. Which of them are
open is a byte each of a file that they share. A connection that TLS is spoken on stays where it
is: its keys cannot be passed on.
"""

from __future__ import annotations

import asyncio
import hashlib
import mmap
import os
import re
import socket
import tempfile
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

_WORK_ON_VIDEO: Final = re.compile(
    rb"(?:GET /ws/videos|(?:POST|PUT|PATCH|DELETE) /api/v1/videos)/([0-9a-fA-F-]{36})[/? ]"
)
"""Requests that work in the room of a video; what only reads is at home everywhere."""

_PARCEL_BYTES: Final = 1 << 20
"""More than a process reads at once, and than a datagram can have."""

Given = Callable[[socket.socket, bytes], None]
"""Takes a connection, and what was read from it."""


@dataclass(frozen=True, slots=True)
class Inboxes:
    """All inboxes, and which of them are open; the supervisor's.

    Attributes:
        ends: for each process the sockets to read from, and to write to.
    """

    ends: Sequence[tuple[socket.socket, socket.socket]]
    _open_fd: int
    _open: mmap.mmap

    @classmethod
    def make(cls, count: int) -> Inboxes:
        """The inboxes of so many processes, all closed."""
        with tempfile.TemporaryFile() as file:
            file.truncate(count)
            descriptor = os.dup(file.fileno())
        ends = [socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM) for _ in range(count)]
        return cls(ends, descriptor, mmap.mmap(descriptor, count))

    def mark(self, index: int, *, is_open: bool) -> None:
        """Say whether a process takes connections now."""
        self._open[index] = is_open

    def descriptors(self) -> list[int]:
        """What a process inherits."""
        sockets = [end for pair in self.ends for end in pair]
        return [self._open_fd, *(end.fileno() for end in sockets)]

    def close(self) -> None:
        """Close what the supervisor has; connections that still wait in an inbox end."""
        for pair in self.ends:
            for end in pair:
                end.close()
        self._open.close()
        os.close(self._open_fd)


class Home:
    """One process among several.

    Args:
        index: which of them.
        descriptors: what it has inherited, as `Inboxes.descriptors` gave it.
    """

    def __init__(self, index: int, descriptors: Sequence[int]) -> None:
        opened, *ends = descriptors
        count = len(ends) // 2
        self._index = index
        self._open = mmap.mmap(opened, count, access=mmap.ACCESS_READ)
        os.close(opened)
        sockets = [socket.socket(fileno=end) for end in ends]
        for end in sockets:
            end.setblocking(False)
        self._inbox = sockets[2 * index]
        self._outboxes = [_Outbox(end) for end in sockets[1::2]]
        for other in range(count):
            if other != index:
                sockets[2 * other].close()

    def receive(self, given: Given) -> None:
        """Take what the others pass on, from now on."""
        asyncio.get_running_loop().add_reader(self._inbox.fileno(), self._receive, given)

    def pass_on(
        self, transport: asyncio.Transport, begun: bytes, keep: Callable[[bytes], None]
    ) -> bool:
        """Give a connection away if the request that begins on it is for another process.

        Args:
            transport: of the connection; it is closed here once the other process has it.
            begun: all that was read of the request.
            keep: called with that if it turns out that it cannot be given.

        Returns:
            Whether it is on its way; if not, it is the caller's.
        """
        found = _WORK_ON_VIDEO.match(begun)
        if found is None:
            return False
        home = self.of(found[1])
        if (
            home == self._index
            or transport.get_write_buffer_size()
            or transport.get_extra_info("ssl_object") is not None
        ):
            return False
        transport.pause_reading()
        self._outboxes[home].put(_Parcel(transport, begun, keep))
        return True

    def of(self, video_id: bytes) -> int:
        """The process that keeps a video, by its id as it stands in a path.

        It is the highest by a hash of both, so that one that dies or comes moves its own videos
        only. Without any that is open, it is this one.
        """
        name = video_id.lower()
        candidates = [index for index, is_open in enumerate(self._open[:]) if is_open]
        return max(
            candidates or [self._index],
            key=lambda index: hashlib.blake2b(name, digest_size=8, salt=b"%d" % index).digest(),
        )

    def close(self) -> None:
        """Take, and pass on, no more."""
        asyncio.get_running_loop().remove_reader(self._inbox.fileno())
        self._inbox.close()
        for outbox in self._outboxes:
            outbox.close()
        self._open.close()

    def _receive(self, given: Given) -> None:
        while True:
            try:
                begun, descriptors, _, _ = socket.recv_fds(self._inbox, _PARCEL_BYTES, 1)
            except BlockingIOError:
                return
            for descriptor in descriptors:
                connection = socket.socket(fileno=descriptor)
                connection.setblocking(False)
                given(connection, begun)


@dataclass(frozen=True, slots=True)
class _Parcel:
    transport: asyncio.Transport
    begun: bytes
    keep: Callable[[bytes], None]


class _Outbox:
    """The way to another process, in order; what it has no room for waits."""

    def __init__(self, end: socket.socket) -> None:
        self._end = end
        self._waiting: deque[_Parcel] = deque()

    def put(self, parcel: _Parcel) -> None:
        self._waiting.append(parcel)
        if len(self._waiting) == 1 and not self._send():
            asyncio.get_running_loop().add_writer(self._end.fileno(), self._send_on)

    def close(self) -> None:
        if self._waiting:
            asyncio.get_running_loop().remove_writer(self._end.fileno())
        self._waiting.clear()
        self._end.close()

    def _send_on(self) -> None:
        if self._send():
            asyncio.get_running_loop().remove_writer(self._end.fileno())

    def _send(self) -> bool:
        """Send what waits; returns whether nothing waits any more."""
        while self._waiting:
            parcel = self._waiting[0]
            connection: Any = parcel.transport.get_extra_info("socket")
            if parcel.transport.is_closing():
                self._waiting.popleft()
                continue
            try:
                socket.send_fds(self._end, [parcel.begun], [connection.fileno()])
            except BlockingIOError:
                return False
            except OSError:  # more than a datagram can have, or no descriptor is left
                self._waiting.popleft()
                parcel.transport.resume_reading()
                parcel.keep(parcel.begun)
                continue
            self._waiting.popleft()
            parcel.transport.abort()
        return True
