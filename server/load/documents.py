"""Reading and writing a video's document as an editor does, from any server of the protocol."""

from __future__ import annotations

import asyncio
from typing import Any, Final

from pycrdt import Doc, merge_updates

from collab.update import read_state_vector
from server.load.editor import Counts
from server.load.frames import Wire
from server.load.swarm import Seat, Swarm
from server.load.trail import Trail

_TIMEOUT: Final = 60.0
_SETTLED: Final = 0.2
_POLL: Final = 0.02


async def read_document(wire: Wire) -> bytes:
    """The document that a server gives to an editor who joins now, as one update.

    It may come in parts; it is complete when nothing more has come for a moment.
    """
    trail = Trail()
    swarm = Swarm([Seat(wire, trail)], Counts())
    await swarm.join()
    await swarm.quiet(_SETTLED, _TIMEOUT)
    await swarm.leave()
    return merge_updates(*(frame.update for frame in trail.frames))


async def write_document(wire: Wire, updates: list[bytes]) -> Swarm:
    """Send updates to a server; returns once another editor has got all of them.

    Returns:
        The editor that sent them, still there: some servers forget a document that nobody has open.

    Raises:
        TimeoutError: that did not come about.
    """
    wanted: Doc[Any] = Doc()
    for update in updates:
        wanted.apply_update(update)
    clocks = read_state_vector(wanted.get_state())
    trail = Trail()
    reader, writer = Swarm([Seat(wire, trail)], Counts()), Swarm([Seat(wire, Trail())], Counts())
    await writer.join()
    await reader.join()
    for update in updates:
        writer.editors[0].send(wire.update(update))
    there: Doc[Any] = Doc()
    applied = 0
    try:
        async with asyncio.timeout(_TIMEOUT):
            while True:
                for frame in trail.frames[applied:]:
                    there.apply_update(frame.update)
                applied = len(trail.frames)
                had = read_state_vector(there.get_state())
                if all(had.get(client, 0) >= clock for client, clock in clocks.items()):
                    return writer
                await asyncio.sleep(_POLL)
    except TimeoutError:
        await writer.leave()
        raise TimeoutError("the server did not take the prepared video") from None
    finally:
        await reader.leave()
