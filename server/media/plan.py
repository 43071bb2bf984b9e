"""The planner: from a video's rows to what is to be drawn, in whole frames. Pure.

A scene is planned as items (layers that are seen, from the back to the front) over frames. Where
nothing moves, one picture stands for many frames; where all that moves repeats, one period does.
Those stretches are `Piece`s. A scene's frames are stored as up to three `Segment`s: its body, and
the head and tail that a transition mixes with a neighbour, each under a key that is a hash of all
that its pictures depend on. So a scene that was moved, or whose neighbours changed, keeps its body.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from api.schemas.renders import QUALITIES
from collab.schema import LayerRow, SceneRow, is_colour
from server.media.errors import NothingToRender
from server.media.looks import (
    EffectLook,
    Look,
    MediaLook,
    animations,
    effect_look,
    media_look,
    number,
    shape_look,
    text_look,
)
from server.media.model import FPS, RATIOS, Asset, RenderInput, RenderOptions
from server.media.motion import Motion, layer_motions
from server.media.pieces import Item, Piece, pieces_of

RENDERER: Final = 2
"""Changes whenever the same plan would give other pictures, so that old segments are not used."""
_VISUAL: Final = ("text", "media", "shape", "avatar", "effect")
_NEEDS_FILE: Final = ("media", "avatar")


@dataclass(frozen=True, slots=True)
class Canvas:
    """The picture: even width and height in pixels, and the background `#RRGGBB`."""

    width: int
    height: int
    background: str

    @property
    def unit(self) -> float:
        """Pixels of this picture for one pixel of a picture whose shorter side is 1080."""
        return min(self.width, self.height) / 1080


@dataclass(frozen=True, slots=True)
class Transition:
    """A mix with a neighbour's still picture.

    Attributes:
        effect: crossfade, wipe or slide.
        way: where a wipe or slide goes.
        other: index of the neighbour in the plan.
        other_frame: which of its frames is held.
        incoming: whether the neighbour is the one before (the scene comes in over it) or the
            one after (the scene goes out under it).
    """

    effect: str
    way: str
    other: int
    other_frame: int
    incoming: bool


@dataclass(frozen=True, slots=True)
class Segment:
    """Frames `first` to `end` of a scene that are encoded and stored together."""

    scene: int
    first: int
    end: int
    pieces: tuple[Piece, ...]
    key: str
    transition: Transition | None = None

    @property
    def drawn(self) -> int:
        """How many frames are encoded."""
        return sum(piece.drawn for piece in self.pieces)


@dataclass(frozen=True, slots=True)
class ScenePlan:
    """One scene: its number as in the projection, its first frame in the film, its length."""

    scene_id: str
    scene_number: int
    start: int
    frames: int
    items: tuple[Item, ...]
    segments: tuple[Segment, ...]


@dataclass(frozen=True, slots=True)
class Plan:
    """A film: its picture, its scenes (those of at least one frame), its length in frames."""

    canvas: Canvas
    scenes: tuple[ScenePlan, ...]
    frames: int
    warnings: tuple[str, ...]

    @property
    def seconds(self) -> float:
        """Its length."""
        return self.frames / FPS


def canvas_of(video: RenderInput, options: RenderOptions) -> Canvas:
    """The picture's size: the quality is its shorter side."""
    ratio = options.aspect_ratio or video.aspect_ratio
    wide, high = RATIOS.get(ratio, RATIOS["16:9"])
    short = QUALITIES[options.quality]
    width, height = short * wide / min(wide, high), short * high / min(wide, high)
    background = video.background if is_colour(video.background) else "#000000"
    return Canvas(2 * round(width / 2), 2 * round(height / 2), background.upper())


def needs_file(layer: LayerRow) -> bool:
    """Whether the layer shows or plays a file that has to be fetched."""
    return layer.enabled and layer.type in (*_NEEDS_FILE, "audio")


