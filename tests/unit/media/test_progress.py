"""How far a render is: it ascends, and what is said to remain comes true."""

from __future__ import annotations

from random import Random

import pytest

from server.media.model import Progress
from server.media.progress import FIXED, Meter


class Clock:
    """Time that passes when work is done."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def work(
    pace: float, *, parallel: int = 2, costs: list[float] | None = None
) -> list[tuple[float, Progress]]:
    """Do what was expected at `pace` times the seconds that the weights say; what is reported, and
    how many seconds were then left."""
    clock, said = Clock(), list[tuple[float, Progress]]()

    def hear(step: Progress) -> None:
        said.append((clock.now, step))

    meter = Meter(hear, clock)
    meter.stage("preparing")
    clock.now += 3
    costs = costs or [30.0] * 1000
    meter.expect(sum(costs), 6, parallel)
    meter.stage("drawing")
    for number, cost in enumerate(costs):
        clock.now += cost / 1000 / parallel * pace
        # Two scenes are drawn at the same time.
        meter.add(cost, max(1, 1 + 6 * number // len(costs) - number % 2))
    clock.now += FIXED / 1000 / parallel * pace
    meter.finish()
    return [(clock.now - moment, step) for moment, step in said]


def test_it_ascends_to_a_hundred_and_ends_there() -> None:
    random = Random(5)
    costs = [random.choice((0.0, 12.0, 30.0, 400.0)) for _ in range(500)]
    said = [step for _, step in work(1.7, costs=costs)]
    percents = [step.percent for step in said]
    assert percents == sorted(percents)
    assert percents[-1] == 100
    assert max(percents[:-1]) <= 99
    assert (said[-1].stage, said[-1].estimated_time_remaining) == ("done", 0)
    scenes = [step.current_scene for step in said]
    assert scenes == sorted(scenes)
    assert scenes[-1] == 6


@pytest.mark.parametrize("pace", [0.55, 1.0, 1.9])
def test_the_rest_is_said_within_a_factor_of_two(pace: float) -> None:
    for left, step in work(pace)[1:-1]:
        assert left / 2 <= step.estimated_time_remaining <= left * 2


def test_waiting_for_others_does_not_make_it_slow() -> None:
    clock, said = Clock(), list[Progress]()
    meter = Meter(said.append, clock)
    meter.expect(10_000, 2, 1)
    meter.waits()
    clock.now += 60
    meter.works()
    for _ in range(50):
        clock.now += 0.1
        meter.add(100)
    meter.rests()
    assert said[-1].percent == pytest.approx(50, abs=2)
    assert said[-1].estimated_time_remaining == pytest.approx(5, abs=1)


def test_a_machine_that_is_much_slower_is_found_out() -> None:
    for left, step in work(6.0):
        if 15 <= step.percent < 100:
            assert left / 2 <= step.estimated_time_remaining <= left * 2
