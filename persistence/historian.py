"""The child process that makes, reads and compares versions of documents.

A version is a copy of the snapshot that was made for it, so that it was read back and compared
like every snapshot, and no byte of it passes through the processes that serve.
"""

from __future__ import annotations

import asyncio
import hashlib
import secrets
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID, uuid4

from pycrdt import Doc

from collab import comparison, edits
from collab.document import merge
from collab.errors import CorruptLog, DatabaseAway, VersionNotFound, VideoNotFound
from collab.projection import Projection
from collab.schema import DocumentLimits, Touches
from persistence.background import PATIENT
from persistence.child import Child, Done, Task, serve
from persistence.compaction import compact_in_turn, turn
from persistence.database import Database
from persistence.errors import ChildFailed, CompactionRefused
from persistence.tables import foreign
from persistence.update_log import UpdateLog

if TYPE_CHECKING:
    from persistence.database import Connection

_EXPECTED: Final = (VideoNotFound, VersionNotFound, CorruptLog, CompactionRefused, DatabaseAway)
_STORE_SECONDS: Final = 60.0

_KEEP_STATE: Final = """
INSERT INTO video_version_states (video_id, seq, state, checksum)
SELECT video_id, seq, state, checksum FROM video_snapshots
WHERE video_id = $1 ORDER BY seq DESC LIMIT 1
ON CONFLICT (video_id, seq) DO NOTHING
"""

_SAME: Final = """
SELECT n.number FROM video_versions n
WHERE n.video_id = $1 AND n.seq = (SELECT max(seq) FROM video_snapshots WHERE video_id = $1)
ORDER BY n.number DESC LIMIT 1
"""

_NUMBER: Final = """
UPDATE videos v
SET last_version = v.last_version + 1, versioned_seq = s.seq
FROM videos old, (SELECT max(seq) AS seq FROM video_snapshots WHERE video_id = $1) s
WHERE v.id = $1 AND old.id = v.id
RETURNING v.last_version, s.seq, old.versioned_seq
"""

_KEEP: Final = """
INSERT INTO video_versions (video_id, number, id, kind, name, seq, created_by, user_ids)
SELECT $1, $2, $3, $4, $5, $6, $7,
       coalesce((SELECT array_agg(user_id ORDER BY seq DESC, user_id) FROM video_authors
                 WHERE video_id = $1 AND seq > $8), '{}')
"""

_STATE: Final = """
SELECT s.seq, s.state, s.checksum
FROM video_versions n JOIN video_version_states s USING (video_id, seq)
WHERE n.video_id = $1 AND n.number = $2
"""

_PLANNED: Final = "SELECT update FROM video_restores WHERE video_id = $1"

_PLAN: Final = """
INSERT INTO video_restores (video_id, id, update) VALUES ($1, $2, $3)
ON CONFLICT (video_id) DO UPDATE SET id = EXCLUDED.id, update = EXCLUDED.update
"""


class Historian(Child):
    """The parent's side of it; see `persistence.versions` for what the tasks are."""

    def __init__(self) -> None:
        super().__init__("persistence.historian", _EXPECTED, ChildFailed, PATIENT)


async def keep(
    database: Database,
    video_id: str,
    id: str,  # noqa: A002
    kind: str,
    name: str | None,
    by: str | None,
    unless_kept: bool,
) -> Done:
    """Make a version of all that is stored; returns its number.

    What was made under the same id before is not made again, nor, with `unless_kept`, a version
    of a state that there is a version of.
    """
    async with turn(database, UUID(video_id), wait=True):
        return await _keep_in_turn(database, UUID(video_id), UUID(id), kind, name, by, unless_kept)


async def _keep_in_turn(
    database: Database,
    video: UUID,
    id_: UUID,
    kind: str,
    name: str | None,
    by: str | None,
    unless_kept: bool,
) -> Done:
    compacted = await compact_in_turn(database, video)
    read = 0 if compacted is None else compacted.read
    async with database.transaction() as connection:
        number = await _made(connection, video, id_, unless_kept=unless_kept)
        if number is None:
            number = await _keep(connection, video, id_, kind, name, by)
    return Done(number, read)


async def _made(connection: Connection, video: UUID, id_: UUID, *, unless_kept: bool) -> int | None:
    if not await connection.fetchval(
        "SELECT true FROM videos WHERE id = $1 FOR NO KEY UPDATE", video
    ):
        raise VideoNotFound
    number: int | None = await connection.fetchval(
        "SELECT number FROM video_versions WHERE video_id = $1 AND id = $2", video, id_
    )
    if number is None and unless_kept:
        number = await connection.fetchval(_SAME, video)
    return number


