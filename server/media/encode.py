"""The encoder: a segment's drawn frames to H.264, its repeated stretches by copying.

A segment is a raw H.264 stream without B-frames, in which every picture is one access unit behind
a delimiter and every piece begins with a key frame. So a piece that repeats is written again byte
by byte, cut at any picture, and segments are joined by writing one after the other.
"""

from __future__ import annotations

import contextlib
import mmap
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import IO, Final

from server.media.errors import EncoderFailed
from server.media.ffmpeg import Processes
from server.media.model import FPS
from server.media.pieces import Piece
from server.media.plan import Canvas, Segment

_DELIMITER: Final = b"\x00\x00\x00\x01\x09"
_FLAGS: Final = "setparams=colorspace=bt709:color_primaries=bt709:color_trc=bt709:range=limited"
"""What the planes are; without it ffmpeg takes them for something else and converts them."""
COLOUR: Final = (
    *("-color_primaries", "bt709", "-color_trc", "bt709"),
    *("-colorspace", "bt709", "-color_range", "tv"),
)
QUALITY: Final = (
    *("-c:v", "libx264", "-preset", "superfast", "-crf", "20", "-profile:v", "high"),
    *(
        "-bf",
        "0",
        "-forced-idr",
        "1",
        "-x264-params",
        "aud=1:repeat-headers=1:open-gop=0:subme=0:weightp=0",
    ),
)
_COPY_BYTES: Final = 1 << 20


def encode_segment(
    segment: Segment,
    canvas: Canvas,
    frames: Iterable[Sequence[bytes]],
    target: Path,
    processes: Processes,
    on_frame: Callable[[], None],
    threads: int,
) -> None:
    """Encode a segment into the file `target`.

    Args:
        segment: what its frames are.
        canvas: the picture's size.
        frames: `segment.drawn` pictures, each as its planes.
        target: where the stream goes; the file is complete, or not there.
        processes: the render's processes.
        on_frame: called after each frame that was handed to the encoder.
        threads: of the encoder.

    Raises:
        RenderCancelled, OutOfSpace, EncoderFailed: see there.
    """
    drawn = target.with_suffix(".drawn")
    try:
        with processes.start(
            [
                *("-f", "rawvideo", "-pix_fmt", "yuv420p"),
                *("-video_size", f"{canvas.width}x{canvas.height}"),
                *("-framerate", str(FPS), "-i", "-", "-vf", _FLAGS, *COLOUR, *QUALITY),
                *("-threads", str(threads), "-force_key_frames", _key_frames(segment.pieces)),
                *("-f", "h264", "-y", drawn),
            ],
            reads=True,
        ) as encoder:
            encoder.write(_counted(frames, on_frame))
        part = target.with_suffix(".part")
        with part.open("wb") as out:
            _repeat(drawn, segment.pieces, out, processes)
        part.replace(target)
    finally:
        drawn.unlink(missing_ok=True)
        target.with_suffix(".part").unlink(missing_ok=True)


def join_segments(segments: Iterable[Path], processes: Processes) -> Iterator[bytes]:
    """The bytes of segments, one after the other."""
    for path in segments:
        with path.open("rb") as file:
            while chunk := file.read(_COPY_BYTES):
                processes.check()
                yield chunk


def _counted(frames: Iterable[Sequence[bytes]], on_frame: Callable[[], None]) -> Iterator[bytes]:
    for frame in frames:
        yield from frame
        on_frame()


def _key_frames(pieces: Iterable[Piece]) -> str:
    at, times = 0, []
    for piece in pieces:
        times.append(f"{max(0.0, (at - 0.25) / FPS):.5f}")
        at += piece.drawn
    return ",".join(times)


def _repeat(drawn: Path, pieces: Iterable[Piece], out: IO[bytes], processes: Processes) -> None:
    pieces = list(pieces)
    with drawn.open("rb") as file:
        if os.fstat(file.fileno()).st_size == 0:
            raise EncoderFailed("The encoder wrote nothing.")
        stack = contextlib.ExitStack()
        with stack:
            data = stack.enter_context(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
            starts = list(_access_units(data))
            wanted = sum(piece.drawn for piece in pieces)
            if len(starts) != wanted:
                raise EncoderFailed(f"The encoder wrote {len(starts)} pictures, not {wanted}.")
            starts.append(len(data))
            at = 0
            for piece in pieces:
                whole, rest = divmod(piece.count, piece.drawn)
                for length in [piece.drawn] * whole + [rest]:
                    processes.check()
                    for begin in range(starts[at], starts[at + length], _COPY_BYTES):
                        out.write(data[begin : min(begin + _COPY_BYTES, starts[at + length])])
                at += piece.drawn


def _access_units(data: mmap.mmap) -> Iterator[int]:
    at = data.find(_DELIMITER)
    while at >= 0:
        yield at
        at = data.find(_DELIMITER, at + len(_DELIMITER))
