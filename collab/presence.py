"""Who is here: the awareness states of one video.

The server keeps the last state of every client, forwards what changed at a pace that costs each
receiver at most a fixed budget of bytes, and lets nobody speak for a client id that another user's
live connection owns. Format and rules of clocks: y-protocols' `awareness.js`.

    payload := count (client clock state)*       state is JSON as a string; `null` is gone
"""

from __future__ import annotations

import json
from collections import OrderedDict, deque
from dataclasses import dataclass
from typing import Final, NoReturn

from collab.encoding import read_bytes, read_varuint, write_varuint
from collab.errors import MalformedFrame, MessageTooBig
from collab.update import MAX_CLIENT, MAX_CLOCK

BYTES_PER_SECOND: Final = 32 * 1024
"""What presence may cost one receiver."""

MAX_STATE_BYTES: Final = 16 * 1024
MAX_CLIENTS_PER_OWNER: Final = 64
REMEMBERED_PAYLOADS: Final = 64
REMEMBERED_GONE: Final = 4096
ENTRY_BYTES: Final = 12
"""About what an entry takes beside its JSON: client id, clock and length."""
GONE: Final = b"null"


Owner = int | bytes
"""A connection to this node, by its number, or another node, by its name."""


@dataclass(slots=True)
class ClientState:
    """The last state of one client.

    Attributes:
        heard: the clock that its author gave it.
        clock: the clock that the server gives it. It runs ahead of the author's when the server
            has told everybody that the client is gone and it comes back: others would ignore
            the old clock until the next renewal. The author hears it too, and goes on from it.
        state: its JSON.
        owner: the connection that it is from, or the node, if that is another one; None when it
            has ended.
        user: whose connection that is.
        ended: once it has ended: the newest connection at that moment.
    """

    heard: int
    clock: int
    state: bytes
    owner: Owner | None
    user: str
    ended: int = 0


