"""The models of scenes."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from api.schemas.base import Duration, Given, GivenId, Id, Position, Shown, Time
from api.schemas.layers import Layer
from collab.schema import MIN_SECONDS


class SceneCreate(Given):
    """A new scene; `scene_number` inserts it at that position, without it it comes last."""

    text: str = ""
    duration: Duration = MIN_SECONDS
    is_expanded: bool = False
    scene_number: Position = 1


class SceneUpdate(Given):
    """Changes to a scene."""

    text: str = ""
    duration: Duration = MIN_SECONDS
    is_expanded: bool = False


class SceneOrder(Given):
    """A scene's new place."""

    scene_id: GivenId
    scene_number: Position


class ScenesReorder(Given):
    """The scenes that take a new order among each other."""

    scene_orders: Annotated[list[SceneOrder], Field(min_length=1)]


class Scene(Shown):
    """A scene and its layers; times in seconds."""

    id: Id
    video_id: Id
    scene_number: int
    text: str
    duration: float
    start_time: float
    end_time: float
    is_expanded: bool
    created_at: Time
    updated_at: Time
    layers: list[Layer]


class OneScene(Shown):
    """One scene."""

    scene: Scene


class ManyScenes(Shown):
    """The scenes of a video, in order."""

    scenes: list[Scene]
