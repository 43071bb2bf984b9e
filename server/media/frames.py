"""The frames of a video or an animated GIF, one after the other, in the encoder's planes."""

from __future__ import annotations

import contextlib
from pathlib import Path
from types import TracebackType

from PIL import Image

from server.media.errors import AssetBroken, EncoderFailed, RenderCancelled
from server.media.ffmpeg import INPUT_LIMITS, Process, Processes
from server.media.model import FPS
from server.media.painter.picture import Size, Sprite

Box = tuple[float, float, float, float]


class FrameReader:
    """Decodes a file at the film's frame rate into sprites of one size.

    Args:
        path: the file.
        processes: the render's processes.
        crop: the part that is shown: left, top, right, bottom as parts of its size.
        size: the size that it is shown in, even.
        clear: whether it may have transparent parts.
        trim: seconds to leave out at its start.
        loop: whether it begins again at its end, with what is left of it; otherwise its last frame
            stays.
    """

    def __init__(
        self,
        path: Path,
        processes: Processes,
        crop: Box,
        size: Size,
        *,
        clear: bool,
        trim: float,
        loop: bool,
    ) -> None:
        self._path, self._processes, self._crop, self._size = path, processes, crop, size
        self._clear, self._trim, self._loop = clear, trim, loop
        self._open: contextlib.AbstractContextManager[Process] | None = None
        self._process: Process | None = None
        self._next = 0
        self._last: Sprite | None = None
        # ffmpeg's own loops begin again at the file's start, whatever was left out of it.
        self._rewinds = loop and trim > 0
        self._place, self._round = 0, 0

    def __enter__(self) -> FrameReader:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the decoder."""
        if self._process is not None:
            self._process.abandon()
        if self._open is not None:
            opened, self._open, self._process = self._open, None, None
            with contextlib.suppress(EncoderFailed, RenderCancelled):
                opened.__exit__(None, None, None)

    def frame(self, number: int) -> Sprite:
        """The frame `number`, counted from the layer's first; cheap in ascending order.

        Raises:
            AssetBroken: the file has no picture at all.
            RenderCancelled: the render was cancelled.
        """
        if self._last is not None and number == self._next - 1:
            return self._last
        if self._process is None or number < self._next:
            self.close()
            self._begin(number)
        while self._next <= number:
            sprite = self._read()
            if sprite is None and self._rewinds and self._place:
                self._round = self._place
                self.close()
                self._begin(self._next)
                sprite = self._read()
            if sprite is None:
                self._processes.check()
                if self._last is None:
                    raise AssetBroken("the video is damaged or of a format that is not known")
                self._next = number + 1
                break
            self._last = sprite
            self._next += 1
            self._place += 1
        assert self._last is not None
        return self._last

    def _begin(self, number: int) -> None:
        """Start the decoder so that it gives the frame `number` next, or an earlier one: of a loop
        that rewinds, the first, as long as it is not known how many frames a round has."""
        loops = self._loop and not self._rewinds
        if self._rewinds and not self._round:
            number = 0
        self._place = number % self._round if self._round else number
        left, top, right, bottom = self._crop
        width, height = self._size
        loop = ("-stream_loop", "-1") if loops else ()
        # With a loop, seeking would loop over the rest only: begin at the first frame, and skip.
        seek = self._trim + (0 if loops else self._place / FPS)
        skip = number / FPS if loops else 0
        crop = (
            f"crop=iw*{right - left:.6f}:ih*{bottom - top:.6f}:iw*{left:.6f}:ih*{top:.6f}:exact=0,"
        )
        filters = (
            f"fps={FPS},"
            + (f"trim=start={skip:.6f},setpts=PTS-STARTPTS," if skip else "")
            + (crop if self._crop != (0, 0, 1, 1) else "")
            + f"scale={width}:{height}:flags=bilinear:out_color_matrix=bt709:out_range=tv,"
            + f"format={'yuva420p' if self._clear else 'yuv420p'}"
        )
        self._open = self._processes.start(
            [
                *("-threads", "1", *INPUT_LIMITS, *loop, "-ss", f"{seek:.4f}", "-i", self._path),
                *("-an", "-sn", "-dn", "-map", "0:v:0", "-vf", filters, "-f", "rawvideo", "-"),
            ],
            writes=True,
        )
        self._process = self._open.__enter__()
        self._next = number

    def _read(self) -> Sprite | None:
        assert self._process is not None
        width, height = self._size
        full, half = (width, height), (width // 2, height // 2)
        sizes = [full, half, half] + ([full] if self._clear else [])
        data = self._process.output.read(sum(w * h for w, h in sizes))
        if len(data) < sum(w * h for w, h in sizes):
            return None
        planes, at = [], 0
        for size in sizes:
            planes.append(Image.frombytes("L", size, data[at : at + size[0] * size[1]]))
            at += size[0] * size[1]
        sprite = Sprite((planes[0], planes[1], planes[2]))
        return sprite.masked(planes[3]) if self._clear else sprite
