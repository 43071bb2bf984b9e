"""What a caller may do on a video, and where the video stands: one cheap look, always fresh.

A row of `videos` says how far its log and its tables are and how often its members changed. All
requests that arrive while one such look is under way share the next, so that the database sees a
few of them at once however many requests there are. Since each look begins after the requests
that wait for it have arrived, an answer never rests on something older than its request, on any
number of nodes. A node that is alone remembers what it read until it changes something itself.
Roles are remembered together with the count of changes that they were read under, and read again
when it has moved.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from typing import Final, NamedTuple
from uuid import UUID

from api.permissions import Action, Role, require
from collab.errors import VideoNotFound
from persistence.update_log import Head

TRUSTED_SECONDS: Final = 1.0
"""How long a head is believed at most, should a process that is no server change the tables."""

ReadHeads = Callable[[Sequence[UUID]], Awaitable[Mapping[UUID, Head]]]
_Waiter = asyncio.Future[Head | None]
ReadRole = Callable[[UUID, str], Awaitable[str | None]]


class Grant(NamedTuple):
    """What a caller has on a video: the role, and the video's head at that moment."""

    role: Role
    head: Head


class Access:
    """Roles and heads of videos.

    Args:
        read_heads: reads the heads of videos, in one query.
        read_role: reads one user's role on one video.
        clock: monotonic seconds.
        alone: no other process changes the tables, and `moved` is called for each change by this
            one: a head that was read stays true until then.
        remembered: how many roles, and how many heads, are kept.
    """

    def __init__(
        self,
        read_heads: ReadHeads,
        read_role: ReadRole,
        clock: Callable[[], float],
        *,
        alone: bool = False,
        remembered: int = 65_536,
    ) -> None:
        self._clock = clock
        self._alone = alone
        self._heads: dict[UUID, tuple[Head, float]] = {}
        self._moves = 0
        self._read_heads = read_heads
        self._read_role = read_role
        self._remembered = remembered
        self._roles: OrderedDict[tuple[UUID, str], tuple[int, Role | None]] = OrderedDict()
        self._waiting: dict[UUID, list[_Waiter]] = {}
        self._reading: asyncio.Task[None] | None = None

    async def require(self, video_id: UUID, sub: str, action: Action) -> Grant:
        """What `sub` has on the video, if that allows `action`.

        Raises:
            VideoNotFound: there is no such video, or no role on it.
            Forbidden: the role is too small.
            DatabaseAway: PostgreSQL does not answer.
        """
        head = await self.head(video_id)
        key = (video_id, sub)
        known = self._roles.get(key)
        if known is not None and known[0] == head.access_version:
            role = known[1]
        else:
            read = await self._read_role(video_id, sub)
            role = None if read is None else Role(read)
            self._roles[key] = (head.access_version, role)
            if len(self._roles) > self._remembered:
                self._roles.popitem(last=False)
        return Grant(require(role, action), head)

    def at_hand(self, video_id: UUID, sub: str) -> Grant | None:
        """What `sub` has on the video, if that is known without a look at the tables."""
        kept = self._heads.get(video_id)
        if kept is None or self._clock() >= kept[1]:
            return None
        head = kept[0]
        known = self._roles.get((video_id, sub))
        if head.deleted or known is None or known[0] != head.access_version or known[1] is None:
            return None
        return Grant(known[1], head)

    async def head(self, video_id: UUID) -> Head:
        """What the tables show of the video now, and who may see it.

        The head's `seq` is not followed as closely: on a node that is alone it may be older.

        Raises:
            VideoNotFound: there is no such video.
            DatabaseAway: PostgreSQL does not answer.
        """
        kept = self._heads.get(video_id)
        if kept is not None and self._clock() < kept[1]:
            head: Head | None = kept[0]
        else:
            loop = asyncio.get_running_loop()
            waiter: _Waiter = loop.create_future()
            self._waiting.setdefault(video_id, []).append(waiter)
            if self._reading is None:
                self._reading = loop.create_task(self._read())
            head = await waiter
        if head is None or head.deleted:
            raise VideoNotFound
        return head

    def moved(self, video_id: UUID) -> None:
        """The tables show something else of this video, or its members have changed."""
        self._moves += 1
        self._heads.pop(video_id, None)

    async def close(self) -> None:
        """Stop reading; who still waits is cancelled."""
        if self._reading is not None:
            self._reading.cancel()
            await asyncio.gather(self._reading, return_exceptions=True)

    async def _read(self) -> None:
        batch: dict[UUID, list[_Waiter]] = {}
        try:
            while self._waiting:
                batch, self._waiting = self._waiting, {}
                began, moves = self._clock(), self._moves
                try:
                    heads = await self._read_heads(list(batch))
                except Exception as error:  # noqa: BLE001
                    for waiter in _waiting(batch.values()):
                        waiter.set_exception(error)
                else:
                    if self._alone and moves == self._moves:
                        self._keep(heads, began + TRUSTED_SECONDS)
                    for video_id, waiters in batch.items():
                        for waiter in _waiting([waiters]):
                            waiter.set_result(heads.get(video_id))
        finally:
            self._reading = None
            for waiter in _waiting([*batch.values(), *self._waiting.values()]):
                waiter.cancel()

    def _keep(self, heads: Mapping[UUID, Head], until: float) -> None:
        if len(self._heads) + len(heads) > self._remembered:
            self._heads.clear()
        self._heads.update((id_, (head, until)) for id_, head in heads.items())


def _waiting(groups: Iterable[list[_Waiter]]) -> Iterator[_Waiter]:
    return (waiter for group in groups for waiter in group if not waiter.done())
