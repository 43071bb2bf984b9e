"""What y-websocket's provider does with presence that it hears: it sends on what is news to it."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from typing import Final

from collab.presence import read_states, write_states
from server.load.frames import Wire

_KEPT: Final = 64


@dataclass(frozen=True, slots=True)
class _Heard:
    """A payload: its number, the frame that repeats it, and those that leave its authors out."""

    number: int
    whole: bytes
    without: dict[int, bytes | None]


class Repeater:
    """Makes the frames that the editors of a video answer presence with, once for all who hear the
    same. What an editor hears first is news to it, except its own state.

    Args:
        wire: one of the video's.
    """

    def __init__(self, wire: Wire) -> None:
        self._wire = wire
        self._heard: OrderedDict[bytes, _Heard] = OrderedDict()
        self._count = 0
        self._said: dict[int, int] = {}

    def repeat(self, payload: bytes, client: int) -> bytes | None:
        """The frame that an editor answers, if it has something to say.

        Args:
            payload: the states that it heard.
            client: its own client id.
        """
        heard = self._heard.get(payload)
        if heard is None:
            heard = self._heard[payload] = self._read(payload)
            if len(self._heard) > _KEPT:
                self._heard.popitem(last=False)
        if heard.number <= self._said.get(client, 0):
            return None
        self._said[client] = heard.number
        return heard.without.get(client, heard.whole)

    def _read(self, payload: bytes) -> _Heard:
        states = read_states(payload)
        without: dict[int, bytes | None] = {}
        for own, _, _ in states:
            others = [entry for entry in states if entry[0] != own]
            without[own] = self._wire.awareness(write_states(others)) if others else None
        self._count += 1
        return _Heard(self._count, self._wire.awareness(payload), without)
