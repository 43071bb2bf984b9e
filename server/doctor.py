"""`cocut doctor`: looks at all that is stored, says what is wrong in words, and mends it if asked.

Videos are read one after the other, each at one moment, so that the servers may go on; the journal
and repairs want them stopped. What a repair cannot keep is exported before anything is changed.
"""

from __future__ import annotations

import json
import secrets
import sys
from collections.abc import Iterator, Sequence
from contextlib import AsyncExitStack, contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final
from uuid import UUID

from pycrdt import Doc, Map
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from collab.errors import MalformedUpdate, VideoNotFound
from collab.rebuild import rebuild
from collab.schema import Changes
from collab.update import read_update
from collab.values import Rules
from persistence.blob_check import unmatched
from persistence.blobs import Blobs
from persistence.database import Database
from persistence.errors import DataDirectoryInUse, JournalCorrupt, StorageError
from persistence.examination import Examination, Examiner
from persistence.filelock import DataDirLock
from persistence.filestore import FileStore
from persistence.journal import JournalRecord, check_journal, salvage_journal
from persistence.migrations import migrate
from persistence.quarantine import clear, mend, rewrite
from server.command_settings import DoctorSettings
from server.settings import Settings
from server.storage import open_database

LISTED: Final = 20
"""Keys of files that are named one by one."""


class NothingThere(StorageError):
    """There is no data where it was looked for."""

    code = "nothing_there"


@dataclass(slots=True)
class Report:
    """What was looked at, and how much of it was wrong."""

    videos: int = 0
    rows: int = 0
    files: int = 0
    found: int = 0

    def say(self, what: str) -> None:
        """Tell of something wrong."""
        self.found += 1
        print(what)


async def check_up(settings: Settings, wanted: DoctorSettings) -> int:
    """Check everything, or one video; returns the exit code.

    Raises:
        VideoNotFound: the video that is asked for is not there.
        DataDirectoryInUse: a repair is asked for while a server runs.
        CocutError: the database cannot be reached, or the files cannot.
    """
    if settings.database_url is None and not (settings.data_dir / "postgres").exists():
        raise NothingThere(
            f"There is no data in {settings.data_dir}; name its directory with --data-dir, or its"
            " database with --database-url."
        )
    report = Report()
    async with AsyncExitStack() as stack:
        stopped = _hold(settings, stack, needed=wanted.repair)
        database = await stack.enter_async_context(open_database(settings))
        await migrate(database)
        doctor = Doctor(settings, database, report, repair=wanted.repair)
        await doctor.look_at_videos(wanted.video)
        if wanted.video is None:
            if stopped:
                doctor.look_at_journals()
            else:
                print("a server is running here: its journal was not looked at")
            await doctor.look_at_files()
    _sum_up(report, repair=wanted.repair)
    return 1 if report.found else 0


def _hold(settings: Settings, stack: AsyncExitStack, *, needed: bool) -> bool:
    """Keep servers from starting on the data directory; whether none is running there."""
    lock = DataDirLock(settings.data_dir)
    try:
        lock.acquire()
    except DataDirectoryInUse:
        if needed:
            raise
        return False
    stack.callback(lock.release)
    return True


