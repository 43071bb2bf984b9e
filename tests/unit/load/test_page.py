from __future__ import annotations

import pytest

from tests.benchmarks.bench import Row, quantile, top_functions
from tests.benchmarks.report import Measured, page, parsed, raw

ROWS = [
    Row("a", "one thing", "<= 1 ms", "0.5 ms", True, {"ms": 0.5}),
    Row("b", "another", "<= 2 ms", "3 ms", False, {}, ["50.0% work (a.py:1)"]),
    Row("p", "a peer", "", "9 ms", None),
]


def test_the_page_shows_targets_peers_and_what_was_missed() -> None:
    text = page([Measured(20, ROWS[:2], "A"), Measured(100, ROWS[2:], "A")], quick=False)
    assert "Machine: A.\nMeasuring took 2 minutes." in text
    assert "| one thing | <= 1 ms | 0.5 ms | met |" in text
    assert "| another | <= 2 ms | 3 ms | **missed** |" in text
    assert "| a peer | 9 ms |" in text
    missed = text[text.index("## Targets that were missed") : text.index("## How it is measured")]
    assert "`50.0% work (a.py:1)`" in missed
    assert "one thing" not in missed


def test_without_a_miss_there_is_no_such_part() -> None:
    assert "## Targets that were missed" not in page([Measured(60, ROWS[:1], "A")], quick=True)


def test_rows_of_several_machines_say_which_is_whose() -> None:
    measured = [Measured(1, [row], machine) for row, machine in zip(ROWS, "ABA", strict=True)]
    text = page(measured, quick=False)
    assert "- a, p: A\n- b: B\n" in text
    assert "Machine: " not in text


def test_what_was_measured_can_be_kept() -> None:
    measured = Measured(60, ROWS, "A")
    assert parsed(raw(measured)) == measured


def test_profiles_are_summed_by_function() -> None:
    assert top_functions("a;b 3\na;c;b 3\na 4\n") == ["60.0% b", "40.0% a"]
    assert top_functions("") == []


@pytest.mark.parametrize(("share", "value"), [(0.0, 1), (0.5, 51), (0.99, 100), (1.0, 100)])
def test_quantiles(share: float, value: float) -> None:
    assert quantile([float(n) for n in range(100, 0, -1)], share) == value
