"""WebSockets as a server speaks them (RFC 6455): the handshake, its frames, and a client's.

Bytes go in, messages come out, and the other way round; no I/O.
"""

from __future__ import annotations

import base64
import hashlib
from typing import Final, NamedTuple

from aiohttp import web

# The compiled XOR of 3 us for 32 KB; with Python's integers it takes 70.
from aiohttp._websocket.helpers import websocket_mask

from api.errors import BadRequest
from collab.errors import MalformedFrame, MessageTooBig

CONTINUATION: Final = 0
TEXT: Final = 1
BINARY: Final = 2
CLOSE: Final = 8
PING: Final = 9
PONG: Final = 10

_KEY: Final = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
_FINAL: Final = 0x80
_KNOWN: Final = frozenset((CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG))


class Message(NamedTuple):
    """What a frame has brought: a message, a control frame, or a fragment of a message to come.

    Attributes:
        kind: the opcode; CONTINUATION for a fragment.
        data: the whole message, unmasked; empty for a fragment.
        size: bytes of the frame.
    """

    kind: int
    data: bytes
    size: int


def switching(request: web.Request, identifier: str) -> bytes:
    """The answer that makes a request a WebSocket; `identifier` is the request's.

    Raises:
        BadRequest: the request does not ask for one, or not properly.
    """
    if not web.WebSocketResponse().can_prepare(request):
        raise BadRequest(
            "This path speaks WebSocket (version 13): connect to it with a WebSocket client, "
            "y-websocket's provider say."
        )
    key = request.headers["Sec-WebSocket-Key"].encode()
    answer = base64.b64encode(hashlib.sha1(key + _KEY, usedforsecurity=False).digest())
    return (
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Accept: " + answer + b"\r\n"
        b"X-Request-Id: " + identifier.encode() + b"\r\n\r\n"
    )


def binary_frame(head: bytes, body: bytes) -> bytes:
    """A whole WebSocket message of a server: final, binary, unmasked (RFC 6455, 5.2)."""
    return b"".join((_start(BINARY, len(head) + len(body)), head, body))


def text_frame(text: bytes) -> bytes:
    """Like `binary_frame`, for text in UTF-8."""
    return _start(TEXT, len(text)) + text


def _start(kind: int, length: int) -> bytes:
    first = _FINAL | kind
    if length < 126:
        return bytes((first, length))
    if length < 65_536:
        return bytes((first, 126)) + length.to_bytes(2, "big")
    return bytes((first, 127)) + length.to_bytes(8, "big")


def control_frame(kind: int, body: bytes = b"") -> bytes:
    """A control frame of a server: CLOSE, PING or PONG with at most 125 bytes (RFC 6455, 5.5)."""
    return _start(kind, len(body)) + body


def close_frame(code: int, reason: str) -> bytes:
    """A close frame of a server (RFC 6455, 5.5.1); see `api.errors.close_code`."""
    return control_frame(CLOSE, code.to_bytes(2, "big") + reason.encode())


class FrameReader:
    """Makes messages of what a client sends.

    Args:
        limit: bytes that a message may have.
    """

    __slots__ = (
        "_at",
        "_chunks",
        "_data",
        "_held",
        "_kind",
        "_limit",
        "_parts",
        "_skip",
        "_wanted",
    )

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._data = b""
        self._at = 0
        # A frame that has come in part: its chunks, their bytes, and how many it takes to go on.
        self._chunks: list[bytes] | None = None
        self._held = 0
        self._wanted = 0
        # A message that has come in part: its opcode, and its fragments.
        self._kind = 0
        self._parts: bytearray | None = None
        self._skip = 0

    def feed(self, data: bytes) -> None:
        """Take what has arrived; `next` makes messages of it."""
        if self._skip:
            skipped = min(self._skip, len(data))
            self._skip -= skipped
            data = data[skipped:]
        if self._chunks is None:
            self._data = self._data[self._at :] + data if self._at < len(self._data) else data
            self._at = 0
            return
        self._chunks.append(data)
        self._held += len(data)
        if self._held >= self._wanted:
            self._data = b"".join(self._chunks)
            self._at = 0
            self._chunks = None

    def next(self) -> Message | None:
        """What the next frame brings; None if it is not complete yet.

        Raises:
            MessageTooBig: a message has more bytes than it may have; the frame is skipped.
            MalformedFrame: it is no frame of a client; nothing after it can be read.
        """
        frame = self._frame()
        if frame is None:
            return None
        first, payload = frame
        kind, last, size = first & 0x0F, first & 0x80, len(payload)
        if kind >= CLOSE:
            return Message(kind, payload, size)
        if kind == CONTINUATION:
            if self._parts is None:
                raise MalformedFrame("a fragment of no message")
        elif self._parts is not None:
            raise MalformedFrame("a message inside another one's fragments")
        elif last:
            return Message(kind, payload, size)
        else:
            self._kind, self._parts = kind, bytearray()
        if len(self._parts) + size > self._limit:
            self._parts = None
            raise self._too_big()
        self._parts += payload
        if not last:
            return Message(CONTINUATION, b"", size)
        whole, self._parts = bytes(self._parts), None
        return Message(self._kind, whole, size)

    def _frame(self) -> tuple[int, bytes] | None:
        data, at = self._data, self._at
        left = len(data) - at
        if left < 2:
            self._wait(2)
            return None
        first, size = data[at], data[at + 1]
        kind = first & 0x0F
        if first & 0x70 or kind not in _KNOWN:
            raise MalformedFrame("a frame with bits or an opcode that nobody agreed on")
        if not size & 0x80:
            raise MalformedFrame("a frame that is not masked")
        size &= 0x7F
        head = 6
        if kind >= CLOSE:
            if size > 125 or not first & 0x80:
                raise MalformedFrame("a control frame that is long or in fragments")
        elif size >= 126:
            head = 8 if size == 126 else 14
            if left < head:
                self._wait(head)
                return None
            size = int.from_bytes(data[at + 2 : at + head - 4], "big")
            if size > self._limit:
                self._pass_over(head + size)
                raise self._too_big()
        if left < head + size:
            self._wait(head + size)
            return None
        start = at + head
        self._at = start + size
        payload = bytearray(data[start : self._at])
        websocket_mask(data[start - 4 : start], payload)
        return first, bytes(payload)

    def _wait(self, wanted: int) -> None:
        """Keep what there is until the frame can be read."""
        rest = self._data[self._at :]
        self._data, self._at = b"", 0
        if rest:
            self._chunks, self._held, self._wanted = [rest], len(rest), wanted

    def _pass_over(self, size: int) -> None:
        left = len(self._data) - self._at
        self._at += min(left, size)
        self._skip = max(0, size - left)
        self._parts = None

    def _too_big(self) -> MessageTooBig:
        return MessageTooBig(f"a message of more than {self._limit} bytes")
