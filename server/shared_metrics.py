"""The metrics of all processes on one port, whichever of them is asked.

The kernel gives Prometheus's connection to any of them: one that told of itself alone would have
counters jump back and forth. So each leaves its metrics in a file, and who is asked adds those of
the others, each with the label `worker`.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

import structlog
from prometheus_client import CollectorRegistry, Metric
from prometheus_client.registry import Collector

from server.settings import Settings

WRITE_SECONDS: Final = 1.0
"""How old what is told of the other processes may be."""

_log = structlog.get_logger(__name__)


class SharedMetrics(Collector):
    """The metrics of this process and of its siblings.

    Args:
        own: of this process.
        folder: where all of them leave theirs.
        index: which of them this is.
    """

    def __init__(self, own: CollectorRegistry, folder: Path, index: int) -> None:
        self._own = own
        self._folder = folder
        self._index = index

    def collect(self) -> Iterable[Metric]:
        """All metrics: what Prometheus's exposition asks a registry for."""
        merged: dict[str, Metric] = {}
        told = {path.stem: json.loads(path.read_bytes()) for path in self._folder.glob("*.json")}
        told[str(self._index)] = self._tell()
        for worker, families in sorted(told.items()):
            for name, documentation, kind, samples in families:
                if name not in merged:
                    merged[name] = Metric(name, documentation, kind)
                for sample, labels, value in samples:
                    merged[name].add_sample(sample, {**labels, "worker": worker}, value)
        return merged.values()

    def write(self) -> None:
        """Leave what this process has to say."""
        self._folder.mkdir(parents=True, exist_ok=True)
        new = self._folder / f"{self._index}.new"
        new.write_text(json.dumps(self._tell()))
        new.replace(self._folder / f"{self._index}.json")

    @asynccontextmanager
    async def kept(self) -> AsyncIterator[None]:
        """Leave it again and again while the block runs."""
        await asyncio.to_thread(self.write)
        task = asyncio.get_running_loop().create_task(self._write_for_ever())
        try:
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def _write_for_ever(self) -> None:
        while True:
            await asyncio.sleep(WRITE_SECONDS)
            try:
                await asyncio.to_thread(self.write)
            except OSError as error:
                _log.warning("metrics_not_shared", error=str(error))

    def _tell(self) -> list[Any]:
        return [
            [
                family.name,
                family.documentation,
                family.type,
                [[sample.name, sample.labels, sample.value] for sample in family.samples],
            ]
            for family in self._own.collect()
        ]


def metrics_folder(settings: Settings) -> Path:
    """Where the processes of this node leave their metrics."""
    return settings.data_dir / "metrics"


def forget(folder: Path) -> None:
    """Remove what earlier processes have left."""
    for path in folder.glob("*"):
        path.unlink()