def make_plan(
    video: RenderInput,
    options: RenderOptions,
    assets: Mapping[str, Asset],
    keys: Mapping[str, str],
    watermark_key: str = "",
) -> Plan:
    """Plan the render.

    Args:
        video: the projection.
        options: quality, ratio and the rest.
        assets: the files that were found, by layer id.
        keys: a name for the content of each of these files, by layer id.
        watermark_key: a name for the watermark's content.

    Raises:
        NothingToRender: there is no scene, or the film would be longer than allowed.
    """
    if not video.scenes:
        raise NothingToRender("The video has no scenes; add one and render again.")
    total = sum(scene.duration for scene in video.scenes)
    if total > options.max_seconds:
        raise NothingToRender(
            f"The video lasts {total:.0f} seconds; at most {options.max_seconds:.0f} are rendered."
        )
    canvas = canvas_of(video, options)
    warnings: list[str] = []
    bounds = _bounds(video.scenes)
    scenes = []
    for scene, (start, end) in zip(video.scenes, bounds, strict=True):
        if end > start:
            layers = video.layers.get(scene.id, ())
            items = _items(scene, layers, end - start, assets, keys, warnings)
            scenes.append((scene, start, end - start, items))
    common = (RENDERER, FPS, canvas, watermark_key)
    looks = [_digest(common, items, frames) for _, _, frames, items in scenes]
    lengths = [frames for _, _, frames, _ in scenes]
    plans = tuple(
        ScenePlan(
            scene.id,
            scene.scene_number,
            start,
            frames,
            tuple(item for item in items if not _joins(item)),
            _segments(index, items, looks, lengths),
        )
        for index, (scene, start, frames, items) in enumerate(scenes)
    )
    return Plan(canvas, plans, bounds[-1][1], tuple(warnings))


def _bounds(scenes: Sequence[SceneRow]) -> list[tuple[int, int]]:
    """First and last frame (exclusive) of each scene: the sum is rounded, not the parts."""
    bounds, seconds, first = [], 0.0, 0
    for scene in scenes:
        seconds += scene.duration
        end = round(seconds * FPS)
        bounds.append((first, end))
        first = end
    if first == 0:
        bounds[0] = (0, 1)
        bounds[1:] = [(1, 1)] * (len(bounds) - 1)
    return bounds


def _items(
    scene: SceneRow,
    layers: Sequence[LayerRow],
    frames: int,
    assets: Mapping[str, Asset],
    keys: Mapping[str, str],
    warnings: list[str],
) -> list[Item]:
    """The scene's visible layers from the back to the front.

    The order is the layers' own, but what fills the frame lies at the back, whatever its order.
    """
    spans = {layer.id: _span(layer, frames) for layer in layers if layer.enabled}
    talks = [spans[v.id] for v in layers if v.enabled and v.type == "voiceover"]
    items = []
    for layer in layers:
        if not layer.enabled or layer.type not in _VISUAL:
            continue
        first, end = spans[layer.id]
        if first >= end:
            warnings.append(
                f"Scene {scene.scene_number}: the layer “{layer.name}” lies outside its scene."
            )
            continue
        look = _look(layer)
        if look is None:
            warnings.append(
                f"Scene {scene.scene_number}: the effect “{layer.name}” is of no known kind."
            )
            continue
        asset = assets.get(layer.id)
        motions = _motions(layer, look, asset, first, end, talks or [(0, frames)])
        if isinstance(look, EffectLook) and look.effect == "fade":
            motions = _fades(look.way, first, end, frames)
        items.append(
            Item(
                layer.id,
                layer.type,
                first,
                end,
                look,
                motions,
                keys.get(layer.id, f"no {layer.name}" if layer.type in _NEEDS_FILE else ""),
                layer.name,
            )
        )
    return sorted(items, key=lambda i: not (isinstance(i.look, MediaLook) and i.look.fills_frame))


def _span(layer: LayerRow, frames: int) -> tuple[int, int]:
    first = round(layer.start_time * FPS)
    end = round((layer.start_time + layer.duration) * FPS)
    return min(first, frames), min(max(end, first + 1), frames)


def _look(layer: LayerRow) -> Look | None:
    if layer.type == "text":
        return text_look(layer.properties)
    if layer.type == "shape":
        return shape_look(layer.properties)
    if layer.type == "effect":
        return effect_look(layer.properties)
    return media_look(layer.properties, "contain" if layer.type == "avatar" else "cover")


