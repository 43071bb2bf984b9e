"""The table as a page of the documentation."""

from __future__ import annotations

import json
import platform
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import psutil

from tests.benchmarks.bench import Row

if TYPE_CHECKING:
    from pathlib import Path

VERDICTS = {True: "met", False: "**missed**", None: ""}

HEAD = """# Benchmarks

Written by `make bench`. Cocut runs with its embedded PostgreSQL, fsync on, every edit stored before
anybody sees it, and the projection running; the peers store nothing. All run on the same machine in
turn; what counts is the ratio between them. The server (with its database) has one core, the
simulated editors another.
"""

HOW = """## How it is measured

`cocut load` prepares real Yjs updates before the run, and sends them at an even rate from all
editors. Latency is the time from writing an edit to its arrival at another editor, over all pairs
of an edit and an editor. Every editor compares all that it receives, byte by byte, with what the
others received; every distinct sequence is checked for every edit, the commonest by applying them
to a Yjs document; and at the end the server's own document is. CPU is that of the server's and the
database's processes together, from the first edit until the last has arrived, divided by the edits.

- The video of 23 MB and those of 5 MB hold scenes with five layers and 18,000 characters each,
  typed in runs of 40. Those who join the former count the bytes that they receive.
- A past client is one that has made one change.
- Of Socket.IO listeners, most speak the protocol themselves and compare all that they receive, byte
  by byte, with what the others received; three are the real client. An edit is heard when the first
  event shows it or what came after it in the same layer. What events cost is the difference to the
  same edits without listeners, the faster projection for them included.
- Renders are asked for and followed over REST, with the worker that `cocut serve` starts, on all
  cores: time is from the request until it is shown as completed; memory is that of the worker and
  its ffmpegs together. Pictures are uploaded; what is spoken comes from the embedded voices. The
  worker runs at low priority (nice 10), so that anything else on the machine shows in its time.
- The most that one worker and two workers manage is searched for: the rate is raised by a half
  until the p99 is missed, and then halved between. Nothing is pinned to a core then; the generator,
  PostgreSQL and Redis work on the same two cores, and the row tells the generator's share.
- After a restart, y-websocket has lost its document; it is synced when it has answered.

## How to repeat it

```
make bench                        # all of it, half an hour or more
make bench ARGS="--quick"         # shorter runs, into .bench
make bench ARGS="--only small"    # these rows anew, the others as they were; --help lists them
make bench ARGS="--no-profile"    # without running what missed its target again, profiled
```

It needs Node.js (for two of the peers), and a machine with nothing else to do.
"""


def machine() -> str:
    """The machine in one sentence."""
    model = "unknown processor"
    try:
        with open("/proc/cpuinfo") as lines:  # noqa: PTH123
            model = next(line for line in lines if line.startswith("model name")).split(": ")[1]
    except (OSError, StopIteration):
        pass
    memory = psutil.virtual_memory().total / 2**30
    return (
        f"{psutil.cpu_count()} cores ({model.strip()}), {memory:.0f} GB of memory, "
        f"{platform.system()} {platform.release()}, Python {platform.python_version()}"
    )


@dataclass
class Measured:
    """What came of a group of rows, the seconds that it took, and the machine that it was on."""

    seconds: float
    rows: list[Row]
    machine: str


def page(measured: list[Measured], *, quick: bool) -> str:
    """The whole page."""
    rows = [row for group in measured for row in group.rows]
    minutes = sum(group.seconds for group in measured) / 60
    lines = [HEAD, *_machines(measured), f"Measuring took {minutes:.0f} minutes.", ""]
    if quick:
        lines += ["This was a quick run: shorter, and each row once.", ""]
    lines += ["## Targets", "", "| | target | measured | |", "| --- | --- | --- | --- |"]
    lines += [
        f"| {row.what} | {row.target} | {row.measured} | {VERDICTS[row.met]} |"
        for row in rows
        if row.target
    ]
    lines += ["", "## Peers in the same run", "", "| | measured |", "| --- | --- |"]
    lines += [f"| {row.what} | {row.measured} |" for row in rows if not row.target]
    missed = [row for row in rows if row.met is False]
    if missed:
        lines += ["", "## Targets that were missed", ""]
    for row in missed:
        lines += [f"### {row.what}", "", f"{row.measured}, wanted {row.target}.", ""]
        if row.profile:
            lines += [
                "Where the serving process spent its time, when run again with a profiler:",
                "",
            ]
            lines += [f"- `{line}`" for line in row.profile]
            lines += [""]
    lines += ["", HOW]
    return "\n".join(lines).replace("\n\n\n", "\n\n")


def _machines(measured: list[Measured]) -> list[str]:
    """Which machine the rows are from; where there were several, which rows are from which."""
    groups: dict[str, list[str]] = {}
    for group in measured:
        groups.setdefault(group.machine, []).append(group.rows[0].name)
    if len(groups) == 1:
        return [f"Machine: {measured[0].machine}."]
    return [f"- {', '.join(names)}: {machine}" for machine, names in groups.items()] + [""]


def raw(measured: Measured) -> str:
    """All numbers as JSON; see `parsed`."""
    return json.dumps(asdict(measured), indent=2)


def parsed(text: str) -> Measured:
    """From what `raw` has made."""
    kept = json.loads(text)
    return Measured(kept["seconds"], [Row(**row) for row in kept["rows"]], kept["machine"])


def write(measured: list[Measured], docs: Path, *, quick: bool) -> None:
    """Write the page."""
    docs.write_text(page(measured, quick=quick))
