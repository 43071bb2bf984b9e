"""Editors on real sockets, who type, lose their connection and come back with what they have."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, Final
from uuid import UUID

import aiohttp
from pycrdt import Doc, Map, Snapshot, Text, TransactionEvent

from collab import protocol
from collab.encoding import varuint
from collab.ledger import Ledger
from collab.protocol import Acknowledge, Join, Outgoing, Update
from collab.update import read_state_vector, read_update

SHARED: Final = str(UUID(int=0))
"""The scene that all type in."""

AGAIN_SECONDS: Final = 0.05


class Seen:
    """What a server has shown to somebody: nothing of it may be lost any more."""

    def __init__(self) -> None:
        self._ledger = Ledger()
        self._deletes: set[tuple[int, int, int]] = set()

    def record(self, update: bytes) -> None:
        """Note an update that the server has sent."""
        summary = read_update(update)
        self._ledger.record(summary)
        self._deletes.update(summary.deletes)

    def promise(self, client: int, clock: int) -> None:
        """Note that the server has acknowledged a client's changes below `clock`."""
        state = self._ledger.state
        state[client] = max(state.get(client, 0), clock)

    @property
    def changes(self) -> int:
        """How many clocks were seen."""
        return sum(self._ledger.state.values())

    def lost(self, stored: Ledger) -> list[str]:
        """What of it is not in what is stored."""
        changes = [
            f"client {client}: {stored.state.get(client, 0)} of {clock}"
            for client, clock in self._ledger.state.items()
            if stored.state.get(client, 0) < clock
        ]
        deletes = [
            f"client {client}: {start} to {end} is not deleted"
            for client, start, end in self._deletes
            if not stored.is_deleted(client, start, end)
        ]
        return changes + deletes


