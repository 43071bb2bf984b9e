"""Waiting until the tables show as much as a caller asks for."""

from __future__ import annotations

from typing import Any, Final

from api.routes import Call

WAIT_SECONDS: Final = 2.0


async def at_least(call: Call[Any, Any], min_seq: int) -> int:
    """Wait up to two seconds until the tables show `min_seq`.

    Returns:
        How much they are known to show: less than asked for when the time was over.
    """
    projected = call.grant.head.projected_seq
    if projected >= min_seq:
        return projected
    return await call.parts.rooms.project(call.video_id, min_seq, WAIT_SECONDS)
