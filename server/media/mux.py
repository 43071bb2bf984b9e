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
_GIF_SIDE, _GIF_FPS, _PALETTE_FPS = 480, 15, 2
_GIF_SIZE: Final = (
    f"scale='min({_GIF_SIDE},iw)':'min({_GIF_SIDE},ih)'"
    ":force_original_aspect_ratio=decrease:flags=bilinear"
)
_GIF: Final = (
    f"[0:v]fps={_GIF_FPS},{_GIF_SIZE}[film];"
    "[film][1:v]paletteuse=dither=bayer:bayer_scale=4:diff_mode=rectangle"
)
_WEBM: Final = (
    *("-c:v", "libvpx-vp9", "-deadline", "realtime", "-cpu-used", "8", "-row-mt", "1"),
    *("-crf", "32", "-b:v", "0", "-g", str(8 * FPS), "-threads", "2", *COLOUR),
    *("-c:a", "libopus", "-b:a", "128k"),
)


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


def convert(
    film: Path,
    form: str,
    target: Path,
    processes: Processes,
    on_seconds: Callable[[float], None],
) -> None:
    """Write a finished mp4 as webm (VP9 and Opus) or gif (at most 480 pixels wide or high, 15
    frames a second, without sound).

    Args:
        film: the mp4.
        form: webm or gif.
        target: the film; it is complete, or not there.
        processes: the render's processes.
        on_seconds: told, now and then, how many more seconds of the film are done.

    Raises:
        RenderCancelled, OutOfSpace, EncoderFailed: see there.
    """
    palette = target.with_name("palette.png")

    def write(part: Path) -> None:
        codec: list[str | Path] = [*_WEBM]
        if form == "gif":
            # Looked for in a few of the pictures, and apart: it is known after the last of them,
            # and in one go all of the film would be kept in memory until then.
            colours = f"fps={_PALETTE_FPS},{_GIF_SIZE},palettegen=stats_mode=full:max_colors=128"
            processes.run(["-i", film, "-an", "-vf", colours, "-update", "1", "-y", palette])
            codec = ["-i", palette, "-an", "-filter_complex", _GIF, "-loop", "0"]
        told = ("-progress", "-", "-stats_period", "0.25")
        done = 0.0
        with processes.start(
            [*told, "-i", film, *codec, "-f", form, "-y", part], writes=True
        ) as process:
            for line in process.output:
                name, _, value = line.decode(errors="replace").strip().partition("=")
                # It says N/A until there is something.
                if name == "out_time_us" and value.lstrip("-").isdigit():
                    reached = max(done, int(value) / 1_000_000)
                    on_seconds(reached - done)
                    done = reached

    try:
        _whole(target, write)
    finally:
        palette.unlink(missing_ok=True)


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