class Presence:
    """The awareness states of one video, by client id.

    A connection is named by an integer (`owner`) and belongs to a user. Each node is the authority
    on its own connections and shares their states with the others.

    Args:
        shared: whether there are other nodes.
    """

    def __init__(self, *, shared: bool = False) -> None:
        self._shared = shared
        self._clients: dict[int, ClientState] = {}
        self._clients_of: dict[Owner, set[int]] = {}
        # Clients of this node whose states the other nodes have not been told.
        self._unshared: dict[int, str] = {}
        # Clients with a state that has not been sent yet, those that wait longest first.
        self._unsent: OrderedDict[int, None] = OrderedDict()
        # Clients that were told to be gone: the clock, and the newest connection at that moment.
        self._gone: OrderedDict[int, tuple[int, int]] = OrderedDict()
        self._newest = 0
        self._recent: deque[bytes] = deque(maxlen=REMEMBERED_PAYLOADS)
        self._recent_set: set[bytes] = set()
        self._allowance = float(BYTES_PER_SECOND)
        self._counted_at = 0.0

    def __len__(self) -> int:
        return len(self._clients)

    def join(self, owner: int) -> None:
        """A connection begins; later ones have higher numbers."""
        self._newest = owner

    def receive(self, payload: bytes, owner: int, user: str) -> None:
        """Take the states that a connection sends.

        A state for a client id that another user's connection owns is ignored: y-websocket's
        provider repeats the states that it hears.

        Raises:
            MalformedFrame: it is not an awareness payload; nothing was taken.
            MessageTooBig: a state is over `MAX_STATE_BYTES`; nothing was taken.
        """
        if payload in self._recent_set:
            return
        news = [entry for entry in read_states(payload) if self._may_take(*entry, owner, user)]
        for _, _, state in news:
            _check_json(state)
        for client, clock, state in news:
            self._take(client, clock, state, owner, user)

    def leave(self, owner: Owner) -> None:
        """Remove the states of a connection that has ended, or of a node that is gone."""
        # A client that returns with the state that it had is not one that repeats.
        self._recent.clear()
        self._recent_set.clear()
        for client in self._clients_of.pop(owner, ()):
            known = self._clients[client]
            known.clock += 1
            known.state = GONE
            known.owner = None
            known.ended = self._newest
            self._unsent[client] = None
            if isinstance(owner, int):
                self._share(client, known)

    def nodes(self) -> list[bytes]:
        """The other nodes that have somebody here."""
        return [owner for owner, clients in self._clients_of.items() if isinstance(owner, bytes)]

    def share(self, *, everything: bool = False) -> bytes | None:
        """What the other nodes have not been told of this node's connections, or all of it."""
        if everything:
            self._unshared.update(
                (client, known.user)
                for client, known in self._clients.items()
                if isinstance(known.owner, int)
            )
        if not self._unshared:
            return None
        out = bytearray()
        write_varuint(out, len(self._unshared))
        for client, user in self._unshared.items():
            known = self._clients.get(client)
            clock = known.clock if known is not None else self._gone.get(client, (0, 0))[0]
            _write_entry(out, client, clock, known.state if known is not None else GONE)
            name = user.encode()
            write_varuint(out, len(name))
            out += name
        self._unshared.clear()
        return bytes(out)

    def hear(self, shared: bytes, node: bytes) -> None:
        """Take what another node shares.

        Raises:
            MalformedFrame: it is not what `share` makes.
        """
        try:
            count, at = read_varuint(shared, 0)
            for _ in range(count):
                client, clock, state, at = _read_entry(shared, at)
                user, at = read_bytes(shared, at)
                self._hear_one(client, clock, state, node, user.decode())
        except IndexError:
            raise MalformedFrame("the presence ends before it is complete") from None

    def everything(self) -> bytes | None:
        """All states, for one who joins; None if nobody is here."""
        here = [
            (client, known.clock, known.state)
            for client, known in self._clients.items()
            if known.state != GONE
        ]
        return write_states(here) if here else None

    def pending(self) -> bool:
        """Whether there are states to send."""
        return bool(self._unsent)

    def send(self, now: float) -> bytes | None:
        """The next payload for everybody, as far as the budget goes; None if it has to wait.

        Args:
            now: a monotonic time in seconds.
        """
        elapsed = max(0.0, now - self._counted_at)
        self._counted_at = now
        self._allowance = min(float(BYTES_PER_SECOND), self._allowance + elapsed * BYTES_PER_SECOND)
        batch: list[tuple[int, int, bytes]] = []
        while self._unsent and self._allowance > 0:
            client, _ = self._unsent.popitem(last=False)
            known = self._clients[client]
            batch.append((client, known.clock, known.state))
            self._allowance -= len(known.state) + ENTRY_BYTES
            if known.state == GONE:
                self._bury(client)
        if not batch:
            return None
        payload = write_states(batch)
        self._remember(payload)
        return payload

    def wait(self) -> float:
        """Seconds until the budget allows another payload."""
        return max(0.0, -self._allowance / BYTES_PER_SECOND)

    def _may_take(self, client: int, clock: int, state: bytes, owner: int, user: str) -> bool:
        known = self._clients.get(client)
        if known is None:
            mine = self._clients_of.get(owner, ())
            if state == GONE or len(mine) >= MAX_CLIENTS_PER_OWNER:
                return False
            gone = self._gone.get(client)
            return gone is None or _returns(clock, owner, *gone)
        if known.owner == owner:
            return clock > known.heard or (clock == known.heard and state == GONE)
        if known.owner is None:
            return state != GONE and _returns(clock, owner, known.clock, known.ended)
        # The same user, connected anew before the old connection was seen to end. What another
        # of its connections merely repeats has the clock that everybody heard.
        return known.user == user and clock > known.clock and state != GONE

    def _take(self, client: int, clock: int, state: bytes, owner: int, user: str) -> None:
        known = self._clients.get(client)
        if known is None:
            last, _ = self._gone.pop(client, (-1, 0))
            known = ClientState(clock, max(clock, last + 1), state, owner, user)
            self._clients[client] = known
        else:
            if known.owner is not None:
                self._clients_of[known.owner].discard(client)
            known.heard = clock
            known.clock = max(clock, known.clock + 1)
            known.state = state
            known.owner = None if state == GONE else owner
            known.ended = self._newest
            known.user = user
        if known.owner is not None:
            self._clients_of.setdefault(owner, set()).add(client)
        self._unsent[client] = None
        self._share(client, known)

    def _hear_one(self, client: int, clock: int, state: bytes, node: bytes, user: str) -> None:
        known = self._clients.get(client)
        if known is None:
            if state == GONE or clock < self._gone.get(client, (-1, 0))[0]:
                return
            known = self._clients[client] = ClientState(clock, clock, state, None, user)
        elif known.owner == node:
            if clock < known.clock or (clock == known.clock and state == known.state):
                return
        elif state == GONE or clock <= known.clock:
            # Somebody else is the authority by now: the client has moved.
            return
        if known.owner is not None:
            self._clients_of[known.owner].discard(client)
        known.heard = known.clock = clock
        known.state = state
        known.user = user
        known.owner = None if state == GONE else node
        known.ended = self._newest
        if known.owner is not None:
            self._clients_of.setdefault(node, set()).add(client)
        self._unsent[client] = None

    def _share(self, client: int, known: ClientState) -> None:
        if self._shared:
            self._unshared[client] = known.user

    def _bury(self, client: int) -> None:
        known = self._clients.pop(client)
        self._gone[client] = (known.clock, known.ended)
        if len(self._gone) > REMEMBERED_GONE:
            self._gone.popitem(last=False)

    def _remember(self, payload: bytes) -> None:
        if len(self._recent) == REMEMBERED_PAYLOADS:
            self._recent_set.discard(self._recent[0])
        self._recent.append(payload)
        self._recent_set.add(payload)


