"""A disk that is soon full."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")


@contextmanager
def small_disk(place: Path, size: int) -> Iterator[Path]:
    """A file system of so many bytes at a place; skips the test where none may be mounted."""
    place.mkdir(exist_ok=True)
    options = ["-t", "tmpfs", "-o", f"size={size}", "tmpfs"]
    try:
        mounted = subprocess.run(["mount", *options, str(place)], capture_output=True, text=True)
    except FileNotFoundError:
        pytest.skip("there is no mount command")
    if mounted.returncode:
        pytest.skip(f"a file system cannot be mounted: {mounted.stderr.strip()}")
    try:
        yield place
    finally:
        subprocess.run(["umount", "--lazy", str(place)], check=True)


def free_bytes(place: Path) -> int:
    """How much a disk has room for."""
    found = os.statvfs(place)
    return found.f_bavail * found.f_frsize


@contextmanager
def only_room_for(place: Path, *sizes: int) -> Iterator[None]:
    """Have a disk no more room than files of these sizes take."""
    wanted = sum(-(-size // PAGE_BYTES) * PAGE_BYTES for size in sizes)
    filler = place / "filler"
    filler.write_bytes(bytes(free_bytes(place) - wanted))
    assert free_bytes(place) == wanted
    try:
        yield
    finally:
        filler.unlink()
