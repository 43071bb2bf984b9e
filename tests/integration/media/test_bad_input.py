"""What goes wrong: for the film a placeholder and a warning, or one clear error and no file."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import psutil
import pytest

from collab.schema import LayerRow
from server.media.errors import NothingToRender, OutOfSpace, RenderCancelled
from server.media.model import Asset, Progress, RenderOptions, RenderResult
from tests.integration.media.reading import frames
from tests.integration.media.stage import Script, Stage, layer, warnings_about


def children() -> list[psutil.Process]:
    return [
        child
        for child in psutil.Process().children(recursive=True)
        if "ffmpeg" in child.name() and child.status() != psutil.STATUS_ZOMBIE
    ]


def left_over(stage: Stage) -> list[Path]:
    """Files in the directories of renders."""
    return [path for path in stage.directory.glob("render-*/**/*") if path.is_file()]


async def test_no_scenes(stage: Stage) -> None:
    with pytest.raises(NothingToRender, match="no scenes"):
        await stage.render(Script())
    assert left_over(stage) == []


@pytest.mark.parametrize("seconds", [0.01, 0.04])
async def test_a_scene_of_one_frame(stage: Stage, seconds: float) -> None:
    result = await stage.render(Script().scene(seconds, layer("text", text="x")))
    assert len(frames(result.path, 640, 360)) == 1


async def test_an_hour_of_one_picture_takes_seconds(stage: Stage) -> None:
    result = await stage.render(
        Script().scene(3600, layer("text", 0, 3600, text="still", animation="fadeIn"))
    )
    assert result.duration == 3600
    assert result.drawn_frames < 400
    assert result.path.stat().st_size < 20_000_000


async def test_five_hundred_scenes(stage: Stage) -> None:
    script = Script()
    for number in range(500):
        script.scene(0.1, layer("text", 0, 0.1, text=str(number % 50)))
    result = await stage.render(script)
    assert result.duration == 50
    assert len(result.drawn_scenes) == 500


async def test_what_lies_outside_its_scene_is_neither_seen_nor_heard(stage: Stage) -> None:
    script = (
        Script(background="#000000")
        .scene(
            1,
            layer("text", 5, 2, name="Late", text="x"),
            layer("audio", 5, 2, name="Later", audio_id="music.wav"),
            layer("voiceover", 5, 2, name="Latest", text="too late"),
        )
        .scene(6)
    )
    result = await stage.render(script)
    assert [line for line in result.warnings if "lies outside its scene" in line] == [
        f"Scene 1: the layer “{name}” lies outside its scene."
        for name in ("Late", "Later", "Latest")
    ]
    assert frames(result.path, 640, 360).max() < 10
    assert b"mp4a" not in result.path.read_bytes()
    assert result.captions_srt.read_text() == ""


async def test_missing_and_broken_files_are_drawn_as_placeholders(stage: Stage) -> None:
    script = Script(background="#000000").scene(
        0.5,
        layer("media", 0, 1, name="Gone", media_id="nothing.png"),
        layer("media", 0, 1, name="Torn", media_id="broken.png", scale=0.3),
        layer("media", 0, 1, name="Stuck", media_id="broken.mp4", scale=0.3),
        layer("media", 0, 1, name="Wrong", media_id="music.wav", scale=0.3),
        layer("avatar", 0, 1, name="Nobody"),
        layer("audio", 0, 1, name="Silence", audio_id="nothing.mp3"),
        layer("audio", 0, 1, name="Noise", audio_id="broken.mp3"),
        layer("audio", 0, 1, audio_id="music.wav"),
    )
    result = await stage.render(script)
    for name in ("Gone", "Torn", "Stuck", "Wrong", "Nobody", "Silence"):
        assert warnings_about(result, [f"“{name}”"]), name
    assert warnings_about(result, ["sound file"])
    assert frames(result.path, 640, 360)[3].mean() > 60
    again = await stage.render(script)
    assert sorted(again.warnings) == sorted(result.warnings)


@pytest.mark.parametrize(
    "text", ["السلام عليكم", "नमस्ते दुनिया", "你好世界", "😀👩‍🚀🇩🇪", "long text " * 2000]
)
async def test_any_text(stage: Stage, text: str) -> None:
    script = Script(background="#000000").scene(0.2, layer("text", text=text, font_size=80))
    result = await stage.render(script)
    assert frames(result.path, 640, 360)[0].max() > 200
    assert bool(result.warnings) is (len(text) > 1000)


async def test_everything_over_everything(stage: Stage) -> None:
    kinds = ["fade", "blur", "vignette", "sepia", "crossfade", "wipeUp", "color"]
    layers = [layer("effect", 0.1 * i, 1, effect=kind) for i, kind in enumerate(kinds)]
    for name in ("photo.jpg", "clip.mp4", "spin.gif", "logo.png"):
        layers.append(layer("media", 0, 1, media_id=name, ken_burns=True, scale=3, opacity=0.5))
        layers.append(
            layer(
                "media",
                0,
                1,
                media_id=name,
                position={"x": -150, "y": 250},
                animation=["slideLeft", "zoomIn", "fadeOut", "talking"],
            )
        )
    layers += [layer("shape", 0, 1, shape=s, rotation=33) for s in ("arrow", "ellipse", "line")]
    layers += [layer("text", 0, 1, text="x", animation=["typewriter", "zoomIn", "slideUp"])] * 5
    result = await stage.render(Script().scene(1).scene(1, *layers).scene(1, *layers))
    assert len(frames(result.path, 640, 360)) == 90


def busy() -> Script:
    script = Script()
    for _ in range(4):
        script.scene(
            20,
            layer("media", 0, 20, media_id="photo.jpg", ken_burns=True),
            layer("audio", 0, 20, audio_id="music.wav"),
            layer("voiceover", 0, 20, text="words " * 20),
        )
    return script


def moving() -> Script:
    """Drawn in no time, and slow to convert."""
    return Script().scene(40, layer("avatar", 0, 40, avatar_id="avatar.png", animation="talking"))


def heard() -> Script:
    """Nothing but sound, and much of it."""
    return Script().scene(80, layer("audio", 0, 80, audio_id="music.wav"))


@dataclass
class Never:
    """Files that never come."""

    asked: asyncio.Event = field(default_factory=asyncio.Event)

    async def fetch(self, layer: LayerRow) -> Asset:
        self.asked.set()
        await asyncio.Event().wait()
        raise AssertionError


class Watched(list[Progress]):
    """The progress of a render; the event is set as soon as it is that far."""

    def __init__(self, reached: Callable[[Progress], bool]) -> None:
        super().__init__()
        self.reached = asyncio.Event()
        self._is_reached = reached
        self._loop = asyncio.get_running_loop()

    def append(self, step: Progress) -> None:
        """Called in any thread."""
        super().append(step)
        if self._is_reached(step):
            self._loop.call_soon_threadsafe(self.reached.set)


async def cancelled_when(
    stage: Stage, script: Script, options: RenderOptions, reached: Callable[[Progress], bool]
) -> float:
    """Start a long render, cancel it once it is that far; seconds from there to its end."""
    cancelled = asyncio.Event()
    stage.progress = watched = Watched(reached)
    running = asyncio.ensure_future(stage.render(script, options, cancelled))
    await watched.reached.wait()
    began = time.monotonic()
    cancelled.set()
    with pytest.raises(RenderCancelled):
        await running
    return time.monotonic() - began


@pytest.mark.parametrize(
    ("script", "quality", "form", "stage_name", "percent"),
    [
        (busy, "720p", "mp4", "preparing", 0),
        (busy, "720p", "mp4", "drawing", 1),
        (busy, "360p", "mp4", "drawing", 12),
        (heard, "360p", "mp3", "drawing", 0),
        (heard, "360p", "mp3", "joining", 0),
        (moving, "480p", "webm", "joining", 0),
        (moving, "480p", "gif", "joining", 0),
    ],
)
async def test_cancelling_takes_less_than_a_second(
    stage: Stage,
    script: Callable[[], Script],
    quality: str,
    form: str,
    stage_name: str,
    percent: float,
) -> None:
    seconds = await cancelled_when(
        stage,
        script(),
        RenderOptions(quality=quality, format=form),
        lambda step: step.stage == stage_name and step.percent >= percent,
    )
    assert seconds < 1
    assert children() == []
    assert left_over(stage) == []


async def test_cancelling_while_files_are_awaited(stage: Stage) -> None:
    never = Never()
    stage.assets = never  # type: ignore[assignment]
    cancelled = asyncio.Event()
    running = asyncio.ensure_future(stage.render(busy(), cancelled=cancelled))
    await never.asked.wait()
    cancelled.set()
    began = time.monotonic()
    with pytest.raises(RenderCancelled):
        await running
    assert time.monotonic() - began < 1
    assert left_over(stage) == []


async def test_cancelling_before_the_start(stage: Stage) -> None:
    cancelled = asyncio.Event()
    cancelled.set()
    with pytest.raises(RenderCancelled):
        await stage.render(busy(), cancelled=cancelled)
    assert left_over(stage) == []


async def test_a_cancelled_task_leaves_nothing_behind(stage: Stage) -> None:
    running = asyncio.ensure_future(stage.render(busy()))
    while not (stage.progress and stage.progress[-1].percent >= 3):
        await asyncio.wait({running}, timeout=0.01)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert children() == []
    assert left_over(stage) == []


class FullStore:
    """A store on a disk that is full."""

    async def get(self, key: str) -> Path | None:
        return None

    async def put(self, key: str, path: Path) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


async def test_a_full_store_is_a_clear_failure(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Stage, "store", FullStore())
    with pytest.raises(OutOfSpace, match="disk is full"):
        await stage.render(Script().scene(1, layer("text", text="x")))
    assert left_over(stage) == []


def full(path: Path) -> None:
    """What is written to `path` ends on a device that is full, as the real one says it."""
    path.parent.mkdir(parents=True)
    path.symlink_to("/dev/full")


@pytest.mark.parametrize("part", ["film.mp4.part", "film.gif.part", "poster.part"])
async def test_a_disk_that_is_full_after_the_drawing(stage: Stage, part: str) -> None:
    full(stage.directory / "render-1" / part)
    script = Script().scene(1, layer("text", text="x"), layer("audio", audio_id="music.wav"))
    form = "gif" if "gif" in part else "mp4"
    with pytest.raises(OutOfSpace, match="disk is full"):
        await stage.render(script, RenderOptions(quality="360p", format=form))
    assert left_over(stage) == []
    again = await stage.render(script)
    assert again.drawn_frames == 0, "what was drawn before is kept"


async def test_a_disk_that_is_full_under_the_sound(stage: Stage) -> None:
    """Sound is mixed while scenes are drawn; those that were stored by then are kept."""
    words = layer("text", text="x")
    silent = await stage.render(Script().scene(1, words))
    assert silent.drawn_frames == 30
    before = left_over(stage)
    full(stage.directory / "render-2" / "scratch" / "sound.part")
    script = Script().scene(1, words, layer("audio", audio_id="music.wav"))
    with pytest.raises(OutOfSpace, match="disk is full"):
        await stage.render(script)
    assert left_over(stage) == before
    again = await stage.render(script)
    assert again.drawn_frames == 0, "what was drawn before is kept"


async def test_progress_goes_on_while_a_film_is_converted(stage: Stage) -> None:
    script = Script().scene(12, layer("avatar", 0, 12, avatar_id="avatar.png", animation="talking"))
    await stage.render(script, RenderOptions(quality="720p", format="webm"))
    percents = [step.percent for step in stage.progress if step.stage == "joining"]
    assert percents == sorted(percents)
    assert len({round(percent) for percent in percents}) >= 3, "not at the end alone"
    assert percents[-1] > 70


async def test_a_gif_is_not_kept_in_memory(stage: Stage) -> None:
    script = Script().scene(30, layer("avatar", 0, 30, avatar_id="avatar.png", animation="talking"))
    running = asyncio.ensure_future(
        stage.render(script, RenderOptions(quality="480p", format="gif"))
    )
    most = 0
    while not running.done():
        for child in psutil.Process().children():
            with contextlib.suppress(psutil.NoSuchProcess):
                most = max(most, child.memory_info().rss)
        await asyncio.wait({running}, timeout=0.02)
    assert (await running).path.stat().st_size > 10_000
    # All of its pictures would take 233 MB.
    assert most < 200_000_000


async def test_progress_ascends_to_the_end(stage: Stage) -> None:
    script = Script()
    for _ in range(3):
        script.scene(
            2,
            layer("media", media_id="photo.jpg", ken_burns=True),
            layer("audio", audio_id="music.wav"),
        )
    result: RenderResult = await stage.render(script)
    said = stage.progress
    percents = [step.percent for step in said]
    assert percents == sorted(percents)
    assert len(percents) > 20
    assert (said[-1].percent, said[-1].stage) == (100, "done")
    assert said[-1].estimated_time_remaining == 0
    assert {step.total_scenes for step in said[2:]} == {3}
    assert np.isfinite([step.estimated_time_remaining for step in said]).all()
    assert result.drawn_scenes == [1, 2, 3]
