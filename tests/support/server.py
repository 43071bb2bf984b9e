"""A real server for tests: `cocut serve` as a child process, on a data directory of its own."""

from __future__ import annotations

import json
import os
import queue
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any, Final

import aiohttp

from api.identity import mint
from server.secret import stored_secret
from tests.support.face import Reply
from tests.support.postgres import lay_cluster
from tests.support.processes import await_words
from tests.support.tls import Certificate

COCUT: Final = Path(sys.executable).with_name("cocut")
READY_SECONDS: Final = 60.0
STOP_SECONDS: Final = 15.0
"""How long a server may take to end in good order."""


class Server:
    """`cocut serve`, ready.

    Args:
        data_dir: its data directory.
        options: of the command line.
        worker: with a worker beside it.
        program: in place of `cocut`.

    Attributes:
        address: `http://HOST:PORT`.
        data_dir: its data directory.
        certificate: with which it speaks TLS.
    """

    def __init__(
        self,
        data_dir: Path,
        *options: str,
        worker: bool = False,
        certificate: Certificate | None = None,
        program: Sequence[str] = (str(COCUT),),
        settings: Mapping[str, str] | None = None,
    ) -> None:
        """Start it.

        Args:
            data_dir: its data directory; the log is beside it.
            options: of its command line.
            worker: with one for jobs beside it.
            certificate: it speaks TLS with it.
            program: what is run.
            settings: its variables; with them `options` is the whole command line.
        """
        self.data_dir = data_dir
        self.certificate = certificate
        if certificate is not None:
            options = (*options, *certificate.options)
        if settings is None and not data_dir.exists() and "--database-url" not in options:
            lay_cluster(data_dir)
        self._secret = (settings or {}).get("COCUT_JWT_SECRET", "").encode()
        self._log = data_dir.with_name(f"{data_dir.name}.log")
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                command(data_dir, *options, worker=worker, program=program)
                if settings is None
                else [*program, *options],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=log,
                cwd=data_dir.parent,
                env={**environment(), **(settings or {})},
                text=True,
            )
        self.address = self._await_ready()

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def lines(self) -> list[dict[str, Any]]:
        """What it has logged; what is no line of the log counts as an error."""
        return [
            json.loads(line) if line.startswith("{") else {"level": "error", "event": line}
            for line in self._log.read_text().splitlines()
        ]

    def token(self, user: str = "alice", tier: str = "business", **claims: Any) -> str:
        """A token that this server accepts."""
        claims = {"ttl_seconds": 3600, "now": time.time(), **claims}
        return mint(self._secret or stored_secret(self.data_dir), user, tier, **claims)

    def socket_url(self, video: str, token: str | None) -> str:
        """Where editors of a video connect."""
        query = "" if token is None else f"?token={token}"
        return f"{self.address.replace('http', 'ws', 1)}/ws/videos/{video}{query}"

    def ask_to_stop(self) -> None:
        """Send SIGTERM."""
        self._process.send_signal(signal.SIGTERM)

    def wait(self) -> int:
        """Its exit code, when it ends in time."""
        return self._process.wait(STOP_SECONDS)

    def stop(self) -> None:
        """End it, and see that it ended well and had nothing to complain of.

        Raises:
            AssertionError: it was not in good order.
        """
        self.ask_to_stop()
        assert self.wait() == 0, self._tail()
        complaints = [line for line in self.lines if line["level"] == "error"]
        assert not complaints, complaints

    def kill(self) -> None:
        """See that it is gone, whatever became of it."""
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
            try:
                self._process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        if self._process.stdout is not None:
            self._process.stdout.close()

    def _await_ready(self) -> str:
        assert self._process.stdout is not None
        read: queue.SimpleQueue[str] = queue.SimpleQueue()
        stdout = self._process.stdout
        threading.Thread(target=lambda: read.put(stdout.readline()), daemon=True).start()
        try:
            line = read.get(timeout=READY_SECONDS)
        except queue.Empty:
            line = ""
        word, _, address = line.strip().partition(" ")
        if word != "ready":
            self.kill()
            raise AssertionError(f"the server is not ready: {line!r}\n{self._tail()}")
        return address

    def _tail(self) -> str:
        return self._log.read_text()[-4000:]


