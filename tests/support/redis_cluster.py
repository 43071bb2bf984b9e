"""A real Redis Cluster of three servers, where a Redis 7 is installed (for sharded channels)."""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import pytest
from redis import Redis
from redis.exceptions import RedisError

from persistence.shards import SLOTS

SERVERS: Final = 3
START_SECONDS: Final = 30.0
STOP_SECONDS: Final = 15.0


class RedisCluster:
    """Three primaries that share the slots.

    Attributes:
        url: of one of them.
        ports: of all.
    """

    def __init__(self, program: str, directory: Path) -> None:
        self.ports = [_free_port() for _ in range(SERVERS)]
        self.url = f"redis://127.0.0.1:{self.ports[0]}"
        self._program = program
        self._directory = directory
        self._processes: dict[int, subprocess.Popen[bytes]] = {}

    def start(self) -> None:
        """Start all, and have them share the slots."""
        for port in self.ports:
            self.start_one(port)
        for number, port in enumerate(self.ports):
            self.ask(port, "CLUSTER", "ADDSLOTSRANGE", *self._share(number))
            self.ask(port, "CLUSTER", "SET-CONFIG-EPOCH", number + 1)
        for port in self.ports[1:]:
            self.ask(port, "CLUSTER", "MEET", "127.0.0.1", self.ports[0])
        self.wait()

    def start_one(self, port: int) -> None:
        """Start one on its port, with what it knew."""
        home = self._directory / str(port)
        home.mkdir(exist_ok=True)
        self._processes[port] = subprocess.Popen(
            [
                *(self._program, "--port", str(port), "--bind", "127.0.0.1", "--dir", str(home)),
                *("--save", "", "--appendonly", "no", "--cluster-enabled", "yes"),
                *("--cluster-node-timeout", "1000"),
            ],
            stdout=subprocess.DEVNULL,
        )
        _until(lambda: bool(self.ask(port, "PING")))

    def wait(self) -> None:
        """Wait until all agree that all is well."""
        _until(lambda: all(self._is_well(port) for port in self.ports))

    def give_away(self, number: int, to: int) -> None:
        """Have one's slots carried by another one, empty."""
        for port in self.ports:
            self.ask(port, "CLUSTER", "DELSLOTSRANGE", *self._share(number))
        self.ask(self.ports[to], "CLUSTER", "ADDSLOTSRANGE", *self._share(number))
        self.wait()

    def kill(self, port: int) -> None:
        """End one at once."""
        process = self._processes.pop(port)
        process.send_signal(signal.SIGKILL)
        process.wait(STOP_SECONDS)

    def close(self) -> None:
        """End all."""
        for port in list(self._processes):
            self.kill(port)

    def ask(self, port: int, *command: str | int) -> Any:
        """What one answers to a command."""
        with Redis(port=port, decode_responses=True) as client:
            return client.execute_command(*command)

    def _share(self, number: int) -> tuple[int, int]:
        """The first and the last slot of one."""
        return number * SLOTS // SERVERS, (number + 1) * SLOTS // SERVERS - 1

    def _is_well(self, port: int) -> bool:
        return "cluster_state:ok" in self.ask(port, "CLUSTER", "INFO")


@contextmanager
def cluster_running() -> Iterator[RedisCluster]:
    """A cluster for as long as it is needed; skips the test where there is no Redis 7."""
    program = _program()
    if program is None:
        pytest.skip("sharded channels need a redis-server of version 7 in the PATH")
    with tempfile.TemporaryDirectory() as directory:
        cluster = RedisCluster(program, Path(directory))
        try:
            cluster.start()
            yield cluster
        finally:
            cluster.close()


def _program() -> str | None:
    for directory in os.get_exec_path():
        program = shutil.which("redis-server", path=directory)
        if program is not None:
            said = subprocess.run([program, "--version"], capture_output=True, text=True).stdout
            version = re.search(r"v=(\d+)", said)
            if version is not None and int(version[1]) >= 7:
                return program
    return None


def _until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + START_SECONDS
    while True:
        try:
            if condition():
                return
        except RedisError:
            pass
        assert time.monotonic() < end, "the cluster does not come up"
        time.sleep(0.05)


def _free_port() -> int:
    """A port that is free, and whose cluster bus port (10,000 higher) there is."""
    while True:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port: int = probe.getsockname()[1]
        if port < 55_000:
            return port
        # Ports are given out at random: another one is tried.
