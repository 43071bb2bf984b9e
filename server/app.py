"""The composition root: what a server is made of, and the life of its process."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import ssl
import time
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from importlib.metadata import version
from typing import Final
from uuid import UUID

import structlog
from aiohttp import web

from api.errors import Detail
from api.face import assemble, build
from api.identity import HmacKeys, Keys
from api.jwks import JwksKeys
from api.keys import FaceConfig
from api.limits import MemoryRateLimiter
from api.sync import binary_frame, sync
from collab.projection import Projection
from collab.schema import Changes
from persistence.compactor import Compactor
from persistence.database import Database
from persistence.embedded import EmbeddedPostgres
from persistence.filelock import DataDirLock
from persistence.journal import Journal
from persistence.migrations import migrate
from persistence.scenes import Scenes
from persistence.snapshots import Snapshots
from persistence.update_log import UpdateLog
from persistence.videos import Videos
from server.durable import DurableLog
from server.hub import ConnectionLimits, Hub
from server.keeper import Stores
from server.observe import Metrics
from server.projector import Projector
from server.secret import signing_secret
from server.settings import Settings

BACKLOG: Final = 4096
"""Connections that may wait to be accepted: a thousand editors reconnect at once."""

RETRY_SECONDS: Final = 30.0
SHUTDOWN_SECONDS: Final = 2.0

_log = structlog.get_logger(__name__)


async def serve(settings: Settings) -> int:
    """Run a server until it is told to end; returns the exit code.

    Raises:
        CocutError, OSError: it could not start; the message says why and what to do.
    """
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, stop.set)
    listener = _listen(settings)
    async with running(settings, listener) as address:
        print(f"ready {address}", flush=True)
        await stop.wait()
        _log.info("stopping")
    return 0


@asynccontextmanager
async def running(settings: Settings, listener: socket.socket) -> AsyncIterator[str]:
    """A server that accepts connections on a bound socket; gives its address."""
    async with AsyncExitStack() as stack:
        stack.callback(listener.close)
        settings.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = DataDirLock(settings.data_dir)
        lock.acquire()
        stack.callback(lock.release)
        database = await _database(settings, stack)
        keys = _keys(settings)
        metrics = Metrics()
        scheme = "https" if settings.tls_cert else "http"
        host, port = listener.getsockname()[:2]
        address = f"{scheme}://{f'[{host}]' if ':' in host else host}:{port}"
        public_url = (settings.public_url or address).rstrip("/")
        hub, durable = await _hub(settings, database, metrics, public_url, stack)

        async def ready() -> list[Detail]:
            return _not_ready(hub, durable)

        parts = assemble(
            database,
            hub,
            keys,
            config=FaceConfig(
                cors_origins=frozenset(settings.cors_origin),
                trusted_proxies=settings.trusted_proxies,
                metrics_token=(
                    settings.metrics_token.get_secret_value() if settings.metrics_token else None
                ),
                tls=public_url.startswith("https:"),
                limits=settings.limits(),
            ),
            limiter=MemoryRateLimiter() if settings.rate_limits else None,
            ready=ready,
            registry=metrics.registry,
            wall=time.time,
            clock=time.monotonic,
            new_id=uuid.uuid4,
            observed=lambda method, route, status, seconds: metrics.request_seconds.labels(
                method, route, status
            ).observe(seconds),
        )
        app = build(parts, _log, version=version("cocut"))
        app.router.add_get("/ws/videos/{video_id}", sync)
        runner = web.AppRunner(
            app, access_log=None, shutdown_timeout=SHUTDOWN_SECONDS, handle_signals=False
        )
        await runner.setup()
        stack.push_async_callback(runner.cleanup)
        hub.start()
        stack.push_async_callback(hub.drain)
        site = web.SockSite(runner, listener, ssl_context=_tls(settings), backlog=BACKLOG)
        await site.start()
        _log.info("started", address=address, pid=os.getpid())
        yield address


async def _database(settings: Settings, stack: AsyncExitStack) -> Database:
    dsn = settings.database_url
    if dsn is None:
        postgres = EmbeddedPostgres(settings.data_dir)
        dsn = await postgres.start()
        stack.push_async_callback(postgres.stop)
    database = await Database.connect(
        dsn,
        retry_seconds=RETRY_SECONDS,
        on_wait=lambda reason: _log.warning("waiting_for_database", reason=reason),
    )
    stack.push_async_callback(database.close)
    await migrate(database)
    return database


def _keys(settings: Settings) -> Keys:
    if settings.jwks_url is not None:
        return JwksKeys(settings.jwks_url, time.monotonic)
    return HmacKeys(signing_secret(settings))


async def _hub(
    settings: Settings,
    database: Database,
    metrics: Metrics,
    public_url: str,
    stack: AsyncExitStack,
) -> tuple[Hub, DurableLog]:
    log = UpdateLog(database)
    journal = await Journal.open(settings.data_dir / "journal", limit=settings.max_journal_bytes)
    durable = DurableLog(database, log, journal, time.monotonic)
    stack.push_async_callback(durable.close)
    replayed = await durable.replay()
    if replayed:
        _log.info("journal_replayed", updates=replayed)
    compactor = Compactor()
    stack.push_async_callback(compactor.close)
    stores = Stores(
        log=log,
        durable=durable,
        limits=settings.limits(),
        framing=binary_frame,
        clock=time.monotonic,
        metrics=metrics,
        stored=_nobody_else,
    )
    hub = Hub(
        stores,
        _projectors(settings, database, metrics, public_url),
        Videos(database),
        Snapshots(database, compactor),
        ConnectionLimits(settings.max_connections_per_video, settings.max_connections_per_user),
        time.time,
    )
    durable.changed = hub.database_changed
    metrics.database_up.set(1)
    return hub, durable


def _projectors(
    settings: Settings, database: Database, metrics: Metrics, public_url: str
) -> Callable[[UUID], Projector]:
    scenes = Scenes(database)
    limits = settings.limits()
    own = f"{public_url}/api/v1/blobs/"

    def make(video_id: UUID) -> Projector:
        projection = Projection(limits, lambda url: url.startswith(own))
        return Projector(video_id, projection, scenes, time.monotonic, metrics, _nobody_listens)

    return make


def _nobody_else(video_id: UUID, seq: int, update: bytes) -> None:
    """There is no other node to tell."""


def _nobody_listens(video_id: UUID, seq: int, changes: Changes) -> None:
    """There is no event listener to tell."""


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


def _listen(settings: Settings) -> socket.socket:
    """Bind the address before anything is started, so that a taken port costs nothing."""
    family, kind, protocol, _, address = socket.getaddrinfo(
        settings.host, settings.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )[0]
    listener = socket.socket(family, kind, protocol)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
    except OSError:
        listener.close()
        raise
    listener.setblocking(False)
    return listener


def _tls(settings: Settings) -> ssl.SSLContext | None:
    if settings.tls_cert is None or settings.tls_key is None:
        return None
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(settings.tls_cert, settings.tls_key)
    return context
