"""The file that bridges an outage of PostgreSQL: what editors have seen and the log has not.

    file   := MAGIC salt(16) frame*
    frame  := MARK length(u32) crc(payload) crc(salt MARK length crc(payload))
              payload; one frame is one fsync, and holds all records that shared it
    record := header length(u32) update length(u32) header(JSON) update
    header := [video, users] or [video, users, after, writes]

A crash while a frame is written leaves a damaged last frame, of which nobody was told that it is
stored: it is cut off. Damage anywhere else is an error. The salt keeps what editors write from
looking like a frame.
"""

from __future__ import annotations

import asyncio
import json
import os
import struct
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import astuple, dataclass
from pathlib import Path
from typing import Any, Final
from uuid import UUID

from collab.errors import JournalFull
from collab.repeats import TextWrite
from persistence.errors import JournalCorrupt

DEFAULT_LIMIT: Final = 1024**3
_MAGIC: Final = b"COCUTJ1\n"
_MARK: Final = b"\xf5COF"
_SALT: Final = 16
_START: Final = len(_MAGIC) + _SALT
_FRAME: Final = struct.Struct("<4sIII")
_RECORD: Final = struct.Struct("<II")
_SCAN: Final = 8 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class JournalRecord:
    """A batch that waits for the log: as `UpdateLog.append` takes it.

    Attributes:
        video_id: the video.
        user_ids: its authors.
        update: it.
        after: the sequence number of what it was made for.
        writes: the server's own writes of texts in it, which others may do meanwhile.
    """

    video_id: UUID
    user_ids: Sequence[str]
    update: bytes
    after: int = 0
    writes: Sequence[TextWrite] = ()

    def encode(self) -> bytes:
        """The record's bytes."""
        said: list[Any] = [str(self.video_id), [*self.user_ids]]
        if self.writes:
            said += [self.after, [astuple(write) for write in self.writes]]
        header = json.dumps(said).encode()
        return _RECORD.pack(len(header), len(self.update)) + header + self.update


