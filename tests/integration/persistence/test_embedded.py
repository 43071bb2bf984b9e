"""The embedded server: made once, shared, adopted after a crash, stopped by the last user."""

from __future__ import annotations

import asyncio
import os
import pwd
import signal
import subprocess
import sys
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import asyncpg
import psutil
import pytest

import persistence.demote
from persistence.embedded import EmbeddedPostgres
from persistence.errors import DataDirectoryInUse
from persistence.filelock import DataDirLock

START_AND_HANG = """
import asyncio, sys, threading
from pathlib import Path
from persistence.embedded import EmbeddedPostgres
from persistence.filelock import DataDirLock
lock = DataDirLock(Path(sys.argv[1]))
lock.acquire()
print(asyncio.run(EmbeddedPostgres(Path(sys.argv[1])).start()), flush=True)
threading.Event().wait()
"""


async def ask(dsn: str, statement: str) -> object:
    connection = await asyncpg.connect(dsn)
    try:
        return await connection.fetchval(statement)
    finally:
        await connection.close()


def mode(directory: Path) -> int | None:
    return directory.stat().st_mode & 0o777 if directory.exists() else None


async def ended(pid: int) -> bool:
    try:
        await asyncio.to_thread(psutil.Process(pid).wait, 10)
    except psutil.NoSuchProcess:
        return True
    return not psutil.pid_exists(pid)


async def test_what_is_stored_is_there_after_a_restart(own_postgres: EmbeddedPostgres) -> None:
    dsn = await own_postgres.start()
    pid = own_postgres.pid
    assert pid is not None
    await ask(dsn, "CREATE TABLE t AS SELECT 7 AS n")
    await own_postgres.stop()
    assert await ended(pid)
    assert await ask(await own_postgres.start(), "SELECT n FROM t") == 7


async def test_it_is_durable_and_speaks_utf8(own_postgres: EmbeddedPostgres) -> None:
    dsn = await own_postgres.start()
    for setting in ("fsync", "full_page_writes", "synchronous_commit", "data_checksums"):
        assert await ask(dsn, f"SHOW {setting}") == "on"
    assert await ask(dsn, "SHOW server_encoding") == "UTF8"
    assert await ask(dsn, "SHOW listen_addresses") == ""
    assert await ask(dsn, "SELECT 'a' < 'B'") is False
    assert await ask(dsn, "SELECT upper('ä') = 'Ä'") is True


async def test_two_users_share_one_server_and_the_last_stops_it(tmp_path: Path) -> None:
    one, two = EmbeddedPostgres(tmp_path), EmbeddedPostgres(tmp_path)
    dsns = await asyncio.gather(one.start(), two.start())
    assert dsns[0] == dsns[1]
    pid = one.pid
    assert pid is not None and pid == two.pid
    await one.stop()
    assert await ask(dsns[1], "SELECT 1") == 1
    await two.stop()
    assert await ended(pid)


async def test_a_server_left_by_sigkill_is_adopted(own_postgres: EmbeddedPostgres) -> None:
    data_dir = own_postgres.data_dir
    killed = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", START_AND_HANG, str(data_dir)), stdout=asyncio.subprocess.PIPE
    )
    assert killed.stdout is not None
    dsn = (await killed.stdout.readline()).decode().strip()
    with pytest.raises(DataDirectoryInUse, match=f"process {killed.pid}"):
        DataDirLock(data_dir).acquire()
    killed.kill()
    await killed.wait()
    left = own_postgres.pid
    assert left is not None
    lock = DataDirLock(data_dir)
    lock.acquire()
    assert await own_postgres.start() == dsn
    assert own_postgres.pid == left
    assert await ask(dsn, "SELECT 1") == 1
    lock.release()


async def test_a_killed_postmaster_is_started_again(own_postgres: EmbeddedPostgres) -> None:
    dsn = await own_postgres.start()
    await ask(dsn, "CREATE TABLE t AS SELECT 7 AS n")
    killed = own_postgres.pid
    assert killed is not None
    os.kill(killed, signal.SIGKILL)
    assert await ended(killed)
    again = EmbeddedPostgres(own_postgres.data_dir)
    assert await ask(await again.start(), "SELECT n FROM t") == 7
    assert again.pid != killed
    await again.stop()


async def test_a_stale_pid_file_that_names_somebody_else_is_no_obstacle(
    own_postgres: EmbeddedPostgres,
) -> None:
    await own_postgres.start()
    killed = own_postgres.pid
    assert killed is not None
    pid_file = own_postgres.data_dir / "postgres" / "postmaster.pid"
    lines = pid_file.read_text().splitlines()
    await own_postgres.stop()
    pid_file.write_text("\n".join([str(os.getpid()), *lines[1:]]) + "\n")
    assert await ask(await own_postgres.start(), "SELECT 1") == 1


async def test_an_unfinished_creation_is_begun_again(tmp_path: Path) -> None:
    for half in ("postgres.new", "postgres"):
        (tmp_path / half).mkdir()
        (tmp_path / half / "half").write_text("made")
    postgres = EmbeddedPostgres(tmp_path)
    assert await ask(await postgres.start(), "SELECT 1") == 1
    await postgres.stop()


async def test_a_path_that_is_too_long_for_a_socket(tmp_path: Path) -> None:
    postgres = EmbeddedPostgres(tmp_path / ("long" * 30))
    dsn = await postgres.start()
    assert await ask(dsn, "SELECT 1") == 1
    directory = Path(parse_qs(urlsplit(dsn).query)["host"][0])
    assert mode(directory) == 0o700
    await postgres.stop()
    assert mode(directory) is None


async def test_a_path_that_a_shell_would_misread(tmp_path: Path) -> None:
    postgres = EmbeddedPostgres(tmp_path / 'it\'s a "dir", %41 $(exit 1) `false` ü')
    assert await ask(await postgres.start(), "SELECT 1") == 1
    await postgres.stop()


@pytest.mark.skipif(os.geteuid() != 0, reason="root only: what root's directories hide")
async def test_root_in_a_directory_that_nobody_else_may_enter(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    postgres = EmbeddedPostgres(closed / "data")
    dsn = await postgres.start()
    assert await ask(dsn, "SELECT 1") == 1
    assert postgres.pid is not None
    assert psutil.Process(postgres.pid).uids().real != 0
    assert closed.stat().st_mode & 0o777 == 0o700
    await postgres.stop()


@pytest.mark.skipif(os.geteuid() != 0, reason="root only: becomes another user")
async def test_an_ordinary_user(tmp_path: Path) -> None:
    nobody = pwd.getpwnam("nobody")
    home = tmp_path / "home"
    home.mkdir()
    os.chown(home, nobody.pw_uid, nobody.pw_gid)
    for parent in home.parents[:3]:
        parent.chmod(0o755)
    script = (
        "import asyncio, sys; from pathlib import Path;"
        "from persistence.embedded import EmbeddedPostgres;"
        "postgres = EmbeddedPostgres(Path(sys.argv[1]));"
        "asyncio.run(postgres.start()); print(postgres.pid); asyncio.run(postgres.stop())"
    )
    demote = Path(persistence.demote.__file__)
    become = [sys.executable, "-I", "-S", str(demote), str(nobody.pw_uid), str(nobody.pw_gid), "1"]
    done = await asyncio.to_thread(
        subprocess.run,
        [*become, sys.executable, "-c", script, str(home / "data")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert (home / "data" / "postgres" / "PG_VERSION").stat().st_uid == nobody.pw_uid
