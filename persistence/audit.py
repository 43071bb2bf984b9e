"""The audit trail: who changed roles, deleted and restored what."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from persistence.database import Database

if TYPE_CHECKING:
    from persistence.database import Connection

_RECORD: Final = """
INSERT INTO audit_log (actor, action, video_id, subject, details)
VALUES ($1, $2, $3, $4, $5::text::jsonb)
"""


@dataclass(frozen=True, slots=True)
class AuditRow:
    """One entry: `actor` and, where it is a person, `subject` are user ids."""

    at: datetime
    actor: str
    action: str
    video_id: UUID | None
    subject: str | None
    details: dict[str, Any]


class Audit:
    """The audit trail of the whole installation."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def record(
        self,
        actor: str,
        action: str,
        *,
        video_id: UUID | None = None,
        subject: str | None = None,
        details: Mapping[str, Any] | None = None,
    ) -> None:
        """Add an entry.

        Args:
            actor: the user who did it.
            action: what, as `noun.verb`: `member.put`, `video.delete`.
            video_id: on which video.
            subject: whom or what it was done to.
            details: JSON values.
        """
        async with self._database.connection() as connection:
            await record(connection, actor, action, video_id, subject, details)

    async def of_video(self, video_id: UUID) -> list[AuditRow]:
        """The entries about one video, oldest first."""
        async with self._database.connection() as connection:
            rows = await connection.fetch(
                "SELECT at, actor, action, video_id, subject, details FROM audit_log"
                " WHERE video_id = $1 ORDER BY id",
                video_id,
            )
        return [
            AuditRow(
                row["at"],
                row["actor"],
                row["action"],
                row["video_id"],
                row["subject"],
                json.loads(row["details"]),
            )
            for row in rows
        ]


async def record(
    connection: Connection,
    actor: str,
    action: str,
    video_id: UUID | None = None,
    subject: str | None = None,
    details: Mapping[str, Any] | None = None,
) -> None:
    """`Audit.record` inside somebody's transaction."""
    await connection.execute(
        _RECORD, actor, action, video_id, subject, json.dumps(dict(details or {}))
    )
