"""Editors that speak the protocol by hand, for what a well-behaved client would never send."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, Final
from uuid import uuid4

import aiohttp
from pycrdt import Doc, Map, Text

from collab import protocol
from collab.presence import read_states, write_states
from collab.protocol import Acknowledge, Awareness, Join, Update
from tests.support.server import Api

WAIT_SECONDS: Final = 30.0


class Editor:
    """A document of its own on a socket.

    Attributes:
        frames: everything that was received, in order.
        close_code: why the server ended the connection; None while it is open.
    """

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self.socket = socket
        self.doc: Doc[Any] = Doc()
        self.scenes: Map[Any] = self.doc.get("scenes", type=Map)
        self.frames: list[bytes] = []
        self.close_code: int | None = None
        self._saved = 0

    async def send(self, message: protocol.Outgoing) -> None:
        await self.socket.send_bytes(b"".join(message))

    async def join(self) -> None:
        """Ask for the document, and wait for it."""
        await self.send(protocol.step_1(self.doc.get_state()))
        await self.until(lambda: any(frame[:2] == b"\0\1" for frame in self.frames))

    async def change(self, change: Callable[[Doc[Any]], object]) -> None:
        """Change the document, and send what is new."""
        await self.send(protocol.update(self.quietly(change)))

    def quietly(self, change: Callable[[Doc[Any]], object]) -> bytes:
        """Change the document, and send nothing; returns the update."""
        before = self.doc.get_state()
        with self.doc.transaction():
            change(self.doc)
        return self.doc.get_update(before)

    async def saved(self) -> None:
        """Wait until all that was sent is stored."""
        self._saved += 1
        frame = bytes((protocol.ACKNOWLEDGE, 1, self._saved))
        await self.socket.send_bytes(frame)
        await self.until(lambda: frame in self.frames)

    async def until(self, condition: Callable[[], bool]) -> None:
        """Receive until the condition holds.

        Raises:
            AssertionError: the connection has ended.
            TimeoutError: it takes too long.
        """
        async with asyncio.timeout(WAIT_SECONDS):
            while not condition():
                assert await self._receive(), f"closed with {self.close_code}"

    async def closed(self) -> int:
        """Wait for the end of the connection; returns its close code."""
        async with asyncio.timeout(WAIT_SECONDS):
            while await self._receive():
                pass
        assert self.close_code is not None
        return self.close_code

    async def closed_or_saved(self) -> int | None:
        """Wait until all that was sent is stored, or refused: then its close code."""
        try:
            await self.saved()
        except (AssertionError, ConnectionError):
            return await self.closed() if self.close_code is None else self.close_code
        return None

    def present(self) -> dict[int, bytes]:
        """The last presence state that was received of each client."""
        states: dict[int, bytes] = {}
        for frame in self.frames:
            message = protocol.read_frame(frame)
            if isinstance(message, Awareness):
                states.update({client: state for client, _, state in read_states(message.payload)})
        return states

    async def be_present(self, client: int, clock: int, state: bytes) -> None:
        await self.send(protocol.awareness(write_states([(client, clock, state)])))

    async def _receive(self) -> bool:
        message = await self.socket.receive()
        if message.type is not aiohttp.WSMsgType.BINARY:
            self.close_code = self.socket.close_code
            return False
        self.frames.append(message.data)
        read = protocol.read_frame(message.data)
        if isinstance(read, Update):
            self.doc.apply_update(read.update)
        assert isinstance(read, Update | Join | Awareness | Acknowledge) or message.data[0] == 2
        return True


@asynccontextmanager
async def editor(
    api: Api, video: str, user: str = "alice", *, token: str | None = None
) -> AsyncIterator[Editor]:
    """An editor who has joined."""
    async with connection(api, video, token or api.server.token(user)) as one:
        await one.join()
        yield one


@asynccontextmanager
async def connection(api: Api, video: str, token: str | None) -> AsyncIterator[Editor]:
    """A connection that has not sent anything yet."""
    url = api.server.socket_url(video, token)
    async with api.session.ws_connect(url, max_msg_size=0) as socket:
        yield Editor(socket)


def add_scene(text: str, order: str = "a0", scene_id: str | None = None) -> Callable[..., object]:
    """A change that adds a scene without layers."""

    def add(doc: Doc[Any]) -> None:
        scenes: Map[Any] = doc.get("scenes", type=Map)
        fields = {"order": order, "text": Text(text), "duration": 5.0, "layers": Map()}
        scenes[scene_id or str(uuid4())] = Map(fields)

    return add
