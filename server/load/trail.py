"""What the editors of one video received.

Editors of one video mostly receive the same bytes in the same order. So each distinct frame is
kept once, linked to the frame that followed it last time, and an editor checks what it receives
against that next frame by one comparison of memory. With every frame stands who received it and
when; who received what, down to the byte, can be told afterwards for every editor.
"""

from __future__ import annotations

from array import array


class Frame:
    """One distinct server frame that carries a step 2 or an update.

    Attributes:
        raw: the whole frame, header included.
        update: the Yjs update in it.
        editors: who received it, in order of arrival.
        times: when, in seconds of the monotonic clock, in the same order.
        next: the frame that somebody received after it.
    """

    __slots__ = ("editors", "next", "raw", "size", "times", "update")

    def __init__(self, raw: bytes, update: bytes) -> None:
        self.raw = raw
        self.size = len(raw)
        self.update = update
        self.editors = array("I")
        self.times = array("d")
        self.next: Frame | None = None


class Trail:
    """The distinct frames of one video, in the order in which they were first seen."""

    def __init__(self) -> None:
        self.start = Frame(b"", b"")
        self.frames: list[Frame] = []
        self._known: dict[bytes, Frame] = {}

    def find(self, raw: bytes) -> Frame | None:
        """The frame with these bytes, if an editor has received it before."""
        return self._known.get(raw)

    def add(self, raw: bytes, update: bytes) -> Frame:
        """Keep a frame that nobody has received before."""
        frame = self._known[raw] = Frame(raw, update)
        self.frames.append(frame)
        return frame
