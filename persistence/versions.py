"""Version history: states of a video that are kept, by name or for a while, and restored."""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final, Literal
from uuid import UUID, uuid4

from collab.errors import VersionNotFound
from collab.schema import DocumentLimits
from persistence.audit import record
from persistence.database import Database
from persistence.historian import Historian

if TYPE_CHECKING:
    from asyncpg import Record

Kind = Literal["manual", "automatic", "before_restore"]

_SELECT: Final = """
SELECT n.number, n.kind, n.name, n.seq, n.created_by, n.user_ids, n.created_at,
       (SELECT coalesce(json_object_agg(u.sub, u.name), '{}')::text FROM users u
        WHERE u.sub = ANY(n.user_ids || n.created_by) AND u.name IS NOT NULL) AS names
FROM video_versions n
"""

_LIST: Final = f"{_SELECT} WHERE n.video_id = $1 ORDER BY n.number DESC LIMIT $2 OFFSET $3"
_GET: Final = f"{_SELECT} WHERE n.video_id = $1 AND n.number = $2"

_QUIET: Final = """
SELECT v.id FROM videos v JOIN video_heads h ON h.video_id = v.id
WHERE h.seq > greatest(v.versioned_seq, 1) AND v.id <> ALL($2::uuid[])
  AND coalesce((SELECT max(created_at) FROM video_updates WHERE video_id = v.id), '-infinity')
      < now() - $1::interval
  AND coalesce((SELECT max(edited_at) FROM video_authors WHERE video_id = v.id), '-infinity')
      < now() - $1::interval
LIMIT $3
"""

_EXPIRE: Final = """
DELETE FROM video_versions WHERE name IS NULL AND created_at < now() - $1::interval
"""

_SETTLE: Final = "DELETE FROM video_restores WHERE video_id = $1 AND id = $2"

_FORGET_STATES: Final = """
DELETE FROM video_version_states s
WHERE NOT EXISTS (
  SELECT FROM video_versions n WHERE n.video_id = s.video_id AND n.seq = s.seq
)
"""


@dataclass(frozen=True, slots=True)
class Version:
    """A version of a video.

    Attributes:
        number: 1, 2, 3... within the video; none comes twice.
        kind: whether somebody made it, or it made itself: when the video was quiet, or before a
            version was restored.
        name: versions with a name are kept for good.
        seq: the sequence number of the state that it holds.
        created_by: the id of the user who made it, or restored another one; None if nobody did.
        user_ids: who edited since the version before.
        names: of these users, as far as they are known.
        created_at: when it was made.
    """

    number: int
    kind: Kind
    name: str | None
    seq: int
    created_by: str | None
    user_ids: list[str]
    names: dict[str, str]
    created_at: datetime


@dataclass(frozen=True, slots=True)
class VersionPage:
    """One page of a list, and how many there are in all."""

    versions: list[Version]
    total: int


@dataclass(frozen=True, slots=True)
class Restoration:
    """How to restore a version.

    Attributes:
        id: of this plan.
        update: what brings the document to it; None if it reads like that already.
        seq: the sequence number that the update builds on.
        before: the number of the version that holds what was there at `seq`.
    """

    id: UUID
    update: bytes | None
    seq: int
    before: int


