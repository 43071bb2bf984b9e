"""The schema's versions: numbered SQL files, applied in order, each once and whole."""

from __future__ import annotations

import re
from importlib import resources
from typing import Final

from persistence.database import Database
from persistence.errors import SchemaTooNew

_NAME: Final = re.compile(r"(\d{4})_[a-z0-9_]+\.sql")
_LOCK: Final = 0x636F637574
_SECONDS: Final = 600.0


def known() -> dict[int, str]:
    """The migrations that this version of the program has: number -> file name."""
    names = (file.name for file in resources.files(__name__).iterdir())
    matches = (match for name in names if (match := _NAME.fullmatch(name)))
    return {int(match[1]): match[0] for match in sorted(matches, key=lambda match: match[0])}


async def migrate(database: Database) -> list[str]:
    """Bring the schema up to date; several programs may start at once.

    Returns:
        The names of the files that were applied.

    Raises:
        SchemaTooNew: the database knows migrations that this program does not.
        DatabaseAway: PostgreSQL does not answer.
    """
    files = known()
    done: list[str] = []
    async with database.transaction() as connection:
        await connection.execute(f"SELECT pg_advisory_xact_lock({_LOCK})", timeout=_SECONDS)
        await connection.execute(
            "CREATE TABLE IF NOT EXISTS schema_migrations ("
            " version integer PRIMARY KEY, name text NOT NULL,"
            " applied_at timestamptz NOT NULL DEFAULT now())"
        )
        rows = await connection.fetch("SELECT version, name FROM schema_migrations")
        applied = {row["version"]: row["name"] for row in rows}
        if unknown := sorted(applied.keys() - files.keys()):
            raise SchemaTooNew(
                f"The database's schema is at version {unknown[-1]}, this program knows up to"
                f" {max(files, default=0)}: use the newer program."
            )
        for version, name in files.items():
            if version in applied:
                continue
            sql = resources.files(__name__).joinpath(name).read_text("utf-8")
            await connection.execute(sql, timeout=_SECONDS)
            await connection.execute(
                "INSERT INTO schema_migrations (version, name) VALUES ($1, $2)", version, name
            )
            done.append(name)
    return done


async def born(database: Database) -> str:
    """A name for this database that all who use it share: the moment of its first migration."""
    async with database.connection() as connection:
        return str(
            await connection.fetchval(
                "SELECT extract(epoch FROM min(applied_at))::text FROM schema_migrations"
            )
        )
