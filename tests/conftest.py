"""Fixtures that tests of several packages share, and how long examples may take."""

from hypothesis import HealthCheck, settings

from tests.support.postgres import database, database_url, own_postgres, postgres_dsn
from tests.support.s3 import s3_server

__all__ = ["database", "database_url", "own_postgres", "postgres_dsn", "s3_server"]

# How fast examples are made and run says more of the machine, which others use meanwhile.
settings.register_profile("shared", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("shared")
