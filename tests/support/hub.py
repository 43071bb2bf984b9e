"""A hub as the server has it, in the test's own process."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from uuid import UUID

from api.websocket import binary_frame
from collab.ports import Seat
from collab.projection import Projection
from collab.protocol import Framing
from collab.room import REST_SECONDS
from collab.schema import Changes, DocumentLimits
from collab.session import Channel
from persistence.bus import Bus, Hint
from persistence.compactor import Compactor
from persistence.database import Database
from persistence.journal import Journal
from persistence.snapshots import Snapshots
from persistence.tables import Tables
from persistence.update_log import UpdateLog
from persistence.videos import Videos
from server.durable import DurableLog
from server.hub import IDLE_SECONDS, Hub
from server.observe import Metrics
from server.places import ConnectionLimits
from server.projector import Heard, Projector
from server.stores import Stores


def nobody(video_id: UUID, seq: int, changes: Changes) -> None:
    """Nobody listens."""


@asynccontextmanager
async def hub_of(
    database: Database,
    directory: Path,
    *,
    editors: int = 10,
    idle_seconds: float = IDLE_SECONDS,
    rest_seconds: float = REST_SECONDS,
    framing: Framing = binary_frame,
    heard: Heard = nobody,
    tables: Tables | None = None,
    redis: str | None = None,
) -> AsyncIterator[tuple[Hub, Metrics]]:
    """A hub on a database.

    Args:
        database: it.
        directory: for its journal.
        editors: how many connections a user may have.
        idle_seconds: for how long a room without editors stays open.
        rest_seconds: for how long nobody has needed a document that rests.
        framing: makes of a protocol message what the channels get.
        heard: told of what changed.
        tables: written in place of plain ones.
        redis: the address of that which it shares with other nodes.
    """
    limits, metrics = DocumentLimits(), Metrics()
    log = UpdateLog(database)
    durable = DurableLog(database, log, await Journal.open(directory), time.monotonic)
    hubs: list[Hub] = []
    bus: Bus | None = None
    if redis is not None:

        def hear(hint: Hint) -> None:
            hubs[0].hear(hint)

        def changed(up: bool) -> None:
            hubs[0].redis_changed(up)

        bus = Bus(redis, secrets.token_bytes(8), "cocut:test", hear, changed, time.monotonic)
    stores = Stores(
        log, durable, limits, framing, time.monotonic, metrics, bus, rest_seconds=rest_seconds
    )
    scenes, compactor = tables or Tables(database), Compactor()

    def projector(video_id: UUID) -> Projector:
        projection = Projection(limits, lambda _: False)
        return Projector(video_id, projection, scenes, time.monotonic, metrics, heard, bus)

    hub = Hub(
        stores,
        projector,
        Videos(database),
        Snapshots(database, compactor),
        ConnectionLimits(per_user=editors),
        time.time,
        idle_seconds,
    )
    hubs.append(hub)
    hub.start()
    if bus is not None:
        bus.start()
        await until(metrics, redis_up=1)
    try:
        yield hub, metrics
    finally:
        await hub.drain()
        await compactor.close()
        await durable.close()
        if bus is not None:
            await bus.close()


async def sit(hub: Hub, video_id: UUID, channel: Channel, user: str = "ann") -> Seat:
    """Give an editor a place that does not end."""
    return await hub.connect(
        video_id,
        channel,
        user=user,
        may_edit=True,
        access_version=0,
        expires_at=time.time() + 3600,
    )


async def until(metrics: Metrics, **values: float) -> None:
    """Wait until gauges have these values, by their names without `cocut_`."""
    async with asyncio.timeout(60):
        while any(
            metrics.registry.get_sample_value(f"cocut_{name}") != value
            for name, value in values.items()
        ):
            await asyncio.sleep(0.05)
