"""What has to be done now and then, by one node at a time: versions that make themselves, and what
is kept for a while only.

What belongs to files and jobs is done by workers (`server/worker.py`).
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Final
from uuid import UUID

import structlog

from collab.errors import CocutError, DatabaseAway, VideoNotFound
from persistence.database import Database
from persistence.idempotency import IdempotencyKeys
from persistence.upkeep import upkeep_turn
from persistence.versions import Versions

VERSIONS_A_ROUND: Final = 50
"""So that a round, and the turn, ends; who is left comes in the next one."""

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Periods:
    """How long nobody edits before a version makes itself, how long versions without a name are
    kept, and the time between two rounds."""

    quiet: timedelta = timedelta(minutes=10)
    kept: timedelta = timedelta(days=30)
    pause: timedelta = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Tidied:
    """What a round has done: versions made and removed, idempotency keys removed."""

    made: int
    expired: int
    purged: int


class Chores:
    """They are done again and again while `running`.

    Args:
        database: where everything is.
        versions: of its videos.
        periods: how long what waits.
    """

    def __init__(
        self, database: Database, versions: Versions, periods: Periods | None = None
    ) -> None:
        self._database = database
        self._versions = versions
        self._idempotency = IdempotencyKeys(database)
        self._periods = periods or Periods()
        self._broken: set[UUID] = set()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Do them for as long as this lasts."""
        task = asyncio.get_running_loop().create_task(self._run())
        try:
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def do(self) -> Tidied | None:
        """One round; None while another node is at it.

        Raises:
            DatabaseAway: PostgreSQL does not answer; the rest comes in the next round.
        """
        async with upkeep_turn(self._database) as mine:
            if not mine:
                return None
            return Tidied(
                made=await self._make_versions(),
                expired=await self._versions.expire(self._periods.kept),
                purged=await self._idempotency.purge(),
            )

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(self._periods.pause.total_seconds())
            try:
                done = await self.do()
            except DatabaseAway:
                continue  # said once, by the durable log
            except Exception:  # noqa: BLE001 - the next round must come
                _log.exception("chores_failed")
                continue
            if done is not None and (done.made or done.expired or done.purged):
                _log.info("tidied", versions=done.made, expired=done.expired, purged=done.purged)

    async def _make_versions(self) -> int:
        found = await self._versions.quiet(
            self._periods.quiet, but=self._broken, limit=VERSIONS_A_ROUND
        )
        made = 0
        for video_id in found:
            try:
                await self._versions.keep(video_id, "automatic")
                made += 1
            except VideoNotFound:
                continue  # deleted meanwhile
            except DatabaseAway:
                raise
            except CocutError as error:
                # It will not get better by itself: said once, not once a minute.
                self._broken.add(video_id)
                _log.error("version_not_made", video=str(video_id), error=str(error))
        return made
