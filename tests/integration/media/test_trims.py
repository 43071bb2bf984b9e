"""Parts of films and sounds: where they begin, begin again, move and are cut off."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from server.media.ffmpeg import Processes
from tests.integration.media.reading import frames, level, sound
from tests.integration.media.stage import Script, Stage, layer, tone, write_wav

COLOURS = ("red", "lime", "blue")
TONES = (300, 600, 1200)


@pytest.fixture
def seconds(stage: Stage) -> Stage:
    """With `seconds.mp4` and `seconds.wav`, which are another colour or tone each second."""
    directory = stage.assets.directory
    sources = [f"color={colour}:s=320x180:r=30:d=1[{colour}]" for colour in COLOURS]
    joined = "".join(f"[{colour}]" for colour in COLOURS) + f"concat=n={len(COLOURS)}"
    Processes().run(
        [
            *("-f", "lavfi", "-i", ";".join([*sources, joined])),
            *("-c:v", "libx264", "-pix_fmt", "yuv420p", "-y", directory / "seconds.mp4"),
        ]
    )
    stage.assets.sizes["seconds.mp4"] = (320, 180, 3.0)
    write_wav(directory / "seconds.wav", np.concatenate([tone(hertz, 1) for hertz in TONES]))
    return stage


@pytest.mark.parametrize(
    ("properties", "shown"),
    [
        ({}, "012012"),
        ({"trim_start": 1}, "121212"),
        ({"trim_start": 2}, "222222"),
        ({"trim_start": 1, "loop": False}, "122222"),
        ({"trim_start": 9}, "222222"),
        ({"trim_start": 9, "loop": False}, "222222"),
    ],
)
async def test_a_film_begins_again_where_it_began(
    seconds: Stage, properties: dict[str, Any], shown: str
) -> None:
    script = Script().scene(6, layer("media", 0, 6, media_id="seconds.mp4", **properties))
    result = await seconds.render(script)
    film = frames(result.path, 640, 360)[:, 180, 320]
    for second, wanted in enumerate(shown):
        part = film[second * 30 + 1 : second * 30 + 29]
        assert (part.argmax(1) == int(wanted)).all(), second
    assert result.warnings == []


async def test_a_later_part_of_a_trimmed_film_is_the_same_after_a_transition(
    seconds: Stage,
) -> None:
    """Each segment of a scene has a decoder of its own, which starts somewhere in a round."""
    script = (
        Script()
        .scene(
            6,
            layer("media", 0, 6, media_id="seconds.mp4", trim_start=1),
            layer("effect", 4.5, 1.5, effect="wipe"),
        )
        .scene(1)
    )
    film = frames((await seconds.render(script)).path, 640, 360)[:, 180, 20]
    for second, wanted in enumerate("12121"):
        part = film[second * 30 + 1 : second * 30 + 29]
        assert (part.argmax(1) == int(wanted)).all(), second


@pytest.mark.parametrize(
    ("properties", "heard"),
    [({}, "012012"), ({"trim_start": 1}, "121212"), ({"trim_start": 2.5}, "222222")],
)
async def test_music_begins_again_where_it_began(
    seconds: Stage, properties: dict[str, Any], heard: str
) -> None:
    script = Script().scene(6, layer("audio", 0, 6, audio_id="seconds.wav", **properties))
    samples = sound((await seconds.render(script)).path)
    for second, wanted in enumerate(heard):
        levels = [level(samples, hertz, second + 0.1, second + 0.9) for hertz in TONES]
        assert int(np.argmax(levels)) == int(wanted), second


@pytest.mark.parametrize("trim", [0, 1.0013])
async def test_a_cut_does_not_click(stage: Stage, trim: float) -> None:
    write_wav(stage.assets.directory / "low.wav", tone(97, 6))
    script = Script().scene(
        3, layer("audio", 0.5, 1.37, audio_id="low.wav", trim_start=trim, loop=False)
    )
    samples = sound((await stage.render(script)).path)[:, 0]
    steps = np.abs(np.diff(samples))
    within = steps[round(0.7 * 48_000) : round(1.6 * 48_000)].max()
    assert steps.max() < 2 * within


async def test_a_film_moves_under_ken_burns(stage: Stage) -> None:
    burns = {"from": {"scale": 1, "x": 50, "y": 50}, "to": {"scale": 2, "x": 50, "y": 50}}
    still = layer("media", 0, 1, media_id="still.mp4", ken_burns=burns)
    Processes().run(
        [
            *("-f", "lavfi", "-i", "color=black:s=640x360:r=30:d=1"),
            *("-vf", "drawbox=x=260:y=130:w=120:h=100:color=white:t=fill", "-c:v", "libx264"),
            *("-pix_fmt", "yuv420p", "-y", stage.assets.directory / "still.mp4"),
        ]
    )
    stage.assets.sizes["still.mp4"] = (640, 360, 1.0)
    film = frames((await stage.render(Script().scene(1, still))).path, 640, 360)
    widths = [int((frame[180, :, 1] > 128).sum()) for frame in film]
    assert widths[0] == pytest.approx(120, abs=3)
    assert widths[-1] == pytest.approx(240, abs=3)
    assert widths == sorted(widths)
