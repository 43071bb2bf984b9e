"""What a room published lately: for those who join, and for those who lag behind.

All who join share one encoding of the document and one of what was published since. Encoding a
document costs in proportion to its size and its past; that of a large one is made anew only when
what came since has grown, not for everybody who joins and not at every change.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from collab import protocol
from collab.document import merge
from collab.protocol import Framing

KEPT_BYTES: Final = 4 * 1024 * 1024
KEPT_UPDATES: Final = 2_000
KEPT_WELCOMES: Final = 16
KEPT_WELCOME_BYTES: Final = 64 * 1024 * 1024
SMALL_TAIL_BYTES: Final = 64 * 1024
SMALL_DOCUMENT_BYTES: Final = 256 * 1024
"""A document of this size is encoded in less time than it takes to send it to a few editors."""

STALE_GREETING_BYTES: Final = 16 * 1024
"""What an editor of a large document may send although the room has it; see `greeting`."""


@dataclass(slots=True)
class Encoded:
    """Something framed, and the version of the room that it is of."""

    version: int
    frame: bytes


class History:
    """Published updates and shared encodings of one room.

    Args:
        encode: the document as an update, or what it has beyond a state vector.
        state_vector: the document's state vector, encoded.
        size: about how many bytes the document has.
        framing: makes a frame of a message.

    Attributes:
        version: how many updates were published since the room was opened.
        encoded_bytes: what was encoded for those who ask for the document, all told.
    """

    def __init__(
        self,
        encode: Callable[[bytes | None], bytes],
        state_vector: Callable[[], bytes],
        size: Callable[[], int],
        framing: Framing,
    ) -> None:
        self.version = 0
        self.encoded_bytes = 0
        self._encode = encode
        self._state_vector = state_vector
        self._size = size
        self._framing = framing
        self._updates: deque[bytes] = deque()
        self._bytes = 0
        self._published = 0
        self._greeted = 0
        self._greeting: Encoded | None = None
        self._welcomes: OrderedDict[bytes, Encoded] = OrderedDict()
        self._tails: dict[int, Encoded] = {}

    def add(self, update: bytes) -> None:
        """Note an update that is published."""
        self.version += 1
        self._updates.append(update)
        self._bytes += len(update)
        self._published += len(update)
        while self._bytes > KEPT_BYTES or len(self._updates) > KEPT_UPDATES:
            self._bytes -= len(self._updates.popleft())

    def greeting(self) -> bytes:
        """The server's step 1.

        That of a large document may be somewhat old: an editor then sends a little of what the room
        has, which costs less than encoding the state vector anew for each of a thousand who join.
        """
        greeting = self._greeting
        if greeting is None or (
            greeting.version != self.version
            and (
                self._size() <= SMALL_DOCUMENT_BYTES
                or self._published - self._greeted > STALE_GREETING_BYTES
            )
        ):
            frame = self._framing(*protocol.step_1(self._state_vector()))
            greeting = self._greeting = Encoded(self.version, frame)
            self._greeted = self._published
        return greeting.frame

    def has_welcomed(self, state_vector: bytes) -> bool:
        """Whether somebody with an equal state vector was welcomed lately: it is a good one."""
        return state_vector in self._welcomes

    def welcome(self, state_vector: bytes) -> list[bytes]:
        """The frames that bring one with this state vector up to date, made once for equal ones.

        The last of them is the step 2: whoever has read that has everything. What was published
        since a shared one was made goes before it; a Yjs document keeps it until it fits.
        """
        welcome = self._welcomes.get(state_vector)
        if welcome is not None:
            if welcome.version == self.version:
                return [welcome.frame]
            if self._size() > SMALL_DOCUMENT_BYTES:
                tail = self._tail(welcome.version)
                if tail is not None and len(tail) <= max(SMALL_TAIL_BYTES, len(welcome.frame) // 4):
                    return [tail, welcome.frame]
        frame = self._framing(*protocol.step_2(self._encode(state_vector)))
        self.encoded_bytes += len(frame)
        self._welcomes[state_vector] = Encoded(self.version, frame)
        self._welcomes.move_to_end(state_vector)
        kept = sum(len(each.frame) for each in self._welcomes.values())
        while len(self._welcomes) > KEPT_WELCOMES or (
            kept > KEPT_WELCOME_BYTES and len(self._welcomes) > 1
        ):
            kept -= len(self._welcomes.popitem(last=False)[1].frame)
        return [frame]

    def catch_up(self, version: int) -> bytes:
        """The one frame that brings one who has `version` up to date."""
        tail = self._tail(version)
        if tail is not None:
            return tail
        return self._framing(*protocol.step_2(self._encode(None)))

    def forget(self) -> None:
        """Let go of the shared encodings; called when nobody joins for a while."""
        self._welcomes.clear()
        self._tails.clear()
        self._greeting = None

    def rest(self) -> None:
        """Let go of everything; called when nobody joins or lags, and nothing was published for
        long."""
        self.forget()
        self._updates.clear()
        self._bytes = 0

    def _tail(self, version: int) -> bytes | None:
        """What was published after `version` as one frame; None if that is not kept any more."""
        tail = self._tails.get(version)
        if tail is not None and tail.version == self.version:
            return tail.frame
        count = self.version - version
        if count > len(self._updates):
            return None
        updates = list(self._updates)[len(self._updates) - count :]
        frame = self._framing(*protocol.update(merge(updates) or EMPTY))
        self._tails = {
            at: other for at, other in self._tails.items() if other.version == self.version
        }
        self._tails[version] = Encoded(self.version, frame)
        return frame


EMPTY: Final = b"\0\0"
"""The update that changes nothing."""