class Doctor:
    """One check-up."""

    def __init__(
        self, settings: Settings, database: Database, report: Report, *, repair: bool
    ) -> None:
        self._settings = settings
        self._database = database
        self._report = report
        self._repair = repair
        self._examiner = Examiner(database, settings.limits())

    async def look_at_videos(self, only: UUID | None) -> None:
        """Examine one video, or all, and what is left of those that are gone."""
        videos = [only] if only is not None else await self._examiner.videos()
        with _progress(videos) as each:
            for video_id in each:
                found = await self._examiner.examine(video_id)
                if found is not None:
                    await self._tell_of_video(found)
                elif only is not None:
                    raise VideoNotFound(f"There is no video {only}.")
        if only is None:
            for video_id in await self._examiner.left_over():
                self._report.say(f"video {video_id} was deleted, but not all of its log")
                if self._repair:
                    await clear(self._database, video_id)
                    print("  removed")

    def look_at_journals(self) -> None:
        """Read the journals of this data directory."""
        for path in sorted((self._settings.data_dir / "journal").glob("*/updates.journal")):
            bad: list[str] = []

            def look(record: JournalRecord, bad: list[str] = bad) -> None:
                try:
                    read_update(record.update)
                except MalformedUpdate as error:
                    bad.append(f"an edit of video {record.video_id} ({error})")

            try:
                check = check_journal(path, look)
            except JournalCorrupt as error:
                self._report.say(str(error))
                continue
            for what in bad:
                self._report.say(f"the journal {path} holds what cannot be read: {what}")
            if check.bad_bytes:
                self._report.say(
                    f"the journal {path} is damaged: {check.bad_bytes} bytes in it cannot be read,"
                    f" {check.records} records can"
                )
                if self._repair:
                    kept = salvage_journal(path)
                    print(
                        f"  what can be read goes into the log at the next start; the damaged file"
                        f" is kept as {kept}"
                    )
            elif check.records:
                print(f"the journal {path} has {check.records} records; the next start stores them")

    async def look_at_files(self) -> None:
        """Compare the rows of stored files with the files."""
        store = FileStore.open(self._settings.files_url())
        now = datetime.now(UTC)
        self._report.files, missing, orphans = await unmatched(self._database, store, now)
        for key in missing[:LISTED]:
            self._report.say(
                f"the file {key} is not there; restore it from a backup, or delete what uses it"
            )
        if len(missing) > LISTED:
            self._report.say(f"and {len(missing) - LISTED} more files are not there")
        if orphans:
            self._report.say(f"{len(orphans)} files belong to nothing: {_some(orphans)}")
            if self._repair:
                removed = await Blobs(self._database, store).collect(now)
                print(f"  removed {removed} files")

    async def _tell_of_video(self, found: Examination) -> None:
        self._report.videos += 1
        self._report.rows += found.log_rows
        if not found.findings:
            return
        title = found.shown.video.title if found.shown.video else ""
        print(f"video {found.video_id} ({json.dumps(title, ensure_ascii=False)}):")
        for finding in found.findings:
            self._report.say(f"  {finding}")
        if found.broken:
            print("  it cannot be opened as it is")
        if not self._repair:
            return
        if found.broken:
            await self._mend(found)
        elif found.rows is not None:
            await rewrite(self._database, found.video_id, found.seq, found.rows)
            print("  the tables were written anew")

    async def _mend(self, found: Examination) -> None:
        rules = Rules(self._settings.limits(), lambda _: False)
        state, lost = found.state, [f"{bad} ({bad.reason})" for bad in found.bad]
        if state is None:
            state, left_out = rebuild(secrets.randbits(32), found.shown, rules)
            lost += left_out
            print("  its document was made anew from what the tables show, without its history")
        directory = self._export(found, state, lost)
        seq = await mend(self._database, found, state)
        doc: Doc[Any] = Doc()
        doc.apply_update(state)
        rows = await self._examiner.projected(found.video_id, doc)
        await rewrite(self._database, found.video_id, seq, rows)
        print(f"  mended: it stands at {seq} and shows {len(rows.scenes)} scenes")
        gone = sorted({*found.shown.scenes} - {*rows.scenes})
        if gone:
            lost.append(f"scenes that were shown: {', '.join(gone)}")
        for what in lost:
            print(f"  lost: {what}")
        print(
            f"  what could be read, and what could not, is in {directory}; editors who still have"
            " what was lost bring it back when they connect"
        )

    def _export(self, found: Examination, state: bytes, lost: Sequence[str]) -> Path:
        """Write all that is known of a broken video into a directory of its own."""
        directory = self._settings.data_dir / "doctor" / f"{found.video_id}-{found.seq}"
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        (directory / "document.yjs").write_bytes(state)
        doc: Doc[Any] = Doc()
        doc.apply_update(state)
        content = {name: doc.get(name, type=Map).to_py() for name in ("video", "scenes")}
        _write_json(directory / "document.json", content)
        _write_json(directory / "tables.json", _shown(found.shown))
        for bad in found.bad:
            (directory / f"{bad.kind}-{bad.seq}.yjs").write_bytes(bad.content)
        lines = [f"video {found.video_id}", *found.findings, *(f"lost: {what}" for what in lost)]
        (directory / "report.txt").write_text("\n".join(lines) + "\n")
        return directory


def _shown(rows: Changes) -> dict[str, Any]:
    scenes = sorted(rows.scenes.values(), key=lambda row: row.scene_number)
    layers = sorted(rows.layers.values(), key=lambda row: row.order_index)
    return {
        "video": asdict(rows.video) if rows.video is not None else None,
        "scenes": [
            asdict(scene)
            | {"layers": [asdict(layer) for layer in layers if layer.scene_id == scene.id]}
            for scene in scenes
        ],
    }


def _write_json(path: Path, content: Any) -> None:
    path.write_text(json.dumps(content, ensure_ascii=False, indent=2, default=repr) + "\n")


def _some(keys: Sequence[str]) -> str:
    more = f" and {len(keys) - LISTED} more" if len(keys) > LISTED else ""
    return ", ".join(keys[:LISTED]) + more


@contextmanager
def _progress(videos: Sequence[UUID]) -> Iterator[Iterator[UUID]]:
    """The videos one after the other, with a bar on a terminal."""
    if not sys.stderr.isatty():
        yield iter(videos)
        return
    console = Console(stderr=True)
    columns = (
        TextColumn("videos"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
    )
    # What is said goes to standard output, also where that is a file.
    redirect = sys.stdout.isatty()
    with Progress(*columns, console=console, transient=True, redirect_stdout=redirect) as progress:
        yield iter(progress.track(videos))


def _sum_up(report: Report, *, repair: bool) -> None:
    looked = f"{report.videos} videos, {report.rows} rows of logs, {report.files} files"
    if not report.found:
        print(f"all is well: {looked}")
        return
    problems = "1 problem" if report.found == 1 else f"{report.found} problems"
    advice = "" if repair else "; stop the server and run `cocut doctor --repair` to mend them"
    print(f"{problems} in {looked}{advice}")