class Versions:
    """The versions of all videos.

    Args:
        database: where they are.
        limits: what is shown of a document.
        own_links: what this server's links to stored files begin with.
    """

    def __init__(self, database: Database, limits: DocumentLimits, own_links: str) -> None:
        self._database = database
        self._shown = {"limits": asdict(limits), "own_links": own_links}
        self._historian = Historian()

    async def list(self, video_id: UUID, *, page: int, limit: int) -> VersionPage:
        """A page of a video's versions, the last made first."""
        async with self._database.connection() as connection:
            rows = await connection.fetch(_LIST, video_id, limit, (page - 1) * limit)
            total = await connection.fetchval(
                "SELECT count(*) FROM video_versions WHERE video_id = $1", video_id
            )
        return VersionPage([_version(row) for row in rows], total)

    async def get(self, video_id: UUID, number: int) -> Version:
        """One version.

        Raises:
            VersionNotFound: there is none with this number, or no longer.
        """
        async with self._database.connection() as connection:
            row = await connection.fetchrow(_GET, video_id, number)
        if row is None:
            raise VersionNotFound
        return _version(row)

    async def keep(
        self,
        video_id: UUID,
        kind: Kind,
        *,
        name: str | None = None,
        by: str | None = None,
        id_: UUID | None = None,
    ) -> Version:
        """Make a version of all that is stored of a video.

        Args:
            video_id: the video.
            kind: an automatic version is not made of a state that there is a version of.
            name: if it is to be kept for good.
            by: the id of the user who makes it.
            id_: what is made under the same id again is there once.

        Raises:
            VideoNotFound: there is no such video.
            CorruptLog, CompactionRefused: what is stored cannot be read or made one state.
            DatabaseAway: PostgreSQL does not answer; nothing was made.
        """
        number = await self._ask(
            "keep",
            video_id,
            id=str(id_ or uuid4()),
            kind=kind,
            name=name,
            by=by,
            unless_kept=kind != "manual",
        )
        return await self.get(video_id, number)

    async def show(self, video_id: UUID, number: int) -> dict[str, Any]:
        """What a version shows under the limits of now: `video`, and `scenes` as the API shows
        them.

        Raises:
            VersionNotFound: there is none with this number, or no longer.
        """
        shown: dict[str, Any] = await self._ask("show", video_id, number=number, **self._shown)
        return shown

    async def compare(self, video_id: UUID, number: int, to: int | None) -> dict[str, Any]:
        """What differs between a version and another one, or what is stored now; see
        `collab.comparison.compare`.

        Raises:
            VersionNotFound: there is none with one of these numbers, or no longer.
        """
        found: dict[str, Any] = await self._ask(
            "compare", video_id, number=number, to=to, **self._shown
        )
        return found

    async def plan(self, video_id: UUID, number: int, by: str) -> Restoration:
        """How to restore a version; what is there now is kept as a version before.

        The update is written down as well, until `restored` or `given_up` says what came of it.
        Whoever restores a version meanwhile, on any node, builds on it: of two updates that were
        made for the same state, both would bring what that lacks.

        Raises:
            VersionNotFound: there is none with this number, or no longer.
        """
        plan = await self._ask("plan", video_id, number=number, by=by)
        return Restoration(UUID(plan["id"]), plan["update"], plan["seq"], plan["before"])

    async def restored(self, video_id: UUID, number: int, plan: Restoration, by: str) -> None:
        """The plan's update is in the log: note in the audit trail that a version was restored."""
        async with self._database.transaction() as connection:
            await connection.execute(_SETTLE, video_id, plan.id)
            details = {"version": number, "before": plan.before}
            await record(connection, by, "version.restore", video_id, None, details)

    async def given_up(self, video_id: UUID, plan: Restoration) -> None:
        """The plan's update was refused: it is in no log and no journal, and never will be."""
        async with self._database.connection() as connection:
            await connection.execute(_SETTLE, video_id, plan.id)

    async def quiet(self, since: timedelta, *, but: Collection[UUID], limit: int) -> Sequence[UUID]:
        """Videos with edits that are in no version, the last of them longer ago than `since`.

        Args:
            since: how long nobody may have edited.
            but: leave these out.
            limit: how many at most.
        """
        async with self._database.connection() as connection:
            rows = await connection.fetch(_QUIET, since, [*but], limit)
        return [row["id"] for row in rows]

    async def expire(self, after: timedelta) -> int:
        """Remove versions without a name that are older than this; returns how many."""
        async with self._database.transaction() as connection:
            done = await connection.execute(_EXPIRE, after)
            removed = int(done.rsplit(" ", 1)[-1])
            if removed:
                await connection.execute(_FORGET_STATES)
        return removed

    async def close(self) -> None:
        """End the child process."""
        await self._historian.close()

    async def _ask(self, task: str, video_id: UUID, **arguments: Any) -> Any:
        return await self._historian.ask(
            self._database.dsn, task, video_id=str(video_id), **arguments
        )


def _version(row: Record) -> Version:
    return Version(
        number=row["number"],
        kind=row["kind"],
        name=row["name"],
        seq=row["seq"],
        created_by=row["created_by"],
        user_ids=row["user_ids"],
        names=json.loads(row["names"]),
        created_at=row["created_at"],
    )
