"""Hints between nodes, over Redis: what was stored, who is here, what has changed for whom.

The log is the truth. A hint that is lost costs time, never an edit: every node looks at the log
once a second for the rooms that it has open. So nothing here waits for Redis: hints queue for one
task that sends them, and the oldest are dropped when it cannot.

What concerns a video that no other node has open is not sent: how many a message has reached is
what Redis answers. A node that opens a video asks who is there, and hears from then on.

One channel a video, and one for all nodes, on which each says every two seconds that it lives. On
a Redis Cluster they are sharded channels, and there is a connection to each of its primaries.

    hint := kind(1 byte) node(8 bytes) body
    C seq author update   an update was stored under this number; no update if it is large
    P states              presence of the sender's own editors, see `collab.presence`
    Q                     who has presence for this video: say it all
    T seq                 the tables were written up to this by the sender, who goes on to write
                          them; 0: who does not any more, see `server.turn`
    W seq                 the sender waits until the tables show this
    A                     roles were changed, or the video was deleted
    L                     I live
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

import structlog
from redis.asyncio.client import PubSub
from redis.exceptions import RedisError

from collab.encoding import read_varuint, varuint
from persistence.shards import Shards

STORED: Final = b"C"
PRESENCE: Final = b"P"
QUERY: Final = b"Q"
TABLES: Final = b"T"
WANTED: Final = b"W"
ACCESS: Final = b"A"
LIVING: Final = b"L"
TO_COMPANY: Final = (STORED, PRESENCE, TABLES, WANTED)
"""What is not said where nobody else is."""

MAX_UPDATE_BYTES: Final = 256 * 1024
"""Larger updates are fetched from the log by those who need them."""

ALONE_SECONDS: Final = 1.0
"""For how long nothing is sent after a message that reached nobody else."""

QUEUE: Final = 10_000
LIVING_SECONDS: Final = 2.0
DEAD_SECONDS: Final = 6.0
RETRY_SECONDS: Final = 0.25
CANCEL_SECONDS: Final = 0.1
PIPELINE: Final = 200

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Hint:
    """What another node says. `video_id` is None for what concerns the node itself."""

    kind: bytes
    node: bytes
    video_id: UUID | None
    seq: int = 0
    body: bytes = b""
    author: str = ""


class Bus:
    """This node's way to the others.

    Args:
        url: of Redis.
        node: this node's random name, 8 bytes.
        prefix: what all channels begin with; databases that share a Redis take different ones.
        hear: called with each hint of another node.
        changed: called when Redis has gone (False) or come (back) (True); subscriptions are
            in place again by then, and hints may have been missed.
        clock: monotonic seconds.

    Attributes:
        seconds: what this node's last sign of life took through Redis and back.
    """

    def __init__(
        self,
        url: str,
        node: bytes,
        prefix: str,
        hear: Callable[[Hint], None],
        changed: Callable[[bool], None],
        clock: Callable[[], float],
    ) -> None:
        self.seconds = 0.0
        self._dropped = 0
        self._clock = clock
        self._said_at = 0.0
        self._shards = Shards(url)
        self._node = node
        self._prefix = prefix
        self._hear = hear
        self._changed = changed
        self._outgoing: deque[tuple[str, bytes]] = deque()
        self._more = asyncio.Event()
        self._wanted: set[UUID] = set()
        # By channel: whether own messages come back, when others were heard, and until when
        # nobody else is there.
        self._echoing: set[str] = set()
        self._company: dict[str, float] = {}
        self._alone: dict[str, float] = {}
        # By server; those that have answered.
        self._pubsubs: dict[str, PubSub] = {}
        self._up = False
        self._tasks: list[asyncio.Task[None]] = []

    @property
    def up(self) -> bool:
        """Whether hints are heard at the moment."""
        return self._up

    def start(self) -> None:
        """Begin to send and to listen."""
        loop = asyncio.get_running_loop()
        self._tasks = [
            loop.create_task(task()) for task in (self._send, self._listen, self._say_living)
        ]

    async def close(self) -> None:
        """Stop; what has not been sent is dropped."""
        await _end(self._tasks)
        await self._shards.close()

    def stored(self, video_id: UUID, seq: int, update: bytes, author: str) -> None:
        """An update was stored in the log under this number; `author` is one of its authors."""
        name = author.encode()
        body = update if len(update) <= MAX_UPDATE_BYTES else b""
        self._put(STORED, video_id, varuint(seq) + varuint(len(name)) + name + body)

    def presence(self, video_id: UUID, states: bytes) -> None:
        """The presence of this node's editors has changed."""
        self._put(PRESENCE, video_id, states)

    def tables(self, video_id: UUID, seq: int) -> None:
        """This node has written the tables up to `seq`, and goes on to; with 0, it does not."""
        self._put(TABLES, video_id, varuint(seq))

    def wanted(self, video_id: UUID, seq: int) -> None:
        """This node waits until the tables show `seq`."""
        self._put(WANTED, video_id, varuint(seq))

    def access_changed(self, video_id: UUID) -> None:
        """Roles on a video were changed, or it was deleted."""
        self._put(ACCESS, video_id, b"")

    def take_dropped(self) -> int:
        """How many hints Redis did not take since this was asked last."""
        dropped, self._dropped = self._dropped, 0
        return dropped

    async def subscribe(self, video_id: UUID) -> None:
        """Hear what concerns a video, and ask who is there; without Redis, as soon as it is."""
        self._wanted.add(video_id)
        channel = self._channel(video_id)
        pubsub = self._pubsubs.get(self._shards.of(channel))
        if pubsub is not None:
            await self._quietly(self._join(pubsub, channel))
        self._put(QUERY, video_id, b"")

    async def unsubscribe(self, video_id: UUID) -> None:
        """Hear no more of a video."""
        self._wanted.discard(video_id)
        channel = self._channel(video_id)
        self._echoing.discard(channel)
        self._company.pop(channel, None)
        self._alone.pop(channel, None)
        pubsub = self._pubsubs.get(self._shards.of(channel))
        if pubsub is not None:
            leave = pubsub.sunsubscribe if self._shards.sharded else pubsub.unsubscribe
            await self._quietly(leave(channel))

    async def _join(self, pubsub: PubSub, *channels: str) -> None:
        if not self._shards.sharded:
            await pubsub.subscribe(*channels)
            return
        for channel in channels:  # a command may name one slot only
            await pubsub.ssubscribe(channel)

    def _channel(self, video_id: UUID | None) -> str:
        # The braces make a Redis Cluster keep a channel on the shard of its video.
        return f"{self._prefix}:nodes" if video_id is None else f"{self._prefix}:{{{video_id}}}"

    def _put(self, kind: bytes, video_id: UUID | None, body: bytes) -> None:
        channel = self._channel(video_id)
        if kind in TO_COMPANY and self._clock() < self._alone.get(channel, 0.0):
            return
        if len(self._outgoing) >= QUEUE:
            self._outgoing.popleft()
            self._dropped += 1
        self._outgoing.append((channel, kind + self._node + body))
        self._more.set()

    async def _say_living(self) -> None:
        while True:
            self._said_at = self._clock()
            self._put(LIVING, None, b"")
            await asyncio.sleep(LIVING_SECONDS)

    async def _send(self) -> None:
        while True:
            await self._more.wait()
            self._more.clear()
            while self._outgoing:
                batch = [
                    self._outgoing.popleft() for _ in range(min(PIPELINE, len(self._outgoing)))
                ]
                # When Redis is back, the first attempt only finds a dead connection.
                if not await self._published(batch) and not await self._published(batch):
                    self._dropped += len(batch)

    async def _published(self, batch: list[tuple[str, bytes]]) -> bool:
        try:
            await self._publish(batch)
        except (RedisError, OSError):
            self._shards.forget()
            await asyncio.sleep(RETRY_SECONDS)
            return False
        return True

    async def _publish(self, batch: list[tuple[str, bytes]]) -> None:
        if not self._shards.known:
            await self._shards.look()
        command = "SPUBLISH" if self._shards.sharded else "PUBLISH"
        by_server: dict[str, list[tuple[str, bytes]]] = {}
        for channel, message in batch:
            by_server.setdefault(self._shards.of(channel), []).append((channel, message))
        for server, messages in by_server.items():
            pipeline = self._shards.client(server).pipeline(transaction=False)
            for channel, message in messages:
                pipeline.execute_command(command, channel, message)
            began = self._clock()
            reached = await pipeline.execute()
            for (channel, _), count in zip(messages, reached, strict=True):
                if (
                    count == 1
                    and channel in self._echoing
                    and self._company.get(channel, 0.0) < began
                ):
                    self._alone[channel] = began + ALONE_SECONDS

    async def _listen(self) -> None:
        while True:
            try:
                await self._listen_to_all()
            except (RedisError, OSError) as error:
                self._pubsubs.clear()
                self._echoing.clear()
                self._alone.clear()
                if self._up:
                    _log.warning("redis_away", error=str(error))
                    self._up = False
                    self._changed(False)
                await asyncio.sleep(RETRY_SECONDS)

    async def _listen_to_all(self) -> None:
        """Listen to all servers until one fails: then all are asked anew who carries what.

        Raises:
            RedisError, OSError: how it failed.
        """
        await self._shards.look()
        loop = asyncio.get_running_loop()
        tasks = [loop.create_task(self._listen_to(server)) for server in self._shards.servers()]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            await _end(tasks)
        for end in await asyncio.gather(*tasks, return_exceptions=True):
            if isinstance(end, Exception):
                raise end

    async def _listen_to(self, server: str) -> None:
        async with self._shards.client(server).pubsub() as pubsub:
            channels = [self._channel(None), *map(self._channel, self._wanted)]
            mine = [channel for channel in channels if self._shards.of(channel) == server]
            # A connection that listens to nothing has nothing to answer.
            await pubsub.subscribe(f"{self._prefix}:here")
            if mine:
                await self._join(pubsub, *mine)
            async for message in self._messages(server, pubsub):
                self._heard(message)

    async def _messages(self, server: str, pubsub: PubSub) -> AsyncIterator[dict[str, Any]]:
        """Messages, for as long as the server answers: when it is silent, it is asked."""
        asked = False
        while True:
            message = await pubsub.get_message(timeout=LIVING_SECONDS)
            if message is None:
                if asked:
                    raise RedisError("Redis is silent")
                asked = True
                await pubsub.ping()
                continue
            asked = False
            if server not in self._pubsubs:
                self._pubsubs[server] = pubsub
                self._be_up()
            if message["type"] == "sunsubscribe" and self._is_wanted(message["channel"]):
                raise RedisError("a channel has moved to another server")
            yield message

    def _be_up(self) -> None:
        if not self._up and len(self._pubsubs) == len(self._shards.servers()):
            self._up = True
            self._changed(True)
            for video_id in self._wanted:
                self._put(QUERY, video_id, b"")

    def _is_wanted(self, channel: bytes) -> bool:
        video_id = self._video(channel)
        return video_id is None or video_id in self._wanted

    def _video(self, channel: bytes) -> UUID | None:
        name = channel.decode().removeprefix(f"{self._prefix}:").strip("{}")
        return None if name == "nodes" else UUID(name)

    def _heard(self, message: dict[str, Any]) -> None:
        if message["type"] not in ("message", "smessage"):
            return
        data: bytes = message["data"]
        kind, node, body = data[:1], data[1:9], data[9:]
        if node == self._node:
            if kind == LIVING:
                self.seconds = self._clock() - self._said_at
            else:
                self._echoing.add(message["channel"].decode())
            return
        self._company[message["channel"].decode()] = self._clock()
        self._alone.pop(message["channel"].decode(), None)
        video_id = self._video(message["channel"])
        seq, author = 0, ""
        if kind == STORED:
            seq, at = read_varuint(body, 0)
            length, at = read_varuint(body, at)
            author = body[at : at + length].decode()
            body = body[at + length :]
        elif kind in (TABLES, WANTED):
            seq, _ = read_varuint(body, 0)
        self._hear(Hint(kind, node, video_id, seq, body, author))

    async def _quietly(self, call: Awaitable[object]) -> None:
        """A change of subscriptions that fails is made good when Redis is back."""
        try:
            await call
        except (RedisError, OSError) as error:
            _log.debug("redis_away", error=str(error))


async def _end(tasks: list[asyncio.Task[None]]) -> None:
    """Cancel tasks until they have ended: redis-py swallows a cancellation while it connects."""
    running = set(tasks)
    while running:
        for task in running:
            task.cancel()
        _, running = await asyncio.wait(running, timeout=CANCEL_SECONDS)
