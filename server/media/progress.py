"""How far a render is, weighed by what its parts cost."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Final

from server.media.model import Progress
from server.media.pieces import Piece
from server.media.plan import Canvas, Plan, Segment

# Measured on one core at 1080p, in milliseconds: a frame of which all moves, one of which a part
# does, a repeated picture that is only encoded, a second of sound, a word that is spoken, a second
# of film that is joined, a frame that is encoded again (GIFs have a size of their own), and what
# every render costs.
LARGE_FRAME: Final = 22.0
MOVING_FRAME: Final = 15.0
STILL_FRAME: Final = 12.0
SOUND_SECOND: Final = 25.0
SPOKEN_WORD: Final = 5.0
JOIN_SECOND: Final = 2.0
WEBM_FRAME: Final = 15.0
GIF_FRAME: Final = 45.0
FIXED: Final = 200.0


def segment_cost(segment: Segment, canvas: Canvas) -> float:
    """What it costs to draw a segment, in milliseconds of one core."""
    return sum(piece.drawn * _frame_cost(piece) for piece in segment.pieces) * _size(canvas)


def convert_cost(plan: Plan, form: str) -> float:
    """What it costs to encode a whole film in another format, if it is encoded again at all."""
    if form == "gif":
        return plan.frames * GIF_FRAME
    return plan.frames * WEBM_FRAME * _size(plan.canvas) if form == "webm" else 0.0


def join_cost(plan: Plan) -> float:
    """What it costs to join a film."""
    return plan.seconds * JOIN_SECOND


def _frame_cost(piece: Piece) -> float:
    if piece.still:
        return STILL_FRAME
    return LARGE_FRAME if piece.large else MOVING_FRAME


def _size(canvas: Canvas) -> float:
    return canvas.width * canvas.height / (1920 * 1080)


class Meter:
    """Counts what is done against what there is to do; safe to use from several threads.

    Args:
        report: called with each progress that says something new.
        clock: seconds, ascending.
    """

    def __init__(
        self, report: Callable[[Progress], None], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._report, self._clock = report, clock
        self._lock = threading.Lock()
        self._began = clock()
        self._total, self._done = FIXED, 0.0
        self._stage, self._scene, self._scenes = "preparing", 1, 0
        self._percent = 0.0
        self._said = -1
        self._parallel = 1.0
        self._working, self._idle = 0, 0.0
        self._idle_since: float | None = None

    def expect(self, cost: float, scenes: int, parallel: int) -> None:
        """There is `cost` to do, `parallel` of it at a time; the time so far does not count."""
        with self._lock:
            self._total = cost + FIXED
            self._scenes = scenes
            self._parallel = max(1.0, float(parallel))
            self._began, self._idle = self._clock(), 0.0

    def waits(self) -> None:
        """Something could be done, but it is the turn of others."""
        with self._lock:
            if not self._working and self._idle_since is None:
                self._idle_since = self._clock()

    def works(self) -> None:
        """One of the things that wait has its turn; `rests` ends it."""
        with self._lock:
            self._working += 1
            if self._idle_since is not None:
                self._idle += self._clock() - self._idle_since
                self._idle_since = None

    def rests(self) -> None:
        """A turn has ended."""
        with self._lock:
            self._working -= 1

    @property
    def idle(self) -> float:
        """For how many seconds it was only the turn of others."""
        return self._idle

    def stage(self, name: str) -> None:
        """A new stage begins."""
        with self._lock:
            self._stage = name
            self._said = -1
        self.add(0)

    def add(self, cost: float, scene: int | None = None) -> None:
        """`cost` of the expected was done, for the scene with this number."""
        with self._lock:
            self._done = min(self._done + cost, self._total)
            if scene is not None:
                self._scene = max(self._scene, scene)
            self._percent = max(self._percent, min(99.0, 100 * self._done / self._total))
            if int(self._percent) == self._said:
                return
            self._said = int(self._percent)
            progress = self._progress()
        self._report(progress)

    def finish(self) -> None:
        """All is done."""
        with self._lock:
            self._percent, self._stage, self._done = 100.0, "done", self._total
            progress = self._progress()
        self._report(progress)

    def _progress(self) -> Progress:
        elapsed = self._clock() - self._began - self._idle
        left = self._total - self._done
        # The guess from the weights gives way to the measured speed as work gets done.
        trust = min(1.0, self._done / self._total * 5)
        guess = left / 1000 / self._parallel
        measured = elapsed * left / self._done if self._done > 0 else guess
        remaining = trust * measured + (1 - trust) * guess
        return Progress(self._percent, self._stage, self._scene, self._scenes, remaining)
