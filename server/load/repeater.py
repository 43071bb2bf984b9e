"""What y-websocket's provider does with presence that it hears: it sends on what is news to it."""

from __future__ import annotations

from collections import OrderedDict
from typing import Final

from collab.presence import read_states, write_states
from server.load.frames import Wire

_KEPT: Final = 64


class Repeater:
    """Makes the frames that the editors of a video answer presence with, once for all who hear the
    same. All of it is news to an editor, except its own state.

    Args:
        wire: one of the video's.
    """

    def __init__(self, wire: Wire) -> None:
        self._wire = wire
        self._heard: OrderedDict[bytes, tuple[bytes, dict[int, bytes | None]]] = OrderedDict()

    def repeat(self, payload: bytes, client: int) -> bytes | None:
        """The frame that an editor answers, if it has something to say.

        Args:
            payload: the states that it heard.
            client: its own client id.
        """
        known = self._heard.get(payload)
        if known is None:
            known = self._heard[payload] = self._read(payload)
            if len(self._heard) > _KEPT:
                self._heard.popitem(last=False)
        whole, without = known
        return without.get(client, whole)

    def _read(self, payload: bytes) -> tuple[bytes, dict[int, bytes | None]]:
        states = read_states(payload)
        without: dict[int, bytes | None] = {}
        for own, _, _ in states:
            others = [entry for entry in states if entry[0] != own]
            without[own] = self._wire.awareness(write_states(others)) if others else None
        return self._wire.awareness(payload), without
