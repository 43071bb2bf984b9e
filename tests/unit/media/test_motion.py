"""Where a layer is at a frame."""

from __future__ import annotations

from itertools import pairwise

import pytest

from server.media.motion import REST, TALK_PERIOD, Motion, layer_motions, pose


def motions(*names: str, end: int = 90, text: int = 10) -> tuple[Motion, ...]:
    return layer_motions(names, 0, end, 0.5, text, [(0, end)])


@pytest.mark.parametrize(
    "name", ["fadeIn", "slideUp", "slideDown", "slideLeft", "slideRight", "zoomIn", "typewriter"]
)
def test_an_entrance_begins_away_from_rest_and_ends_at_it(name: str) -> None:
    made = motions(name)
    last = made[0].end - 1
    assert pose(made, 0) != REST
    assert pose(made, last) == REST
    assert pose(made, 89) == REST


@pytest.mark.parametrize(
    ("name", "dx", "dy"),
    [("slideUp", 0, 1), ("slideDown", 0, -1), ("slideLeft", 1, 0), ("slideRight", -1, 0)],
)
def test_slides_come_from_the_other_side(name: str, dx: int, dy: int) -> None:
    begin = pose(motions(name), 0)
    assert ((begin.dx > 0) - (begin.dx < 0), (begin.dy > 0) - (begin.dy < 0)) == (dx, dy)


def test_fade_out_ends_invisible() -> None:
    made = motions("fadeOut")
    assert pose(made, 74).alpha == 1
    assert 0 < pose(made, 80).alpha < 1
    assert pose(made, 89).alpha == 0


def test_typing_grows_and_is_done_before_the_layer_ends() -> None:
    made = motions("typewriter", text=1000)
    shown = [pose(made, frame).reveal for frame in range(90)]
    assert shown == sorted(shown)
    assert shown[70] == 1.0


def test_talking_repeats_by_its_period() -> None:
    made = motions("talking")
    assert [pose(made, f) for f in range(30)] == [pose(made, f + TALK_PERIOD) for f in range(30)]
    assert len({pose(made, f) for f in range(TALK_PERIOD)}) > 10


def test_ken_burns_goes_from_end_to_end_at_an_even_pace() -> None:
    made = (Motion("kenBurns", 0, 100),)
    steps = [pose(made, f).progress for f in range(100)]
    assert (steps[0], steps[-1]) == (0.0, 1.0)
    deltas = [b - a for a, b in pairwise(steps)]
    assert all(delta > 0 for delta in deltas)
    assert max(deltas) < 1.3 * (1 / 99)


def test_a_layer_shorter_than_its_animations_is_still_drawn() -> None:
    made = layer_motions(("fadeIn", "fadeOut"), 10, 11, 0.5, 0, [])
    assert [(m.first, m.end) for m in made] == [(10, 11), (10, 11)]


def test_talking_begins_from_rest_whenever_it_begins() -> None:
    made = layer_motions(("talking",), 0, 90, 0.5, 0, [(17, 80)])
    assert pose(made, 17) == pose(made, 16) == REST
    assert pose(made, 18) != REST
