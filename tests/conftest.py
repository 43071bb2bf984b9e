"""Fixtures that tests of several packages share."""

from tests.support.postgres import database, database_url, own_postgres, postgres_dsn
from tests.support.s3 import s3_server

__all__ = ["database", "database_url", "own_postgres", "postgres_dsn", "s3_server"]