def _motions(
    layer: LayerRow,
    look: Look,
    asset: Asset | None,
    first: int,
    end: int,
    talks: Sequence[tuple[int, int]],
) -> tuple[Motion, ...]:
    if isinstance(look, EffectLook):
        return ()
    seconds = number(layer.properties, "animation_duration", 0.5, 0.05, 60)
    text = layer.properties.get("text")
    length = len(text) if isinstance(text, str) else 0
    names = animations(layer.properties)
    motions = list(layer_motions(names, first, end, seconds, length, talks))
    if isinstance(look, MediaLook):
        if look.moves:
            motions.append(Motion("kenBurns", first, end))
        if asset is not None and asset.kind in ("video", "gif"):
            motions.append(Motion("play", first, end))
    return tuple(motions)


def _fades(way: str, first: int, end: int, frames: int) -> tuple[Motion, ...]:
    """From a colour and to it: by the effect's direction, else by where in the scene it lies."""
    if way == "in" or (way != "out" and first == 0 and end < frames):
        return (Motion("fadeFrom", first, end),)
    if way == "out" or (first > 0 and end == frames):
        return (Motion("fadeTo", first, end),)
    if first == 0:
        step = max(1, min(FPS // 2, frames // 2))
        return (Motion("fadeFrom", 0, step), Motion("fadeTo", frames - step, frames))
    middle = (first + end) // 2
    return (Motion("fadeTo", first, middle), Motion("fadeFrom", middle, end))


def _joins(item: Item) -> bool:
    return isinstance(item.look, EffectLook) and item.look.is_transition


def _digest(*parts: object) -> str:
    """A hash of the parts' `repr`, which for the plan's dataclasses shows all that is drawn."""
    return hashlib.sha256(repr(parts).encode()).hexdigest()


def _segments(
    index: int, items: Sequence[Item], looks: Sequence[str], lengths: Sequence[int]
) -> tuple[Segment, ...]:
    frames = lengths[index]
    seen = [item for item in items if not _joins(item)]
    head, tail = _transitions(index, items, lengths)
    spans: list[tuple[int, int, Transition | None]] = [(0, frames, None)]
    if head is not None or tail is not None:
        first = head[0] if head is not None else 0
        last = max(first, tail[0]) if tail is not None else frames
        spans = [
            (0, first, head[1] if head is not None else None),
            (first, last, None),
            (last, frames, tail[1] if tail is not None else None),
        ]
    segments = []
    for begin, end, join in spans:
        if begin == end:
            continue
        mixed = () if join is None else (looks[join.other], join.effect, join.way, join.other_frame)
        incoming = None if join is None else join.incoming
        segments.append(
            Segment(
                index,
                begin,
                end,
                pieces_of(seen, begin, end)
                if join is None
                else (Piece(begin, end - begin, end - begin, still=False, large=True),),
                _digest(looks[index], begin, end, mixed, incoming),
                join,
            )
        )
    return tuple(segments)


def _transitions(
    index: int, items: Sequence[Item], lengths: Sequence[int]
) -> tuple[tuple[int, Transition] | None, tuple[int, Transition] | None]:
    """The head (where it ends) and the tail (where it begins) of a scene, if it has them.

    A transition in the first half of a scene comes in from the scene before; one that reaches the
    scene's end goes out to the next.
    """
    head = tail = None
    frames = lengths[index]
    for item in items:
        if not _joins(item) or not isinstance(item.look, EffectLook):
            continue
        look = item.look
        if item.end >= frames and item.first > 0:
            if index + 1 < len(lengths):
                tail = item.first, Transition(look.effect, look.way, index + 1, 0, incoming=False)
        elif index > 0:
            # One that spans the whole scene would leave no scene: a second is enough.
            end = item.end if item.end < frames else max(1, min(FPS, frames // 2))
            before = lengths[index - 1] - 1
            head = end, Transition(look.effect, look.way, index - 1, before, incoming=True)
    return head, tail
