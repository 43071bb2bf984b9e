"""The kernel's floor: the CPU of one bare write() to one of many loopback sockets."""

from __future__ import annotations

import multiprocessing
import os
import selectors
import socket
import time
from typing import TYPE_CHECKING

from server.load.swarm import allow_files
from tests.benchmarks.servers import SERVER_CORE

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

READER_CORE = 1


def cpu_of_a_write(sockets: int, size: int, rounds_per_second: float, seconds: float) -> float:
    """Write to every socket, round after round, while another process reads on another core.

    Args:
        sockets: how many.
        size: bytes of one write.
        rounds_per_second: how often all of them are written to.
        seconds: for how long.

    Returns:
        Seconds of CPU of the writing process for one write.
    """
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe()
    with socket.create_server(("127.0.0.1", 0), backlog=sockets) as server:
        reader = context.Process(target=_read, args=(server.getsockname()[1], sockets, there))
        reader.start()
        accepted = [server.accept()[0] for _ in range(sockets)]
        for one in accepted:
            one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        before = os.sched_getaffinity(0)
        if SERVER_CORE in before:
            os.sched_setaffinity(0, {SERVER_CORE})
        try:
            return _write(accepted, bytes(size), rounds_per_second, seconds)
        finally:
            os.sched_setaffinity(0, before)
            for one in accepted:
                one.close()
            here.close()
            reader.join(30)


def _write(
    sockets: list[socket.socket], payload: bytes, rounds_per_second: float, seconds: float
) -> float:
    handles = [one.fileno() for one in sockets]
    write, used, writes = os.write, 0.0, 0
    began = time.perf_counter()
    for number in range(int(rounds_per_second * seconds)):
        wait = began + number / rounds_per_second - time.perf_counter()
        if wait > 0:
            time.sleep(wait)
        start = time.process_time()
        for handle in handles:
            write(handle, payload)
        used += time.process_time() - start
        writes += len(handles)
    return used / writes


def _read(port: int, sockets: int, _open: Connection) -> None:
    allow_files(sockets + 256)
    if READER_CORE in os.sched_getaffinity(0):
        os.sched_setaffinity(0, {READER_CORE})
    selector = selectors.DefaultSelector()
    for _ in range(sockets):
        one = socket.create_connection(("127.0.0.1", port))
        one.setblocking(False)
        selector.register(one, selectors.EVENT_READ)
    left = sockets
    while left:
        for key, _events in selector.select():
            one = key.fileobj  # type: ignore[assignment]
            if not one.recv(65536):
                selector.unregister(one)
                one.close()
                left -= 1
