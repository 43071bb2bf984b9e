"""The document's shape: names, defaults, limits, and the rows that it projects to.

Ids are strings here: UUIDs in canonical lower-case form.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any, Final

LAYER_TYPES: Final = ("audio", "voiceover", "text", "media", "shape", "avatar", "effect")
ASPECT_RATIOS: Final = ("16:9", "9:16", "1:1", "4:5")
DEFAULT_ASPECT_RATIO: Final = "16:9"
DEFAULT_BACKGROUND: Final = "#000000"
DEFAULT_SCENE_SECONDS: Final = 5.0
MIN_SECONDS: Final = 0.01
MAX_SECONDS: Final = 86_400.0
MAX_NAME: Final = 255

_UUID: Final = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_COLOUR: Final = re.compile(r"#[0-9a-fA-F]{6}")


def is_id(value: object) -> bool:
    """Whether `value` is a UUID in canonical lower-case form."""
    return isinstance(value, str) and _UUID.fullmatch(value) is not None


def is_colour(value: object) -> bool:
    """Whether `value` is a colour written as `#RRGGBB`."""
    return isinstance(value, str) and _COLOUR.fullmatch(value) is not None


@dataclass(frozen=True, slots=True)
class DocumentLimits:
    """How large things may be.

    Bytes for a message and a document; for the projection: scenes a video, layers a scene,
    characters a text, bytes of JSON of one layer's properties.
    """

    message_bytes: int = 8 * 1024 * 1024
    document_bytes: int = 64 * 1024 * 1024
    scenes: int = 500
    layers: int = 100
    text: int = 20_000
    properties_bytes: int = 64 * 1024


@dataclass(frozen=True, slots=True)
class VideoFields:
    """What the document's `video` map projects to."""

    title: str = ""
    aspect_ratio: str = DEFAULT_ASPECT_RATIO
    background: str = DEFAULT_BACKGROUND


@dataclass(frozen=True, slots=True)
class SceneRow:
    """One scene as the tables and the REST API show it; times in seconds."""

    id: str
    scene_number: int
    order: str
    text: str
    duration: float
    start_time: float
    end_time: float
    is_expanded: bool


@dataclass(frozen=True, slots=True)
class LayerRow:
    """One layer as the tables and the REST API show it; times in seconds from the scene's start."""

    id: str
    scene_id: str
    type: str
    name: str
    enabled: bool
    duration: float
    start_time: float
    end_time: float
    order_index: int
    order: str
    properties: dict[str, Any]


@dataclass(slots=True)
class Touches:
    """Which parts of the document some edits touched; what `Document.settle` returns.

    Attributes:
        everything: nothing is known (a fresh room): look at the whole document.
        video: the `video` map was touched.
        scenes: ids (any key of the `scenes` map, well-formed or not) that were added, removed
            or replaced as a whole.
        fields: (scene id, None) or (scene id, layer id) -> names of the touched fields; for a
            layer `properties.<key>` names a property; "*" means the layer came, went or was
            replaced as a whole.
    """

    everything: bool = False
    video: bool = False
    scenes: set[str] = field(default_factory=set)
    fields: dict[tuple[str, str | None], set[str]] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.everything or self.video or self.scenes or self.fields)


@dataclass(slots=True)
class Changes:
    """What a look at the document found changed against the look before.

    `scenes` and `layers` hold the new rows of what is new or different; `changed` names, for each
    id among them, the fields that differ (for a new one, all of them); `created` the ids that were
    not there before. `layer_scene` of a removed layer is the scene that it was in.
    """

    video: VideoFields | None = None
    scenes: dict[str, SceneRow] = field(default_factory=dict)
    layers: dict[str, LayerRow] = field(default_factory=dict)
    removed_scenes: set[str] = field(default_factory=set)
    removed_layers: dict[str, str] = field(default_factory=dict)
    created: set[str] = field(default_factory=set)
    changed: dict[str, frozenset[str]] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(
            self.video is not None
            or self.scenes
            or self.layers
            or self.removed_scenes
            or self.removed_layers
        )
