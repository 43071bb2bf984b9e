"""The rows that a document projects to, kept up to date by looking only at what was touched.

Whatever stands in the document, this never fails: rules J1 to J14 of SPEC.md say what becomes of
what is not as it should be.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from itertools import chain
from typing import Any, Final

from pycrdt import Doc
from pycrdt import Map as SharedMap
from pycrdt._pycrdt import Map

from collab.entries import Faults, SceneEntry
from collab.ordering import Ranking, sort_key
from collab.rows import LAYER_NAMES, SCENE_NAMES, differences_of, layer_row, scene_row
from collab.schema import (
    ASPECT_RATIOS,
    DEFAULT_ASPECT_RATIO,
    DEFAULT_BACKGROUND,
    MAX_NAME,
    Changes,
    DocumentLimits,
    LayerRow,
    SceneRow,
    Touches,
    VideoFields,
    is_colour,
    is_id,
)
from collab.values import MISSING, Reader, Rules, cut

READ_AT_ONCE: Final = 32
"""Scenes that are read in one piece: some 10 ms, if they have five layers each."""


class Projection:
    """The rows of one video.

    Args:
        limits: what is beyond these is left out.
        own_link: whether a URL is one of this server's own links.

    Attributes:
        video: the fields of the video itself.
        scenes: its scenes, in order.
        layers: the layers of each of them, in order, by the scene's id.
        dropped: what is now left out or changed, counted by the names in `values.RULE_NAMES`.
    """

    def __init__(self, limits: DocumentLimits, own_link: Callable[[str], bool]) -> None:
        self._rules = Rules(limits, own_link)
        self._foreign: set[str] = set()
        self._disowned: set[str] = set()
        self._scene_rows: dict[str, SceneRow] = {}
        self.video = VideoFields()
        self.scenes: list[SceneRow] = []
        self.layers: dict[str, list[LayerRow]] = {}
        self.dropped: Counter[str] = Counter()
        self._looked = False
        self._unread, self._stale, self._changes = Touches(), _Stale(), Changes()
        self._start_over()

    def refresh(self, doc: Doc[Any], touches: Touches) -> Changes:
        """Look at what was touched.

        Args:
            doc: the document; the same at each call, unless everything is touched.
            touches: what was touched since the call before.

        Returns:
            What is different from the call before.
        """
        self.touch(touches)
        while not self.read(doc):
            pass
        return self.settle()

    def touch(self, touches: Touches) -> None:
        """Note what has to be looked at."""
        self._unread.add(touches)

    @property
    def reading(self) -> bool:
        """Whether a part of what was touched is read, and the rest is not."""
        return bool(self._unread)

    def read(self, doc: Doc[Any], most: int = READ_AT_ONCE) -> bool:
        """Look at some of what was touched.

        Between two of these calls the document may change, if `touch` is told before the second.

        Args:
            doc: the document; the same until something touches everything.
            most: how many scenes to look at; of single fields there are more.

        Returns:
            Whether that was all: what was read is what the document is now, and can be `settle`d.
        """
        with doc.transaction() as transaction:
            assert transaction._txn is not None
            reader = Reader(transaction._txn)
            root = doc.get("scenes", type=SharedMap).integrated
            if self._unread.everything:
                self._start_over()
                self._stale = _Stale(order=True, lists=set(self.layers))
                self._unread = Touches(video=True, scenes=set(reader.keys(root)))
            part = self._unread.take(most)
            if part.video:
                self._read_video(reader, doc.get("video", type=SharedMap).integrated)
            self._read(reader, root, part, self._stale)
        return not self._unread

    def settle(self) -> Changes:
        """Make rows of what was read; returns what is different from the call before."""
        stale, changes = self._stale, self._changes
        self._stale, self._changes = _Stale(), Changes()
        self._take_over_disowned(stale)
        self._settle(stale, changes)
        self._looked = True
        return changes

    def forget(self) -> None:
        """Let go of all that was read: the next refresh, of everything, finds all of it new."""
        self._scene_rows = {}
        self.scenes = []
        self.layers = {}
        self._looked = False
        self._unread, self._stale, self._changes = Touches(), _Stale(), Changes()
        self._start_over()

    def disown(self, ids: Iterable[str]) -> None:
        """Leave out scenes and layers with these ids from the next refresh on: they belong to
        another video."""
        self._disowned.update(ids)

    def rows(self) -> Changes:
        """Everything, as if all were new."""
        layers = {row.id: row for row in chain.from_iterable(self.layers.values())}
        scenes = {row.id: row for row in self.scenes}
        return Changes(
            video=self.video,
            scenes=scenes,
            layers=layers,
            created={*scenes, *layers},
            changed={
                **dict.fromkeys(scenes, frozenset(SCENE_NAMES)),
                **dict.fromkeys(layers, frozenset(LAYER_NAMES)),
            },
        )

    def _start_over(self) -> None:
        self.dropped.clear()
        self._faults = Faults(self.dropped)
        self._list_faults = Faults(self.dropped)
        self._entries: dict[str, SceneEntry] = {}
        self._ranking = Ranking()
        self._kept: dict[str, int] = {}
        self._holders: dict[str, set[str]] = {}
        self._shared: set[str] = set()

    def _read_video(self, reader: Reader, shared: Map) -> None:
        title = reader.get(shared, "title")
        ratio = reader.get(shared, "aspect_ratio")
        background = reader.get(shared, "background")
        good_title, rule = cut(title, MAX_NAME) if isinstance(title, str) else ("", _absent(title))
        good_ratio = isinstance(ratio, str) and ratio in ASPECT_RATIOS
        good_background = is_colour(background)
        self._faults.note("title", rule and (rule,))
        self._faults.note("aspect_ratio", () if good_ratio else (_absent(ratio),))
        self._faults.note("background", () if good_background else (_absent(background),))
        video = VideoFields(
            title=good_title,
            aspect_ratio=ratio if good_ratio else DEFAULT_ASPECT_RATIO,
            background=background if good_background else DEFAULT_BACKGROUND,
        )
        if video != self.video or not self._looked:
            self.video = self._changes.video = video

    def _read(self, reader: Reader, root: Map, touches: Touches, stale: _Stale) -> None:
        whole = set(touches.scenes)
        for (scene, layer), names in touches.fields.items():
            if scene not in self._entries or (layer is None and names & {"layers", "*"}):
                whole.add(scene)
        for scene in whole:
            self._read_scene(reader, root, scene, stale)
        for (scene, layer), names in touches.fields.items():
            if scene in whole:
                continue
            shared = reader.get(root, scene)
            if not isinstance(shared, Map):
                self._read_scene(reader, root, scene, stale)
                whole.add(scene)
                continue
            entry = self._entries[scene]
            if layer is None:
                entry.read(reader, shared, names)
                self._rank_scene(scene, entry, stale)
                stale.scenes.add(scene)
                continue
            layers = reader.get(shared, "layers")
            if not isinstance(layers, Map):
                continue
            partly = layer in entry.layers and "*" not in names
            if entry.read_layer(reader, layers, layer, names if partly else None):
                self._hold(scene, entry, layer, stale)
                stale.lists.add(scene)
            stale.layers.setdefault(scene, set()).add(layer)

    def _read_scene(self, reader: Reader, root: Map, scene: str, stale: _Stale) -> None:
        """Forget a scene, and read it anew if it is there."""
        before = self._entries.pop(scene, None)
        if before is not None:
            before.forget()
            for layer in before.ranking:
                self._release(scene, layer, stale)
        stale.scenes.add(scene)
        stale.lists.add(scene)
        shared = reader.get(root, scene)
        if isinstance(shared, Map) and is_id(scene):
            self._faults.note(f"scenes.{scene}")
            entry = self._entries[scene] = SceneEntry(self._rules, self.dropped)
            entry.read_all(reader, shared)
            self._rank_scene(scene, entry, stale)
            for layer in entry.ranking:
                self._hold(scene, entry, layer, stale)
            return
        rule = "entry" if is_id(scene) else "id"
        self._faults.note(f"scenes.{scene}", () if shared is MISSING else (rule,))
        if scene in self._ranking:
            self._ranking.remove(scene)
            stale.order = True

    def _rank_scene(self, scene: str, entry: SceneEntry, stale: _Stale) -> None:
        if self._ranking.place(sort_key(entry.order, scene)):
            stale.order = True

    def _hold(self, scene: str, entry: SceneEntry, layer: str, stale: _Stale) -> None:
        """Note that a scene holds a layer, or no longer does."""
        if layer not in entry.ranking:
            self._release(scene, layer, stale)
            return
        holders = self._holders.setdefault(layer, set())
        holders.add(scene)
        if len(holders) > 1:
            self._shared.add(layer)
            stale.lists |= holders

    def _release(self, scene: str, layer: str, stale: _Stale) -> None:
        holders = self._holders.get(layer)
        if holders is None:
            return
        if len(holders) > 1:
            stale.lists |= holders
        holders.discard(scene)
        if len(holders) < 2:
            self._shared.discard(layer)
        if not holders:
            del self._holders[layer]

    def _take_over_disowned(self, stale: _Stale) -> None:
        for item in self._disowned - self._foreign:
            self._foreign.add(item)
            stale.order |= item in self._ranking
            stale.lists |= self._holders.get(item, set())
        self._disowned.clear()

    def _settle(self, stale: _Stale, changes: Changes) -> None:
        """Make the rows of what is stale, and say how they differ from those before."""
        if stale.order:
            self._keep_scenes(stale)
        if stale.order or stale.scenes:
            self._make_scenes(stale, changes)
        if stale.lists:
            self._make_lists(stale, changes)
        for scene, layers in stale.layers.items():
            if scene in self._kept and scene not in stale.lists:
                rows = self.layers[scene]
                for index, row in enumerate(rows):
                    if row.id in layers:
                        rows[index] = self._make_layer(scene, row.id, index + 1, row, changes)

    def _keep_scenes(self, stale: _Stale) -> None:
        """Choose the scenes that have rows."""
        kept: dict[str, int] = {}
        faults: list[str] = []
        for seen, scene in enumerate(self._ranking):
            if scene in self._foreign:
                faults.append("foreign")
            elif len(kept) == self._rules.limits.scenes:
                faults.extend(["count"] * (len(self._ranking) - seen))
                break
            else:
                kept[scene] = len(kept)
        self._list_faults.note("scenes", faults)
        stale.lists |= kept.keys() ^ self._kept.keys()
        for layer in self._shared:
            stale.lists |= self._holders[layer]
        self._kept = kept

    def _make_scenes(self, stale: _Stale, changes: Changes) -> None:
        before, self._scene_rows = self._scene_rows, {}
        start = 0.0
        for number, scene in enumerate(self._kept, 1):
            row = before.pop(scene, None)
            if (
                row is None
                or scene in stale.scenes
                or row.scene_number != number
                or row.start_time != start
            ):
                row = self._make_scene(scene, number, start, row, stale, changes)
            self._scene_rows[scene] = row
            start = row.end_time
        self.scenes = list(self._scene_rows.values())
        changes.removed_scenes.update(before)

    def _make_scene(
        self,
        scene: str,
        number: int,
        start: float,
        before: SceneRow | None,
        stale: _Stale,
        changes: Changes,
    ) -> SceneRow:
        entry = self._entries[scene]
        row = scene_row(scene, number, start, entry)
        if before is None:
            changes.created.add(scene)
            differences = frozenset(SCENE_NAMES)
        else:
            differences = differences_of(before, row)
            if not differences:
                return before
            if "duration" in differences:
                stretched = (item for item in entry.ranking if entry.layers[item].duration is None)
                stale.layers.setdefault(scene, set()).update(stretched)
        changes.scenes[scene] = row
        changes.changed[scene] = differences
        return row

    def _make_lists(self, stale: _Stale, changes: Changes) -> None:
        """Make the rows of scenes that may have other layers, or others in another order."""
        before = {row.id: row for scene in stale.lists for row in self.layers.pop(scene, ())}
        for scene in stale.lists:
            layers = self._keep_layers(scene) if scene in self._kept else ()
            touched = stale.layers.get(scene, set())
            made: list[LayerRow] = []
            for index, layer in enumerate(layers, 1):
                row = before.pop(layer, None)
                if (
                    row is None
                    or layer in touched
                    or scene in stale.scenes
                    or row.order_index != index
                    or row.scene_id != scene
                ):
                    row = self._make_layer(scene, layer, index, row, changes)
                made.append(row)
            if scene in self._kept:
                self.layers[scene] = made
            else:
                self._list_faults.note(scene)
        changes.removed_layers.update((row.id, row.scene_id) for row in before.values())

    def _keep_layers(self, scene: str) -> list[str]:
        """Choose the layers of a scene that have rows."""
        kept: list[str] = []
        faults: list[str] = []
        ranking = self._entries[scene].ranking
        for seen, layer in enumerate(ranking):
            if layer in self._foreign:
                faults.append("foreign")
            elif layer in self._shared and self._owner(layer) != scene:
                faults.append("duplicate")
            elif len(kept) == self._rules.limits.layers:
                faults.extend(["count"] * (len(ranking) - seen))
                break
            else:
                kept.append(layer)
        self._list_faults.note(scene, faults)
        return kept

    def _owner(self, layer: str) -> str:
        """The scene, first in order, of several that hold a layer."""
        return min(
            (scene for scene in self._holders[layer] if scene in self._kept),
            key=self._kept.__getitem__,
        )

    def _make_layer(
        self, scene: str, layer: str, index: int, before: LayerRow | None, changes: Changes
    ) -> LayerRow:
        entry = self._entries[scene]
        row = layer_row(scene, layer, index, entry.layers[layer], entry.duration)
        if before is None:
            changes.created.add(layer)
            differences = frozenset(LAYER_NAMES)
        else:
            differences = differences_of(before, row)
            if not differences:
                return before
        changes.layers[layer] = row
        changes.changed[layer] = differences
        return row


@dataclass(slots=True)
class _Stale:
    """What has to be made anew: whether the order of scenes, the rows of scenes, the lists of
    layers of scenes, and the rows of layers by scene."""

    order: bool = False
    scenes: set[str] = field(default_factory=set)
    lists: set[str] = field(default_factory=set)
    layers: dict[str, set[str]] = field(default_factory=dict)


def _absent(value: Any) -> str:
    return "missing" if value is MISSING else "field"
