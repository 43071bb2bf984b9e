"""The composition root: what one server process is made of."""

from __future__ import annotations

import functools
import gc
import secrets
import socket
import time
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from importlib.metadata import version
from typing import Final
from uuid import UUID

import structlog
from aiohttp import web
from prometheus_client import Histogram
from prometheus_client.registry import Collector

from api import express
from api.dispatch import add_routes
from api.editors import Editors
from api.errors import Detail
from api.events.door import PATH, Events
from api.events.jobs import JobEvents
from api.face import assemble, build, media_parts
from api.identity import HmacKeys, Keys, mint
from api.jwks import JwksKeys
from api.keys import FaceConfig, MediaParts, Parts
from api.limits import MemoryRateLimiter, RateLimiter, SharedRateLimiter
from api.links import Links
from api.middleware import refuser
from api.tiers import Tier
from api.websocket import binary_frame
from collab.projection import Projection
from collab.schema import Changes
from persistence.blobs import Blobs, shared_secret
from persistence.bus import Bus
from persistence.compactor import Compactor
from persistence.database import Database
from persistence.filestore import FileStore
from persistence.job_news import JobNews
from persistence.journal import Journal
from persistence.limits import SharedCounts
from persistence.migrations import born, migrate
from persistence.snapshots import Snapshots
from persistence.tables import Tables
from persistence.update_log import UpdateLog
from persistence.videos import Videos
from server.chores import Chores
from server.door import Door
from server.durable import DurableLog
from server.homes import Home
from server.hub import Hub
from server.media.estimate import estimate
from server.media.examine import Examiner
from server.media.speech.studio import DEFAULT_VOICE
from server.observe import Metrics
from server.pages import GUEST, Pages
from server.places import ConnectionLimits
from server.projector import Heard, Projector
from server.providers import image_provider, sampler, speech_studio
from server.scratch import scratch
from server.secret import signing_secret
from server.settings import Settings
from server.shared_metrics import SharedMetrics, metrics_folder
from server.storage import open_database
from server.stores import Stores
from server.tls import server_context

SHUTDOWN_SECONDS: Final = 2.0
COLLECT_AFTER: Final = 20_000
"""Objects made between two looks of the garbage collector; its default of 700 has it look through
a thousand connections many times a second."""

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Place:
    """Which of the processes on one port this is.

    Attributes:
        index: 0, 1, 2...
        alone: it is the only one, on any node, that serves its database.
        address: what the server is reached at, without `--public-url`.
        home: this process among several on the port, if there are several.
    """

    index: int
    alone: bool
    address: str
    home: Home | None = None


@asynccontextmanager
async def running(settings: Settings, listener: socket.socket, place: Place) -> AsyncIterator[None]:
    """A server process that accepts connections on a bound socket.

    Raises:
        CocutError, OSError: it could not start; the message says why and what to do.
    """
    async with AsyncExitStack() as stack:
        database = await stack.enter_async_context(open_database(settings))
        await migrate(database)
        metrics = Metrics()
        shared: SharedMetrics | None = None
        if place.home is not None:
            shared = SharedMetrics(metrics.registry, metrics_folder(settings), place.index)
            await stack.enter_async_context(shared.kept())
        public_url = (settings.public_url or place.address).rstrip("/")
        own_link = _own_link(public_url)
        durable = await _durable(settings, database, place, stack)
        heard: list[Heard] = []

        def projected(video_id: UUID, seq: int, changes: Changes) -> None:
            for tell in heard:
                tell(video_id, seq, changes)

        hub = await _hub(settings, database, durable, metrics, own_link, projected, place, stack)
        media = await _media(settings, database, public_url, stack)
        limiter = await _limiter(settings, database, metrics, stack)
        parts = _parts(
            settings,
            database,
            hub,
            durable,
            metrics,
            shared or metrics.registry,
            own_link,
            place,
            public_url,
            media,
            limiter,
        )
        events = Events(
            parts,
            polling=place.alone,
            per_user=settings.max_connections_per_user,
            listeners=metrics.listeners.set,
        )
        heard.append(lambda video_id, _, __: parts.access.moved(video_id))
        heard.append(events.projected)
        app = build(parts, _log, version=version("cocut"))
        editors = Editors(parts)
        app.router.add_get("/ws/videos/{video_id}", editors.handle, allow_head=False)
        app.router.add_route("*", PATH, events.handle)
        add_routes(app, Pages(_guest_token(settings)).routes)
        runner = web.AppRunner(
            app, access_log=None, shutdown_timeout=SHUTDOWN_SECONDS, handle_signals=False
        )
        await runner.setup()
        express.install(runner, parts, _log)
        stack.push_async_callback(runner.cleanup)
        job_events = JobEvents(
            parts,
            events,
            database.dsn,
            lambda kind, outcome: metrics.jobs.labels(kind, outcome).inc(),
        )
        job_events.start()
        stack.push_async_callback(job_events.close)
        events.start()
        stack.push_async_callback(events.close)
        editors.start()
        stack.push_async_callback(editors.close)
        hub.start()
        stack.push_async_callback(hub.drain)
        await stack.enter_async_context(Chores(database, parts.versions).running())
        gc.collect()
        gc.freeze()
        gc.set_threshold(COLLECT_AFTER, 20, 50)
        tls, refuse = server_context(settings), refuser(parts, _log)
        await Door(runner, listener, refuse, tls, place.home).start()
        yield


