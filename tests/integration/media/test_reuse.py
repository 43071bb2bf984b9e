"""What is drawn again, and what is not."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from server.media.model import RenderOptions
from tests.integration.media.reading import frames
from tests.integration.media.stage import Script, Stage, layer
from tests.support.processes import command_of

SMALL = RenderOptions(quality="360p")


def film(text: str = "two", *, joined: bool = False) -> Script:
    join = [layer("effect", 0, 0.2, effect="crossfade")] if joined else []
    return (
        Script()
        .scene(1, layer("media", media_id="photo.jpg"), layer("text", text="one"), name="a")
        .scene(1, layer("text", text=text, animation="fadeIn"), *join, name="b")
        .scene(1, layer("shape", shape="ellipse"), name="c")
        .scene(1, layer("media", media_id="logo.png", scale=0.5), name="d")
    )


async def test_an_unchanged_film_is_only_joined(stage: Stage) -> None:
    first = await stage.render(film())
    again = await stage.render(film())
    assert (first.drawn_scenes, first.reused_scenes) == ([1, 2, 3, 4], [])
    assert (again.drawn_scenes, again.reused_scenes) == ([], [1, 2, 3, 4])
    assert again.drawn_frames == 0
    assert again.path.read_bytes() == first.path.read_bytes()


async def test_a_changed_text_draws_its_scene(stage: Stage) -> None:
    await stage.render(film())
    assert (await stage.render(film("new"))).drawn_scenes == [2]


async def test_moving_a_scene_draws_nothing(stage: Stage) -> None:
    await stage.render(film())
    moved = film()
    moved.scenes.insert(0, moved.scenes.pop())
    moved.scenes = [replace(s, scene_number=i) for i, s in enumerate(moved.scenes, 1)]
    result = await stage.render(moved)
    assert result.drawn_frames == 0
    assert result.reused_scenes == [1, 2, 3, 4]


async def test_moving_a_scene_draws_only_what_a_transition_touches(stage: Stage) -> None:
    first = await stage.render(film(joined=True))
    moved = film(joined=True)
    moved.scenes.append(moved.scenes.pop(0))
    moved.scenes.insert(0, moved.scenes.pop(1))
    result = await stage.render(moved)
    # The scene with the transition now comes after another: 6 frames, not 30.
    assert result.drawn_frames == 6
    assert first.drawn_frames > 60


@pytest.mark.parametrize(
    ("options", "drawn"),
    [
        (SMALL, []),
        (replace(SMALL, redraw=frozenset({"b", "nonsense"})), [2]),
        (replace(SMALL, redraw_all=True), [1, 2, 3, 4]),
        (replace(SMALL, format="mov"), []),
        (replace(SMALL, quality="480p"), [1, 2, 3, 4]),
    ],
)
async def test_redrawing_what_is_named(
    stage: Stage, options: RenderOptions, drawn: list[int]
) -> None:
    await stage.render(film())
    assert (await stage.render(film(), options)).drawn_scenes == drawn


async def test_a_reused_scene_repeats_its_warnings(stage: Stage) -> None:
    script = Script().scene(0.2, layer("text", text="\U00012345"))
    first, again = await stage.render(script), await stage.render(script)
    assert "U+12345" in first.warnings[0]
    assert again.drawn_frames == 0
    assert again.warnings == first.warnings


async def test_renders_of_a_process_take_turns(stage: Stage, tmp_path: Path) -> None:
    def moving(text: str) -> Script:
        one, two = (
            layer("text", text=f"{text} {part}", animation="slideUp", animation_duration=2)
            for part in "ab"
        )
        return Script().scene(2, one).scene(2, two)

    (tmp_path / "other").mkdir()
    other = Stage.at(tmp_path / "other", stage.assets)
    turns = asyncio.Semaphore(1)
    running = asyncio.gather(
        stage.render(moving("one"), SMALL, turns=turns),
        other.render(moving("two"), SMALL, turns=turns),
    )
    most = 0
    while not running.done():
        encoders = [one for one in psutil.Process().children() if "rawvideo" in command_of(one)]
        most = max(most, len(encoders))
        await asyncio.wait({running}, timeout=0.005)
    assert [len(result.drawn_scenes) for result in running.result()] == [2, 2]
    assert most == 1


async def test_repeated_pictures_are_the_same_as_drawn_ones(stage: Stage) -> None:
    """A talking avatar for five seconds: one second is drawn, the rest repeats it."""
    script = Script().scene(5, layer("avatar", 0, 5, avatar_id="avatar.png", animation="talking"))
    result = await stage.render(script)
    assert result.drawn_frames == 30
    pictures = frames(result.path, 640, 360)
    assert len(pictures) == 150
    assert (pictures[0:30] == pictures[90:120]).all()
    assert (pictures[0] != pictures[7]).any()
