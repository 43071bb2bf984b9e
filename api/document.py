"""The Yjs document itself."""

from __future__ import annotations

from typing import Final

from aiohttp import web

from api.permissions import Action
from api.routes import Call, Route, on_video


async def get_document(call: Call[None, None]) -> web.Response:
    """The document's state as one Yjs update; `X-Video-Seq` says where it stands."""
    state, seq = await call.parts.rooms.state(call.video_id)
    return web.Response(
        body=state,
        content_type="application/octet-stream",
        headers={"X-Video-Seq": str(seq)},
    )


ROUTES: Final = (
    Route(
        method="GET",
        path="/api/v1/videos/{video_id}/document",
        handler=get_document,
        permission=on_video(Action.READ),
        summary="Get the Yjs state as one update",
        tag="Videos",
        content_type="application/octet-stream",
    ),
)
