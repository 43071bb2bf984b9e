"""Reads finished films back: frames, sound, structure."""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from server.media.ffmpeg import Processes

RATE = 48_000


def frames(path: Path, width: int, height: int) -> npt.NDArray[np.uint8]:
    """All frames, RGB by the flags that the file carries: shape (n, height, width, 3)."""
    with Processes().start(
        ["-i", path, "-f", "rawvideo", "-pix_fmt", "rgb24", "-"], writes=True
    ) as process:
        data = process.output.read()
    return np.frombuffer(data, np.uint8).reshape(-1, height, width, 3)


def sound(path: Path) -> npt.NDArray[np.float32]:
    """All samples, shape (n, 2) at 48 kHz."""
    with Processes().start(
        ["-i", path, "-f", "f32le", "-ar", str(RATE), "-ac", "2", "-"], writes=True
    ) as process:
        data = process.output.read()
    return np.frombuffer(data, np.float32).reshape(-1, 2)


def level(samples: npt.NDArray[np.float32], frequency: float, start: float, end: float) -> float:
    """How much of one frequency there is between two times: its amplitude."""
    part = samples[round(start * RATE) : round(end * RATE), 0].astype(np.float64)
    times = np.arange(len(part)) / RATE
    wave = np.exp(-2j * np.pi * frequency * times)
    return float(2 * abs(np.mean(part * wave)))


def loudness(path: Path) -> float:
    """Integrated loudness in LUFS."""
    report = Processes().report(
        [
            *("-i", path, "-vn", "-af"),
            "ebur128=metadata=1,ametadata=print:key=lavfi.r128.I:file=-",
            *("-f", "null", "-"),
        ]
    )
    return float(re.findall(r"r128\.I=(-?[\d.]+)", report)[-1])


def times(path: Path, stream: str = "v") -> list[tuple[float, float]]:
    """Presentation time and duration of each packet, in seconds."""
    report = Processes().report(
        ["-i", path, "-map", f"0:{stream}", "-c", "copy", "-f", "framecrc", "-"]
    )
    found = re.search(r"#tb 0: (\d+)/(\d+)", report)
    assert found is not None
    unit = int(found[1]) / int(found[2])
    rows = [line.split(",") for line in report.splitlines() if not line.startswith("#")]
    return [(int(row[2]) * unit, int(row[3]) * unit) for row in rows]


@dataclass
class Box:
    """A part of an mp4 file."""

    kind: str
    data: bytes

    def inside(self, skip: int = 0) -> list[Box]:
        return boxes(self.data[skip:])


def boxes(data: bytes) -> list[Box]:
    found, at = [], 0
    while at + 8 <= len(data):
        size, kind = struct.unpack_from(">I4s", data, at)
        head = 8
        if size == 1:
            (size,) = struct.unpack_from(">Q", data, at + 8)
            head = 16
        size = size or len(data) - at
        found.append(Box(kind.decode("latin1"), data[at + head : at + size]))
        at += size
    return found


def find(data: bytes, path: str) -> list[Box]:
    """The boxes at a path such as `moov/trak/mdia/mdhd`."""
    level = boxes(data)
    *parents, last = path.split("/")
    for parent in parents:
        level = [inner for box in level if box.kind == parent for inner in box.inside()]
    return [box for box in level if box.kind == last]


def movie_seconds(path: Path) -> float:
    """The duration that the file's header states."""
    (header,) = find(path.read_bytes(), "moov/mvhd")
    scale, duration = struct.unpack_from(">II", header.data, 12)
    return float(duration / scale)


def similarity(a: npt.NDArray[Any], b: npt.NDArray[Any]) -> float:
    """SSIM of two pictures of the same shape (height, width, 3), over blocks of 8 x 8, of luma."""
    assert a.shape == b.shape
    weights = np.array([0.2126, 0.7152, 0.0722])

    def blocks(image: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
        luma: npt.NDArray[np.float64] = np.dot(image.astype(np.float64), weights)
        height, width = (side // 8 * 8 for side in luma.shape)
        luma = luma[:height, :width].reshape(height // 8, 8, width // 8, 8)
        return np.asarray(luma.transpose(0, 2, 1, 3).reshape(-1, 64))

    x, y = blocks(a), blocks(b)
    mx, my = x.mean(1), y.mean(1)
    vx, vy = x.var(1), y.var(1)
    cov = (x * y).mean(1) - mx * my
    c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    ssim = (2 * mx * my + c1) * (2 * cov + c2) / ((mx**2 + my**2 + c1) * (vx + vy + c2))
    return float(ssim.mean())
