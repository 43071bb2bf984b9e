"""The journal: what it took is there, also after a crash, and damage is told apart from one."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from pathlib import Path
from uuid import UUID

import pytest

from collab.errors import JournalFull
from collab.repeats import TextWrite
from persistence.errors import JournalCorrupt
from persistence.journal import Journal, JournalRecord

VIDEO = UUID(int=7)

APPEND_UNTIL_KILLED = """
import asyncio, sys
from pathlib import Path
from uuid import UUID
from persistence.journal import Journal, JournalRecord

async def main():
    journal = await Journal.open(Path(sys.argv[1]))
    for n in range(10**9):
        await journal.append([JournalRecord(UUID(int=7), ["u"], b"%d" % n + b"." * (n % 5000))])
        print(n, flush=True)

asyncio.run(main())
"""

APPEND_TO_A_FULL_DISK = """
import asyncio, resource, sys
from pathlib import Path
from uuid import UUID
from collab.errors import JournalFull
from persistence.journal import Journal, JournalRecord

async def main():
    journal = await Journal.open(Path(sys.argv[1]))
    await journal.append([JournalRecord(UUID(int=7), ["u"], b"small")])
    resource.setrlimit(resource.RLIMIT_FSIZE, (journal.size + 1000, resource.RLIM_INFINITY))
    try:
        await journal.append([JournalRecord(UUID(int=7), ["u"], b"large" * 1000)])
    except JournalFull as error:
        print(error)
    await journal.append([JournalRecord(UUID(int=7), ["u"], b"small again")])
    await journal.close()

