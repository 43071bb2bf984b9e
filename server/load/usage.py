"""CPU and memory of process trees: a server, and its database beside it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import psutil


@dataclass(frozen=True, slots=True)
class Usage:
    """What process trees have used.

    Attributes:
        cpu: seconds of CPU since they were started, of ended children too.
        memory: bytes that are resident and not shared with other processes.
    """

    cpu: float
    memory: int


def measure(roots: Iterable[int]) -> Usage:
    """Measure the trees under these process ids; processes that are gone count nothing."""
    cpu, memory = 0.0, 0
    for process in _tree(roots):
        try:
            with process.oneshot():
                times = process.cpu_times()
                info = process.memory_info()
        except psutil.NoSuchProcess:
            continue
        cpu += times.user + times.system + times.children_user + times.children_system
        memory += info.rss - info.shared
    return Usage(cpu, memory)


def _tree(roots: Iterable[int]) -> list[psutil.Process]:
    found: dict[int, psutil.Process] = {}
    for root in roots:
        try:
            process = psutil.Process(root)
            members = [process, *process.children(recursive=True)]
        except psutil.NoSuchProcess:
            continue
        found.update((member.pid, member) for member in members)
    return list(found.values())
