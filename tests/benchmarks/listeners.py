"""Many Socket.IO listeners in a process of their own: `python -m tests.benchmarks.listeners`.

All listeners of a video get the same bytes. So what they get is kept once, and each of them only
compares what arrives with that, and notes when how much of it was there; what stood in it, and
when each listener had it, is told afterwards. A listener speaks Engine.IO 4 and Socket.IO 5 over a
WebSocket as the real client does, as far as it must: it connects, joins, and answers pings.

Standard input: one line with the address, the token, the video and how many; then, when all edits
have been made, one with the seconds of the monotonic clock at which each was sent. Standard output:
`joined`, when all have, and in the end what was heard.
"""

from __future__ import annotations

import asyncio
import base64
import gc
import json
import sys
import time
from array import array
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final, cast
from urllib.parse import urlsplit

import uvloop

from server.load.frames import client_frame, frame_size
from server.load.latency import Histogram
from server.load.swarm import allow_files

TEXT: Final = 0x81
PING: Final = b"\x81\x012"
"""A ping of Engine.IO as a frame. Its bytes stand in no other: in JSON, 1 is escaped."""

PONG: Final = client_frame(b"3", TEXT)
OPENING: Final = 100
SPARE_FILES: Final = 100
JOIN_SECONDS: Final = 60.0
QUIET_SECONDS: Final = 1.0
DRAIN_SECONDS: Final = 20.0


@dataclass
class Stream:
    """What listeners were sent after all had joined, and when the last of it came."""

    data: bytearray = field(default_factory=bytearray)
    last: float = 0.0


