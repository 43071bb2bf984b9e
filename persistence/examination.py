"""A close look at all that is stored of one video, which goes on where loading it would stop."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from pycrdt import Doc, Snapshot

from collab.errors import MalformedUpdate, MissingUpdates
from collab.ledger import Ledger
from collab.projection import Projection
from collab.schema import Changes, DocumentLimits, Touches, VideoFields
from collab.update import read_update
from collab.values import same_json
from persistence.database import Database
from persistence.scenes import stored_rows
from persistence.squash import Unreadable, apply_stored
from persistence.update_log import checksum

if TYPE_CHECKING:
    from asyncpg import Record

    from persistence.database import Connection

_SECONDS: Final = 120.0

_VIDEO: Final = """
SELECT v.title, v.aspect_ratio, v.background, v.projected_seq, h.seq
FROM videos v LEFT JOIN video_heads h ON h.video_id = v.id WHERE v.id = $1
"""
_SNAPSHOT: Final = """
SELECT seq, state, checksum FROM video_snapshots WHERE video_id = $1 ORDER BY seq DESC LIMIT 1
"""
_ROWS: Final = """
SELECT seq, update FROM video_updates WHERE video_id = $1 AND seq > $2 ORDER BY seq
"""
_LEFT_OVER: Final = """
SELECT video_id FROM video_heads UNION SELECT video_id FROM video_updates
UNION SELECT video_id FROM video_snapshots
EXCEPT SELECT id FROM videos
"""


@dataclass(frozen=True, slots=True)
class BadPart:
    """A row of the log or a snapshot that cannot be used: which, its bytes, and why not."""

    kind: str
    seq: int
    content: bytes
    reason: str

    def __str__(self) -> str:
        return f"{'its snapshot at' if self.kind == 'snapshot' else 'row'} {self.seq}"


@dataclass(slots=True)
class Examination:
    """What was found of a video.

    Attributes:
        findings: what is wrong, a sentence each; empty for a healthy video.
        bad: what cannot be used of the log and its snapshot.
        seq: the last number of the log, also where the head says less.
        state: the document as it can be read, as one update; None without the snapshot that the
            rest builds on.
        broken: the video cannot be opened as it is.
        rows: what the tables should show, where they show something else, or lack an id.
        shown: what the tables show.
        log_rows: how many rows were read.
    """

    video_id: UUID
    findings: list[str] = field(default_factory=list)
    bad: list[BadPart] = field(default_factory=list)
    seq: int = 0
    state: bytes | None = None
    broken: bool = False
    rows: Changes | None = None
    shown: Changes = field(default_factory=Changes)
    log_rows: int = 0


class Examiner:
    """Looks at videos; changes nothing.

    Args:
        database: where they are.
        limits: of the projection: those of the servers.
    """

    def __init__(self, database: Database, limits: DocumentLimits) -> None:
        self._database = database
        self._limits = limits

    async def videos(self) -> list[UUID]:
        """All videos, oldest first."""
        async with self._database.connection() as connection:
            rows = await connection.fetch("SELECT id FROM videos ORDER BY created_at, id")
        return [row["id"] for row in rows]

    async def left_over(self) -> list[UUID]:
        """Videos that are gone, but not all of their logs."""
        async with self._database.connection() as connection:
            rows = await connection.fetch(_LEFT_OVER, timeout=_SECONDS)
        return [row["video_id"] for row in rows]

    async def examine(self, video_id: UUID) -> Examination | None:
        """Look at a video, at all of it at one moment; None when there is none."""
        found = Examination(video_id)
        async with self._database.transaction(
            isolation="repeatable_read", readonly=True
        ) as connection:
            video = await connection.fetchrow(_VIDEO, video_id)
            if video is None:
                return None
            snapshot = await connection.fetchrow(_SNAPSHOT, video_id, timeout=_SECONDS)
            rows = await connection.fetch(
                _ROWS, video_id, snapshot["seq"] if snapshot else 0, timeout=_SECONDS
            )
            found.shown = await stored_rows(connection, video_id)
            found.shown.video = VideoFields(
                video["title"], video["aspect_ratio"], video["background"]
            )
            _check_numbers(found, video, snapshot, rows)
            doc = _read(found, snapshot, rows)
            found.broken = found.broken or bool(found.bad)
            if not found.broken:
                await self._check_tables(connection, found, video["projected_seq"], doc)
        return found

    async def projected(self, video_id: UUID, doc: Doc[Any]) -> Changes:
        """The rows that a document of this video projects to."""
        async with self._database.connection() as connection:
            return await self._projected(connection, video_id, doc)

    async def _projected(self, connection: Connection, video_id: UUID, doc: Doc[Any]) -> Changes:
        projection = Projection(self._limits, _no_link)
        projection.refresh(doc, Touches(everything=True))
        rows = projection.rows()
        foreign = [
            *await _foreign(connection, "scene_ids", video_id, rows.scenes),
            *await _foreign(connection, "layer_ids", video_id, rows.layers),
        ]
        if foreign:
            projection.disown(foreign)
            projection.refresh(doc, Touches(everything=True))
            rows = projection.rows()
        return rows

    async def _check_tables(
        self, connection: Connection, found: Examination, projected_seq: int, doc: Doc[Any]
    ) -> None:
        rows = await self._projected(connection, found.video_id, doc)
        differ = []
        if projected_seq > found.seq:
            differ.append(f"the tables say that they show {projected_seq}, which is not there yet")
        # Tables that are behind are brought up by a server; what they show is not compared.
        if projected_seq == found.seq:
            differ += _differences(rows, found.shown)
            differ += await _unclaimed(connection, found.video_id, rows)
        if differ:
            found.findings += differ
            found.rows = rows


def _check_numbers(
    found: Examination, video: Record, snapshot: Record | None, rows: Sequence[Record]
) -> None:
    base: int = snapshot["seq"] if snapshot else 0
    last: int = rows[-1]["seq"] if rows else base
    head: int | None = video["seq"]
    found.log_rows = len(rows)
    found.seq = max(last, head or 0)
    have = {row["seq"] for row in rows}
    missing = [seq for seq in range(base + 1, found.seq + 1) if seq not in have]
    if missing:
        found.findings.append(f"{_numbers(missing)} of its log {_are(missing)} missing")
    if head is None:
        found.findings.append("its log has no head")
    elif head < last:
        found.findings.append(f"its log goes on to {last}, but its head says {head}")
    if not found.seq:
        found.findings.append("it has no document")
    found.broken = bool(found.findings)


def _read(found: Examination, snapshot: Record | None, rows: Sequence[Record]) -> Doc[Any]:
    """Read what can be read into a document, and note what cannot."""
    good: list[bytes] = []
    doc: Doc[Any] = Doc()
    state: bytes = snapshot["state"] if snapshot is not None else b""
    if snapshot is not None:
        damaged = checksum(state) != snapshot["checksum"]
        try:
            read_update(state)
            apply_stored(doc, state, -1)
        except (MalformedUpdate, Unreadable) as error:
            _note(found, BadPart("snapshot", snapshot["seq"], state, str(error)), "be read")
            doc = Doc()
        else:
            good.append(state)
            if damaged:
                part = BadPart("snapshot", snapshot["seq"], state, "its checksum is wrong")
                _note(found, part, "be trusted")
    ledger = Ledger(Snapshot.from_doc(doc).encode())
    for row in rows:
        update: bytes = row["update"]
        try:
            summary = read_update(update)
            if ledger.brings_news(summary):
                apply_stored(doc, update, row["seq"])
                ledger.record(summary)
            good.append(update)
        except MissingUpdates as error:
            reason = f"it builds on what is lost: {error}"
            _note(found, BadPart("row", row["seq"], update, reason), "be applied")
        except MalformedUpdate as error:
            _note(found, BadPart("row", row["seq"], update, str(error)), "be read")
        except Unreadable as error:
            _note(found, BadPart("row", row["seq"], update, str(error)), "be applied")
            # What pycrdt gives up on may be half there.
            doc = _rebuilt(good)
    unreadable = any(bad.kind == "snapshot" for bad in found.bad) and good[:1] != [state]
    found.state = doc.get_update() if good and not unreadable else None
    return doc


def _note(found: Examination, part: BadPart, what: str) -> None:
    found.bad.append(part)
    found.findings.append(f"{part} cannot {what} ({part.reason})")


def _rebuilt(updates: Iterable[bytes]) -> Doc[Any]:
    doc: Doc[Any] = Doc()
    for update in updates:
        doc.apply_update(update)
    return doc


def _differences(wanted: Changes, shown: Changes) -> list[str]:
    found = []
    if wanted.video != shown.video:
        found.append("the tables show another title, aspect ratio or background than its document")
    for name, ours, theirs in (
        ("scene", wanted.scenes, shown.scenes),
        ("layer", wanted.layers, shown.layers),
    ):
        for what, ids in (
            ("the tables lack", ours.keys() - theirs.keys()),
            ("the tables still show", theirs.keys() - ours.keys()),
            (
                "the tables show something else than the document of",
                {
                    id_
                    for id_ in ours.keys() & theirs.keys()
                    if not same_json(asdict(ours[id_]), asdict(theirs[id_]))
                },
            ),
        ):
            if ids:
                found.append(f"{what} {name} {_listed(sorted(ids))}")
    return found


async def _unclaimed(connection: Connection, video_id: UUID, rows: Changes) -> list[str]:
    found = []
    for name, ids in (("scene", rows.scenes), ("layer", rows.layers)):
        claimed = await connection.fetch(
            f"SELECT id::text AS id FROM {name}_ids"  # noqa: S608
            " WHERE id = ANY($1::uuid[]) AND video_id = $2",
            *([*ids], video_id),
        )
        lacking = ids.keys() - {row["id"] for row in claimed}
        if lacking:
            found.append(f"the directory of ids lacks {name} {_listed(sorted(lacking))}")
    return found


async def _foreign(
    connection: Connection, table: str, video_id: UUID, ids: Iterable[str]
) -> list[str]:
    rows = await connection.fetch(
        f"SELECT id::text AS id FROM {table}"  # noqa: S608
        " WHERE id = ANY($1::uuid[]) AND video_id <> $2",
        *([*ids], video_id),
    )
    return [row["id"] for row in rows]


def _listed(names: Sequence[str]) -> str:
    return f"{names[0]} and {len(names) - 1} more" if len(names) > 1 else names[0]


def _numbers(missing: Sequence[int]) -> str:
    if len(missing) == 1:
        return f"row {missing[0]}"
    if missing[-1] - missing[0] + 1 == len(missing):
        return f"rows {missing[0]} to {missing[-1]}"
    return f"row {missing[0]} and {len(missing) - 1} more"


def _are(missing: Sequence[int]) -> str:
    return "is" if len(missing) == 1 else "are"


def _no_link(_url: str) -> bool:
    """This server's own links are http links, which are shown anyway."""
    return False
