"""The film's file: joined pictures and sound in the format that was asked for, and its poster."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from server.media.encode import COLOUR, join_segments
from server.media.ffmpeg import Processes
from server.media.model import FPS

_TICKS: Final = 1_200_000 // FPS
"""Length of a frame in the time base of ffmpeg's reader for raw H.264."""
_STAMPS: Final = f"setts=pts=N*{_TICKS}:dts=N*{_TICKS}:duration={_TICKS}"
_GIF_SIDE, _GIF_FPS = 480, 15


def join(
    segments: Sequence[Path], sound: Path | None, form: str, target: Path, processes: Processes
) -> None:
    """Write the film as mp4 or mov, without encoding anything.

    Args:
        segments: raw H.264 streams, in their order.
        sound: an m4a file, if there is something to hear.
        form: mp4 or mov.
        target: the film; it is complete, or not there.
        processes: the render's processes.

    Raises:
        RenderCancelled, OutOfSpace, EncoderFailed: see there.
    """

    def write(part: Path) -> None:
        with processes.start(
            [
                *("-f", "h264", "-framerate", str(FPS), "-i", "-"),
                *(("-i", sound, "-map", "0:v", "-map", "1:a") if sound is not None else ()),
                *("-c", "copy", "-bsf:v", _STAMPS, *COLOUR),
                *("-video_track_timescale", str(1000 * FPS), "-movflags", "+faststart"),
                *("-f", form, "-y", part),
            ],
            reads=True,
        ) as muxer:
            muxer.write(join_segments(segments, processes))

    _whole(target, write)


def convert(film: Path, form: str, target: Path, processes: Processes) -> None:
    """Write a finished mp4 as webm (VP9 and Opus) or gif (at most 480 pixels wide or high, 15
    frames a second, without sound).

    Raises:
        RenderCancelled, OutOfSpace, EncoderFailed: see there.
    """
    if form == "gif":
        fit = f"scale='min({_GIF_SIDE},iw)':'min({_GIF_SIDE},ih)'"
        filters = (
            f"fps={_GIF_FPS},{fit}:force_original_aspect_ratio=decrease:flags=bilinear,"
            "split[a][b];[a]palettegen=stats_mode=diff:max_colors=128[p];"
            "[b][p]paletteuse=dither=bayer:bayer_scale=4:diff_mode=rectangle"
        )
        codec = ["-an", "-filter_complex", filters, "-loop", "0"]
    else:
        codec = [
            *("-c:v", "libvpx-vp9", "-deadline", "realtime", "-cpu-used", "8", "-row-mt", "1"),
            *("-crf", "32", "-b:v", "0", "-g", str(8 * FPS), "-threads", "2", *COLOUR),
            *("-c:a", "libopus", "-b:a", "128k"),
        ]
    _whole(
        target,
        lambda part: processes.run(["-i", film, *codec, "-f", form, "-y", part]),
    )


def to_mp3(sound: Path, seconds: float, target: Path, processes: Processes) -> None:
    """Write the sound alone.

    Raises:
        RenderCancelled, OutOfSpace, EncoderFailed: see there.
    """
    _whole(
        target,
        lambda part: processes.run(
            [
                *("-i", sound, "-t", f"{seconds:.6f}", "-c:a", "libmp3lame", "-b:a", "192k"),
                *("-f", "mp3", "-y", part),
            ]
        ),
    )


def _whole(target: Path, write: Callable[[Path], None]) -> None:
    part = target.with_name(target.name + ".part")
    try:
        write(part)
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)
