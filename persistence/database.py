"""The way to PostgreSQL: a pool of connections whose failures are one error, `DatabaseAway`."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import asyncpg

from collab.errors import DatabaseAway
from persistence.errors import DatabaseRefused

if TYPE_CHECKING:
    from asyncpg.pool import PoolConnectionProxy
    from asyncpg.transaction import Transaction as AsyncpgTransaction

    Pool: TypeAlias = asyncpg.Pool[asyncpg.Record]
    Connection: TypeAlias = PoolConnectionProxy[asyncpg.Record]

MIN_SERVER_VERSION: Final = 15
CONNECT_SECONDS: Final = 2.0
ACQUIRE_SECONDS: Final = 5.0
URGENT_SECONDS: Final = 1.0
COMMAND_SECONDS: Final = 10.0

_AWAY: Final = (
    OSError,
    TimeoutError,
    asyncio.IncompleteReadError,
    asyncpg.PostgresConnectionError,
    asyncpg.OperatorInterventionError,
    asyncpg.InsufficientResourcesError,
    asyncpg.IdleInTransactionSessionTimeoutError,
    asyncpg.ReadOnlySQLTransactionError,
    asyncpg.InternalClientError,
)
"""What means that PostgreSQL is not there, cannot store, or is not the primary."""

_REFUSED: Final = (
    asyncpg.InvalidAuthorizationSpecificationError,
    asyncpg.InvalidCatalogNameError,
    asyncpg.InsufficientPrivilegeError,
)


class _Session(asyncpg.Connection):
    """A connection that goes back to the pool as it is.

    asyncpg's reset is a round trip of four statements at each release. Nothing here changes the
    session: settings are local to transactions, and session-level locks are released by those who
    take them.
    """

    __slots__ = ()

    def get_reset_query(self) -> str:
        return ""


class Database:
    """Connections to PostgreSQL 15 or newer: a pool for all, and a few that only appends use, so
    that no crowd of readers makes an edit wait.

    Attributes:
        pool: asyncpg's pool, for libraries that want one; its errors are asyncpg's.
        dsn: where the database is.
        reachable: whether the last attempt to use it succeeded.
    """

    def __init__(self, pool: Pool, urgent: Pool, dsn: str) -> None:
        self.pool = pool
        self.dsn = dsn
        self._urgent = urgent
        self.reachable = True

    @classmethod
    async def connect(
        cls,
        dsn: str,
        *,
        retry_seconds: float,
        on_wait: Callable[[str], None] | None = None,
        max_connections: int = 12,
        max_urgent: int = 8,
    ) -> Database:
        """Open the pool, waiting for a database that is not there yet.

        Args:
            dsn: `postgresql://...`
            retry_seconds: how long to go on trying.
            on_wait: called with the reason at each failed attempt.
            max_connections: the pool's size.
            max_urgent: the size of the pool for appends.

        Raises:
            DatabaseAway: it did not answer in time.
            DatabaseRefused: it does not let us in, or is older than 15.
        """
        clock = asyncio.get_running_loop().time
        deadline = clock() + retry_seconds
        pause = 0.05
        while True:
            try:
                pool = await cls._open(dsn, max_connections)
                return cls(pool, await cls._open(dsn, max_urgent, least=0), dsn)
            except _REFUSED as error:
                raise DatabaseRefused(f"PostgreSQL refuses the connection: {error}") from error
            except (*_AWAY, asyncpg.InterfaceError) as error:
                reason = _sentence(error)
                if clock() + pause >= deadline:
                    raise DatabaseAway(f"PostgreSQL does not answer: {reason}") from error
                if on_wait is not None:
                    on_wait(reason)
            await asyncio.sleep(pause)
            pause = min(pause * 1.5, 1.0)

    @staticmethod
    async def _open(dsn: str, most: int, *, least: int = 1) -> Pool:
        pool = await asyncpg.create_pool(
            dsn,
            min_size=least,
            max_size=most,
            max_queries=2**62,
            max_inactive_connection_lifetime=0,
            connection_class=_Session,
            timeout=CONNECT_SECONDS,
            command_timeout=COMMAND_SECONDS,
            server_settings={
                "application_name": "cocut",
                "timezone": "UTC",
                "jit": "off",
                "idle_in_transaction_session_timeout": "60s",
            },
        )
        if not least:
            return pool
        async with pool.acquire() as connection:
            version = connection.get_server_version()
        if version.major < MIN_SERVER_VERSION:
            pool.terminate()
            raise DatabaseRefused(
                f"PostgreSQL {MIN_SERVER_VERSION} or newer is needed; this is {version.major}."
            )
        return pool

    async def close(self) -> None:
        """Close the connections, waiting a moment for those in use."""
        try:
            async with asyncio.timeout(5):
                await asyncio.gather(self.pool.close(), self._urgent.close())
        except TimeoutError:
            self.pool.terminate()
            self._urgent.terminate()

    async def ping(self) -> bool:
        """Ask the database whether it is there; the answer is also in `reachable`."""
        try:
            async with self.urgent() as connection:
                await connection.fetchval("SELECT 1", timeout=URGENT_SECONDS)
        except DatabaseAway:
            return False
        return True

    def connection(self) -> Lease:
        """A connection for statements that each stand for themselves.

        Inside, failures of the connection (also timeouts) become `DatabaseAway`; errors of the
        statements stay asyncpg's own. Nothing but the database should be used inside.
        """
        return Lease(self, self.pool, ACQUIRE_SECONDS)

    def urgent(self) -> Lease:
        """Like `connection`, from those kept for appends: it comes, or fails, within a second."""
        return Lease(self, self._urgent, URGENT_SECONDS)

    def transaction(self, *, isolation: str | None = None, readonly: bool = False) -> Transaction:
        """Like `connection`, with all statements in one transaction.

        Args:
            isolation: e.g. `repeatable_read`; the database's default without it.
            readonly: nothing will be written.
        """
        return Transaction(self, isolation, readonly)


class Lease:
    """A connection taken from the pool for a while; see `Database.connection`."""

    __slots__ = ("_connection", "_database", "_patience", "_pool")

    def __init__(self, database: Database, pool: Pool, patience: float) -> None:
        self._database = database
        self._pool = pool
        self._patience = patience
        self._connection: Connection | None = None

    async def __aenter__(self) -> Connection:
        try:
            connection = await self._pool.acquire(timeout=self._patience)
        except (*_AWAY, *_REFUSED, asyncpg.InterfaceError) as error:
            self._database.reachable = False
            raise DatabaseAway(f"PostgreSQL does not answer: {_sentence(error)}") from error
        self._connection = connection
        return connection

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        connection, self._connection = self._connection, None
        assert connection is not None
        database = self._database
        if error is None:
            database.reachable = True
            await self._pool.release(connection)
            return
        away = isinstance(error, _AWAY) or (
            isinstance(error, asyncpg.InterfaceError) and not alive(connection)
        )
        if (away or not isinstance(error, Exception)) and alive(connection):
            connection.terminate()
        await self._pool.release(connection)
        if away:
            database.reachable = False
            raise DatabaseAway(f"PostgreSQL does not answer: {_sentence(error)}") from error


class Transaction:
    """A transaction on a connection of its own; see `Database.transaction`."""

    __slots__ = ("_isolation", "_lease", "_readonly", "_transaction")

    def __init__(self, database: Database, isolation: str | None, readonly: bool) -> None:
        self._lease = database.connection()
        self._isolation = isolation
        self._readonly = readonly
        self._transaction: AsyncpgTransaction | None = None

    async def __aenter__(self) -> Connection:
        connection = await self._lease.__aenter__()
        options: dict[str, Any] = {"readonly": self._readonly}
        if self._isolation is not None:
            options["isolation"] = self._isolation
        self._transaction = connection.transaction(**options)
        try:
            await self._transaction.start()
        except BaseException as error:
            await self._lease.__aexit__(type(error), error, error.__traceback__)
            raise
        return connection

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        assert self._transaction is not None
        if error is None or isinstance(error, Exception):
            try:
                if error is None:
                    await self._transaction.commit()
                elif not isinstance(error, _AWAY):
                    await self._transaction.rollback()
            except BaseException as ending:
                await self._lease.__aexit__(type(ending), ending, ending.__traceback__)
                raise
        await self._lease.__aexit__(kind, error, trace)


def alive(connection: Connection) -> bool:
    """Whether a connection that was taken can still be used."""
    try:
        return not connection.is_closed()
    except asyncpg.InterfaceError:  # it died, and the pool has already given it up
        return False


def _sentence(error: BaseException) -> str:
    text = str(error).strip().split("\n", 1)[0]
    return text or ("it took too long" if isinstance(error, TimeoutError) else type(error).__name__)
