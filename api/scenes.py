"""The scenes of a video."""

from __future__ import annotations

from typing import Any, Final
from uuid import UUID

from aiohttp import web

from api.editing import change, make
from api.permissions import Action
from api.projections import answer, render, sign
from api.routes import Answer, Call, Route, on_video
from api.schemas.base import MinSeq
from api.schemas.scenes import ManyScenes, OneScene, SceneCreate, ScenesReorder, SceneUpdate
from api.waiting import at_least
from collab import edits
from collab.errors import SceneNotFound


async def list_scenes(call: Call[None, MinSeq]) -> web.Response:
    """All scenes of a video, with their layers."""
    projected = await at_least(call, call.query.min_seq)
    return answer(call.request, await call.parts.projections.scenes(call.video_id, projected))


async def get_scene(call: Call[None, MinSeq]) -> web.Response:
    """One scene, with its layers."""
    await at_least(call, call.query.min_seq)
    scene, seq = await _read(call)
    return answer(call.request, render({"scene": scene}, seq))


async def create_scene(call: Call[SceneCreate, None]) -> Answer:
    """Add a scene: at `scene_number`, or at the end."""
    scene_id = str(call.make_id())
    seq = await make(call, edits.create_scene(call.parts.rules, scene_id, call.body.given()))
    scene, _ = await _read(call, scene_id)
    return Answer({"scene": scene}, "Scene added successfully", seq=seq)


async def update_scene(call: Call[SceneUpdate, None]) -> Answer:
    """Change a scene's text, duration, or whether it is expanded."""
    await _refuse_foreign(call)
    edit = edits.update_scene(call.parts.rules, call.ids["scene_id"], call.body.given())
    seq = await change(call, edit)
    scene, _ = await _read(call)
    return Answer({"scene": scene}, "Scene updated successfully", seq=seq)


async def delete_scene(call: Call[None, None]) -> Answer:
    """Delete a scene, with its layers."""
    await _refuse_foreign(call)
    seq = await change(call, edits.delete_scene(call.parts.rules, call.ids["scene_id"]))
    return Answer(message="Scene deleted successfully", seq=seq)


async def reorder_scenes(call: Call[ScenesReorder, None]) -> Answer:
    """Give some scenes a new order among each other; the others keep their places."""
    orders = [(order.scene_id, order.scene_number) for order in call.body.scene_orders]
    seq = await change(call, edits.reorder_scenes(call.parts.rules, orders))
    return Answer(message="Scenes reordered successfully", seq=seq)


async def _refuse_foreign(call: Call[Any, Any]) -> None:
    """A document may hold the id of another video's scene; here there is no such scene."""
    owner = await call.parts.scenes.scene_video(UUID(call.ids["scene_id"]))
    if owner is not None and owner != call.video_id:
        raise SceneNotFound


async def _read(call: Call[Any, Any], scene_id: str | None = None) -> tuple[dict[str, Any], int]:
    wanted = UUID(scene_id or call.ids["scene_id"])
    scene, seq = await call.parts.scenes.read_scene(call.video_id, wanted)
    return await sign(call.parts.media, call.video_id, scene), seq


LIST_SCENES: Final = Route(
    method="GET",
    path="/api/v1/videos/{video_id}/scenes",
    handler=list_scenes,
    permission=on_video(Action.READ),
    summary="Get all scenes with their layers",
    tag="Scenes",
    query=MinSeq,
    data=ManyScenes,
    conditional=True,
)

ROUTES: Final = (
    LIST_SCENES,
    Route(
        method="POST",
        path="/api/v1/videos/{video_id}/scenes",
        handler=create_scene,
        permission=on_video(Action.EDIT),
        summary="Add a scene",
        tag="Scenes",
        body=SceneCreate,
        data=OneScene,
        status=201,
        idempotent=True,
    ),
    Route(
        method="PUT",
        path="/api/v1/videos/{video_id}/scenes/reorder",
        handler=reorder_scenes,
        permission=on_video(Action.EDIT),
        summary="Reorder scenes",
        tag="Scenes",
        body=ScenesReorder,
    ),
    Route(
        method="GET",
        path="/api/v1/videos/{video_id}/scenes/{scene_id}",
        handler=get_scene,
        permission=on_video(Action.READ),
        summary="Get a scene with its layers",
        tag="Scenes",
        query=MinSeq,
        data=OneScene,
        conditional=True,
    ),
    Route(
        method="PUT",
        path="/api/v1/videos/{video_id}/scenes/{scene_id}",
        handler=update_scene,
        permission=on_video(Action.EDIT),
        summary="Change a scene",
        tag="Scenes",
        body=SceneUpdate,
        data=OneScene,
    ),
    Route(
        method="DELETE",
        path="/api/v1/videos/{video_id}/scenes/{scene_id}",
        handler=delete_scene,
        permission=on_video(Action.EDIT),
        summary="Delete a scene",
        tag="Scenes",
    ),
)
