"""The layers of a scene."""

from __future__ import annotations

from typing import Any, Final
from uuid import UUID

from aiohttp import web

from api.callers import tier_of
from api.editing import change, make
from api.permissions import Action
from api.projections import answer, render, sign
from api.routes import Answer, Call, Route, on_layer, on_scene
from api.schemas.base import MinSeq
from api.schemas.layers import LayerCreate, LayersReorder, LayerUpdate, LayerVisibility, OneLayer
from api.tiers import require_premium
from api.waiting import at_least
from collab import edits


async def create_layer(call: Call[LayerCreate, None]) -> Answer:
    """Add a layer to a scene: at `order_index`, or on top."""
    layer_id = str(call.make_id())
    given = await _given(call)
    edit = edits.create_layer(call.parts.rules, call.ids["scene_id"], layer_id, given)
    seq = await make(call, edit)
    layer, _ = await _read(call, layer_id)
    return Answer({"layer": layer}, "Layer added successfully", seq=seq)


async def get_layer(call: Call[None, MinSeq]) -> web.Response:
    """One layer."""
    await at_least(call, call.query.min_seq)
    layer, seq = await _read(call)
    return answer(call.request, render({"layer": layer}, seq))


async def update_layer(call: Call[LayerUpdate, None]) -> Answer:
    """Change a layer; `properties` merge key by key."""
    return await _update(call, "Layer updated successfully")


async def toggle_visibility(call: Call[LayerVisibility, None]) -> Answer:
    """Show or hide a layer."""
    return await _update(call, "Layer visibility updated")


async def delete_layer(call: Call[None, None]) -> Answer:
    """Delete a layer."""
    seq = await change(call, edits.delete_layer(call.parts.rules, call.ids["layer_id"]))
    return Answer(message="Layer deleted successfully", seq=seq)


async def reorder_layers(call: Call[LayersReorder, None]) -> Answer:
    """Give some layers of a scene a new order among each other; the others keep their places."""
    body = call.body
    orders = [(order.layer_id, order.order_index) for order in body.layer_orders]
    seq = await change(call, edits.reorder_layers(call.parts.rules, body.scene_id, orders))
    return Answer(message="Layers reordered successfully", seq=seq)


async def _update(call: Call[Any, Any], message: str) -> Answer:
    given = await _given(call)
    edit = edits.update_layer(call.parts.rules, call.ids["layer_id"], given)
    seq = await change(call, edit)
    layer, _ = await _read(call)
    return Answer({"layer": layer}, message, seq=seq)


async def _given(call: Call[Any, Any]) -> dict[str, Any]:
    """What was sent, with bare links to stored files.

    Raises:
        TierRequired: it uses something premium in a video whose owner's tier does not have that.
    """
    given: dict[str, Any] = call.body.given()
    properties = given.get("properties")
    if not properties:
        return given
    media = call.parts.media
    premium = await media.premium.among(properties)
    if premium:
        video = await call.parts.videos.get(call.video_id, call.caller.sub)
        require_premium(tier_of(video, call.caller), f"this {premium[0]}")
    return {**given, "properties": media.links.sign_all(properties, frozenset())}


async def _read(call: Call[Any, Any], layer_id: str | None = None) -> tuple[dict[str, Any], int]:
    wanted = UUID(layer_id or call.ids["layer_id"])
    video_id, layer, seq = await call.parts.scenes.read_layer(wanted)
    return await sign(call.parts.media, video_id, layer), seq


ROUTES: Final = (
    Route(
        method="POST",
        path="/api/v1/scenes/{scene_id}/layers",
        handler=create_layer,
        permission=on_scene(Action.EDIT),
        summary="Add a layer to a scene",
        tag="Layers",
        body=LayerCreate,
        data=OneLayer,
        status=201,
        idempotent=True,
    ),
    Route(
        method="PUT",
        path="/api/v1/layers/reorder",
        handler=reorder_layers,
        permission=on_scene(Action.EDIT),
        summary="Reorder the layers of a scene",
        tag="Layers",
        body=LayersReorder,
    ),
    Route(
        method="GET",
        path="/api/v1/layers/{layer_id}",
        handler=get_layer,
        permission=on_layer(Action.READ),
        summary="Get a layer",
        tag="Layers",
        query=MinSeq,
        data=OneLayer,
        conditional=True,
    ),
    Route(
        method="PUT",
        path="/api/v1/layers/{layer_id}",
        handler=update_layer,
        permission=on_layer(Action.EDIT),
        summary="Change a layer",
        tag="Layers",
        body=LayerUpdate,
        data=OneLayer,
    ),
    Route(
        method="PUT",
        path="/api/v1/layers/{layer_id}/toggle-visibility",
        handler=toggle_visibility,
        permission=on_layer(Action.EDIT),
        summary="Show or hide a layer",
        tag="Layers",
        body=LayerVisibility,
        data=OneLayer,
    ),
    Route(
        method="DELETE",
        path="/api/v1/layers/{layer_id}",
        handler=delete_layer,
        permission=on_layer(Action.EDIT),
        summary="Delete a layer",
        tag="Layers",
    ),
)
