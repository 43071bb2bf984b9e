"""`cocut serve`: one process, or several that share the port, started again when they die."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import sys
from asyncio.subprocess import PIPE, Process
from contextlib import AsyncExitStack
from typing import Final

import structlog

from collab.errors import CocutError
from persistence.filelock import DataDirLock
from server.app import Place, running
from server.door import allow_all_files
from server.foreman import foreman
from server.homes import Inboxes
from server.settings import Settings
from server.shared_metrics import forget, metrics_folder
from server.signals import StopSignal
from server.storage import open_database
from server.tls import server_context

RESTART_SECONDS: Final = 0.5
STOP_SECONDS: Final = 15.0

_log = structlog.get_logger(__name__)


class WorkerFailed(CocutError):
    """A worker process could not start; it has said why on standard error."""


async def serve(settings: Settings) -> int:
    """Run a server until it is told to end; returns the exit code.

    Raises:
        CocutError, OSError: it could not start; the message says why and what to do.
    """
    stop = StopSignal()
    allow_all_files()
    server_context(settings)  # what is wrong with it is said before anything is started
    listener = bind(settings)
    place = Place(0, settings.redis_url is None, address_of(settings, listener))
    with stop.ending():
        async with AsyncExitStack() as stack:
            stack.callback(listener.close)
            settings.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
            lock = DataDirLock(settings.data_dir)
            lock.acquire()
            stack.callback(lock.release)
            with stop.starting():
                await _start(settings, listener, place, stack)
            _log.info("started", address=place.address, pid=os.getpid(), workers=settings.workers)
            print(f"ready {place.address}", flush=True)
            await stop.wait()
            _log.info("stopping")
    return 0


async def _start(
    settings: Settings, listener: socket.socket, place: Place, stack: AsyncExitStack
) -> None:
    if settings.workers == 1:
        await stack.enter_async_context(running(settings, listener, place))
    else:
        # What the workers share must outlive each of them: it is used here, too.
        await stack.enter_async_context(open_database(settings))
        forget(metrics_folder(settings))
        inboxes = Inboxes.make(settings.workers)
        stack.callback(inboxes.close)
        workers = [
            Worker(settings, Place(index, False, place.address), listener.getsockname()[1], inboxes)
            for index in range(settings.workers)
        ]
        stack.push_async_callback(_end, workers)
        await asyncio.gather(*(worker.start() for worker in workers))
    if not settings.no_worker:
        await stack.enter_async_context(foreman(settings))


class Worker:
    """One of several server processes on a port, kept alive."""

    def __init__(self, settings: Settings, place: Place, port: int, inboxes: Inboxes) -> None:
        self._settings = settings
        self._place = place
        self._port = port
        self._inboxes = inboxes
        self._process: Process | None = None
        self._keeper: asyncio.Task[None] | None = None
        self._ending = asyncio.Event()

    async def start(self) -> None:
        """Start it; returns when it accepts connections.

        Raises:
            WorkerFailed: it ended instead.
        """
        await self._spawn()
        self._keeper = asyncio.get_running_loop().create_task(self._keep())

    async def end(self) -> None:
        """Have it drain; kill it when it takes too long."""
        self._ending.set()
        self._inboxes.mark(self._place.index, is_open=False)
        process = self._process
        if process is not None and process.returncode is None:
            process.terminate()
            try:
                await asyncio.wait_for(process.wait(), STOP_SECONDS)
            except TimeoutError:
                process.kill()
        if self._keeper is not None:
            await self._keeper

    async def _keep(self) -> None:
        while True:
            assert self._process is not None
            code = await self._process.wait()
            self._inboxes.mark(self._place.index, is_open=False)
            if self._ending.is_set():
                return
            _log.error("worker_died", index=self._place.index, code=code)
            try:
                await self._spawn()
            except WorkerFailed as error:
                if self._ending.is_set():
                    return
                _log.error("worker_not_started", index=self._place.index, error=str(error))
                await asyncio.sleep(RESTART_SECONDS)

    async def _spawn(self) -> None:
        inherited = self._inboxes.descriptors()
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "server.worker_process"),
            stdin=PIPE,
            stdout=PIPE,
            pass_fds=inherited,
        )
        self._process = process
        if self._ending.is_set():
            process.terminate()
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(
            json.dumps(
                {
                    "settings": self._settings.revealed(),
                    "index": self._place.index,
                    "address": self._place.address,
                    "port": self._port,
                    "inherited": inherited,
                }
            ).encode()
            + b"\n"
        )
        # Its standard input stays open: a worker whose supervisor is gone reads the end of it.
        if await process.stdout.readline() != b"ready\n":
            raise WorkerFailed(f"Worker {self._place.index} could not start.")
        self._inboxes.mark(self._place.index, is_open=True)


async def _end(workers: list[Worker]) -> None:
    await asyncio.gather(*(worker.end() for worker in workers))


async def work(settings: Settings, place: Place, port: int) -> int:
    """Run one of several server processes until it is told to end, or its supervisor is gone."""
    stop = StopSignal()
    asyncio.get_running_loop().add_reader(sys.stdin.fileno(), stop.ask)
    listener = bind(settings, port)
    with stop.ending():
        async with AsyncExitStack() as stack:
            stack.callback(listener.close)
            with stop.starting():
                await stack.enter_async_context(running(settings, listener, place))
            print("ready", flush=True)
            await stop.wait()
    return 0


def bind(settings: Settings, port: int | None = None) -> socket.socket:
    """Bind the address before anything is started, so that a taken port costs nothing.

    Args:
        settings: where to listen.
        port: instead of the settings' own: the one that all workers share.
    """
    shared = settings.workers > 1
    family, kind, protocol, _, address = socket.getaddrinfo(
        settings.host,
        settings.port if port is None else port,
        type=socket.SOCK_STREAM,
        flags=socket.AI_PASSIVE,
    )[0]
    listener = socket.socket(family, kind, protocol)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if shared:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        listener.bind(address)
    except OSError:
        listener.close()
        raise
    listener.setblocking(False)
    return listener


def address_of(settings: Settings, listener: socket.socket) -> str:
    """The URL of a bound socket."""
    host, port = listener.getsockname()[:2]
    scheme = "https" if settings.tls_cert else "http"
    return f"{scheme}://{f'[{host}]' if ':' in host else host}:{port}"
