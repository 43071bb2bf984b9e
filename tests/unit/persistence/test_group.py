"""Groups of items that are stored together."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from itertools import chain

import pytest

from collab.errors import DatabaseAway, VideoNotFound
from persistence.group import GroupCommit


class Store:
    """Stores groups when it is let; doubles each number, and refuses negative ones."""

    def __init__(self, *, at_once: int = 1, most: int = 100) -> None:
        self.groups: list[list[int]] = []
        self.gate = asyncio.Event()
        self.error: Exception | None = None
        self.poison: int | None = None
        self.commit: GroupCommit[int, int] = GroupCommit(self._run, at_once=at_once, most=most)

    async def _run(self, items: Sequence[int]) -> list[int | Exception]:
        self.groups.append(list(items))
        await self.gate.wait()
        if self.error is not None:
            raise self.error
        if self.poison in items:
            raise ZeroDivisionError
        return [2 * item if item >= 0 else VideoNotFound() for item in items]

    def submit(self, *items: int, patience: float = 0.0) -> list[asyncio.Task[int]]:
        return [asyncio.create_task(self.commit.submit(item, patience=patience)) for item in items]

    async def until(self, groups: int) -> None:
        async with asyncio.timeout(30):
            while len(self.groups) < groups:
                await asyncio.sleep(0)


async def test_what_comes_while_a_group_is_stored_is_the_next() -> None:
    store = Store()
    tasks = store.submit(1)
    await store.until(1)
    tasks += store.submit(2, 3, 4)
    await asyncio.sleep(0)
    store.gate.set()
    assert await asyncio.gather(*tasks) == [2, 4, 6, 8]
    assert store.groups == [[1], [2, 3, 4]]
    assert await store.commit.submit(5) == 10


async def test_a_group_has_its_most_and_places_are_shared() -> None:
    store = Store(at_once=2, most=3)
    tasks = store.submit(*range(10))
    await store.until(2)
    assert store.groups == [[0], [1]]
    store.gate.set()
    assert await asyncio.gather(*tasks) == [2 * number for number in range(10)]
    assert max(map(len, store.groups)) == 3
    assert sorted(chain.from_iterable(store.groups)) == list(range(10))


async def test_one_that_fails_by_itself_fails_alone() -> None:
    store = Store()
    store.gate.set()
    first, *tasks = store.submit(1, 2, -3, 4)
    results = await asyncio.gather(first, *tasks, return_exceptions=True)
    assert results[:2] == [2, 4]
    assert isinstance(results[2], VideoNotFound)
    assert results[3] == 8


async def test_an_error_of_a_group_costs_only_the_one_whose_it_is() -> None:
    store = Store()
    store.poison = 13
    tasks = store.submit(1)
    await store.until(1)
    tasks += store.submit(2, 13, 4)
    await asyncio.sleep(0)
    store.gate.set()
    results = await asyncio.gather(*tasks, return_exceptions=True)
    assert isinstance(results[2], ZeroDivisionError)
    assert [results[0], results[1], results[3]] == [2, 4, 8]
    assert store.groups == [[1], [2, 13, 4], [2], [13], [4]]


async def test_what_a_group_raises_all_of_it_raise_and_the_next_goes_on() -> None:
    store = Store()
    tasks = store.submit(1, 2, 3)
    await store.until(1)
    store.error = DatabaseAway()
    store.gate.set()
    results = await asyncio.gather(*tasks, return_exceptions=True)
    assert all(isinstance(result, DatabaseAway) for result in results)
    store.error = None
    assert await store.commit.submit(5) == 10


async def test_a_patient_one_waits_for_company_until_somebody_is_in_a_hurry() -> None:
    store = Store()
    store.gate.set()
    patient = store.submit(1, 2, 3, patience=30.0)
    for _ in range(20):
        await asyncio.sleep(0)
    assert store.groups == []
    hurried = store.submit(4)
    assert await asyncio.gather(*patient, *hurried) == [2, 4, 6, 8]
    assert store.groups == [[1, 2, 3, 4]]


async def test_a_patient_one_alone_does_not_wait_for_ever() -> None:
    store = Store()
    store.gate.set()
    assert await store.commit.submit(1, patience=0.01) == 2


async def test_a_leader_that_is_cancelled_costs_nobody_a_place() -> None:
    store = Store()
    leader, *others = store.submit(1, 2, 3)
    await store.until(1)
    leader.cancel()
    await store.until(2)  # the second leads the third
    assert store.groups == [[1], [2, 3]]
    others[0].cancel()
    with pytest.raises(DatabaseAway):
        await others[1]
    store.gate.set()
    assert await store.commit.submit(5) == 10


@pytest.mark.parametrize("turns", range(4))
async def test_one_that_is_cancelled_at_any_moment_costs_nobody_a_place(turns: int) -> None:
    store = Store()
    first, second, third = store.submit(1, 2, 3)
    await store.until(1)
    store.gate.set()
    for _ in range(turns):
        await asyncio.sleep(0)
    second.cancel()
    results = await asyncio.gather(first, second, third, return_exceptions=True)
    assert results[0] == 2
    assert results[1] == 4 or isinstance(results[1], asyncio.CancelledError)
    assert results[2] == 6 or isinstance(results[2], DatabaseAway)
    assert await store.commit.submit(5) == 10
