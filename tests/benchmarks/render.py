"""Rows about rendering: 60 seconds at 1080p30 in six scenes, as a user of the API sees it, MoviePy
with the same film in the same run, and what editors feel of it."""

from __future__ import annotations

import asyncio
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import numpy as np

from server.media.fonts.book import FILES
from tests.benchmarks.bench import Bench, Row, median
from tests.benchmarks.edits import options
from tests.benchmarks.films import NARRATION, SCENES, SECONDS, Films, Outcome, files, typical, worst
from tests.benchmarks.servers import Cocut, Server, cocut
from tests.integration.media.stage import silence, tone, write_wav

TARGETS: Final = {
    "typical": 10.0,
    "unchanged": 0.6,
    "one changed scene": 2.5,
    "worst case": 40.0,
}
MEMORY_MB: Final = 600
FASTER: Final = 12.0
SLOWER_MS: Final = 20.0
_PEER: Final = Path(__file__).with_name("moviepy_peer.py")


def render(bench: Bench) -> list[Row]:
    """The film as a whole, unchanged, with one changed scene, and at its worst; and MoviePy."""
    with tempfile.TemporaryDirectory(prefix="films-") as place:
        home = Path(place)
        files(home / "assets")
        runs: dict[str, list[Outcome]] = {name: [] for name in TARGETS}
        profiles: dict[str, list[str]] = {}
        for _ in range(bench.repeats(3)):
            with cocut(bench.logs, worker=True) as server:
                found = asyncio.run(_rendered(bench, server, home / "assets", profiles))
            for name, outcome in found.items():
                runs[name].append(outcome)
        rows = [_row(name, runs[name], profiles.get(name, [])) for name in TARGETS]
        every = [outcome for outcomes in runs.values() for outcome in outcomes]
        memory = max(outcome.memory for outcome in every)
        rows.append(
            Row(
                "render",
                "memory of the worker with its ffmpegs",
                f"<= {MEMORY_MB} MB",
                f"{memory} MB",
                memory <= MEMORY_MB,
                {"mb": memory},
            )
        )
        wrong = max(outcome.worst_guess for outcome in every)
        rows.append(
            Row(
                "render",
                "the time that is said to remain, against what does",
                "within a factor of 2",
                f"{wrong:.2f} at the most",
                wrong <= 2,
                {
                    "factor": wrong,
                    "said": {name: runs[name][0].said for name in TARGETS},
                },
            )
        )
        if not bench.profile:
            rows.append(_against_moviepy(home, rows[0].values["wall"]))
    return rows


async def _rendered(
    bench: Bench, server: Cocut, assets: Path, profiles: dict[str, list[str]]
) -> dict[str, Outcome]:
    found: dict[str, Outcome] = {}
    async with Films(server.server) as films:
        await films.upload(assets)
        video, texts = await films.make(typical())
        moving, _ = await films.make(worst())
        worker = Server(server.server.url, "y-websocket", [films.worker.pid])
        for name, one in (
            ("typical", video),
            ("unchanged", video),
            ("one changed scene", video),
            ("worst case", moving),
        ):
            if name == "one changed scene":
                await films.change(texts[2], "Welcome 2!")
            with bench.recording(worker):
                found[name] = await films.render(one)
            profiles[name] = bench.profiles
    return found


def _row(name: str, outcomes: list[Outcome], profile: list[str]) -> Row:
    wall, cpu = (
        median([outcome.seconds for outcome in outcomes]),
        median([outcome.cpu for outcome in outcomes]),
    )
    return Row(
        "render",
        f"60 s at 1080p30, six scenes: {name}",
        f"<= {TARGETS[name]:g} s",
        f"{wall:.2f} s ({cpu:.1f} s of processor time)",
        wall <= TARGETS[name],
        {"wall": wall, "cpu": cpu, "walls": [outcome.seconds for outcome in outcomes]},
        profile,
    )


def _against_moviepy(home: Path, ours: float) -> Row:
    """MoviePy draws one of the six scenes; six times that is its time for the film."""
    assets = home / "assets"
    shutil.copyfile(FILES / "InterVariable.ttf", assets / "font.ttf")
    words = len(NARRATION.split()) + 1
    write_wav(assets / "voice.wav", np.concatenate([tone(600, 0.3), silence(0.1)] * words))
    began = time.monotonic()
    command = [sys.executable, str(_PEER), str(assets), str(home / "peer.mp4"), str(SECONDS)]
    subprocess.run(command, check=True, cwd=home)
    theirs = SCENES * (time.monotonic() - began)
    factor = theirs / ours
    return Row(
        "render",
        "the typical film with MoviePy 2.2.1 (one scene, times six)",
        f">= {FASTER:g} x Cocut's time",
        f"{theirs:.0f} s, {factor:.1f} x",
        factor >= FASTER,
        {"moviepy": theirs, "cocut": ours},
    )


def render_edits(bench: Bench) -> list[Row]:
    """What a render at low priority does to the latency of edits on the same machine."""
    load = options(100, 50, bench.seconds(15, 8))
    with (
        tempfile.TemporaryDirectory(prefix="films-") as place,
        cocut(bench.logs, worker=True) as server,
    ):
        assets = files(Path(place) / "assets")
        before = bench.load(server.server, *load)
        with _rendering(server.server, assets), bench.recording(server.server):
            during = bench.load(server.server, *load)
    p99 = [outcome["latency"]["p99_ms"] for outcome in (before, during)]
    moved = p99[1] - p99[0]
    return [
        Row(
            "render-edits",
            "100 editors, 50 edits/s, while a render goes on: the p99 moves",
            f"<= {SLOWER_MS:g} ms",
            f"{moved:.1f} ms (from {p99[0]:.1f} to {p99[1]:.1f} ms)",
            moved <= SLOWER_MS and during["delivered_share"] == 1,
            {"before": before, "during": during},
            bench.profiles,
        )
    ]


@contextmanager
def _rendering(server: Server, assets: Path) -> Iterator[None]:
    """Render the worst film, again and again, until the block is left."""
    ready, stop = threading.Event(), threading.Event()

    async def keep_busy() -> None:
        async with Films(server) as films:
            await films.upload(assets)
            job = None
            while not stop.is_set():
                video, _ = await films.make(worst())
                job = await films.start(video)
                await _until(films, job, lambda shown: shown["progress"] >= 1)
                ready.set()
                await _until(
                    films, job, lambda shown: shown["finished_at"] is not None or stop.is_set()
                )
            if job is not None:
                await films.cancel(job)

    failed: list[BaseException] = []

    def run(main: Callable[[], Coroutine[Any, Any, None]]) -> None:
        try:
            asyncio.run(main())
        except BaseException as error:  # noqa: BLE001 - told to who waits
            failed.append(error)
        finally:
            ready.set()

    thread = threading.Thread(target=run, args=(keep_busy,))
    thread.start()
    try:
        ready.wait()
        yield
    finally:
        stop.set()
        thread.join()
    if failed:
        raise RuntimeError("nothing was rendered meanwhile") from failed[0]


async def _until(films: Films, job_id: str, done: Callable[[dict[str, Any]], bool]) -> None:
    while not done(await films.shown(job_id)):
        await asyncio.sleep(0.1)
