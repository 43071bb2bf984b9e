"""What a render is expected to cost."""

from __future__ import annotations

from typing import Any

import pytest

from persistence.renders import Frozen
from server.media.estimate import estimate, input_of
from tests.benchmarks.films import typical, worst
from tests.integration.media.stage import Script, layer

GIVEN: dict[str, Any] = {
    "quality": "1080p",
    "aspect_ratio": None,
    "format": "mp4",
    "watermark": False,
    "own_watermark": None,
}


def frozen(script: Script, *films: str) -> Frozen:
    video = script.input()
    layers = [row for scene in video.scenes for row in video.layers[scene.id]]
    scenes, films_ = list(video.scenes), frozenset(films)
    return Frozen(1, video.title, video.aspect_ratio, video.background, scenes, layers, films_)


def cost(script: Script, **given: Any) -> float:
    return sum(estimate(frozen(script), {**GIVEN, **given}).values())


def test_rows_come_back_as_the_renderer_takes_them() -> None:
    assert input_of(frozen(typical())) == typical().input()


def test_what_moves_costs_most() -> None:
    assert cost(worst()) > 3 * cost(typical())


def test_a_still_hour_costs_seconds() -> None:
    assert cost(Script().scene(3600, layer("text", 0, 3600, text="still"))) < 20_000


def test_a_change_touches_its_own_part() -> None:
    before, changed = typical(), typical()
    changed.layers["scene-3"][3].properties["text"] = "Other"
    one, other = estimate(frozen(before), GIVEN), estimate(frozen(changed), GIVEN)
    assert len(set(other) - set(one)) == 1
    assert len(one) == len(other)


@pytest.mark.parametrize("change", [{"quality": "720p"}, {"watermark": True}])
def test_other_options_make_other_pictures(change: dict[str, Any]) -> None:
    one, other = estimate(frozen(worst()), GIVEN), estimate(frozen(worst()), {**GIVEN, **change})
    assert not {name for name, spent in one.items() if spent > 2000} & set(other)


def test_what_is_drawn_anew_is_not_found_again() -> None:
    parts = estimate(frozen(typical()), {**GIVEN, "redraw": ["scene-1"]})
    assert sum(name.startswith(" ") for name in parts) == 2
    parts = estimate(frozen(typical()), {**GIVEN, "redraw_all": True})
    assert sum(name.startswith(" ") for name in parts) == 7


def test_sound_alone_costs_little_and_other_formats_more() -> None:
    assert cost(worst(), format="mp3") < 0.15 * cost(worst())
    assert cost(worst(), format="webm") > 1.4 * cost(worst())
    assert cost(worst(), quality="2160p") > 3 * cost(worst())


def test_videos_in_layers_are_drawn_frame_by_frame() -> None:
    def of(kind: str) -> Script:
        return Script().scene(10, layer("media", 0, 10, media_id="x", media_type=kind))

    assert cost(of("video")) > 5 * cost(of("image"))


def test_an_avatar_that_has_a_film_costs_what_a_film_does() -> None:
    script = Script().scene(10, layer("avatar", 0, 10, avatar_id="AMY"))
    still, moving = (
        sum(estimate(one, GIVEN).values()) for one in (frozen(script), frozen(script, "amy"))
    )
    assert moving > 5 * still
