"""`make bench`: measure Cocut and its peers, and write docs/benchmarks.md."""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from tests.benchmarks import capacity, edits, joins, nodes, past, reads
from tests.benchmarks.bench import Bench, Row
from tests.benchmarks.report import write

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
    "videos": joins.videos,
    "nodes": nodes.nodes,
    "workers": nodes.workers,
    "capacity": capacity.capacity,
    "peers": edits.peers_1000,
}


def main() -> int:
    """Run what was asked for; 1 if a row could not be measured."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    parser.add_argument("--only", action="append", choices=GROUPS, help="may be repeated")
    parser.add_argument("--quick", action="store_true", help="shorter runs, each once")
    parser.add_argument("--no-profile", action="store_true", help="no profiles of what is missed")
    parser.add_argument("--out", type=Path, help="the page; docs/benchmarks.md if all rows run")
    arguments = parser.parse_args()
    directory = TOP / ".bench"
    directory.mkdir(exist_ok=True)
    page = arguments.out or (
        directory / "benchmarks.md" if arguments.only else TOP / "docs" / "benchmarks.md"
    )
    began, rows, failed = time.monotonic(), [], False
    with (directory / "servers.log").open("wb") as logs:
        bench = Bench(quick=arguments.quick, profile=False, logs=logs)
        for name, group in GROUPS.items():
            if arguments.only and name not in arguments.only:
                continue
            print(f"{time.monotonic() - began:6.0f} s  {name}", file=sys.stderr, flush=True)
            try:
                found = group(bench)
            except (RuntimeError, OSError, TimeoutError) as error:
                print(f"          {name} could not be measured: {error}", file=sys.stderr)
                failed = True
                continue
            for row in found:
                verdict = {True: "met   ", False: "MISSED", None: "      "}[row.met]
                print(f"          {verdict} {row.what}: {row.measured}", file=sys.stderr)
            rows += found
            if not arguments.no_profile and any(row.met is False for row in found):
                explain(bench, group, found)
    write(rows, time.monotonic() - began, directory, page, quick=arguments.quick)
    print(f"written: {page}", file=sys.stderr)
    return int(failed)


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
