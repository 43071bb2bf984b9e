"""Whether the rows of stored files and the files themselves belong together."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from persistence.database import Database
from persistence.filestore import FileStore

GRACE: Final = timedelta(hours=6)
"""How old a file without a row must be to count: a younger one's row may still be under way."""

_PAGE: Final = 5_000


async def all_files(store: FileStore, now: datetime) -> dict[str, bool]:
    """The keys of all stored files: whether each is older than `GRACE`."""
    files: dict[str, bool] = {}
    async for keys in store.keys(now + GRACE):
        files.update(dict.fromkeys(keys, False))
    async for keys in store.keys(now - GRACE):
        files.update(dict.fromkeys(keys, True))
    return files


async def unmatched(
    database: Database, store: FileStore, now: datetime
) -> tuple[int, list[str], list[str]]:
    """Compare rows and files.

    Returns:
        How many rows there are; the keys of rows without a file; those of old files without a row.

    Raises:
        BlobStoreFailed: the store does not answer.
    """
    rows = await _keys(database)
    files = await all_files(store, now)
    # A row that has come, or a file that has gone, since the first look is no mistake.
    missing = (rows - files.keys()) & await _keys(database)
    return (
        len(rows),
        sorted(missing),
        sorted(key for key, old in files.items() if old and key not in rows),
    )


async def _keys(database: Database) -> set[str]:
    found: set[str] = set()
    last = ""
    while True:
        async with database.connection() as connection:
            rows = await connection.fetch(
                "SELECT key FROM blobs WHERE key > $1 ORDER BY key LIMIT $2", last, _PAGE
            )
        if not rows:
            return found
        found.update(row["key"] for row in rows)
        last = rows[-1]["key"]
