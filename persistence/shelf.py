"""Pages of a library: what is there for everybody, and what is one user's own, as one list.

All parts are read from an index in their order, without their columns; only the rows of the page
are read in full. The size of a large shared part is counted now and then, not at every request.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal
from uuid import UUID

from persistence.search import prefix_query

if TYPE_CHECKING:
    from asyncpg import Record

    from persistence.database import Connection, Database

Part = Literal["shared", "mine", "favorites"]

COUNTED_SECONDS: Final = 10.0
LARGE: Final = 2_000
"""From how many rows on a count is kept for a while."""
_KEPT: Final = 512
_ORDER: Final = "since DESC, id DESC"
_FAVORITES: Final = (
    "(SELECT audio_id, created_at AS since FROM audio_favorites WHERE user_id = {}) favorite"
    " ON audio_id = id"
)


@dataclass(frozen=True, slots=True)
class Condition:
    """A condition on rows: SQL in which `{}` stands for the parameter, if it has one."""

    sql: str
    value: Any = None


def searching(text: str) -> list[Condition]:
    """The condition that rows hold these words, or words that begin so; none for no words."""
    query = prefix_query(text)
    return [Condition("search @@ to_tsquery('simple', {})", query)] if query else []


class Counts:
    """How many rows lists have: large numbers are kept for a while, and counted once at a time."""

    def __init__(self) -> None:
        self._kept: OrderedDict[tuple[Any, ...], tuple[float, int]] = OrderedDict()

    async def of(self, key: tuple[Any, ...], count: Callable[[], Awaitable[int]]) -> int:
        """The number that was kept under `key`, or else counted now."""
        now = asyncio.get_running_loop().time()
        kept = self._kept.get(key)
        if kept is not None and now < kept[0]:
            return kept[1]
        if kept is not None:
            # Who comes meanwhile is content with what was counted before.
            self._kept[key] = (now + COUNTED_SECONDS, kept[1])
        counted = await count()
        if counted >= LARGE:
            self._kept[key] = (now + COUNTED_SECONDS, counted)
            self._kept.move_to_end(key)
            if len(self._kept) > _KEPT:
                self._kept.popitem(last=False)
        elif kept is not None:
            del self._kept[key]
        return counted


class Shelf:
    """One library's table.

    Args:
        database: where it is.
        table: its name; it has `id`, `user_id`, `created_at` and `search`. The part `favorites`
            is there for the audio library alone.
        columns: what is read of each row.
    """

    def __init__(self, database: Database, table: str, columns: str) -> None:
        self._database = database
        self._table = table
        self._columns = columns
        self._counts = Counts()

    async def page(
        self,
        user: UUID,
        parts: Sequence[Part],
        conditions: Sequence[Condition],
        *,
        page: int,
        limit: int,
    ) -> tuple[list[Record], int]:
        """One page, newest first (the newest favorite), and how many rows there are in all.

        Args:
            user: whose own rows `mine` are.
            parts: which rows.
            conditions: what all of them must meet.
            page: from 1.
            limit: rows a page.
        """
        async with self._database.connection() as connection:
            total = 0
            for part in parts:
                total += await self._count(connection, user, part, conditions)
            first = (page - 1) * limit
            if first >= total:
                return [], total
            bound: list[Any] = [limit, first]
            inner = " UNION ALL ".join(
                f"(SELECT id, {'since' if part == 'favorites' else 'created_at AS since'}"  # noqa: S608
                f" FROM {self._rows(user, part, conditions, bound)}"
                f" ORDER BY {_ORDER} LIMIT $1::bigint + $2::bigint)"
                for part in parts
            )
            rows = await connection.fetch(
                f"SELECT {self._columns} FROM (SELECT id, since FROM ({inner}) found"  # noqa: S608
                f" ORDER BY {_ORDER} LIMIT $1 OFFSET $2) page"
                f" JOIN {self._table} t USING (id) ORDER BY {_ORDER}",
                *bound,
            )
        return rows, total

    async def _count(
        self, connection: Connection, user: UUID, part: Part, conditions: Sequence[Condition]
    ) -> int:
        bound: list[Any] = []
        rows = self._rows(user, part, conditions, bound)

        async def count() -> int:
            return int(await connection.fetchval(f"SELECT count(*) FROM {rows}", *bound))  # noqa: S608

        if part != "shared":
            return await count()
        return await self._counts.of((rows, *bound), count)

    def _rows(
        self, user: UUID, part: Part, conditions: Sequence[Condition], bound: list[Any]
    ) -> str:
        """What follows FROM; parameters are added to `bound`."""

        def parameter(value: Any) -> str:
            bound.append(value)
            return f"${len(bound)}"

        source = self._table
        if part == "shared":
            said = ["user_id IS NULL"]
        elif part == "mine":
            said = [f"user_id = {parameter(user)}"]
        else:
            place = parameter(user)
            source += " JOIN " + _FAVORITES.format(place)
            said = [f"(user_id IS NULL OR user_id = {place})"]
        for condition in conditions:
            takes = "{}" in condition.sql
            said.append(
                condition.sql.format(parameter(condition.value)) if takes else condition.sql
            )
        return f"{source} WHERE {' AND '.join(said)}"
