"""Fixtures that tests of several packages share."""

from tests.support.postgres import database, database_url, own_postgres, postgres_dsn

__all__ = ["database", "database_url", "own_postgres", "postgres_dsn"]
