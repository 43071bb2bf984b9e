"""The processes of a render: limits, failures, what they may open."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest

from server.media.errors import EncoderFailed, OutOfSpace, RenderCancelled
from server.media.ffmpeg import INPUT_LIMITS, Limits, Processes
from tests.integration.media.stage import DirectoryAssets

ENDLESS = ["-f", "lavfi", "-i", "testsrc2", "-f", "rawvideo"]


def test_a_full_disk_is_told_from_other_failures(tmp_path: Path) -> None:
    with pytest.raises(OutOfSpace):
        Processes().run([*ENDLESS, "-y", "/dev/full"])
    with pytest.raises(EncoderFailed, match="No such file"):
        Processes().run(["-i", tmp_path / "nothing.mp4", "-f", "null", "-"])


def test_output_is_limited(tmp_path: Path) -> None:
    with pytest.raises(EncoderFailed):
        Processes(Limits(file_bytes=1_000_000)).run([*ENDLESS, "-y", tmp_path / "large"])
    assert (tmp_path / "large").stat().st_size <= 1_000_000


def test_processor_time_is_limited() -> None:
    with pytest.raises(EncoderFailed):
        Processes(Limits(cpu_seconds=1)).run([*ENDLESS, "-y", "/dev/null"])


def test_stopping_ends_what_runs_and_what_would_start() -> None:
    processes, stopped = Processes(), []

    def stop() -> None:
        stopped.append(time.monotonic())
        processes.stop()

    timer = threading.Timer(0.3, stop)
    timer.start()
    with pytest.raises(RenderCancelled):
        processes.run([*ENDLESS, "-y", "/dev/null"])
    assert time.monotonic() - stopped[0] < 1
    timer.join()
    with pytest.raises(RenderCancelled):
        processes.run(["-version"])


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.m3u8", "#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\nhttp://127.0.0.1:1/a.ts\n"),
        ("a.txt", "ffconcat version 1.0\nfile '/etc/passwd'\n"),
        ("a.svg", "<svg xmlns='http://www.w3.org/2000/svg' width='9' height='9'/>"),
    ],
)
def test_formats_that_open_other_files_are_not_read(tmp_path: Path, name: str, text: str) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(EncoderFailed) as refused:
        Processes().run([*INPUT_LIMITS, "-i", tmp_path / name, "-f", "null", "-"])
    assert "whitelist" in refused.value.details


def test_other_protocols_are_not_opened(assets: DirectoryAssets) -> None:
    with pytest.raises(EncoderFailed) as refused:
        Processes().run([*INPUT_LIMITS, "-i", "http://127.0.0.1:1/a.mp4", "-f", "null", "-"])
    assert "whitelist" in refused.value.details
    Processes().run([*INPUT_LIMITS, "-i", assets.directory / "clip.mp4", "-f", "null", "-"])
