"""Locks between processes: `flock` on files of the data directory, gone with the process."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

from persistence.errors import DataDirectoryInUse


class FileLock:
    """A lock on a file, shared or exclusive; released by `release` or by the process's end."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file: int | None = None

    @property
    def held(self) -> bool:
        """Whether this object holds the lock."""
        return self._file is not None

    def acquire(self, *, shared: bool = False, wait: bool = True) -> bool:
        """Take the lock, or change the kind of a held one.

        Returns:
            False when somebody else holds it and `wait` is false; a lock that was held is lost
            then.
        """
        if self._file is None:
            self._file = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        kind = fcntl.LOCK_SH if shared else fcntl.LOCK_EX
        try:
            fcntl.flock(self._file, kind if wait else kind | fcntl.LOCK_NB)
        except BlockingIOError:
            self.release()
            return False
        except BaseException:
            self.release()
            raise
        return True

    def release(self) -> None:
        """Let go; harmless when not held."""
        if self._file is not None:
            file, self._file = self._file, None
            os.close(file)

    def write(self, text: str) -> None:
        """Put a note into the file for those who find it locked."""
        assert self._file is not None
        os.ftruncate(self._file, 0)
        os.pwrite(self._file, text.encode(), 0)


class DataDirLock:
    """The server's own lock on its data directory: one server a directory."""

    def __init__(self, data_dir: Path) -> None:
        self._data_dir = data_dir
        self._lock = FileLock(data_dir / "server.lock")

    def acquire(self) -> None:
        """Take the directory, making it when it is not there.

        Raises:
            DataDirectoryInUse: another server has it; the message names its process.
        """
        self._data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not self._lock.acquire(wait=False):
            holder = self.holder()
            who = f" (process {holder})" if holder else ""
            raise DataDirectoryInUse(
                f"Another server{who} is running on {self._data_dir}: stop it, or use another"
                " --data-dir."
            )
        self._lock.write(f"{os.getpid()}\n")

    def holder(self) -> int | None:
        """The process that last took the directory, when it can be read."""
        try:
            text = self._lock.path.read_text("utf-8")
        except OSError:
            return None
        return int(text) if text.strip().isdigit() else None

    def release(self) -> None:
        """Let go; harmless when not held."""
        self._lock.release()
