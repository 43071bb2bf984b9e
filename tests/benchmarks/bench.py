"""What every row of the table uses: the servers, the load generator, and the results."""

from __future__ import annotations

import asyncio
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Coroutine
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, TypeVar

import uvloop

from server.load.plan import Credentials
from server.load.rest import People, Rest
from server.load.swarm import allow_files
from server.secret import stored_secret
from tests.benchmarks.servers import PeerName, Server, cocut, core, peer

if TYPE_CHECKING:
    from collections.abc import Iterator

LOAD_CORE = 1
FILES = 30_000

T = TypeVar("T")


@dataclass
class Row:
    """One line of the table.

    Attributes:
        name: what `--only` calls its group.
        what: the situation.
        target: what must be reached; empty for a peer's line.
        measured: what was.
        met: whether it was reached; None where there is no target.
        values: the numbers.
        profile: the functions that took most of the time, where a target was missed.
    """

    name: str
    what: str
    target: str
    measured: str
    met: bool | None
    values: dict[str, Any] = field(default_factory=dict)
    profile: list[str] = field(default_factory=list)


@dataclass
class Bench:
    """One run of the benchmarks.

    Attributes:
        quick: shorter runs, once each.
        profile: record a profile of Cocut, and leave the peers out.
        logs: where the servers' logs go.
        said: what peers were measured at, shared by rows.
        profiles: the functions that took most of the time in the last recording.
    """

    quick: bool
    profile: bool
    logs: IO[bytes]
    said: dict[str, dict[str, Any]] = field(default_factory=dict)
    profiles: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        allow_files(FILES)

    def seconds(self, usual: float, quick: float) -> float:
        return quick if self.quick else usual

    def repeats(self, usual: int) -> int:
        return 1 if self.quick else usual

    def load(self, server: Server, *options: str, pinned: bool = True) -> dict[str, Any]:
        """Run `cocut load` against a server, on a core of its own if `pinned`."""
        with tempfile.TemporaryDirectory() as directory:
            path = Path(directory) / "outcome.json"
            done = subprocess.run(
                [
                    *(core(LOAD_CORE) if pinned else ()),
                    *(str(Path(sys.executable).with_name("cocut")), "load"),
                    *(*server.load_options(), *options, "--json", str(path)),
                ],
                capture_output=True,
                text=True,
                check=False,
            )
            if not path.exists():
                raise RuntimeError(f"cocut load ended with {done.returncode}: {done.stderr}")
            outcome: dict[str, Any] = json.loads(path.read_text())
        return outcome

    @contextmanager
    def load_in_background(
        self, server: Server, *options: str
    ) -> Iterator[subprocess.Popen[bytes]]:
        """Run `cocut load` beside something else; raises when it lost anything."""
        command = [*core(LOAD_CORE), str(Path(sys.executable).with_name("cocut")), "load"]
        with subprocess.Popen(
            [*command, *server.load_options(), *options],
            stdout=subprocess.DEVNULL,
            stderr=self.logs,
        ) as process:
            try:
                yield process
            finally:
                process.terminate()
        if process.returncode:
            raise RuntimeError(f"cocut load ended with {process.returncode}")

    def load_cocut(self, *options: str, repeats: int = 1) -> dict[str, Any]:
        """Load a fresh Cocut; of several runs, the one with the median p99."""
        runs = []
        for _ in range(repeats):
            with cocut(self.logs) as server, self.recording(server.server):
                runs.append(self.load(server.server, *options))
        return sorted(runs, key=lambda run: run["latency"]["p99_ms"])[len(runs) // 2]

    def load_peer(self, name: PeerName, *options: str, repeats: int = 1) -> dict[str, Any]:
        """Load a fresh peer; of several runs, the one with the median p99; each once a run."""
        key = " ".join((name, *options))
        if key not in self.said:
            runs = []
            for _ in range(repeats):
                with peer(name, self.logs) as server:
                    runs.append(self.load(server, *options))
            self.said[key] = sorted(runs, key=lambda run: run["latency"]["p99_ms"])[len(runs) // 2]
        return self.said[key]

    @contextmanager
    def recording(self, server: Server) -> Iterator[None]:
        """Record a profile of the serving process meanwhile, if profiles are wanted."""
        self.profiles = []
        if not self.profile:
            yield
            return
        with tempfile.TemporaryDirectory() as directory:
            path = Path(directory) / "profile"
            command = ["py-spy", "record", "-p", str(server.pids[0]), "-f", "raw", "-o", str(path)]
            with subprocess.Popen(
                [str(Path(sys.executable).with_name(command[0])), *command[1:], "-d", "3600"],
                stdout=subprocess.DEVNULL,
                stderr=self.logs,
            ) as recorder:
                try:
                    yield
                finally:
                    recorder.send_signal(2)
                    recorder.wait(30)
            self.profiles = top_functions(path.read_text())


def top_functions(raw: str, count: int = 12) -> list[str]:
    """Of a recorded profile in py-spy's raw form: the functions with the largest own share."""
    own: dict[str, int] = {}
    for line in raw.splitlines():
        stack, _, samples = line.rpartition(" ")
        leaf = stack.rpartition(";")[2]
        own[leaf] = own.get(leaf, 0) + int(samples)
    total = sum(own.values()) or 1
    top = sorted(own, key=lambda name: -own[name])[:count]
    return [f"{own[name] / total:.1%} {name}" for name in top]


def run_async(main: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """Run a coroutine on uvloop, on the load's core."""
    before = os.sched_getaffinity(0)
    if LOAD_CORE in before:
        os.sched_setaffinity(0, {LOAD_CORE})
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            return runner.run(main())
    finally:
        os.sched_setaffinity(0, before)


def owner_token(server: Server) -> str:
    """A token of the business tier for a Cocut; empty for a peer."""
    if server.data_dir is None:
        return ""
    secret = stored_secret(server.data_dir).decode()
    return People(Credentials(secret=secret), 1).token(0)


def rest(server: Server) -> Rest:
    """A REST client of a Cocut."""
    return Rest(server.url, owner_token(server))


def median(values: list[float]) -> float:
    return statistics.median(values)


def quantile(values: list[float], share: float) -> float:
    """The value that `share` of the values stay within."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def clock() -> float:
    return time.perf_counter()
