"""Rendering, 60 seconds at 1080p30 in six scenes, against MoviePy in the same run.

python -m tests.benchmarks.render [--no-peer] [--rounds 3]
"""

from __future__ import annotations

import argparse
import asyncio
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import venv
from collections.abc import Callable
from pathlib import Path
from typing import Final

import numpy as np
import psutil

from server.media.fonts.book import FILES
from server.media.model import RenderOptions
from tests.benchmarks.bench import Row
from tests.integration.media.stage import (
    Script,
    Stage,
    layer,
    make_assets,
    photo,
    silence,
    tone,
    write_wav,
)

SCENES, SECONDS = 6, 10.0
HD: Final = RenderOptions(quality="1080p")
NARRATION = "Welcome to our product demo, it is a very good thing to have in every house"
_PEER: Final = Path(__file__).with_name("moviepy_peer.py")
_PEER_HOME: Final = Path(".bench/moviepy")


def typical(changed: bool = False) -> Script:
    """Picture, animated text, talking avatar, music with fades, voiceover."""
    script = Script()
    for number in range(SCENES):
        mark = "!" if changed and number == 2 else ""
        script.scene(
            SECONDS,
            layer("audio", 0, SECONDS, audio_id="music.wav", volume=0.5, fade_in=0.5, fade_out=0.5),
            layer("voiceover", 0.5, 9, text=f"{NARRATION} {number}"),
            layer(
                "avatar",
                0,
                SECONDS,
                avatar_id="avatar.png",
                position={"x": 80, "y": 60},
                scale=0.7,
                animation="talking",
            ),
            layer(
                "text",
                0,
                4,
                text=f"Welcome {number}{mark}",
                font_size=80,
                position={"x": 50, "y": 80},
                animation=["fadeIn", "fadeOut"],
            ),
            layer("media", 0, SECONDS, media_id=f"wide{number % 2}.jpg"),
        )
    return script


def worst() -> Script:
    """Ken Burns, slides and crossfades everywhere: no frame is like another."""
    script = Script()
    for number in range(SCENES):
        script.scene(
            SECONDS,
            layer("audio", 0, SECONDS, audio_id="music.wav", volume=0.5),
            layer("voiceover", 0.5, 9, text=NARRATION),
            layer(
                "text",
                0,
                SECONDS,
                text=f"Welcome {number}",
                font_size=80,
                position={"x": 50, "y": 80},
                animation="slideUp",
                animation_duration=5,
            ),
            layer("media", 0, SECONDS, media_id=f"wide{number % 2}.jpg", ken_burns=True),
            layer("effect", 0, 1, effect="crossfade"),
        )
    return script


class Memory:
    """The most resident memory of this process and its children while the block runs, in MB,
    above what this process had at its start."""

    def __enter__(self) -> Memory:
        self.most = 0
        self._me = psutil.Process()
        self._first = self._me.memory_info().rss
        self._end = threading.Event()
        self._watcher = threading.Thread(target=self._watch)
        self._watcher.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._end.set()
        self._watcher.join()

    def _watch(self) -> None:
        while not self._end.wait(0.05):
            total = self._me.memory_info().rss - self._first
            for child in self._me.children(recursive=True):
                try:
                    total += child.memory_info().rss
                except psutil.NoSuchProcess:
                    continue
            self.most = max(self.most, total >> 20)


def _processor() -> float:
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


def measure(rounds: int, peer: bool, say: Callable[[str], None]) -> list[Row]:
    """All rows; medians over the rounds."""
    with tempfile.TemporaryDirectory(prefix="render-") as place:
        home = Path(place)
        assets = make_assets(home / "assets")
        for number in range(2):
            photo(2560, 1440, number + 1).save(home / f"assets/wide{number}.jpg", quality=90)
        films = {
            "typical": (typical(), 10.0),
            "unchanged": (typical(), 0.6),
            "one changed scene": (typical(changed=True), 2.5),
            "worst case": (worst(), 40.0),
        }
        walls: dict[str, list[float]] = {name: [] for name in films}
        work: dict[str, list[float]] = {name: [] for name in films}
        most = 0
        for round_ in range(rounds):
            stage = Stage.at(_empty(home / "stage"), assets)
            for name, (script, _) in films.items():
                with Memory() as memory:
                    used, began = _processor(), time.monotonic()
                    asyncio.run(stage.render(script, HD))
                    walls[name].append(time.monotonic() - began)
                    work[name].append(_processor() - used)
                most = max(most, memory.most)
                say(f"round {round_ + 1}: {name} {walls[name][-1]:.2f} s")
        rows = []
        for name, (_, target) in films.items():
            wall, cpu = statistics.median(walls[name]), statistics.median(work[name])
            rows.append(
                Row(
                    "render",
                    f"60 s at 1080p30, six scenes: {name}",
                    f"<= {target:g} s",
                    f"{wall:.2f} s ({cpu:.1f} s of processor time)",
                    wall <= target,
                    {"wall": walls[name], "cpu": work[name]},
                )
            )
        rows.append(Row("render", "memory of a render", "<= 600 MB", f"{most} MB", most <= 600))
        if peer:
            rows.append(_against_moviepy(home, statistics.median(walls["typical"]), say))
    return rows


def _empty(directory: Path) -> Path:
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir()
    return directory


def _against_moviepy(home: Path, ours: float, say: Callable[[str], None]) -> Row:
    """MoviePy draws one of the six scenes; six times that is its time for the film."""
    assets = home / "assets"
    shutil.copyfile(FILES / "InterVariable.ttf", assets / "font.ttf")
    words = len(NARRATION.split()) + 1
    write_wav(assets / "voice.wav", np.concatenate([tone(600, 0.3), silence(0.1)] * words))
    python = _peer_python(say)
    began = time.monotonic()
    subprocess.run([python, _PEER, assets, home / "peer.mp4", str(SECONDS)], check=True, cwd=home)
    theirs = SCENES * (time.monotonic() - began)
    say(f"MoviePy: {theirs:.1f} s")
    factor = theirs / ours
    return Row(
        "render",
        "the typical film with MoviePy 2 (one scene, times six)",
        ">= 12 x Cocut's time",
        f"{theirs:.0f} s, {factor:.1f} x",
        factor >= 12,
        {"moviepy": theirs, "cocut": ours},
    )


def _peer_python(say: Callable[[str], None]) -> Path:
    # MoviePy wants an older Pillow than Cocut may have: it lives apart.
    python = _PEER_HOME.resolve() / "bin/python"
    if not (_PEER_HOME / "ready").exists():
        say("installing MoviePy")
        venv.create(_PEER_HOME, with_pip=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", "moviepy==2.2.1"], check=True)
        (_PEER_HOME / "ready").touch()
    return python


def main() -> int:
    """Print the rows; 1 if a target was missed."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.render", description=__doc__)
    parser.add_argument("--no-peer", action="store_true")
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    rows = measure(
        given.rounds, not given.no_peer, lambda line: print(line, file=sys.stderr, flush=True)
    )
    for row in rows:
        print(f"{row.what}: {row.measured} (target {row.target})")
    return 0 if all(row.met in (True, None) for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
