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


FIELDS_A_SCENE: Final = 16
"""How many fields are read in the time that a whole scene with its layers takes."""


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
        authors: (scene id, None) or (scene id, layer id) -> who touched it last, as far as known.
        author: who touched anything last, as far as known.
    """

    everything: bool = False
    video: bool = False
    scenes: set[str] = field(default_factory=set)
    fields: dict[tuple[str, str | None], set[str]] = field(default_factory=dict)
    authors: dict[tuple[str, str | None], str] = field(default_factory=dict)
    author: str = ""

    def __bool__(self) -> bool:
        return bool(self.everything or self.video or self.scenes or self.fields)

    def add(self, later: Touches) -> None:
        """Take in what was touched after this."""
        self.everything = self.everything or later.everything
        self.video = self.video or later.video
        self.scenes |= later.scenes
        for place, names in later.fields.items():
            self.fields.setdefault(place, set()).update(names)
        self.authors.update(later.authors)
        self.author = later.author or self.author

    def take(self, most: int) -> Touches:
        """Split off so many scenes at most, or `FIELDS_A_SCENE` times as many fields, once it is
        known which these are; no authors."""
        part = Touches(video=self.video)
        self.video = False
        for _ in range(min(most, len(self.scenes))):
            part.scenes.add(self.scenes.pop())
        fields = FIELDS_A_SCENE * (most - len(part.scenes))
        for _ in range(min(fields, len(self.fields))):
            place, names = self.fields.popitem()
            part.fields[place] = names
        return part

    def author_of(self, scene: str, layer: str | None) -> str:
        """Who changed a scene or a layer; empty if nobody knows.

        What follows from an edit elsewhere, as a place in the order does, is whoever's edit was
        the last.
        """
        return self.authors.get((scene, layer)) or self.authors.get((scene, None)) or self.author


@dataclass(slots=True)
class Changes:
    """What a look at the document found changed against the look before.

    `scenes` and `layers` hold the new rows of what is new or different; `changed` names, for each
    id among them, the fields that differ (for a new one, all of them); `created` the ids that were
    not there before. The value of a removed layer is the scene that it was in. `authors` says, for
    each id, whose edit it was, as far as known.
    """

    video: VideoFields | None = None
    scenes: dict[str, SceneRow] = field(default_factory=dict)
    layers: dict[str, LayerRow] = field(default_factory=dict)
    removed_scenes: set[str] = field(default_factory=set)
    removed_layers: dict[str, str] = field(default_factory=dict)
    created: set[str] = field(default_factory=set)
    changed: dict[str, frozenset[str]] = field(default_factory=dict)
    authors: dict[str, str] = field(default_factory=dict)

    def add(self, later: Changes) -> None:
        """Take in what changed after this: the two together, as if looked at once."""
        if later.video is not None:
            self.video = later.video
        for scene in later.removed_scenes:
            if self._forget(scene, self.scenes):
                self.removed_scenes.add(scene)
        for layer, home in later.removed_layers.items():
            if self._forget(layer, self.layers):
                self.removed_layers[layer] = home
        for scene, scene_row in later.scenes.items():
            self.scenes[scene] = scene_row
            self._note(scene, later, known=scene in self.removed_scenes)
            self.removed_scenes.discard(scene)
        for layer, layer_row in later.layers.items():
            self.layers[layer] = layer_row
            self._note(layer, later, known=layer in self.removed_layers)
            self.removed_layers.pop(layer, None)
        self.authors.update(later.authors)

    def attribute(self, touches: Touches) -> None:
        """Say whose edits these were."""
        for scene in (*self.scenes, *self.removed_scenes):
            self.authors[scene] = touches.author_of(scene, None)
        for layer, row in self.layers.items():
            self.authors[layer] = touches.author_of(row.scene_id, layer)
        for layer, home in self.removed_layers.items():
            self.authors[layer] = touches.author_of(home, layer)

    def _forget(self, thing: str, rows: dict[str, SceneRow] | dict[str, LayerRow]) -> bool:
        """Leave out what is gone; returns whether it was there before all this."""
        rows.pop(thing, None)
        self.changed.pop(thing, None)
        if thing in self.created:
            self.created.discard(thing)
            return False
        return True

    def _note(self, thing: str, later: Changes, *, known: bool) -> None:
        if thing in later.created and not known:
            self.created.add(thing)
        self.changed[thing] = self.changed.get(thing, frozenset()) | later.changed[thing]

    def __bool__(self) -> bool:
        return bool(
            self.video is not None
            or self.scenes
            or self.layers
            or self.removed_scenes
            or self.removed_layers
        )
