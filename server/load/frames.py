"""The bytes of the client's side: WebSocket frames around y-websocket and Hocuspocus messages.

Client frames are masked with the key zero, which is legal and leaves the payload as it is.
"""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlencode, urlsplit

from collab.encoding import read_bytes, read_varuint, varuint
from server.load.plan import ProtocolName

SYNC: Final = 0
AWARENESS: Final = 1
AUTH: Final = 2
STEP_1: Final = 0
STEP_2: Final = 1
UPDATE: Final = 2

_BINARY: Final = 0x82
_CLOSE: Final = 0x88
_PONG: Final = 0x8A
_MASKED: Final = 0x80
_NO_MASK: Final = b"\0\0\0\0"

EMPTY_STATE_VECTOR: Final = b"\0"
EMPTY_UPDATE: Final = b"\0\0"


def var_bytes(data: bytes) -> bytes:
    """Encode bytes with their length before them."""
    return varuint(len(data)) + data


def state_vector(clocks: dict[int, int]) -> bytes:
    """Encode a state vector: client id -> next clock."""
    return varuint(len(clocks)) + b"".join(varuint(c) + varuint(n) for c, n in clocks.items())


def client_frame(payload: bytes, opcode: int = _BINARY) -> bytes:
    """Build one whole client frame."""
    size = len(payload)
    if size < 126:
        head = bytes((opcode, _MASKED | size))
    elif size < 65536:
        head = bytes((opcode, _MASKED | 126)) + size.to_bytes(2, "big")
    else:
        head = bytes((opcode, _MASKED | 127)) + size.to_bytes(8, "big")
    return head + _NO_MASK + payload


def pong(payload: bytes) -> bytes:
    """Build the answer to a ping."""
    return client_frame(payload, _PONG)


def close(code: int = 1000) -> bytes:
    """Build a close frame."""
    return client_frame(code.to_bytes(2, "big"), _CLOSE)


def frame_size(data: bytes, at: int) -> tuple[int, int] | None:
    """Measure the server frame that begins at `at`.

    Returns:
        The lengths of its header and of its payload, or None when `data` ends inside the header.
    """
    left = len(data) - at
    if left < 2:
        return None
    size = data[at + 1] & 0x7F
    if size < 126:
        return 2, size
    if size == 126:
        return (4, int.from_bytes(data[at + 2 : at + 4], "big")) if left >= 4 else None
    return (10, int.from_bytes(data[at + 2 : at + 10], "big")) if left >= 10 else None


@dataclass(frozen=True, slots=True)
class Message:
    """A message read from a server: its type, for sync messages the subtype, and the body.

    `body` is the state vector of a step 1, the update of a step 2 or an update, the states of
    presence, else empty.
    """

    kind: int
    subtype: int = -1
    body: bytes = b""


class Wire:
    """How one server wants its messages for one document.

    Args:
        protocol: y-websocket, or Hocuspocus (which puts the document's name before each message).
        url: the server's WebSocket address; the document's name becomes the last segment.
        document: the document's name.
        token: sent as `?token=`, and in Hocuspocus' auth message.
    """

    def __init__(self, protocol: ProtocolName, url: str, document: str, token: str = "") -> None:
        parts = urlsplit(url)
        secure = parts.scheme in ("wss", "https")
        self.host = parts.hostname or "127.0.0.1"
        self.port = parts.port or (443 if secure else 80)
        self.secure = secure
        self.document = document
        self._hocuspocus = protocol == "hocuspocus"
        self._prefix = var_bytes(document.encode()) if self._hocuspocus else b""
        self._token = token
        path = parts.path.rstrip("/") + ("/" if self._hocuspocus else f"/{document}")
        query = "?" + urlencode({"token": token}) if token else ""
        self._target = f"{path}{query}"

    def handshake(self, index: int) -> bytes:
        """The HTTP request that opens the socket; `index` makes its key."""
        key = base64.b64encode(index.to_bytes(16, "big")).decode()
        return (
            f"GET {self._target} HTTP/1.1\r\nHost: {self.host}:{self.port}\r\n"
            "Upgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n"
        ).encode()

    def hello(self, vector: bytes = EMPTY_STATE_VECTOR) -> bytes:
        """The frames that ask for the document, given the state vector that is there already."""
        step_1 = self._message(SYNC, bytes((STEP_1,)) + var_bytes(vector))
        if not self._hocuspocus:
            return step_1
        token = (self._token or "load").encode()
        return self._message(AUTH, b"\0" + var_bytes(token)) + step_1

    def step_2(self, update: bytes) -> bytes:
        """The frame that answers the server's step 1."""
        return self._message(SYNC, bytes((STEP_2,)) + var_bytes(update))

    def update(self, update: bytes) -> bytes:
        """The frame that carries an edit."""
        return self._message(SYNC, bytes((UPDATE,)) + var_bytes(update))

    def presence(self, client: int, clock: int, state: object) -> bytes:
        """The frame that carries one client's presence."""
        text = json.dumps(state, separators=(",", ":")).encode()
        states = b"\1" + varuint(client) + varuint(clock) + var_bytes(text)
        return self.awareness(states)

    def awareness(self, states: bytes) -> bytes:
        """The frame that carries encoded states of presence."""
        return self._message(AWARENESS, var_bytes(states))

    def read(self, payload: bytes) -> Message:
        """Read a server's message.

        Raises:
            IndexError: it is cut off.
        """
        at = 0
        if self._hocuspocus:
            size, at = read_varuint(payload, 0)
            at += size
        kind, at = read_varuint(payload, at)
        if self._hocuspocus and kind == 4:  # a "sync reply", a sync message that wants no answer
            kind = SYNC
        if kind == AWARENESS:
            return Message(kind, -1, read_bytes(payload, at)[0])
        if kind != SYNC:
            return Message(kind)
        subtype, at = read_varuint(payload, at)
        return Message(kind, subtype, read_bytes(payload, at)[0])

    def _message(self, kind: int, body: bytes) -> bytes:
        return client_frame(self._prefix + bytes((kind,)) + body)
