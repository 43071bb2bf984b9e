"""The y-websocket protocol as bytes: reading the frames of editors, and making the server's.

    frame := 0 (0 state-vector | 1 update | 2 update)     sync: step 1, step 2, update
           | 1 awareness                                  presence, see `collab.presence`
           | 2 0 reason                                   auth: permission denied
           | 3                                            query awareness
           | 102 any bytes                                acknowledge what came before

Source: y-protocols' `sync.js`, `auth.js`, and y-websocket's `y-websocket.js`; 102 is y-sweet's.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from collab.encoding import read_bytes, read_varuint, write_varuint
from collab.errors import MalformedFrame

SYNC: Final = 0
AWARENESS: Final = 1
AUTH: Final = 2
QUERY_AWARENESS: Final = 3
ACKNOWLEDGE: Final = 102

STEP_1: Final = 0
STEP_2: Final = 1
UPDATE: Final = 2


@dataclass(slots=True)
class Join:
    """Sync step 1: an editor tells what it has and asks for the rest."""

    state_vector: bytes


@dataclass(slots=True)
class Update:
    """Sync step 2 or update: what an editor sends of its document."""

    update: bytes


@dataclass(slots=True)
class Awareness:
    """States of presence."""

    payload: bytes


@dataclass(slots=True)
class QueryAwareness:
    """An editor asks for all states of presence."""


@dataclass(slots=True)
class Acknowledge:
    """An editor asks to hear when all that it sent before is stored; `frame` is the answer."""

    frame: bytes


Outgoing = tuple[bytes, bytes]
"""A message of the server as head and body, so that a body of many megabytes is copied only once,
when it is framed for the transport."""

Framing = Callable[[bytes, bytes], bytes]
"""Makes of a message's head and body what a channel writes."""

Message = Join | Update | Awareness | QueryAwareness | Acknowledge


def read_frame(frame: bytes) -> Message | None:
    """The message that a frame holds; None for a type that the protocol leaves to others.

    Raises:
        MalformedFrame: it is not a frame of the protocol.
    """
    try:
        # All types that matter are one byte, nearly all frames are updates.
        kind, at = read_varuint(frame, 0)
        if kind == SYNC:
            step, at = read_varuint(frame, at)
            body, _ = read_bytes(frame, at)
            if step in (STEP_2, UPDATE):
                return Update(body)
            if step == STEP_1:
                return Join(body)
            raise MalformedFrame(f"a sync message of the unknown kind {step}")
        if kind == AWARENESS:
            return Awareness(read_bytes(frame, at)[0])
        if kind == QUERY_AWARENESS:
            return QueryAwareness()
        if kind == ACKNOWLEDGE:
            return Acknowledge(frame)
    except IndexError:
        raise MalformedFrame("the frame ends before its message does") from None
    return None


def asks(frame: bytes) -> bool:
    """Whether a frame wants an answer that goes to its sender alone."""
    try:
        kind, at = read_varuint(frame, 0)
        if kind == SYNC:
            return read_varuint(frame, at)[0] == STEP_1
    except (IndexError, MalformedFrame):
        return False
    return kind in (QUERY_AWARENESS, ACKNOWLEDGE)


def step_1(state_vector: bytes) -> Outgoing:
    """The server tells what it has and asks for the rest."""
    return _message(SYNC, STEP_1, state_vector)


def step_2(update: bytes) -> Outgoing:
    """The answer to an editor's step 1."""
    return _message(SYNC, STEP_2, update)


def update(update: bytes) -> Outgoing:
    """A change, as it goes to every editor."""
    return _message(SYNC, UPDATE, update)


def awareness(payload: bytes) -> Outgoing:
    """States of presence."""
    return _message(AWARENESS, None, payload)


def permission_denied(reason: str) -> Outgoing:
    """Tells an editor that its changes are not taken."""
    return _message(AUTH, 0, reason.encode())


def acknowledgement(frame: bytes) -> Outgoing:
    """The editor's own frame, back again."""
    return b"", frame


def _message(kind: int, step: int | None, body: bytes) -> Outgoing:
    head = bytearray((kind,) if step is None else (kind, step))
    write_varuint(head, len(body))
    return bytes(head), body
