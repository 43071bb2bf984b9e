"""What the API takes and gives, as models: for validation and for the OpenAPI document.

Limits that are settings (lengths of texts, counts) are checked by the edits, not here.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from collab.schema import DEFAULT_ASPECT_RATIO, MAX_NAME, MAX_SECONDS, MIN_SECONDS

AspectRatio = Literal["16:9", "9:16", "1:1", "4:5"]
LayerType = Literal["audio", "voiceover", "text", "media", "shape", "avatar", "effect"]
Title = Annotated[str, Field(min_length=1, max_length=MAX_NAME)]
Name = Annotated[str, Field(min_length=1, max_length=MAX_NAME)]
Duration = Annotated[float, Field(ge=MIN_SECONDS, le=MAX_SECONDS, description="seconds")]
Moment = Annotated[float, Field(ge=0, le=MAX_SECONDS, description="seconds")]
Position = Annotated[int, Field(ge=1, le=1_000_000)]
Id = Annotated[str, Field(json_schema_extra={"format": "uuid"})]
GivenId = Annotated[Id, AfterValidator(str.lower)]
Time = Annotated[str, Field(json_schema_extra={"format": "date-time"})]


def _without_defaults(schema: dict[str, Any]) -> None:
    for shown in schema.get("properties", {}).values():
        shown.pop("default", None)


class Given(BaseModel):
    """A body. Fields that are not given stay as they are; unknown ones are refused."""

    model_config = ConfigDict(
        extra="forbid", strict=True, frozen=True, json_schema_extra=_without_defaults
    )

    def given(self) -> dict[str, Any]:
        """The fields that were sent."""
        return {name: getattr(self, name) for name in sorted(self.model_fields_set)}


class Shown(BaseModel):
    """A part of an answer."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class VideoCreate(Given):
    """A new video."""

    title: Title
    aspect_ratio: AspectRatio = DEFAULT_ASPECT_RATIO


class VideoUpdate(Given):
    """Changes to a video."""

    title: Title = ""
    aspect_ratio: AspectRatio = DEFAULT_ASPECT_RATIO


class MemberPut(Given):
    """A member's role."""

    role: Literal["editor", "viewer"]


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


class Page(BaseModel):
    """Which page of a list."""

    model_config = ConfigDict(frozen=True)

    page: Annotated[int, Field(ge=1, le=1_000_000)] = 1
    limit: Annotated[int, Field(ge=1, le=100)] = 20


class SearchPage(Page):
    """Which page of what a search finds."""

    search: Annotated[str, Field(max_length=200, pattern=r"^[^\x00]*$")] = ""


class MinSeq(BaseModel):
    """How new the answer must be."""

    model_config = ConfigDict(frozen=True)

    min_seq: Annotated[
        int,
        Field(
            ge=0,
            le=2**53,
            description="waits up to two seconds until the answer shows at least this much",
        ),
    ] = 0


class BlobSignature(BaseModel):
    """What makes a link to a stored file valid."""

    model_config = ConfigDict(frozen=True)

    exp: Annotated[int, Field(ge=0, le=2**53, description="seconds since the epoch")] = 0
    sig: Annotated[str, Field(max_length=100, pattern="^[0-9a-f]*$")] = ""


class BlobSign(Given):
    """Links to stored files, with or without a signature."""

    urls: Annotated[
        list[Annotated[str, Field(max_length=2048)]], Field(min_length=1, max_length=100)
    ]


class SignedUrl(Shown):
    """A link, and the same with a fresh signature; null for what the caller may not see."""

    url: str
    signed_url: str | None


class SignedUrls(Shown):
    """Fresh signatures; `expires_at` in seconds since the epoch."""

    urls: list[SignedUrl]
    expires_at: int


class Video(Shown):
    """A video."""

    id: Id
    title: str
    aspect_ratio: AspectRatio
    role: Literal["owner", "editor", "viewer"]
    owner_id: str
    scene_count: int
    duration: float
    created_at: Time
    updated_at: Time


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


class Member(Shown):
    """A member of a video."""

    user_id: str
    name: str | None
    role: Literal["owner", "editor", "viewer"]
    created_at: Time


class Pagination(Shown):
    """Where a page stands in its list."""

    current_page: int
    total_pages: int
    total_items: int
    items_per_page: int


class OneVideo(Shown):
    """One video."""

    video: Video


class ManyVideos(Shown):
    """A page of videos."""

    videos: list[Video]
    pagination: Pagination


class OneScene(Shown):
    """One scene."""

    scene: Scene


class ManyScenes(Shown):
    """The scenes of a video, in order."""

    scenes: list[Scene]


class OneLayer(Shown):
    """One layer."""

    layer: Layer


class OneMember(Shown):
    """One member."""

    member: Member


class ManyMembers(Shown):
    """A page of the members of a video."""

    members: list[Member]
    pagination: Pagination


class Health(Shown):
    """That the process answers."""

    status: Literal["ok"]