class Api:
    """The REST API of a server, called as any user."""

    def __init__(self, server: Server, session: aiohttp.ClientSession) -> None:
        self.server = server
        self.session = session

    async def call(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        user: str = "alice",
        headers: Mapping[str, str] | None = None,
    ) -> Reply:
        """Send a request as `user`, with `body` as JSON if there is one."""
        sent = {"Authorization": f"Bearer {self.server.token(user)}", **(headers or {})}
        url = f"{self.server.address}/api/v1{path}"
        async with self.session.request(method, url, json=body, headers=sent) as response:
            return Reply(response.status, response.headers, await response.read())

    async def metric(self, name: str) -> float:
        """What the server says of a metric, as Prometheus asks for it; the name with its labels."""
        async with self.session.get(f"{self.server.address}/metrics") as answer:
            text = await answer.text()
        found = re.search(rf"^{re.escape(name)} (\S+)$", text, re.MULTILINE)
        assert found is not None, name
        return float(found[1])

    async def make_video(self, user: str = "alice") -> str:
        reply = await self.call("POST", "/videos", {"title": "A video"}, user=user)
        assert reply.status == 201, reply.content
        return str(reply.data["video"]["id"])

    async def make_scene(self, video: str, **fields: Any) -> str:
        reply = await self.call("POST", f"/videos/{video}/scenes", fields)
        assert reply.status == 201, reply.content
        return str(reply.data["scene"]["id"])

    async def make_layer(self, scene: str, **fields: Any) -> str:
        reply = await self.call("POST", f"/scenes/{scene}/layers", {"type": "text", **fields})
        assert reply.status == 201, reply.content
        return str(reply.data["layer"]["id"])

    async def share(self, video: str, user: str, role: str) -> None:
        reply = await self.call("PUT", f"/videos/{video}/members/{user}", {"role": role})
        assert reply.status == 200, reply.content

    async def scenes(self, video: str, min_seq: int | None = None) -> list[dict[str, Any]]:
        """The scenes of a video with their layers, once the tables show all that is stored."""
        if min_seq is None:
            min_seq = (await self.call("GET", f"/videos/{video}/document")).seq
        reply = await self.call("GET", f"/videos/{video}/scenes?min_seq={min_seq}")
        assert reply.status == 200, reply.content
        assert reply.seq >= min_seq
        return list(reply.data["scenes"])


@contextmanager
def closed_port() -> Iterator[int]:
    """A port that is taken, and on which nobody listens."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield taken.getsockname()[1]


def command(
    data_dir: Path,
    *options: str,
    worker: bool = False,
    program: Sequence[str] = (str(COCUT),),
) -> list[str]:
    """The command line of a server on a free port, without a worker unless asked for."""
    return [
        *(*program, "serve", "--data-dir", str(data_dir), "--port", "0"),
        *(() if worker else ("--no-worker",)),
        *options,
    ]


def environment() -> dict[str, str]:
    """The environment without settings."""
    return {name: value for name, value in os.environ.items() if not name.startswith("COCUT_")}


def fail_to_start(data_dir: Path, *options: str) -> tuple[int, list[str]]:
    """The exit code and the last words of a server that cannot start."""
    run = subprocess.run(
        command(data_dir, *options),
        capture_output=True,
        text=True,
        cwd=data_dir.parent,
        env=environment(),
        timeout=READY_SECONDS,
    )
    assert run.stdout == ""
    return run.returncode, [line for line in run.stderr.splitlines() if not line.startswith("{")]


@contextmanager
def serving(
    data_dir: Path, *options: str, worker: bool = False, certificate: Certificate | None = None
) -> Iterator[Server]:
    """A server for as long as it is needed, which must end well."""
    server = Server(data_dir, *options, worker=worker, certificate=certificate)
    try:
        yield server
        if server._process.poll() is None:
            server.stop()
    finally:
        server.kill()


@contextmanager
def worker_beside(server: Server, *options: str) -> Iterator[subprocess.Popen[bytes]]:
    """`cocut worker` on a server's data directory, once it works; it must end well unless it is
    killed."""
    command = [str(COCUT), "worker", "--data-dir", str(server.data_dir), *options]
    log = server.data_dir.with_name("worker.log")
    log.touch()
    before = len(log.read_text())
    with log.open("ab") as out:
        process = subprocess.Popen(
            command, cwd=server.data_dir.parent, env=environment(), stdout=out, stderr=out
        )
    try:
        await_words("worker_started", log, process, READY_SECONDS, behind=before)
        yield process
        if process.returncode is None:
            process.send_signal(signal.SIGTERM)
            assert process.wait(2 * STOP_SECONDS) == 0, log.read_text()[-2000:]
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()


@asynccontextmanager
async def calling(server: Server) -> AsyncIterator[Api]:
    """The API of a server."""
    trusted = server.certificate.client() if server.certificate is not None else True
    connector = aiohttp.TCPConnector(ssl=trusted)
    async with aiohttp.ClientSession(connector=connector) as session:
        yield Api(server, session)