class Typist:
    """One editor with a document of its own, which outlives its connections.

    Args:
        session: to connect with.
        url: where to connect, asked at every attempt.
        number: its own; also its Yjs client id, in a range of its own.
        seen: told of what the server sends and acknowledges.
        heard: told of every update that comes, with the document as it is then.

    Attributes:
        door: closed, it does not connect (and stays connected if it is).
        synced: set while it has a connection over which it got all there was.
        ended: set while it has none.
        closes: the close codes it got.
        typed: how many edits it made.
    """

    def __init__(
        self,
        session: aiohttp.ClientSession,
        url: Callable[[], str],
        number: int,
        seen: Seen,
        heard: Callable[[Typist], None] = lambda typist: None,
    ) -> None:
        self.number = number
        self.scene = str(UUID(int=number))
        self.doc: Doc[Any] = Doc(client_id=1000 + number)
        self.scenes = self.doc.get("scenes", type=Map)
        self.door = asyncio.Event()
        self.door.set()
        self.synced = asyncio.Event()
        self.ended = asyncio.Event()
        self.closes: list[int] = []
        self.typed = 0
        self._session = session
        self._url = url
        self._seen = seen
        self._heard = heard
        self._socket: aiohttp.ClientWebSocketResponse | None = None
        self._unsent: list[bytes] = []
        self._subscription = self.doc.observe(self._changed)
        self._applying = False
        self._asked: dict[bytes, tuple[int, asyncio.Future[None]]] = {}
        self._questions = 0

    async def run(self) -> None:
        """Connect, and connect again, until cancelled."""
        while True:
            await self.door.wait()
            try:
                self.ended.clear()
                async with self._session.ws_connect(self._url(), max_msg_size=0) as socket:
                    await self._talk(socket)
            except (aiohttp.ClientError, OSError):
                pass
            finally:
                self._socket = None
                self.synced.clear()
                self.ended.set()
            await asyncio.sleep(AGAIN_SECONDS)

    def type(self, rng: random.Random) -> None:
        """Make one edit: mostly more of the own text, sometimes something in the shared scene."""
        self.typed += 1
        with self.doc.transaction():
            if self.scene not in self.scenes:
                self.scenes[self.scene] = Map({"text": Text(), "order": f"a{self.number}"})
            own = self.scenes[self.scene]["text"]
            own.insert(len(own), f"{self.typed},")
            roll = rng.random()
            if roll < 0.3:
                self.scenes[self.scene]["duration"] = 1 + rng.random()
            if roll < 0.5 and SHARED in self.scenes:
                text = self.scenes[SHARED]["text"]
                length = len(text)
                if roll < 0.2 and length > 40:
                    at = rng.randrange(length - 2)
                    del text[at : at + 2]
                else:
                    text.insert(rng.randrange(length + 1), f"{self.number}.")

    async def flush(self) -> None:
        """Send what was typed, if there is a connection."""
        socket = self._socket
        while self._unsent and socket is not None and self._socket is socket:
            try:
                await socket.send_bytes(_frame(protocol.update(self._unsent[0])))
            except ConnectionError:
                return
            self._unsent.pop(0)

    async def stored(self) -> None:
        """Wait until the server says that all that was typed is stored."""
        while True:
            await self.synced.wait()
            await self.flush()
            self._questions += 1
            question = varuint(protocol.ACKNOWLEDGE) + varuint(self._questions)
            answer: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            socket = self._socket
            if socket is not None and not self._unsent:
                self._asked[question] = (self.clock, answer)
                try:
                    await socket.send_bytes(question)
                    await answer
                except ConnectionError:
                    self._asked.pop(question, None)
                else:
                    return
            # The connection has just ended: let its reader notice.
            await asyncio.sleep(AGAIN_SECONDS)

    async def hang_up(self) -> None:
        """End the connection; `run` connects again."""
        if self._socket is not None:
            await self._socket.close()

    @property
    def clock(self) -> int:
        """How many changes it has made."""
        return read_state_vector(self.doc.get_state()).get(self.doc.client_id, 0)

    @property
    def texts(self) -> dict[str, str]:
        """The texts of all scenes, by id."""
        return {name: str(self.scenes[name]["text"]) for name in self.scenes.keys()}  # noqa: SIM118

    async def _talk(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        await socket.send_bytes(_frame(protocol.step_1(self.doc.get_state())))
        async for message in socket:
            if message.type is not aiohttp.WSMsgType.BINARY:
                continue
            received = protocol.read_frame(message.data)
            if isinstance(received, Join):
                self._unsent.clear()
                update = self.doc.get_update(received.state_vector)
                self._socket = socket
                await socket.send_bytes(_frame(protocol.step_2(update)))
            elif isinstance(received, Update):
                self._take(received.update)
                if message.data[1] == protocol.STEP_2:
                    self.synced.set()
            elif isinstance(received, Acknowledge):
                clock, answer = self._asked.pop(message.data)
                self._seen.promise(self.doc.client_id, clock)
                answer.set_result(None)
        if socket.close_code is not None:
            self.closes.append(socket.close_code)
        for _, answer in self._asked.values():
            if not answer.done():
                answer.set_exception(ConnectionError("the connection ended before the answer"))
        self._asked.clear()

    def _take(self, update: bytes) -> None:
        self._seen.record(update)
        self._applying = True
        try:
            self.doc.apply_update(update)
        finally:
            self._applying = False
        self._heard(self)

    def _changed(self, event: TransactionEvent) -> None:
        if not self._applying and self._socket is not None:
            self._unsent.append(event.update)


def stored_ledger(state: bytes) -> Ledger:
    """What a document's state holds."""
    doc: Doc[Any] = Doc()
    doc.apply_update(state)
    return Ledger(Snapshot.from_doc(doc).encode())


@asynccontextmanager
async def typing(
    typists: list[Typist], rng: random.Random, edits_per_second: float
) -> AsyncIterator[asyncio.Event]:
    """Connect the typists, and let them type while the event that this gives is set."""
    type_now = asyncio.Event()

    async def type_for_ever() -> None:
        loop = asyncio.get_running_loop()
        due = loop.time()
        while True:
            await type_now.wait()
            # A machine that was busy does not catch up by a burst.
            due = max(due + 1 / edits_per_second, loop.time() - 0.1)
            await asyncio.sleep(max(0.0, due - loop.time()))
            typist = rng.choice(typists)
            typist.type(rng)
            await typist.flush()

    tasks = [asyncio.create_task(typist.run()) for typist in typists]
    tasks.append(asyncio.create_task(type_for_ever()))
    try:
        yield type_now
    finally:
        for task in tasks:
            task.cancel()
        ends = await asyncio.gather(*tasks, return_exceptions=True)
        failures = [end for end in ends if isinstance(end, Exception)]
        if failures:
            raise ExceptionGroup("typists failed", failures)


async def settled(typists: list[Typist], seconds: float) -> None:
    """Wait until all that was typed is stored and all typists hold the same document.

    Raises:
        TimeoutError: that did not happen.
    """
    async with asyncio.timeout(seconds):
        await asyncio.gather(*(typist.stored() for typist in typists))
        states = [read_state_vector(typist.doc.get_state()) for typist in typists]
        while any(state != states[0] for state in states):
            await asyncio.sleep(0.02)
            states = [read_state_vector(typist.doc.get_state()) for typist in typists]


def _frame(message: Outgoing) -> bytes:
    head, body = message
    return head + body