class Journal:
    """An append-only file of one process; made by `Journal.open`.

    Attributes:
        size: the file's good bytes.
    """

    def __init__(self, file: int, path: Path, salt: bytes, size: int, limit: int) -> None:
        self.size = size
        self._file = file
        self._path = path
        self._salt = salt
        self._limit = limit
        self._waiting: list[tuple[bytes, asyncio.Future[None]]] = []
        self._writer: asyncio.Task[None] | None = None
        self._closed = False

    @classmethod
    async def open(cls, directory: Path, *, limit: int = DEFAULT_LIMIT) -> Journal:
        """Open the journal in a directory, making both when they are not there.

        Args:
            directory: the process's own.
            limit: bytes that the file may have.

        Raises:
            JournalCorrupt: damaged in another way than a crash while writing damages it.
        """
        return await asyncio.to_thread(cls._open, directory, limit)

    @property
    def empty(self) -> bool:
        """Whether nothing waits for the log."""
        return self.size <= _START

    async def append(self, records: Sequence[JournalRecord]) -> None:
        """Store records; they are on the disk when this returns. Callers share an fsync.

        Raises:
            JournalFull: over the limit, or the disk refuses; none of the records is stored.
        """
        assert not self._closed, "the journal is closed"
        if not records:
            return
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((b"".join(record.encode() for record in records), done))
        if self._writer is None:
            self._writer = asyncio.create_task(self._write_waiting())
        await done

    def records(self) -> Iterator[JournalRecord]:
        """All that is stored, in order; reads the file as it goes."""
        at = _START
        while at < self.size:
            _, length, _, _ = _FRAME.unpack(os.pread(self._file, _FRAME.size, at))
            payload = _read(self._file, at + _FRAME.size, length)
            yield from _decode(payload)
            at += _FRAME.size + length

    async def clear(self, upto: int) -> bool:
        """Empty the file once all of it is in the log.

        Args:
            upto: the journal's `size` when its records were taken to the log.

        Returns:
            False, and nothing is removed, when records were added since.
        """
        if self._writer is not None or self._waiting or self.size != upto:
            return False
        os.ftruncate(self._file, _START)
        self.size = _START
        await asyncio.to_thread(os.fsync, self._file)
        return True

    async def close(self) -> None:
        """Finish what is being written and close the file."""
        self._closed = True
        if self._writer is not None:
            await self._writer
        os.close(self._file)

    async def _write_waiting(self) -> None:
        try:
            while self._waiting:
                batch = self._take()
                if not batch:
                    continue
                payload = b"".join(payload for payload, _ in batch)
                try:
                    await asyncio.to_thread(self._write, payload)
                except BaseException as error:
                    _settle(batch, error)
                    if not isinstance(error, JournalFull):
                        raise
                else:
                    _settle(batch, None)
        finally:
            self._writer = None

    def _take(self) -> list[tuple[bytes, asyncio.Future[None]]]:
        """The appends that fit, in order; those that do not are refused."""
        batch: list[tuple[bytes, asyncio.Future[None]]] = []
        size = self.size + _FRAME.size
        for payload, done in self._waiting:
            if size + len(payload) <= self._limit:
                size += len(payload)
                batch.append((payload, done))
            else:
                _settle([(payload, done)], JournalFull("The journal of unsaved edits is full."))
        self._waiting = []
        return batch

    def _write(self, payload: bytes) -> None:
        frame = _header(self._salt, len(payload), zlib.crc32(payload)) + payload
        try:
            written = 0
            while written < len(frame):
                written += os.pwrite(self._file, frame[written:], self.size + written)
            os.fdatasync(self._file)
        except OSError as error:
            os.ftruncate(self._file, self.size)
            raise JournalFull(f"The journal of unsaved edits cannot be written: {error}") from error
        self.size += len(frame)

    @classmethod
    def _open(cls, directory: Path, limit: int) -> Journal:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        path = directory / "updates.journal"
        file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            head = os.pread(file, _START, 0)
            if len(head) < _START:
                head = _MAGIC + os.urandom(_SALT)
                os.ftruncate(file, 0)
                os.pwrite(file, head, 0)
                os.fsync(file)
                _sync_directory(directory)
            if not head.startswith(_MAGIC):
                raise JournalCorrupt(f"{path} is not a journal of this program.")
            salt = head[len(_MAGIC) :]
            good = _good_length(file, path, salt)
            if good < os.fstat(file).st_size:
                os.ftruncate(file, good)
                os.fsync(file)
        except BaseException:
            os.close(file)
            raise
        return cls(file, path, salt, good, limit)


@dataclass(frozen=True, slots=True)
class JournalCheck:
    """What a look at a journal found: good records and their bytes, and the bytes between good
    frames that cannot be read. A damaged end is no damage: of it nobody was told."""

    path: Path
    records: int
    good_bytes: int
    bad_bytes: int


def check_journal(path: Path, look: Callable[[JournalRecord], None]) -> JournalCheck:
    """Read a journal that no process has open, whatever is wrong with it; changes nothing.

    Args:
        path: the file.
        look: called with each record that can be read.

    Raises:
        JournalCorrupt: it is no journal at all.
    """
    file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        records = good = bad = 0
        at = end = _START
        for at, length in _frames(file, path):
            bad += at - end
            end = at + length
            good += length
            for record in _decode(_read(file, at + _FRAME.size, length - _FRAME.size)):
                look(record)
                records += 1
        return JournalCheck(path, records, good, bad)
    finally:
        os.close(file)


