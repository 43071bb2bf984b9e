"""What all libraries of files have in common: rows for everybody and rows of one user's own.

A library's row is a dataclass whose fields are its columns; links to stored files stand in it as
their paths. A row and the rows of its files come and go in one transaction.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Generic, Protocol, TypeVar
from uuid import UUID

from collab.errors import Forbidden, NotFound
from persistence.audit import record
from persistence.blobs import Blob, Blobs, key_of, require_room
from persistence.database import Database
from persistence.shelf import Condition, Part, Shelf, searching

if TYPE_CHECKING:
    from asyncpg import Record

    from persistence.database import Connection

_KEPT: Final = ("id", "source", "user_id")
"""Columns that `put` never changes in a row that is there."""


class Row(Protocol):
    """What rows of all libraries have."""

    @property
    def id(self) -> UUID:
        """Its own."""

    @property
    def user_id(self) -> UUID | None:
        """Whose it is; None for everybody's."""


RowT = TypeVar("RowT", bound=Row)


@dataclass(frozen=True, slots=True)
class Kind(Generic[RowT]):
    """What tells one library from another.

    Attributes:
        table: its table.
        name: of one thing in it, as the audit log says it.
        row: the dataclass of a row.
        columns: the fields that are columns, in their order.
        links: those that hold links to stored files.
        title: the one that names it for a person.
        missing: raised when there is none.
        json: those that hold JSON values.
    """

    table: str
    name: str
    row: type[RowT]
    columns: tuple[str, ...]
    links: tuple[str, ...]
    title: str
    missing: type[NotFound]
    json: frozenset[str] = frozenset()


class Library(Generic[RowT]):
    """One library's table, with its files."""

    def __init__(self, database: Database, blobs: Blobs, kind: Kind[RowT]) -> None:
        self._database = database
        self._blobs = blobs
        self._kind = kind
        self._columns = ", ".join(kind.columns)
        self._shelf = Shelf(database, kind.table, self._columns)
        self._put = _upsert(kind)

    async def get(self, row_id: UUID, user: UUID) -> RowT:
        """One that a user may see.

        Raises:
            NotFound: there is none, or it is somebody else's.
        """
        async with self._database.connection() as connection:
            row = await connection.fetchrow(
                f"SELECT {self._columns} FROM {self._kind.table}"  # noqa: S608
                " WHERE id = $1 AND (user_id IS NULL OR user_id = $2)",
                *(row_id, user),
            )
        if row is None:
            raise self._kind.missing
        return self.read(row)

    async def among(self, ids: Sequence[UUID]) -> set[UUID]:
        """Which of these ids are in the library."""
        async with self._database.connection() as connection:
            rows = await connection.fetch(
                f"SELECT id FROM {self._kind.table} WHERE id = ANY($1::uuid[])",  # noqa: S608
                list(ids),
            )
        return {row["id"] for row in rows}

    async def upload(self, row: RowT, files: Sequence[Blob], *, room: int) -> None:
        """Add what a user uploaded, with its files, if they have room for it.

        Args:
            row: it.
            files: what was stored for it.
            room: how many bytes the user may have stored.

        Raises:
            StorageQuotaExceeded: nothing was added.
        """
        assert row.user_id is not None
        async with self._database.transaction() as connection:
            await require_room(connection, row.user_id, sum(file.size for file in files), room)
            await self.put(connection, row, files)

    async def put(self, connection: Connection, row: RowT, files: Sequence[Blob]) -> None:
        """Add one and the rows of its files, or change one that has the same id and owner."""
        for file in files:
            await self._blobs.add(connection, file)
        values: list[Any] = [getattr(row, name) for name in self._kind.columns]
        for place, name in enumerate(self._kind.columns):
            if name in self._kind.json and values[place] is not None:
                values[place] = json.dumps(values[place])
        await connection.execute(self._put, *values)

    async def delete(self, row_id: UUID, user: UUID, *, by: str) -> None:
        """Delete one of the user's own, with its files.

        Raises:
            NotFound: there is none, or it is somebody else's.
            Forbidden: it is there for everybody.
        """
        kind = self._kind
        async with self._database.transaction() as connection:
            row = await connection.fetchrow(
                f"DELETE FROM {kind.table} WHERE id = $1 AND user_id = $2"  # noqa: S608
                f" RETURNING {self._columns}",
                *(row_id, user),
            )
            if row is None:
                if await connection.fetchval(
                    f"SELECT id FROM {kind.table} WHERE id = $1 AND user_id IS NULL",  # noqa: S608
                    row_id,
                ):
                    raise Forbidden("This belongs to the library; only uploads can be deleted.")
                raise kind.missing
            keys = [key for name in kind.links if row[name] and (key := key_of(row[name]))]
            gone = await self._blobs.remove(connection, keys)
            said = {"title": row[kind.title]}
            await record(connection, by, f"{kind.name}.delete", None, str(row_id), said)
        await self._blobs.store.delete(gone)

    async def select(
        self,
        user: UUID,
        parts: Sequence[Part],
        conditions: Sequence[Condition],
        search: str,
        page: int,
        limit: int,
    ) -> tuple[list[RowT], int]:
        """One page of what a user may see, newest first, and how many there are in all."""
        rows, total = await self._shelf.page(
            user, parts, [*conditions, *searching(search)], page=page, limit=limit
        )
        return [self.read(row) for row in rows], total

    def read(self, record: Record) -> RowT:
        """A database's row as the library's."""
        fields: dict[str, Any] = {name: record[name] for name in self._kind.columns}
        for name in self._kind.json:
            if fields[name] is not None:
                fields[name] = json.loads(fields[name])
        return self._kind.row(**fields)


def _upsert(kind: Kind[Any]) -> str:
    values = ", ".join(
        f"${place}{'::text::jsonb' if name in kind.json else ''}"
        for place, name in enumerate(kind.columns, 1)
    )
    changes = ", ".join(f"{name} = EXCLUDED.{name}" for name in kind.columns if name not in _KEPT)
    return (
        f"INSERT INTO {kind.table} ({', '.join(kind.columns)}) VALUES ({values})"  # noqa: S608
        f" ON CONFLICT (id) DO UPDATE SET {changes}, updated_at = now()"
        f" WHERE {kind.table}.user_id IS NOT DISTINCT FROM EXCLUDED.user_id"
    )