async def _keep(
    connection: Connection, video: UUID, id_: UUID, kind: str, name: str | None, by: str | None
) -> int:
    await connection.execute(_KEEP_STATE, video, timeout=_STORE_SECONDS)
    row = await connection.fetchrow(_NUMBER, video)
    assert row is not None
    number, seq, since = row
    await connection.execute(_KEEP, video, number, id_, kind, name, seq, by, since)
    return int(number)


async def show(
    database: Database, video_id: str, number: int, limits: dict[str, int], own_links: str
) -> Done:
    """What a version shows: `video` and `scenes`."""
    doc, read = await _version(database, UUID(video_id), number)
    projection = await _projection(database, UUID(video_id), doc, limits, own_links)
    return Done(comparison.shown(projection), read)


async def compare(
    database: Database,
    video_id: str,
    number: int,
    to: int | None,
    limits: dict[str, int],
    own_links: str,
) -> Done:
    """What differs between two versions, or between one and what is stored now (`to` is None);
    and the `seq` of the second."""
    video = UUID(video_id)
    before, read = await _version(database, video, number)
    if to is None:
        stored = await UpdateLog(database).load(video)
        after = _document(stored.state or b"\0\0", *(row.update for row in stored.rows))
        more = sum(len(row.update) for row in stored.rows) + len(stored.state or b"")
    else:
        after, more = await _version(database, video, to)
    one = await _projection(database, video, before, limits, own_links)
    other = await _projection(database, video, after, limits, own_links)
    return Done(comparison.compare(one, other), read + more)


async def plan(database: Database, video_id: str, number: int, by: str) -> Done:
    """The update that restores a version; what is there now is kept as a version before.

    It is written down before anybody has it, and holds what was planned before and is not in the
    log yet: that may still come, from a node that could not store it, and then brings nothing.

    Returns:
        `before`: the number of the version that holds what is there now. `seq`: what the update
        builds on. `update`: it, or None if there is nothing to change. `id`: of this plan, to
        `settle`.
    """
    video, id_ = UUID(video_id), uuid4()
    version, read = await _version(database, video, number)
    async with turn(database, video, wait=True) as connection:
        assert connection is not None
        kept = await _keep_in_turn(
            database, video, uuid4(), "before_restore", None, by, unless_kept=True
        )
        state, seq = await _state(database, video, kept.made)
        planned = await connection.fetchval(_PLANNED, video, timeout=_STORE_SECONDS)
        update = _restoring(version, state, planned)
        if update is not None:
            await connection.execute(_PLAN, video, id_, update, timeout=_STORE_SECONDS)
    made = {"id": str(id_), "before": kept.made, "seq": seq, "update": update}
    return Done(made, read + kept.read + len(state))


def _restoring(version: Doc[Any], state: bytes, planned: bytes | None) -> bytes | None:
    """What brings a document to `planned`, and from there to a version; None for nothing."""
    doc: Doc[Any] = Doc(client_id=secrets.randbits(32))
    doc.apply_update(state)
    updates: list[bytes] = []
    subscription = doc.observe(lambda event: updates.append(event.update))
    if planned is not None:
        doc.apply_update(planned)
    edits.restore(version)(doc)
    doc.unobserve(subscription)
    return merge(updates)


async def _version(database: Database, video: UUID, number: int) -> tuple[Doc[Any], int]:
    state, _ = await _state(database, video, number)
    return _document(state), len(state)


async def _state(database: Database, video: UUID, number: int) -> tuple[bytes, int]:
    async with database.connection() as connection:
        row = await connection.fetchrow(_STATE, video, number, timeout=_STORE_SECONDS)
    if row is None:
        raise VersionNotFound
    state: bytes = row["state"]
    if hashlib.sha256(state).digest() != row["checksum"]:
        raise CorruptLog(f"Version {number} of video {video} is damaged.")
    return state, row["seq"]


def _document(*updates: bytes) -> Doc[Any]:
    doc: Doc[Any] = Doc()
    for update in updates:
        doc.apply_update(update)
    return doc


async def _projection(
    database: Database, video: UUID, doc: Doc[Any], limits: dict[str, int], own_links: str
) -> Projection:
    own: Callable[[str], bool] = lambda url: url.startswith(own_links)  # noqa: E731
    projection = Projection(DocumentLimits(**limits), own)
    everything = Touches(everything=True)
    projection.refresh(doc, everything)
    rows = projection.rows()
    async with database.connection() as connection:
        others = await foreign(connection, video, rows.scenes, rows.layers)
    if others:
        projection.disown(others)
        projection.refresh(doc, everything)
    return projection


TASKS: Final[Mapping[str, Task]] = {"keep": keep, "show": show, "compare": compare, "plan": plan}

if __name__ == "__main__":
    asyncio.run(serve(TASKS))