def salvage_journal(path: Path) -> Path:
    """Put a journal of what can be read in the place of a damaged one, which is kept.

    Returns:
        Where the damaged one is now.
    """
    kept = path.with_name(f"{path.name}.damaged")
    fresh = path.with_name(f"{path.name}.fresh")
    file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        with fresh.open("wb") as target:
            target.write(_read(file, 0, _START))
            for at, length in _frames(file, path):
                target.write(_read(file, at, length))
            target.flush()
            os.fsync(target.fileno())
    finally:
        os.close(file)
    path.replace(kept)
    fresh.replace(path)
    _sync_directory(path.parent)
    return kept


def _frames(file: int, path: Path) -> Iterator[tuple[int, int]]:
    """Where the whole frames are, and their lengths; what is between them is passed over."""
    head = os.pread(file, _START, 0)
    if not head:
        return
    if len(head) < _START or not head.startswith(_MAGIC):
        raise JournalCorrupt(f"{path} is not a journal of this program.")
    salt = head[len(_MAGIC) :]
    size = os.fstat(file).st_size
    at: int | None = _START
    while at is not None and at < size:
        length = _whole_frame(file, at, salt, size)
        if length is None:
            at = _next_header(file, at + 1, salt, size)
        else:
            yield at, length
            at += length


def _settle(batch: list[tuple[bytes, asyncio.Future[None]]], error: BaseException | None) -> None:
    for _, done in batch:
        if done.done():
            continue
        if error is None:
            done.set_result(None)
        else:
            done.set_exception(error)


def _header(salt: bytes, length: int, crc: int) -> bytes:
    fields = struct.pack("<4sII", _MARK, length, crc)
    return fields + struct.pack("<I", zlib.crc32(fields, zlib.crc32(salt)))


def _good_length(file: int, path: Path, salt: bytes) -> int:
    """Where the last whole frame ends."""
    size = os.fstat(file).st_size
    at = _START
    while at < size:
        length = _whole_frame(file, at, salt, size)
        if length is None:
            if (other := _next_header(file, at + 1, salt, size)) is not None:
                raise JournalCorrupt(
                    f"{path} is damaged at byte {at}, and goes on at byte {other}: keep a copy of"
                    " it, and run `cocut doctor`."
                )
            return at
        at += length
    return at


def _whole_frame(file: int, at: int, salt: bytes, size: int) -> int | None:
    head = os.pread(file, _FRAME.size, at)
    if len(head) < _FRAME.size:
        return None
    _, length, crc, _ = _FRAME.unpack(head)
    if head != _header(salt, length, crc) or at + _FRAME.size + length > size:
        return None
    if zlib.crc32(_read(file, at + _FRAME.size, length)) != crc:
        return None
    return _FRAME.size + int(length)


def _next_header(file: int, at: int, salt: bytes, size: int) -> int | None:
    while at < size:
        chunk = os.pread(file, _SCAN + _FRAME.size, at)
        found = chunk.find(_MARK)
        while found >= 0:
            head = chunk[found : found + _FRAME.size]
            if len(head) == _FRAME.size:
                _, length, crc, _ = _FRAME.unpack(head)
                if head == _header(salt, length, crc):
                    return at + found
            found = chunk.find(_MARK, found + 1)
        at += _SCAN
    return None


def _read(file: int, at: int, length: int) -> bytes:
    parts: list[bytes] = []
    while length > 0:
        part = os.pread(file, length, at)
        if not part:
            break
        parts.append(part)
        at += len(part)
        length -= len(part)
    return b"".join(parts)


def _decode(payload: bytes) -> Iterator[JournalRecord]:
    at = 0
    while at < len(payload):
        header_length, update_length = _RECORD.unpack_from(payload, at)
        at += _RECORD.size
        video_id, user_ids, *more = json.loads(payload[at : at + header_length])
        at += header_length
        after, writes = more or (0, ())
        yield JournalRecord(
            UUID(video_id),
            user_ids,
            payload[at : at + update_length],
            after,
            tuple(
                TextWrite(tuple(path), text, tuple((*place,) for place in inserted))
                for path, text, inserted in writes
            ),
        )
        at += update_length


def _sync_directory(directory: Path) -> None:
    handle = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
