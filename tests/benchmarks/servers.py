"""The servers under measurement: Cocut by its own command line, and its peers."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Iterator

    from server.load.plan import ProtocolName

PEERS = Path(__file__).parents[1] / "load" / "peers"
START_SECONDS = 90.0
SERVER_CORE = 0

PeerName = Literal["y-websocket", "hocuspocus", "pycrdt-websocket"]


def core(number: int) -> list[str]:
    """The command prefix that keeps a process on one core, where that is possible."""
    if shutil.which("taskset") is None or (os.cpu_count() or 1) < 2:
        return []
    return ["taskset", "-c", str(number)]


@dataclass
class Server:
    """A running server.

    Attributes:
        url: where editors connect; the document's name is appended.
        protocol: what it speaks.
        pids: roots of its process trees.
        data_dir: Cocut's data directory; None for peers.
    """

    url: str
    protocol: ProtocolName
    pids: list[int]
    data_dir: Path | None = None
    options: list[str] = field(default_factory=list)

    def load_options(self) -> list[str]:
        """The options of `cocut load` for this server."""
        options = ["--url", self.url, "--protocol", self.protocol]
        for pid in self.pids:
            options += ["--pid", str(pid)]
        if self.data_dir is not None:
            options += ["--data-dir", str(self.data_dir)]
        return options


class Cocut:
    """Cocut with its embedded PostgreSQL, fsync on, in a directory that is removed afterwards.

    Args:
        logs: the file that the server's log goes to.
        options: of `cocut serve`, beyond those that all have.
        worker: with a worker beside it, and on all cores.
        pinned: keep it on one core, its database too.
    """

    def __init__(
        self, logs: IO[bytes], *options: str, worker: bool = False, pinned: bool = True
    ) -> None:
        self._options = options
        self._prefix = core(SERVER_CORE) if pinned and not worker else []
        self.data_dir = Path(tempfile.mkdtemp(prefix="cocut-bench-"))
        self._logs = logs
        self._worker = worker
        self._port = free_port()
        self._process: subprocess.Popen[bytes] | None = None

    def share_secret(self, other: Cocut) -> None:
        """Have tokens of another server be good here."""
        shutil.copy(other.data_dir / "secret", self.data_dir / "secret")

    @property
    def server(self) -> Server:
        """How to reach and measure it."""
        assert self._process is not None
        return Server(
            url=f"ws://127.0.0.1:{self._port}/ws/videos",
            protocol="y-websocket",
            pids=[self._process.pid, *self._postmasters()],
            data_dir=self.data_dir,
        )

    def start(self) -> None:
        command = Path(sys.executable).with_name("cocut")
        self._process = subprocess.Popen(
            [
                *self._prefix,
                *(str(command), "serve", "--port", str(self._port)),
                *([] if self._worker else ["--no-worker"]),
                *("--data-dir", str(self.data_dir), "--rate-limits", "off"),
                *("--max-connections-per-user", "100000", "--log-level", "warning"),
                *self._options,
            ],
            stdout=subprocess.PIPE,
            stderr=self._logs,
        )
        wait_for_line(self._process, b"ready")

    def metric(self, name: str) -> float:
        """The sum of a metric's lines."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self._port}/metrics") as reply:
            lines = reply.read().decode().splitlines()
        return sum(
            float(line.rsplit(" ", 1)[1]) for line in lines if re.match(rf"{name}[{{ ]", line)
        )

    def stop(self, how: signal.Signals = signal.SIGTERM) -> None:
        if self._process is not None:
            self._process.send_signal(how)
            self._process.wait(60)
            assert self._process.stdout is not None
            self._process.stdout.close()
            self._process = None

    def remove(self) -> None:
        self.stop()
        shutil.rmtree(self.data_dir, ignore_errors=True)

    def _postmasters(self) -> list[int]:
        files = self.data_dir.rglob("postmaster.pid")
        return [int(file.read_text().split("\n", 1)[0]) for file in files]


@contextmanager
def cocut(
    logs: IO[bytes], *options: str, worker: bool = False, pinned: bool = True
) -> Iterator[Cocut]:
    """Cocut, started on an empty data directory."""
    server = Cocut(logs, *options, worker=worker, pinned=pinned)
    try:
        server.start()
        yield server
    finally:
        server.remove()


@contextmanager
def peer(name: PeerName, logs: IO[bytes], port: int | None = None) -> Iterator[Server]:
    """One of the peers, started empty and without storage."""
    port = port or free_port()
    install_peers()
    environment = dict(os.environ, HOST="127.0.0.1", PORT=str(port), NODE_ENV="production")
    if name == "y-websocket":
        command = ["node", str(PEERS / "node_modules/y-websocket/bin/server.js")]
    elif name == "hocuspocus":
        command = ["node", str(PEERS / "hocuspocus.mjs"), str(port)]
    else:
        command = [sys.executable, str(PEERS / "pycrdt_server.py"), str(port)]
    process = subprocess.Popen(
        [*core(SERVER_CORE), *command],
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=logs,
    )
    try:
        wait_for_port(process, port)
        protocol: ProtocolName = "hocuspocus" if name == "hocuspocus" else "y-websocket"
        yield Server(f"ws://127.0.0.1:{port}", protocol, [process.pid])
    finally:
        process.terminate()
        process.wait(30)


def install_peers() -> None:
    """Install the JavaScript peers, once, and what has joined them since."""
    wanted = json.loads((PEERS / "package.json").read_text())["dependencies"]
    if not all((PEERS / "node_modules" / name).exists() for name in wanted):
        subprocess.run(
            ["npm", "install", "--no-package-lock", "--no-audit", "--no-fund", "--silent"],
            cwd=PEERS,
            check=True,
        )


def free_port() -> int:
    """A port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def wait_for_line(process: subprocess.Popen[bytes], word: bytes) -> None:
    """Wait until a process prints a line with this word first."""
    assert process.stdout is not None
    for line in process.stdout:
        if line.startswith(word):
            return
    raise RuntimeError(f"{process.args!r} ended with {process.wait()} before it was ready")


def wait_for_port(process: subprocess.Popen[bytes], port: int) -> None:
    """Wait until a process accepts connections."""
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end:
        if process.poll() is not None:
            raise RuntimeError(f"{process.args!r} ended with {process.returncode}")
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise TimeoutError(f"nobody listens on {port}")
