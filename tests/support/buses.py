"""Buses of several nodes, and what each of them has heard."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from uuid import UUID

from persistence import bus
from persistence.bus import Bus, Hint


@dataclass
class Node:
    """A bus, and what it has heard."""

    hints: list[Hint] = field(default_factory=list)
    changes: list[bool] = field(default_factory=list)
    bus: Bus = field(init=False)

    def stored(self) -> dict[UUID, set[int]]:
        found: dict[UUID, set[int]] = {}
        for hint in self.hints:
            if hint.kind == bus.STORED and hint.video_id is not None:
                found.setdefault(hint.video_id, set()).add(hint.seq)
        return found


@asynccontextmanager
async def nodes(url: str, count: int) -> AsyncIterator[list[Node]]:
    async with AsyncExitStack() as stack:
        made = []
        for number in range(count):
            node = Node()
            node.bus = Bus(
                url,
                bytes((number,)) * 8,
                "cocut:test",
                node.hints.append,
                node.changes.append,
                time.monotonic,
            )
            node.bus.start()
            stack.push_async_callback(node.bus.close)
            made.append(node)
        await until(lambda: all(node.bus.up for node in made))
        yield made


async def until(condition: Callable[[], bool], seconds: float = 15) -> None:
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.02)
