"""The models of layers."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from api.schemas.base import Duration, Given, GivenId, Id, LayerType, Moment, Name, Position, Shown
from collab.schema import MAX_SECONDS, MIN_SECONDS


class LayerCreate(Given):
    """A new layer; `order_index` inserts it at that position, without it it comes last.

    `end_time` may stand in for `duration`; with both given, they must agree.
    """

    type: LayerType
    name: Name = ""
    enabled: bool = True
    duration: Duration = MIN_SECONDS
    start_time: Moment = 0.0
    end_time: Annotated[float, Field(ge=0, le=2 * MAX_SECONDS, description="seconds")] = 0.0
    order_index: Position = 1
    properties: dict[str, Any] = Field(default_factory=dict)


class LayerUpdate(Given):
    """Changes to a layer; `properties` merge key by key, and null removes a key."""

    name: Name = ""
    enabled: bool = True
    duration: Duration = MIN_SECONDS
    start_time: Moment = 0.0
    end_time: Annotated[float, Field(ge=0, le=2 * MAX_SECONDS, description="seconds")] = 0.0
    properties: dict[str, Any] = Field(default_factory=dict)


class LayerVisibility(Given):
    """Whether a layer is shown."""

    enabled: bool


class LayerOrder(Given):
    """A layer's new place."""

    layer_id: GivenId
    order_index: Position


class LayersReorder(Given):
    """The layers of a scene that take a new order among each other."""

    scene_id: GivenId
    layer_orders: Annotated[list[LayerOrder], Field(min_length=1)]


class Layer(Shown):
    """A layer; times in seconds from the scene's start."""

    id: Id
    scene_id: Id
    type: LayerType
    name: str
    enabled: bool
    duration: float
    start_time: float
    end_time: float
    order_index: int
    properties: dict[str, Any]


class OneLayer(Shown):
    """One layer."""

    layer: Layer
