"""`make bench`: measure Cocut and its peers, and write docs/benchmarks.md."""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from tests.benchmarks import (
    capacity,
    edits,
    events,
    generation,
    joins,
    libraries,
    nodes,
    past,
    reads,
    render,
    videos,
)
from tests.benchmarks.bench import Bench, Row
from tests.benchmarks.report import Measured, machine, parsed, raw, write

if TYPE_CHECKING:
    from collections.abc import Callable

TOP = Path(__file__).parents[2]

GROUPS: dict[str, Callable[[Bench], list[Row]]] = {
    "past": past.past,
    "small": edits.small,
    "frame": edits.frame,
    "edits-1000": edits.edits_1000,
    "edits-10000": edits.edits_10000,
    "editors-10000": edits.editors_10000,
    "presence": edits.presence,
    "opening": joins.opening,
    "joins": joins.joins,
    "reconnect": joins.reconnect,
    "reads": reads.reads,
    "lists": libraries.lists,
    "upload": libraries.upload,
    "videos": videos.videos,
    "speech": generation.speech,
    "image": generation.image,
    "events": events.events,
    "render": render.render,
    "render-edits": render.render_edits,
    "nodes": nodes.nodes,
    "workers": nodes.workers,
    "capacity": capacity.capacity,
    "peers": edits.peers_1000,
}


def main() -> int:
    """Run what was asked for; 1 if a row could not be measured."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    parser.add_argument(
        "--only",
        action="append",
        choices=GROUPS,
        help="measure these again, and keep what was measured of the others; may be repeated",
    )
    parser.add_argument("--quick", action="store_true", help="shorter runs, each once")
    parser.add_argument("--no-profile", action="store_true", help="no profiles of what is missed")
    parser.add_argument("--out", type=Path, help="the page; docs/benchmarks.md unless --quick")
    arguments = parser.parse_args()
    directory = TOP / ".bench" / ("quick" if arguments.quick else "")
    directory.mkdir(exist_ok=True, parents=True)
    began, failed = time.monotonic(), False
    with (directory / "servers.log").open("wb") as logs:
        bench = Bench(quick=arguments.quick, profile=False, logs=logs)
        for name in arguments.only or GROUPS:
            print(f"{time.monotonic() - began:6.0f} s  {name}", file=sys.stderr, flush=True)
            try:
                measured = measure(bench, GROUPS[name], profile=not arguments.no_profile)
            except (RuntimeError, OSError, TimeoutError) as error:
                print(f"          {name} could not be measured: {error}", file=sys.stderr)
                failed = True
                continue
            (directory / f"{name}.json").write_text(raw(measured) + "\n")
    page = directory / "benchmarks.md" if arguments.quick else TOP / "docs" / "benchmarks.md"
    page = arguments.out or page
    kept = [directory / f"{name}.json" for name in GROUPS]
    missing = [file.stem for file in kept if not file.exists()]
    if missing:
        print(f"no page without what was not measured yet: {', '.join(missing)}", file=sys.stderr)
    else:
        write([parsed(file.read_text()) for file in kept], page, quick=arguments.quick)
        print(f"written: {page}", file=sys.stderr)
    return int(failed)


def measure(bench: Bench, group: Callable[[Bench], list[Row]], *, profile: bool) -> Measured:
    """Measure a group of rows, and say what came out; with `profile`, profile what was missed."""
    began = time.monotonic()
    rows = group(bench)
    for row in rows:
        verdict = {True: "met   ", False: "MISSED", None: "      "}[row.met]
        print(f"          {verdict} {row.what}: {row.measured}", file=sys.stderr, flush=True)
    if profile and any(row.met is False for row in rows):
        explain(bench, group, rows)
    return Measured(time.monotonic() - began, rows, machine())


def explain(bench: Bench, group: Callable[[Bench], list[Row]], rows: list[Row]) -> None:
    """Measure rows whose targets were missed once more, and keep the profile of that."""
    bench.profile = True
    bench.profiles = []
    try:
        profiles = {row.what: row.profile for row in group(bench)}
    except (RuntimeError, OSError, TimeoutError) as error:
        print(f"          no profile: {error}", file=sys.stderr)
        return
    finally:
        bench.profile = False
    for row in rows:
        if row.met is False:
            row.profile = profiles.get(row.what, [])


if __name__ == "__main__":
    sys.exit(main())
