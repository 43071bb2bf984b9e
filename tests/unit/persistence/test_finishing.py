from __future__ import annotations

import asyncio

import pytest

from persistence.finishing import finish


async def test_it_gives_what_the_work_gives() -> None:
    async def work() -> int:
        await asyncio.sleep(0)
        return 3

    assert await finish(work()) == 3


async def test_a_failure_is_raised() -> None:
    async def work() -> None:
        raise OSError("no")

    with pytest.raises(OSError, match="no"):
        await finish(work())


async def test_a_cancellation_waits_for_the_end() -> None:
    begun, go_on, ended = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def work() -> None:
        begun.set()
        await go_on.wait()
        ended.set()

    task = asyncio.ensure_future(finish(work()))
    await begun.wait()
    for _ in range(2):
        task.cancel()
        await asyncio.wait({task}, timeout=0.01)
        assert not task.done()
    go_on.set()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert ended.is_set()


async def test_a_timeout_that_runs_out_meanwhile_is_told_afterwards() -> None:
    ended = asyncio.Event()

    async def work() -> None:
        await asyncio.sleep(0.02)
        ended.set()

    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.001):
            await finish(work())
    assert ended.is_set()