def _parts(
    settings: Settings,
    database: Database,
    hub: Hub,
    durable: DurableLog,
    metrics: Metrics,
    registry: Collector,
    own_link: Callable[[str], bool],
    place: Place,
    public_url: str,
    media: MediaParts,
    limiter: RateLimiter | None,
) -> Parts:
    token = settings.metrics_token

    async def ready() -> list[Detail]:
        return _not_ready(hub, durable)

    @functools.cache  # a path is a route's: there are as many as there are routes
    def seconds_of(method: str, route: str, status: int) -> Histogram:
        return metrics.request_seconds.labels(method, route, status)

    def observed(method: str, route: str, status: int, seconds: float) -> None:
        seconds_of(method, route, status).observe(seconds)

    def refused(code: str) -> None:
        metrics.refused.labels(code).inc()

    return assemble(
        database,
        hub,
        _keys(settings),
        config=FaceConfig(
            cors_origins=frozenset(settings.cors_origin),
            trusted_proxies=settings.trusted_proxies,
            metrics_token=token.get_secret_value() if token else None,
            tls=public_url.startswith("https:"),
            limits=settings.limits(),
            own_link=own_link,
        ),
        files=media,
        limiter=limiter,
        ready=ready,
        registry=registry,
        wall=time.time,
        clock=time.monotonic,
        new_id=uuid.uuid4,
        observed=observed,
        refused=refused,
        alone=place.alone,
    )


async def _limiter(
    settings: Settings, database: Database, metrics: Metrics, stack: AsyncExitStack
) -> RateLimiter | None:
    if not settings.rate_limits:
        return None
    alone = MemoryRateLimiter()
    if settings.redis_url is None:
        return alone
    shared = SharedCounts(settings.redis_url, f"cocut:{await born(database)}:limits")
    stack.push_async_callback(shared.close)
    return SharedRateLimiter(shared, alone, metrics.limits_shared.set)


def _guest_token(settings: Settings) -> Callable[[], str] | None:
    """What makes tokens for guests, who may do everything, where there may be any."""
    if not settings.guest:
        return None
    secret = signing_secret(settings)
    return lambda: mint(secret, GUEST, Tier.BUSINESS, now=time.time())


async def _media(
    settings: Settings, database: Database, public_url: str, stack: AsyncExitStack
) -> MediaParts:
    store = FileStore.open(settings.files_url())
    room = await stack.enter_async_context(scratch(settings.data_dir))
    studio = await speech_studio(settings, database, Blobs(database, store), room)
    return media_parts(
        database,
        store,
        Links(public_url, await shared_secret(database, "links"), time.time),
        Examiner(),
        room,
        news=await stack.enter_async_context(JobNews.listening(database)),
        sample=sampler(studio),
        default_voice=DEFAULT_VOICE,
        image_seconds=image_provider(settings).usual_seconds,
        estimate=estimate,
    )


def _keys(settings: Settings) -> Keys:
    if settings.jwks_url is not None:
        return JwksKeys(settings.jwks_url, time.monotonic)
    return HmacKeys(signing_secret(settings))


async def _durable(
    settings: Settings, database: Database, place: Place, stack: AsyncExitStack
) -> DurableLog:
    journal = await Journal.open(
        settings.data_dir / "journal" / str(place.index), limit=settings.max_journal_bytes
    )
    durable = DurableLog(database, UpdateLog(database), journal, time.monotonic)
    stack.push_async_callback(durable.close)
    replayed = await durable.replay()
    if replayed:
        _log.info("journal_replayed", updates=replayed)
    return durable


async def _hub(
    settings: Settings,
    database: Database,
    durable: DurableLog,
    metrics: Metrics,
    own_link: Callable[[str], bool],
    projected: Heard,
    place: Place,
    stack: AsyncExitStack,
) -> Hub:
    compactor = Compactor()
    stack.push_async_callback(compactor.close)
    hubs: list[Hub] = []
    bus: Bus | None = None
    if settings.redis_url is not None:
        bus = Bus(
            settings.redis_url,
            secrets.token_bytes(8),
            f"cocut:{await born(database)}",
            lambda hint: hubs[0].hear(hint),
            lambda up: hubs[0].redis_changed(up),
            time.monotonic,
        )
        stack.push_async_callback(bus.close)
    stores = Stores(
        log=UpdateLog(database),
        durable=durable,
        limits=settings.limits(),
        framing=binary_frame,
        clock=time.monotonic,
        metrics=metrics,
        bus=bus,
    )
    tables = Tables(database)

    def projector(video_id: UUID) -> Projector:
        projection = Projection(stores.limits, own_link)
        return Projector(video_id, projection, tables, time.monotonic, metrics, projected, bus)

    hub = Hub(
        stores,
        projector,
        Videos(database),
        Snapshots(database, compactor),
        ConnectionLimits(settings.max_connections_per_video, settings.max_connections_per_user),
        time.time,
    )
    hubs.append(hub)
    durable.changed = hub.database_changed
    metrics.database_up.set(1)
    if bus is not None:
        bus.start()
    return hub


def _own_link(public_url: str) -> Callable[[str], bool]:
    stored = f"{public_url}/api/v1/blobs/"
    return lambda url: url.startswith(stored)


def _not_ready(hub: Hub, durable: DurableLog) -> list[Detail]:
    reasons: list[Detail] = []
    if hub.draining:
        reasons.append({"field": "server", "message": "It is shutting down."})
    if durable.failing:
        reasons.append(
            {
                "field": "database",
                "message": "PostgreSQL does not answer; edits are kept in the journal"
                f" ({durable.journal_bytes} bytes).",
            }
        )
    return reasons
