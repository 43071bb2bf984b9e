"""Whose turn it is to do what has to be done now and then, once for all nodes."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from persistence.database import Database, alive

_LOCK: Final = 0x75706B656570


@asynccontextmanager
async def upkeep_turn(database: Database) -> AsyncIterator[bool]:
    """Whether it is this process's turn; another's ends with its connection at the latest."""
    async with database.connection() as connection:
        mine = bool(await connection.fetchval("SELECT pg_try_advisory_lock($1)", _LOCK))
        try:
            yield mine
        finally:
            if mine and alive(connection):
                await connection.execute("SELECT pg_advisory_unlock($1)", _LOCK)
