"""When snapshots of this node's videos are made: one task a video, at its own pace."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from uuid import UUID

import structlog

from collab.errors import CocutError, VideoNotFound
from persistence.snapshots import Snapshots
from server.keeper import Keeper
from server.observe import Metrics

_log = structlog.get_logger(__name__)


class Snapshotting:
    """The snapshots that are under way.

    Args:
        snapshots: makes them.
        metrics: of this process.
        clock: monotonic seconds.
        ended: called with the video when one has ended, however it did.
    """

    def __init__(
        self,
        snapshots: Snapshots,
        metrics: Metrics,
        clock: Callable[[], float],
        ended: Callable[[UUID], None],
    ) -> None:
        self._snapshots = snapshots
        self._metrics = metrics
        self._clock = clock
        self._ended = ended
        self._under_way: dict[UUID, asyncio.Task[None]] = {}

    def start(self, keeper: Keeper) -> None:
        """Begin one, unless there is nothing to put into it or one is under way."""
        video_id = keeper.video_id
        if not keeper.growth.rows or video_id in self._under_way:
            return
        task = asyncio.get_running_loop().create_task(self.make(keeper))
        self._under_way[video_id] = task
        task.add_done_callback(lambda _: self._done(video_id))

    async def make(self, keeper: Keeper) -> None:
        """Make one, if there is something to put into it; a failure is said and costs nothing."""
        growth = keeper.growth
        if not growth.rows:
            return
        rows, size = growth.rows, growth.bytes
        growth.tried_at = self._clock()
        try:
            with self._metrics.snapshot_seconds.time():
                made = await self._snapshots.compact(keeper.video_id)
        except VideoNotFound:
            growth.rows = 0  # deleted, and its log with it
            return
        except (CocutError, OSError) as error:
            self._metrics.snapshots.labels("failed").inc()
            _log.error("snapshot_failed", video=str(keeper.video_id), error=str(error))
            return
        self._metrics.snapshots.labels("made" if made else "skipped").inc()
        growth.add(-rows, -size)
        if made:
            growth.snapshot_bytes = made.size

    def hurry(self) -> None:
        """The process is about to end: it waits for those that are made from now on."""
        self._snapshots.hurry()

    async def close(self) -> None:
        """Give up what is under way; nothing is lost by it."""
        tasks = list(self._under_way.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _done(self, video_id: UUID) -> None:
        self._under_way.pop(video_id, None)
        self._ended(video_id)
