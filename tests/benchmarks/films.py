"""The films that the rendering benchmark renders, and a server that renders them."""

from __future__ import annotations

import asyncio
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Self

import aiohttp
import psutil

from server.load.rest import Rest
from tests.benchmarks.bench import owner_token
from tests.benchmarks.servers import Server
from tests.integration.media.stage import Script, layer, make_assets, photo

SCENES: Final = 6
SECONDS: Final = 10.0
NARRATION: Final = "Welcome to our product demo, it is a very good thing to have in every house"
PICTURES: Final = ("wide0.jpg", "wide1.jpg", "avatar.png")
MUSIC: Final = "music.wav"
_POLL: Final = 0.02


def files(directory: Path) -> Path:
    """Make the files that the films show and play; returns where they are."""
    make_assets(directory)
    for number in range(2):
        photo(2560, 1440, number + 1).save(directory / f"wide{number}.jpg", quality=90)
    return directory


def typical() -> Script:
    """Picture, animated text, talking avatar, music with fades, voiceover."""
    script = Script()
    for number in range(SCENES):
        script.scene(
            SECONDS,
            layer("audio", 0, SECONDS, audio_id=MUSIC, volume=0.5, fade_in=0.5, fade_out=0.5),
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
                text=f"Welcome {number}",
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
            layer("audio", 0, SECONDS, audio_id=MUSIC, volume=0.5),
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


@dataclass
class Outcome:
    """One render, as its user saw it.

    Attributes:
        seconds: from the request to `completed`.
        cpu: seconds of processor time of the worker and its ffmpegs.
        memory: the most that these held at a time, in MB.
        said: when (seconds), and how many seconds were said to remain.
    """

    seconds: float = 0.0
    cpu: float = 0.0
    memory: int = 0
    said: list[tuple[float, float]] = field(default_factory=list)

    @property
    def worst_guess(self) -> float:
        """The factor that the time said to remain was wrong by at most, while there was a second
        left or more: it is said in whole seconds, which counts as half a second either way."""
        factors = [1.0]
        for at, guess in self.said:
            left = self.seconds - at
            if left >= 1:
                factors += [left / (guess + 0.5), max(0.0, guess - 0.5) / left]
        return max(factors)


class Films:
    """A running server with a worker, the files uploaded to it, and its owner."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._rest = Rest(server.url, owner_token(server))
        self._files: dict[str, dict[str, Any]] = {}

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._rest.__aexit__(None, None, None)

    @property
    def worker(self) -> psutil.Process:
        """The process that renders."""
        for child in psutil.Process(self._server.pids[0]).children(recursive=True):
            if "server.worker_child" in child.cmdline():
                return child
        raise RuntimeError("the server has no worker")

    async def upload(self, directory: Path) -> None:
        """Upload what the films show and play."""
        for name in (*PICTURES, MUSIC):
            kind = "audio" if name == MUSIC else "media"
            form = aiohttp.FormData({"title": name})
            if kind == "audio":
                form.add_field("category", "music")
            content = await asyncio.to_thread((directory / name).read_bytes)
            form.add_field("file", content, filename=name)
            answer = await self._rest.send("POST", f"/{kind}/upload", form)
            self._files[name] = answer["data"][kind]

    async def make(self, script: Script) -> tuple[str, list[str]]:
        """Make a video; its id, and those of its texts."""
        video, texts = await self._rest.make_video("A film"), []
        for scene in script.scenes:
            body = {"text": scene.text, "duration": scene.duration}
            made = await self._rest.call("POST", f"/videos/{video}/scenes", body)
            path = f"/scenes/{made['data']['scene']['id']}/layers"
            for one in script.layers[scene.id]:
                body = {
                    "type": one.type,
                    "name": one.name,
                    "start_time": one.start_time,
                    "duration": one.duration,
                    "properties": self._linked(one.properties),
                }
                answer = await self._rest.call("POST", path, body)
                if one.type == "text":
                    texts.append(answer["data"]["layer"]["id"])
        return video, texts

    async def change(self, layer_id: str, text: str) -> None:
        """Give a text layer another text."""
        body = {"properties": {"text": text}}
        await self._rest.call("PUT", f"/layers/{layer_id}", body)

    async def start(self, video: str) -> str:
        """Ask for a render of 1080p; the job's id."""
        body = {"quality": "1080p", "include_watermark": False}
        answer = await self._rest.call("POST", f"/videos/{video}/render", body)
        return str(answer["data"]["job_id"])

    async def shown(self, job_id: str) -> dict[str, Any]:
        """A render as the API shows it."""
        answer = await self._rest.call("GET", f"/renders/{job_id}")
        render: dict[str, Any] = answer["data"]["render"]
        return render

    async def cancel(self, job_id: str) -> None:
        """Cancel a render."""
        await self._rest.call("DELETE", f"/renders/{job_id}")

    async def render(self, video: str) -> Outcome:
        """Render a video, and watch."""
        outcome = Outcome()
        with Watch(self.worker) as watch:
            began = time.monotonic()
            job_id = await self.start(video)
            while True:
                shown = await self.shown(job_id)
                outcome.seconds = time.monotonic() - began
                if shown["status"] == "processing":
                    outcome.said.append((outcome.seconds, shown["estimated_time_remaining"]))
                elif shown["status"] != "queued":
                    break
                await asyncio.sleep(_POLL)
        if shown["status"] != "completed" or shown["warnings"]:
            raise RuntimeError(f"the render went wrong: {shown}")
        outcome.cpu, outcome.memory = watch.cpu, watch.memory
        return outcome

    def _linked(self, properties: Any) -> dict[str, Any]:
        given = dict(properties)
        for kind in ("media", "audio"):
            if f"{kind}_id" in given:
                given[f"{kind}_id"] = self._files[given[f"{kind}_id"]]["id"]
        if "avatar_id" in given:
            given["avatar_url"] = self._files[given.pop("avatar_id")]["url"]
        return given


class Watch:
    """What a process and its children use while the block runs.

    Attributes:
        cpu: seconds of processor time.
        memory: the most that is resident at a time, in MB; what processes share counts once, so
            that a child that is just being started is not taken for a second worker.
    """

    def __init__(self, process: psutil.Process) -> None:
        self._process = process
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._look)
        self.memory = 0

    def __enter__(self) -> Self:
        self._before = self._used()
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._end.set()
        self._thread.join()
        self.cpu = self._used() - self._before

    def _used(self) -> float:
        return float(sum(self._process.cpu_times()[:4]))

    def _look(self) -> None:
        while not self._end.wait(0.05):
            total = 0
            for process in (self._process, *self._process.children(recursive=True)):
                try:
                    total += process.memory_full_info().pss
                except (psutil.NoSuchProcess, psutil.ZombieProcess):
                    continue
            self.memory = max(self.memory, total >> 20)