class Listener(asyncio.Protocol):
    """One listener.

    Args:
        address: of the server.
        token: whose it is.
        video: what it listens to.
        stream: what it compares with.

    Attributes:
        joined: done when it has joined.
        trouble: why what it heard does not count; empty if all is well.
        times: when something came, in seconds of the monotonic clock.
        ends: how much of the stream was there by then.
    """

    def __init__(self, address: str, token: str, video: str, stream: Stream) -> None:
        self.joined: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.trouble = ""
        self.times = array("d")
        self.ends = array("q")
        self._host = urlsplit(address).netloc
        self._token = token
        self._video = video
        self._stream = stream
        self._held = b""
        self._had = 0
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Ask for the WebSocket."""
        self._transport = cast(asyncio.Transport, transport)
        key = base64.b64encode(bytes(16)).decode()
        self._transport.write(
            f"GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: {self._host}\r\n"
            "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
            f"Sec-WebSocket-Key: {key}\r\n\r\n".encode()
        )

    def say(self, text: str) -> None:
        """Send one message."""
        assert self._transport is not None
        self._transport.write(client_frame(text.encode(), TEXT))

    def leave(self) -> None:
        """End the connection."""
        if self._transport is not None:
            self._transport.abort()

    def data_received(self, data: bytes) -> None:
        """Compare what comes with what the others got."""
        now = time.perf_counter()
        data = self._held + data
        self._held = b""
        if not self.joined.done():
            self._read_beginning(data)
            return
        if PING in data:
            assert self._transport is not None
            self._transport.write(PONG)
            data = data.replace(PING, b"")
        if data.endswith((PING[:1], PING[:2])):  # it may go on as a ping
            self._held = data[-2:] if data.endswith(PING[:2]) else data[-1:]
            data = data[: -len(self._held)]
        if not data or self.trouble:
            return
        stream, had = self._stream, self._had
        self._had = had + len(data)
        known = stream.data[had : self._had]
        if not data.startswith(known):
            self.trouble = "heard something else than the others"
            return
        stream.data += data[len(known) :]
        self.times.append(now)
        self.ends.append(self._had)
        stream.last = now

    def connection_lost(self, exc: Exception | None) -> None:
        """Note that it lost its connection."""
        self.trouble = self.trouble or f"lost its connection: {exc}"
        if not self.joined.done():
            self.joined.set_exception(ConnectionError(self.trouble))

    def _read_beginning(self, data: bytes) -> None:
        """Read on until the acknowledgement of the joining, which is the last that comes."""
        head, done, rest = data.partition(b"\r\n\r\n")
        at, texts = 0, list[bytes]()
        while done and (sizes := frame_size(rest, at)) is not None:
            end = at + sum(sizes)
            if end > len(rest):
                break
            texts.append(rest[at + sizes[0] : end])
            at = end
        for text in texts:
            if text.startswith(b"0{"):
                self.say("40" + json.dumps({"token": self._token}))
            elif text.startswith(b"40{"):
                self.say(f'421["video:join",{{"video_id":"{self._video}"}}]')
            elif text.startswith(b"431[") and json.loads(text[3:])[0]["success"]:
                self.joined.set_result(None)
            else:
                self.joined.set_exception(ConnectionError(f"told {text!r}"))
        # The head stands for what was read, so that the rest is read after it.
        self._held = head + done + rest[at:] if not self.joined.done() else rest[at:]


@dataclass(frozen=True, slots=True)
class Shown:
    """One event that shows a layer: which, its `x`, `seq`, and where it ends in the stream."""

    layer: str
    x: int
    seq: int
    end: int


def events_in(stream: bytes) -> list[Shown]:
    """The events of a stream that show layers."""
    found, at = list[Shown](), 0
    while (sizes := frame_size(stream, at)) is not None:
        end = at + sum(sizes)
        name, payload = json.loads(stream[at + sizes[0] + 2 : end])
        if name == "layer:updated":
            x = payload["layer"]["properties"]["x"]
            found.append(Shown(payload["layer_id"], x, payload["seq"], end))
        at = end
    return found


def first_shown(events: Sequence[Shown], layers: Sequence[str], edits: int) -> list[int | None]:
    """For each edit, which of the events was the first to show it, or what came after it.

    Edit `n` sets `x` of layer `n % len(layers)` to `n`.
    """
    shown: list[int | None] = [None] * edits
    following = dict(zip(layers, range(len(layers)), strict=True))
    for number, event in enumerate(events):
        while (edit := following[event.layer]) <= event.x and edit < edits:
            shown[edit] = number
            following[event.layer] += len(layers)
    return shown


def judge(
    listeners: Sequence[Listener], stream: bytes, layers: Sequence[str], sent: Sequence[float]
) -> dict[str, Any]:
    """What was heard, and how long it took."""
    events = events_in(stream)
    shown = first_shown(events, layers, len(sent))
    latency = Histogram()
    incomplete = sum(listener.ends[-1:] != array("q", [len(stream)]) for listener in listeners)
    for listener in listeners:
        for edit, event in enumerate(shown):
            if event is None:
                continue
            place = bisect_left(listener.ends, events[event].end)
            if place < len(listener.ends):
                latency.add(listener.times[place] - sent[edit])
    states = [(event.layer, event.x) for event in events]
    seqs = [event.seq for event in events]
    return {
        "listeners": len(listeners),
        "troubles": [one.trouble for one in listeners if one.trouble],
        "incomplete": incomplete,
        "edits_not_shown": shown.count(None),
        "twice": len(states) - len(set(states)),
        "in_order": seqs == sorted(seqs),
        "events": len(events),
        "bytes": len(stream),
        "latency": latency.summary(),
    }


async def listen() -> None:
    """Do what the first line says."""
    loop = asyncio.get_running_loop()
    asked = json.loads(await loop.run_in_executor(None, sys.stdin.readline))
    allow_files(asked["listeners"] + SPARE_FILES)
    stream, gate = Stream(), asyncio.Semaphore(OPENING)
    to = urlsplit(asked["address"])

    async def one() -> Listener:
        async with gate:
            listener = Listener(asked["address"], asked["token"], asked["video"], stream)
            await loop.create_connection(lambda: listener, to.hostname, to.port)
            await listener.joined
            return listener

    async with asyncio.timeout(JOIN_SECONDS):
        listeners = await asyncio.gather(*(one() for _ in range(asked["listeners"])))
    gc.collect()
    gc.freeze()
    gc.disable()
    print("joined", flush=True)
    sent = json.loads(await loop.run_in_executor(None, sys.stdin.readline))
    end = time.perf_counter() + DRAIN_SECONDS
    while time.perf_counter() < end and time.perf_counter() - stream.last < QUIET_SECONDS:
        await asyncio.sleep(QUIET_SECONDS / 10)
    busy = time.process_time()
    for listener in listeners:
        listener.leave()
    found = judge(listeners, bytes(stream.data), asked["layers"], sent)
    print(json.dumps({**found, "own_cpu": busy}), flush=True)


if __name__ == "__main__":
    uvloop.run(listen())
