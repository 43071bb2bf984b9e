"""The processes of one render: started with limits, owned, ended together.

ffmpeg sees local files and pipes only, and no text that a user wrote.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import re
import resource
import subprocess
import tempfile
import threading
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final

import imageio_ffmpeg

from server.media.errors import EncoderFailed, OutOfSpace, RenderCancelled

_QUIET: Final = ("-hide_banner", "-nostdin", "-loglevel", "error")
INPUT_LIMITS: Final = (
    "-protocol_whitelist",
    "file,pipe",
    "-format_whitelist",
    "mov,mp3,wav,gif,matroska,ogg,flac,aac",
)
"""Options before an `-i` that names a file which somebody else made."""
_PIPE_BYTES: Final = 1 << 20
_PLACE: Final = re.compile(r"/(?:[^\s/]+/)+")
"""The directory in a path, which is nobody's business."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What one process may use: seconds of processor time, bytes of memory, bytes a file."""

    cpu_seconds: int = 4 * 3600
    memory_bytes: int = 8 << 30
    file_bytes: int = 32 << 30


class Processes:
    """The ffmpeg processes of one render; safe to use from several threads.

    `stop` ends all of them and lets none be started after it; whoever waits for one then gets
    `RenderCancelled`.
    """

    def __init__(self, limits: Limits | None = None) -> None:
        self._limits = limits or Limits()
        self._lock = threading.Lock()
        self._running: set[subprocess.Popen[bytes]] = set()
        self._stopped = threading.Event()

    @property
    def stopped(self) -> bool:
        """Whether `stop` was called."""
        return self._stopped.is_set()

    def check(self) -> None:
        """Raise `RenderCancelled` if `stop` was called."""
        if self._stopped.is_set():
            raise RenderCancelled

    def stop(self) -> None:
        """Kill every process; returns at once."""
        with self._lock:
            self._stopped.set()
            for process in self._running:
                process.kill()

    @contextlib.contextmanager
    def start(
        self, arguments: Sequence[str | Path], *, reads: bool = False, writes: bool = False
    ) -> Iterator[Process]:
        """An ffmpeg with these arguments; it has ended when the block is left.

        Args:
            arguments: without the program's name.
            reads: give it a pipe as standard input.
            writes: give its standard output as a pipe.

        Raises:
            RenderCancelled: `stop` was called.
            OutOfSpace: it met a full disk.
            EncoderFailed: it ended with another failure.
        """
        command = [imageio_ffmpeg.get_ffmpeg_exe(), *_QUIET, *map(str, arguments)]
        with tempfile.TemporaryFile() as errors:
            with self._lock:
                self.check()
                running = subprocess.Popen(  # noqa: S603 - a fixed program, arguments as a list
                    command,
                    stdin=subprocess.PIPE if reads else subprocess.DEVNULL,
                    stdout=subprocess.PIPE if writes else subprocess.DEVNULL,
                    stderr=errors,
                )
                self._running.add(running)
            process = Process(running, self)
            try:
                self._confine(running)
                yield process
                process.finish()
            except OSError as error:
                process.kill()
                self.check()
                if error.errno != errno.EPIPE:
                    raise
            finally:
                process.kill()
                with self._lock:
                    self._running.discard(running)
            self.check()
            if running.returncode:
                if process.abandoned:
                    return
                errors.seek(0)
                raise _failure(errors.read().decode(errors="replace"), running.returncode)

    def run(self, arguments: Sequence[str | Path]) -> None:
        """Run ffmpeg to its end; raises as `start`."""
        with self.start(arguments):
            pass

    def report(self, arguments: Sequence[str | Path]) -> str:
        """Run ffmpeg to its end and return what it wrote to standard output."""
        with self.start(arguments, writes=True) as process:
            return process.output.read().decode(errors="replace")

    def _confine(self, process: subprocess.Popen[bytes]) -> None:
        for kind, most in (
            (resource.RLIMIT_CPU, self._limits.cpu_seconds),
            (resource.RLIMIT_AS, self._limits.memory_bytes),
            (resource.RLIMIT_FSIZE, self._limits.file_bytes),
            (resource.RLIMIT_CORE, 0),
        ):
            with contextlib.suppress(ProcessLookupError):
                resource.prlimit(process.pid, kind, (most, most))
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                # A smaller pipe works as well; how large one may be is the system's choice.
                with contextlib.suppress(OSError):
                    fcntl.fcntl(pipe, fcntl.F_SETPIPE_SZ, _PIPE_BYTES)


class Process:
    """One running ffmpeg."""

    def __init__(self, running: subprocess.Popen[bytes], owner: Processes) -> None:
        self._running = running
        self._owner = owner
        self.abandoned = False

    @property
    def output(self) -> IO[bytes]:
        """Its standard output."""
        assert self._running.stdout is not None
        return self._running.stdout

    def write(self, chunks: Iterable[bytes]) -> None:
        """Write to its standard input and close that."""
        pipe = self._running.stdin
        assert pipe is not None
        descriptor = pipe.fileno()
        for chunk in chunks:
            self._owner.check()
            view = memoryview(chunk)
            while view:
                view = view[os.write(descriptor, view) :]
        pipe.close()

    def abandon(self) -> None:
        """End it without caring how: nobody reads on."""
        self.abandoned = True
        self.kill()

    def finish(self) -> None:
        """Wait for its end."""
        for pipe in (self._running.stdin, self._running.stdout):
            if pipe is not None:
                pipe.close()
        self._running.wait()

    def kill(self) -> None:
        """End it, if it has not ended."""
        if self._running.poll() is None:
            self._running.kill()
        self._running.wait()
        for pipe in (self._running.stdin, self._running.stdout):
            if pipe is not None:
                with contextlib.suppress(OSError):
                    pipe.close()


def _failure(errors: str, code: int) -> Exception:
    lines = [line for line in errors.splitlines() if line.strip()]
    if any("No space left on device" in line for line in lines):
        return OutOfSpace()
    if code == -25:  # SIGXFSZ
        return EncoderFailed("The film grew past the largest file that is allowed.")
    last = _PLACE.sub("", lines[-1].strip()) if lines else f"it ended with {code}"
    return EncoderFailed(f"The encoder failed: {last[-200:]}", errors[-4000:])
