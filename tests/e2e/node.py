"""JavaScript clients, run by Node: their code stands in the tests that need it."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

import pytest

from tests.support.server import Server, environment

HERE: Final = Path(__file__).parent
LINE_BYTES: Final = 64 * 1024 * 1024
ANSWER_SECONDS: Final = 30.0
OLDEST: Final = 18


class ClientError(AssertionError):
    """What the client's code threw."""


class NodeClient:
    """One JavaScript client, connected to a video."""

    def __init__(self, clients: NodeClients, name: str) -> None:
        self._clients = clients
        self._name = name

    async def run(self, code: str, **given: Any) -> Any:
        """Run code where `client`, `doc`, `video`, `scenes`, `provider` and `given` are known.

        Returns:
            What the code returns, as JSON.

        Raises:
            ClientError: it threw something.
            TimeoutError: it takes too long.
        """
        return await self._clients.ask("run", client=self._name, code=code, given=given)

    async def until(self, condition: str, **given: Any) -> Any:
        """Wait until an expression holds; returns its value."""
        return await self.run(f"return await client.until(() => {condition})", **given)

    async def synced(self) -> None:
        """Wait until it has what the server has."""
        await self.run("await client.synced()")

    async def saved(self) -> None:
        """Wait until all that it wrote is stored."""
        await self.run("await client.saved()")

    async def state(self) -> Any:
        """Its document as JSON."""
        return await self.run("return client.state()")


class NodeClients:
    """A Node process and the clients in it."""

    def __init__(self, process: asyncio.subprocess.Process, server: Server) -> None:
        self._process = process
        self._server = server
        self._answers: dict[int, asyncio.Future[Any]] = {}
        self._count = 0

    async def open(
        self, video: str, *, user: str = "alice", kind: str = "y-websocket", **options: Any
    ) -> NodeClient:
        """A client on a video; `options` may bring a `token` of its own."""
        name = f"{kind} {self._count}"
        url = self._server.socket_url("", None).rstrip("/")
        given = {"url": url, "video": video, "token": self._server.token(user), **options}
        await self.ask("open", client=name, kind=kind, **given)
        return NodeClient(self, name)

    async def ask(self, request: str, **options: Any) -> Any:
        """Send a request to the process; returns its answer."""
        self._count += 1
        answer = self._answers[self._count] = asyncio.get_running_loop().create_future()
        line = json.dumps({"id": self._count, "request": request, **options})
        assert self._process.stdin is not None
        self._process.stdin.write(line.encode() + b"\n")
        return await asyncio.wait_for(answer, ANSWER_SECONDS)

    async def listen(self) -> None:
        """Hand out answers until the process ends."""
        assert self._process.stdout is not None
        async for line in self._process.stdout:
            read = json.loads(line)
            answer = self._answers.pop(read["id"])
            if answer.done():
                continue
            if "error" in read:
                answer.set_exception(ClientError(read["error"]))
            else:
                answer.set_result(read["value"])
        for answer in self._answers.values():
            if not answer.done():
                answer.set_exception(ClientError("Node has ended"))


@asynccontextmanager
async def node_clients(server: Server) -> AsyncIterator[NodeClients]:
    """A Node process for clients of a server."""
    trusted = {}
    if server.certificate is not None:
        trusted = {"NODE_EXTRA_CA_CERTS": str(server.certificate.cert)}
    process = await asyncio.create_subprocess_exec(
        *node("clients.mjs"),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        cwd=HERE,
        limit=LINE_BYTES,
        env={**environment(), **trusted},
    )
    clients = NodeClients(process, server)
    listening = asyncio.create_task(clients.listen())
    try:
        yield clients
    finally:
        assert process.stdin is not None
        process.stdin.close()
        await listening
        await process.wait()


def node(*arguments: str) -> list[str]:
    """A command line for Node; the test is skipped without it, or fails if it must not be."""
    program = shutil.which("node")
    missing = None
    if program is None:
        missing = "Node is not installed"
    elif not (HERE / "node_modules/.stamp").exists():
        missing = "the JavaScript clients are not installed: make node"
    elif (found := _version(program)) < OLDEST:
        missing = f"Node {found} is older than {OLDEST}"
    if program is None or missing is not None:
        if os.environ.get("REQUIRE_NODE"):
            pytest.fail(f"{missing}, and REQUIRE_NODE is set", pytrace=False)
        pytest.skip(str(missing))
    return [program, *arguments]


def _version(program: str) -> int:
    said = subprocess.run([program, "--version"], capture_output=True, text=True, check=True)
    return int(said.stdout.lstrip("v").partition(".")[0])
