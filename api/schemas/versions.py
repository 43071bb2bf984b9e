"""The models of versions."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from api.schemas.base import AspectRatio, Given, Id, Pagination, Shown, Time
from api.schemas.layers import Layer
from collab.schema import MAX_NAME
from collab.values import is_storable


def _storable(name: str) -> str:
    if not is_storable(name):
        raise ValueError("must hold neither NUL nor half of a surrogate pair")
    return name


class VersionCreate(Given):
    """A version of the video as it is now; with a name it is kept for good."""

    name: (
        Annotated[str, Field(min_length=1, max_length=MAX_NAME), AfterValidator(_storable)] | None
    ) = None


class CompareTo(BaseModel):
    """What to compare with."""

    model_config = ConfigDict(frozen=True)

    to: Annotated[
        int | None,
        Field(ge=1, le=2**31 - 1, description="a version; the video as it is now without it"),
    ] = None


class VersionUser(Shown):
    """Somebody who has edited the video or made a version."""

    user_id: str
    name: str | None


class Version(Shown):
    """A version: `editors` are those who edited since the one before, the last first.

    `kind` is `manual` if somebody made it, `automatic` if it was made when the video was quiet, and
    `before_restore` if it was made so that restoring another one can be undone.
    """

    number: int
    name: str | None
    kind: Literal["manual", "automatic", "before_restore"]
    seq: int
    created_at: Time
    created_by: VersionUser | None
    editors: list[VersionUser]


class VersionVideo(Shown):
    """The video's own fields."""

    title: str
    aspect_ratio: AspectRatio
    background: str


class VersionScene(Shown):
    """A scene of a version and its layers; times in seconds."""

    id: Id
    scene_number: int
    text: str
    duration: float
    start_time: float
    end_time: float
    is_expanded: bool
    layers: list[Layer]


class OneVersion(Shown):
    """One version."""

    version: Version


class WholeVersion(Shown):
    """One version with what it shows."""

    version: Version
    video: VersionVideo
    scenes: list[VersionScene]


class ManyVersions(Shown):
    """A page of the versions of a video, the last made first."""

    versions: list[Version]
    pagination: Pagination


class Restored(Shown):
    """The version that was restored, and the one that was made of what was there before."""

    version: Version
    before: Version


class Change(Shown):
    """A field with another value; a property that is not there is null."""

    field: str
    before: Any
    after: Any


class ChangedScene(Shown):
    """The fields of a scene that changed."""

    id: Id
    changes: list[Change]


class ChangedLayer(Shown):
    """The fields of a layer that changed; `properties.<name>` is one property."""

    id: Id
    scene_id: Id
    changes: list[Change]


class MovedScene(Shown):
    """A scene with another place among those that stayed."""

    id: Id
    from_: Annotated[int, Field(serialization_alias="from", description="scene_number")]
    to: Annotated[int, Field(description="scene_number")]


class Place(Shown):
    """Where a layer stands."""

    scene_id: Id
    order_index: int


class MovedLayer(Shown):
    """A layer in another scene, or with another place among those that stayed."""

    id: Id
    from_: Annotated[Place, Field(serialization_alias="from")]
    to: Place


class SceneDifferences(Shown):
    """How the scenes differ; scenes that came or went are shown with their layers."""

    added: list[VersionScene]
    removed: list[VersionScene]
    moved: list[MovedScene]
    changed: list[ChangedScene]


class LayerDifferences(Shown):
    """How the layers of scenes that stayed differ."""

    added: list[Layer]
    removed: list[Layer]
    moved: list[MovedLayer]
    changed: list[ChangedLayer]


class Differences(Shown):
    """What changed from one version to another, or to the video as it is now."""

    from_: Annotated[Version, Field(serialization_alias="from")]
    to: Version | None
    video: list[Change]
    scenes: SceneDifferences
    layers: LayerDifferences
