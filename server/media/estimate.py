"""What a render will cost, before any of its files is looked at."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import Any, Final

from collab.schema import LayerRow
from persistence.renders import Frozen
from server.media.looks import string
from server.media.model import Asset, AssetKind, RenderInput, RenderOptions
from server.media.plan import Plan, make_plan, needs_file
from server.media.progress import (
    FIXED,
    SOUND_SECOND,
    SPOKEN_WORD,
    convert_cost,
    join_cost,
    segment_cost,
)

_KINDS: Final[Mapping[str, AssetKind]] = {"video": "video", "gif": "gif"}
_FILE: Final = ("media_id", "media_url", "avatar_id", "avatar_url", "audio_id", "audio_url")


def input_of(video: Frozen) -> RenderInput:
    """What a render is made from, as the renderer takes it."""
    layers: dict[str, Any] = {}
    for layer in video.layers:
        layers.setdefault(layer.scene_id, []).append(layer)
    return RenderInput(
        video.seq, video.title, video.aspect_ratio, video.background, video.scenes, layers
    )


def estimate(video: Frozen, given: Mapping[str, Any]) -> dict[str, float]:
    """What the parts of a render cost; see `persistence.renders.Estimate`.

    Args:
        video: what is rendered.
        given: the job's input.
    """
    rows = input_of(video)
    options = RenderOptions(
        given["quality"], given["aspect_ratio"], given["format"], max_seconds=float("inf")
    )
    files = [layer for layer in video.layers if needs_file(layer)]
    assets = {layer.id: Asset(Path(), _kind(layer, video.films)) for layer in files}
    mark = repr((given["watermark"], given["own_watermark"]))
    plan = make_plan(rows, options, assets, {layer.id: _file(layer) for layer in files}, mark)
    parts: dict[str, float] = {" ": FIXED + join_cost(plan)}
    redraw, form = set(given.get("redraw", ())), options.format
    for scene in plan.scenes if form != "mp3" else ():
        for segment in scene.segments:
            anew = given.get("redraw_all", False) or scene.scene_id in redraw
            name = f" {segment.key}" if anew else segment.key
            _add(parts, name, segment_cost(segment, plan.canvas))
    _add_sound(parts, video, plan)
    if again := convert_cost(plan, form):
        _add(parts, _name(form, sorted(parts)), again)
    return parts


def _add_sound(parts: dict[str, float], video: Frozen, plan: Plan) -> None:
    heard = [one for one in video.layers if one.enabled and one.type in ("audio", "voiceover")]
    texts = {scene.id: scene.text for scene in video.scenes}
    spoken = [
        string(one.properties, "text").strip() or texts.get(one.scene_id, "")
        for one in heard
        if one.type == "voiceover"
    ]
    for text in set(spoken):
        _add(parts, _name("speech", text), len(text.split()) * SPOKEN_WORD)
    if heard:
        said = [(one.start_time, one.duration, sorted(_shown(one))) for one in heard]
        _add(parts, _name("sound", plan.frames, said, spoken), plan.seconds * SOUND_SECOND)


def _add(parts: dict[str, float], name: str, cost: float) -> None:
    parts[name] = parts.get(name, 0.0) + cost


def _shown(layer: LayerRow) -> Iterable[tuple[str, str]]:
    return ((name, repr(value)) for name, value in layer.properties.items())


def _kind(layer: LayerRow, films: Collection[str]) -> AssetKind:
    if layer.type == "audio":
        return "audio"
    if string(layer.properties, "avatar_id").lower() in films:
        return "video"
    return _KINDS.get(string(layer.properties, "media_type"), "image")


def _file(layer: LayerRow) -> str:
    return repr([layer.properties.get(name) for name in _FILE])


def _name(*parts: object) -> str:
    return hashlib.sha256(repr(parts).encode()).hexdigest()
