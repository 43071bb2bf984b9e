"""Whatever several editors do to a document, looking at what was touched gives the rows that
looking at everything gives (J13), and never fails (J14)."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pycrdt import Array, Doc, Map, Text, XmlFragment

from collab.document import Document
from collab.projection import Projection
from collab.schema import Changes, DocumentLimits, LayerRow, SceneRow, Touches
from collab.values import encoded_size

LIMITS = DocumentLimits(scenes=3, layers=3, text=12, properties_bytes=120)
SCENES = [f"00000000-0000-4000-8000-00000000000{n}" for n in range(5)] + ["scene", ""]
LAYERS = [f"10000000-0000-4000-8000-00000000000{n}" for n in range(6)] + ["layer"]

numbers = st.one_of(
    st.sampled_from([0, -1, 2**53, 2**60, 1e300, float("nan"), float("inf"), float("-inf"), -0.0]),
    st.floats(0, 10),
    st.integers(0, 4),
)
strings = st.one_of(
    st.sampled_from(
        [
            "",
            "a0",
            "a1",
            "a1",
            "a2",
            "Zz",
            "~",
            "a00",
            "text",
            "audio",
            "voiceover",
            "16:9",
            "x\0y",
            "https://a/b",
            "javascript:alert(1)",
            "blob:own",
            "#00ff00",
            "too long for a text",
        ]
    ),
    st.text(max_size=4),
)
json_values = st.recursive(
    st.one_of(st.none(), st.booleans(), numbers, strings, st.just(b"bytes")),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=2), inner, max_size=3)
    ),
    max_leaves=4,
)
KEYS = ["text", "media_url", "x", "y", "a.b", "bad\0key"]
Build = tuple[str, Any]
"""How to make a value: ("json", value), ("text", string), ("array", values), ("map", dict)..."""
values: st.SearchStrategy[Build] = st.one_of(
    json_values.map(lambda value: ("json", value)),
    strings.map(lambda value: ("text", value)),
    st.lists(json_values, max_size=2).map(lambda value: ("array", value)),
    st.dictionaries(st.sampled_from(KEYS), json_values, max_size=3).map(lambda v: ("map", v)),
    st.just(("xml", None)),
)
good_layers = st.fixed_dictionaries(
    {},
    optional={
        "order": st.sampled_from(["a0", "a1", "a1", "a2", "Zz", "bad0"]).map(lambda v: ("json", v)),
        "type": st.sampled_from(["text", "audio", "media"]).map(lambda v: ("json", v)),
        "duration": numbers.map(lambda v: ("json", v)),
        "properties": st.one_of(
            st.dictionaries(st.sampled_from(KEYS), values, max_size=4).map(lambda v: ("maps", v)),
            values,
        ),
    },
)
layer_fields = ["order", "type", "name", "enabled", "start_time", "duration", "properties", "else"]
scene_fields = ["order", "text", "duration", "is_expanded", "layers", "else"]
scene = st.sampled_from(SCENES)
layer = st.sampled_from(LAYERS)
op = st.one_of(
    st.tuples(
        st.just("scene"),
        scene,
        st.sampled_from(["a0", "a1", "a1", "a2", "nope"]),
        st.dictionaries(layer, good_layers, max_size=3),
    ),
    st.tuples(st.just("layer"), scene, layer, good_layers),
    st.tuples(st.just("scene field"), scene, st.sampled_from(scene_fields), values),
    st.tuples(st.just("layer field"), scene, layer, st.sampled_from(layer_fields), values),
    st.tuples(st.just("property"), scene, layer, st.sampled_from(KEYS), values),
    st.tuples(st.just("nested"), scene, layer, st.sampled_from(KEYS), json_values),
    st.tuples(st.just("type"), scene, strings),
    st.tuples(st.just("video"), st.sampled_from(["title", "aspect_ratio", "background"]), values),
    st.tuples(st.just("root"), scene, values),
    st.tuples(st.just("delete scene"), scene),
    st.tuples(st.just("delete layer"), scene, layer),
    st.tuples(st.just("delete property"), scene, layer, st.sampled_from(KEYS)),
    st.tuples(st.just("disown"), st.one_of(scene, layer)),
)


def build(spec: Build) -> Any:
    kind, value = spec
    if kind == "text":
        return Text(value)
    if kind == "array":
        return Array(value)
    if kind == "map":
        return Map(value)
    if kind == "maps":
        return Map({key: build(inner) for key, inner in value.items()})
    return XmlFragment() if kind == "xml" else value


def child(parent: Any, key: str) -> Any:
    """The map at a key, None if there is none."""
    value = parent.get(key) if parent is not None else None
    return value if isinstance(value, Map) else None


def remove(parent: Map[Any], key: str) -> None:
    if key in parent:
        del parent[key]


def do(doc: Doc[Any], what: tuple[Any, ...]) -> None:
    """One thing that an editor does, if there is something to do it to."""
    scenes: Map[Any] = doc.get("scenes", type=Map)
    name, *rest = what
    if name == "video":
        doc.get("video", type=Map)[rest[0]] = build(rest[1])
        return
    one = child(scenes, rest[0])
    layers = child(one, "layers")
    if name == "scene":
        made = {key: Map({k: build(v) for k, v in spec.items()}) for key, spec in rest[2].items()}
        scenes[rest[0]] = Map({"order": rest[1], "text": Text("t"), "layers": Map(made)})
    elif name == "root":
        scenes[rest[0]] = build(rest[1])
    elif name == "delete scene":
        remove(scenes, rest[0])
    elif name == "scene field" and one is not None:
        one[rest[1]] = build(rest[2])
    elif name == "type" and one is not None and isinstance(one.get("text"), Text):
        one["text"].insert(0, rest[1])
    elif name == "layer" and layers is not None:
        layers[rest[1]] = Map({key: build(value) for key, value in rest[2].items()})
    elif name == "delete layer" and layers is not None:
        remove(layers, rest[1])
    elif layers is not None and len(rest) > 2:
        at = child(layers, rest[1])
        properties = child(at, "properties")
        if name == "layer field" and at is not None:
            at[rest[2]] = build(rest[3])
        elif name == "property" and properties is not None:
            properties[rest[2]] = build(rest[3])
        elif name == "nested" and properties is not None:
            inner = properties.get(rest[2])
            if isinstance(inner, Map):
                inner["x"] = rest[3]
            elif isinstance(inner, Array):
                inner.append(rest[3])
            elif isinstance(inner, Text):
                inner.insert(0, "é")
        elif name == "delete property" and properties is not None:
            remove(properties, rest[2])


def seed(doc: Doc[Any]) -> None:
    """Three scenes with three layers each, of which one stands in two of them."""
    scenes: Map[Any] = doc.get("scenes", type=Map)
    with doc.transaction():
        for n in range(3):
            layers = {
                LAYERS[(2 * n + k) % 6]: Map(
                    {
                        "order": f"a{k}",
                        "type": "text",
                        "properties": Map({"text": Text("hello"), "x": 1, "a.b": Map({"x": 2})}),
                    }
                )
                for k in range(3)
            }
            scenes[SCENES[n]] = Map(
                {"order": f"a{n}", "text": Text("one"), "duration": 2, "layers": Map(layers)}
            )


def shape(projection: Projection) -> str:
    """Everything that a projection shows, in a form in which True is not 1."""
    return json.dumps(
        {
            "video": repr(projection.video),
            "scenes": [as_json(row) for row in projection.scenes],
            "layers": {key: list(map(as_json, rows)) for key, rows in projection.layers.items()},
            "dropped": dict(projection.dropped),
        },
        sort_keys=True,
        allow_nan=False,
    )


def as_json(row: SceneRow | LayerRow) -> dict[str, Any]:
    return {name: getattr(row, name) for name in type(row).__slots__}


class Tables:
    """What somebody has who applies the changes, as the tables and the event listeners do."""

    def __init__(self) -> None:
        self.scenes: dict[str, SceneRow] = {}
        self.layers: dict[str, LayerRow] = {}

    def apply(self, changes: Changes) -> None:
        before: dict[str, Any] = {**self.scenes, **self.layers}
        assert changes.created == (changes.scenes.keys() | changes.layers.keys()) - before.keys()
        for scene in changes.removed_scenes:
            del self.scenes[scene]
        for gone, where in changes.removed_layers.items():
            assert self.layers.pop(gone).scene_id == where
        self.scenes.update(changes.scenes)
        self.layers.update(changes.layers)
        assert changes.changed.keys() == changes.scenes.keys() | changes.layers.keys()
        for item in changes.changed.keys() - changes.created:
            new = as_json(changes.scenes.get(item) or changes.layers[item])
            old = as_json(before[item])
            differ = {name for name in new if json.dumps(new[name]) != json.dumps(old[name])}
            assert changes.changed[item] == differ


def own(url: str) -> bool:
    return url.startswith("blob:own")


@settings(max_examples=150, deadline=None)
@given(st.lists(st.lists(st.tuples(st.integers(0, 1), op), max_size=6), max_size=8), st.booleans())
def test_j13_touched_parts_give_what_everything_gives(
    batches: list[list[tuple[int, tuple[Any, ...]]]], pieces: bool
) -> None:
    document = Document(client_id=1, max_bytes=2**26)
    editors: list[Doc[Any]] = [Doc(client_id=10), Doc(client_id=11)]
    seed(editors[0])
    document.apply(editors[0].get_update())
    editors[1].apply_update(editors[0].get_update())
    document.settle()
    projection, tables, disowned = Projection(LIMITS, own), Tables(), set[str]()
    tables.apply(projection.refresh(document.doc, Touches(everything=True)))
    for batch in batches:
        known = [editor.get_state() for editor in editors]
        for who, what in batch:
            if what[0] == "disown":
                disowned.add(what[1])
                projection.disown([what[1]])
            else:
                with editors[who].transaction():
                    do(editors[who], what)
        for editor, state in zip(editors, known, strict=True):
            document.apply(editor.get_update(state))
            if pieces:  # as a look does it, while others go on
                projection.touch(document.settle())
                projection.read(document.doc, 1)
        for editor in editors:
            editor.apply_update(document.encode(editor.get_state()))
        tables.apply(projection.refresh(document.doc, document.settle()))

        full = Projection(LIMITS, own)
        full.disown(disowned)
        everything = full.refresh(document.doc, Touches(everything=True))
        assert shape(projection) == shape(full)
        assert everything == full.rows()
        assert tables.scenes == {row.id: row for row in projection.scenes}
        assert tables.layers == {r.id: r for rows in projection.layers.values() for r in rows}


@given(json_values)
def test_j11_sizes_are_those_of_compact_json(value: Any) -> None:
    try:
        written = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
        size = len(written.encode())
    except (TypeError, ValueError) as error:
        with pytest.raises(type(error)):
            encoded_size(value)
    else:
        assert encoded_size(value) == size