asyncio.run(main())
"""


def record(update: bytes, *users: str) -> JournalRecord:
    return JournalRecord(VIDEO, list(users), update)


async def reopened(directory: Path) -> list[JournalRecord]:
    journal = await Journal.open(directory)
    records = list(journal.records())
    await journal.close()
    return records


async def test_what_was_appended_is_there_in_order(tmp_path: Path) -> None:
    journal = await Journal.open(tmp_path)
    assert list(journal.records()) == []
    records = [record(b"%d" % n * n, "ann", "Jürgen \x7f") for n in range(50)]
    await journal.append(records[:2])
    await asyncio.gather(*(journal.append([one]) for one in records[2:]))
    assert not journal.empty and list(journal.records()) == records
    await journal.close()
    assert await reopened(tmp_path) == records


async def test_callers_share_an_fsync(tmp_path: Path) -> None:
    journal = await Journal.open(tmp_path)
    await asyncio.gather(*(journal.append([record(b"x")]) for _ in range(100)))
    frames = (tmp_path / "updates.journal").read_bytes().count(b"\xf5COF")
    assert frames <= 3
    await journal.close()


@pytest.mark.parametrize("cut", [1, 5, 16, 17, 40])
async def test_a_torn_tail_is_cut_off(tmp_path: Path, cut: int) -> None:
    journal = await Journal.open(tmp_path)
    await journal.append([record(b"one")])
    kept = journal.size
    await journal.append([record(b"two" * 20)])
    await journal.close()
    path = tmp_path / "updates.journal"
    path.write_bytes(path.read_bytes()[:-cut])
    assert await reopened(tmp_path) == [record(b"one")]
    assert path.stat().st_size == kept
    journal = await Journal.open(tmp_path)
    await journal.append([record(b"three")])
    await journal.close()
    assert await reopened(tmp_path) == [record(b"one"), record(b"three")]


async def test_a_tail_of_zeros_or_rubbish_is_cut_off(tmp_path: Path) -> None:
    journal = await Journal.open(tmp_path)
    await journal.append([record(b"one")])
    await journal.close()
    path = tmp_path / "updates.journal"
    good = path.read_bytes()
    for tail in (bytes(5000), os.urandom(300), good[24:40], b"\xf5COF" * 10):
        path.write_bytes(good + tail)
        assert await reopened(tmp_path) == [record(b"one")]
        assert path.read_bytes() == good


@pytest.mark.parametrize("at", [24, 28, 32, 36, 45])
async def test_damage_before_the_tail_is_an_error(tmp_path: Path, at: int) -> None:
    journal = await Journal.open(tmp_path)
    for n in range(3):
        await journal.append([record(b"%d" % n * 50)])
    await journal.close()
    path = tmp_path / "updates.journal"
    data = bytearray(path.read_bytes())
    data[at] ^= 0x10
    path.write_bytes(data)
    with pytest.raises(JournalCorrupt, match="damaged at byte 24"):
        await Journal.open(tmp_path)
    assert path.read_bytes() == data


async def test_what_an_editor_writes_does_not_pass_for_a_frame(tmp_path: Path) -> None:
    other = await Journal.open(tmp_path / "other")
    await other.append([record(b"x")])
    await other.close()
    lookalike = (tmp_path / "other" / "updates.journal").read_bytes()[24:]
    journal = await Journal.open(tmp_path)
    await journal.append([record(b"one")])
    await journal.append([record(lookalike)])
    await journal.close()
    path = tmp_path / "updates.journal"
    path.write_bytes(path.read_bytes()[:-1])
    assert await reopened(tmp_path) == [record(b"one")]


async def test_another_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "updates.journal").write_bytes(b"something else entirely, and long enough")
    with pytest.raises(JournalCorrupt, match="not a journal"):
        await Journal.open(tmp_path)


async def test_the_limit(tmp_path: Path) -> None:
    journal = await Journal.open(tmp_path, limit=2000)
    await journal.append([record(b"a" * 1000)])
    size = journal.size
    results = await asyncio.gather(
        journal.append([record(b"c" * 100)]),
        journal.append([record(b"b" * 2000)]),
        return_exceptions=True,
    )
    assert [type(result) for result in results] == [type(None), JournalFull]
    assert size < journal.size <= 2000
    await journal.close()
    assert [r.update[:1] for r in await reopened(tmp_path)] == [b"a", b"c"]


async def test_clearing_waits_for_what_came_since(tmp_path: Path) -> None:
    journal = await Journal.open(tmp_path)
    await journal.append([record(b"one")])
    seen = journal.size
    await journal.append([record(b"two")])
    assert not await journal.clear(seen)
    assert len(list(journal.records())) == 2
    assert await journal.clear(journal.size)
    assert journal.empty and list(journal.records()) == []
    await journal.append([record(b"three")])
    await journal.close()
    assert await reopened(tmp_path) == [record(b"three")]


async def test_all_that_was_acknowledged_survives_sigkill(tmp_path: Path) -> None:
    child = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", APPEND_UNTIL_KILLED, str(tmp_path)),
        stdout=asyncio.subprocess.PIPE,
    )
    assert child.stdout is not None
    lines = [await child.stdout.readline() for _ in range(50)]
    child.kill()
    lines += (await child.stdout.read()).splitlines()
    await child.wait()
    acknowledged = int(lines[-1])
    records = await reopened(tmp_path)
    assert len(records) > acknowledged
    assert all(r.update == b"%d" % n + b"." * (n % 5000) for n, r in enumerate(records))


async def test_a_full_disk_leaves_the_file_as_it_was(tmp_path: Path) -> None:
    done = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-c", APPEND_TO_A_FULL_DISK, str(tmp_path)],
        capture_output=True,
        text=True,
        check=True,
    )
    assert "cannot be written" in done.stdout
    assert [r.update for r in await reopened(tmp_path)] == [b"small", b"small again"]


async def test_what_a_batch_writes_is_kept_with_it(tmp_path: Path) -> None:
    path = ("scene", "layers", "layer", "properties", "text")
    writes = (
        TextWrite(("scene", "text"), "héllo 👩‍👩‍👧", ((2**53 - 1, 0, 7), (3, 1, 2))),
        TextWrite(path, "", ((1, 2, 3),)),
    )
    kept = JournalRecord(VIDEO, ["ann"], b"one", 2**40, writes)
    journal = await Journal.open(tmp_path)
    await journal.append([kept, record(b"two", "bob")])
    await journal.close()
    assert await reopened(tmp_path) == [kept, record(b"two", "bob")]
