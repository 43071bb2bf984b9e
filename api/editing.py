"""Edits that requests ask for."""

from __future__ import annotations

from typing import Any

from api.routes import Call
from api.waiting import WAIT_SECONDS
from collab.errors import Conflict
from collab.ports import Edit


async def change(call: Call[Any, Any], edit: Edit) -> int:
    """Run an edit in the name of the caller; returns the sequence number that holds it."""
    edited = await call.parts.rooms.edit(call.video_id, edit, by=call.caller.sub)
    return edited.seq


async def make(call: Call[Any, Any], edit: Edit) -> int:
    """Like `change`, for an edit that makes a thing with the id of `call.make_id`.

    That it is there already means, under an idempotency key, that a first try has made it and
    ended before it could answer.
    """
    try:
        return await change(call, edit)
    except Conflict:
        if call.idempotency_key is None:
            raise
        _, seq = await call.parts.rooms.state(call.video_id)
        return await call.parts.rooms.project(call.video_id, seq, WAIT_SECONDS)