def _returns(clock: int, owner: int, gone_at: int, newest_then: int) -> bool:
    """Whether a client that was gone has come back, and is not merely repeated by one who heard it
    before: only a connection that began after that may bring its old clock."""
    return clock > gone_at or owner > newest_then


def _check_json(state: bytes) -> None:
    try:
        # Of bytes, `loads` would take UTF-16 and a byte order mark, which no client can read.
        json.loads(state.decode(), parse_constant=_no_constant)
    except (ValueError, RecursionError):
        raise MalformedFrame("a presence state that is not JSON") from None


def _no_constant(name: str) -> NoReturn:
    raise ValueError(name)


def read_states(payload: bytes) -> list[tuple[int, int, bytes]]:
    """`(client, clock, state)` of each entry of an awareness payload.

    Raises:
        MalformedFrame: it is not an awareness payload.
        MessageTooBig: a state is over `MAX_STATE_BYTES`.
    """
    try:
        count, at = read_varuint(payload, 0)
        if count * 3 > len(payload) - at:
            raise MalformedFrame("presence that counts more clients than it has bytes for")
        states: list[tuple[int, int, bytes]] = []
        for _ in range(count):
            client, clock, state, at = _read_entry(payload, at)
            states.append((client, clock, state))
    except IndexError:
        raise MalformedFrame("the presence ends before it is complete") from None
    return states


def write_states(states: list[tuple[int, int, bytes]]) -> bytes:
    """An awareness payload of `(client, clock, state)` entries."""
    out = bytearray()
    write_varuint(out, len(states))
    for client, clock, state in states:
        _write_entry(out, client, clock, state)
    return bytes(out)


def _read_entry(payload: bytes, at: int) -> tuple[int, int, bytes, int]:
    client, at = read_varuint(payload, at)
    clock, at = read_varuint(payload, at)
    state, at = read_bytes(payload, at)
    if client > MAX_CLIENT or clock > MAX_CLOCK:
        raise MalformedFrame("presence of a client or clock out of range")
    if len(state) > MAX_STATE_BYTES:
        raise MessageTooBig(f"a presence state of more than {MAX_STATE_BYTES} bytes")
    return client, clock, state, at


def _write_entry(out: bytearray, client: int, clock: int, state: bytes) -> None:
    write_varuint(out, client)
    write_varuint(out, clock)
    write_varuint(out, len(state))
    out += state
