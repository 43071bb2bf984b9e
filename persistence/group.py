"""Group commit: what several tasks want stored at the same time is stored in one transaction."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar, cast

from collab.errors import DatabaseAway

Item = TypeVar("Item")
Outcome = TypeVar("Outcome")


@dataclass(slots=True, eq=False)
class _Waiting(Generic[Item, Outcome]):
    item: Item
    leads: asyncio.Future[bool]
    outcome: Outcome | Exception | None = None


class GroupCommit(Generic[Item, Outcome]):
    """Runs items in groups: those that come while a group is under way are the next one.

    Nothing waits for company that it does not need: the first of a group leads it, in its own
    task, as soon as there is a place. So a quiet process stores each item at once, and a busy one
    pays for a transaction once a group.

    Args:
        run: stores a group, all or none; returns the outcome of each item, in order, an exception
            for one that failed by itself. `DatabaseAway` all of them raise; after any other error
            they are run one by one, so that it costs only the one whose it is.
        at_once: groups under way at the same time.
        most: items of a group.
    """

    def __init__(
        self,
        run: Callable[[Sequence[Item]], Awaitable[Sequence[Outcome | Exception]]],
        *,
        at_once: int,
        most: int,
    ) -> None:
        self._run = run
        self._places = at_once
        self._most = most
        self._waiting: deque[_Waiting[Item, Outcome]] = deque()
        self._hurry = asyncio.Event()

    async def submit(self, item: Item, *, patience: float = 0.0) -> Outcome:
        """Have an item stored; returns its outcome, or raises it.

        Args:
            item: what to store.
            patience: seconds that it may wait for company; a less patient one takes it along.
        """
        waiting: _Waiting[Item, Outcome] = _Waiting(
            item, asyncio.get_running_loop().create_future()
        )
        if not patience:
            self._hurry.set()
        if self._places:
            self._places -= 1
            await self._lead(waiting, patience)
        elif await self._turn(waiting):
            await self._lead(waiting, patience)
        return _settled(cast("Outcome | Exception", waiting.outcome))

    async def alone(self, item: Item) -> Outcome:
        """Have an item stored at once beside the groups: one that others should not wait for."""
        (outcome,) = await self._run_all([item])
        return _settled(outcome)

    async def _turn(self, waiting: _Waiting[Item, Outcome]) -> bool:
        """Wait until another has stored it (False), or it is its turn to lead (True)."""
        self._waiting.append(waiting)
        try:
            return await waiting.leads
        except asyncio.CancelledError:
            if waiting in self._waiting:
                self._waiting.remove(waiting)
            if waiting.leads.done() and not waiting.leads.cancelled() and waiting.leads.result():
                self._call_next()
            raise

    async def _lead(self, first: _Waiting[Item, Outcome], patience: float) -> None:
        """Store a group, and give the place to the next one's first."""
        group: list[_Waiting[Item, Outcome]] = []
        outcomes: Sequence[Outcome | Exception] = ()
        try:
            if patience:
                await self._wait_for_company(patience)
            self._hurry.clear()
            company = min(self._most - 1, len(self._waiting))
            group = [first, *(self._waiting.popleft() for _ in range(company))]
            outcomes = await self._run_all([one.item for one in group])
        except BaseException as error:
            # Whoever led it is gone: whether it was stored is not known to the others.
            known = error if isinstance(error, Exception) else DatabaseAway()
            outcomes = [known] * len(group)
            raise
        finally:
            for one, outcome in zip(group, outcomes, strict=True):
                one.outcome = outcome
                if one is not first and not one.leads.done():
                    one.leads.set_result(False)
            self._call_next()

    async def _run_all(self, items: Sequence[Item]) -> Sequence[Outcome | Exception]:
        try:
            return await self._run(items)
        except DatabaseAway:
            raise
        except Exception as error:  # noqa: BLE001 - it is raised to the one whose error it is
            if len(items) == 1:
                return [error]
        return [outcome for item in items for outcome in await self._run_all([item])]

    async def _wait_for_company(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._hurry.wait()
        except TimeoutError:
            pass

    def _call_next(self) -> None:
        """Give the place to the next who waits; without any, it is free."""
        while self._waiting:
            one = self._waiting.popleft()
            if not one.leads.done():
                one.leads.set_result(True)
                return
        self._places += 1


def _settled(outcome: Outcome | Exception) -> Outcome:
    if isinstance(outcome, Exception):
        raise outcome
    return outcome
