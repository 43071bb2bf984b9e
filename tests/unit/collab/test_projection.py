"""The projection: rules D1 to D6 and J1 to J14 of collab/SPEC.md."""

from __future__ import annotations

import json
import time
from collections import Counter
from typing import Any

import pytest
from pycrdt import Array, Doc, Map, Text, XmlFragment

from collab.ordering import keys_between
from collab.projection import Projection
from collab.schema import DocumentLimits, LayerRow, SceneRow, Touches, VideoFields
from collab.values import MAX_DEPTH, MAX_SHARED_ITEMS, RULE_NAMES

LIMITS = DocumentLimits(scenes=5, layers=4, text=100, properties_bytes=1000)
EVERYTHING = Touches(everything=True)
SCENES = [f"00000000-0000-4000-8000-00000000000{n}" for n in range(8)]
LAYERS = [f"10000000-0000-4000-8000-00000000000{n}" for n in range(8)]

NAN, INF = float("nan"), float("inf")


def own(url: str) -> bool:
    return url.startswith("http://here/")


def project(doc: Doc[Any], limits: DocumentLimits = LIMITS) -> Projection:
    projection = Projection(limits, own)
    projection.refresh(doc, EVERYTHING)
    json.dumps([repr(projection.scenes), *map(str, projection.layers.values())]).encode()
    assert set(projection.dropped) <= set(RULE_NAMES)
    return projection


def video(scenes: dict[str, Any]) -> Doc[Any]:
    """A document with these scenes."""
    doc: Doc[Any] = Doc(client_id=1)
    doc.get("video", type=Map).update(
        {"title": "My video", "aspect_ratio": "1:1", "background": "#ff00aa"}
    )
    with doc.transaction():
        doc.get("scenes", type=Map).update(scenes)
    return doc


def scene(layers: dict[str, Any] | None = None, /, **fields: Any) -> Map[Any]:
    good = {"order": "a0", "text": Text("hi"), "duration": 4, "is_expanded": True}
    return Map({**good, "layers": Map(layers or {}), **fields})


def layer(properties: dict[str, Any] | None = None, /, **fields: Any) -> Map[Any]:
    good = {
        "order": "a0",
        "type": "text",
        "name": "Title",
        "enabled": False,
        "start_time": 1,
        "duration": 2.5,
        "properties": Map(properties or {}),
    }
    return Map({**good, **fields})


def without(shared: Map[Any], *names: str) -> Map[Any]:
    return Map({k: v for k, v in (shared.prelim or {}).items() if k not in names})


def properties(given: dict[str, Any], limits: DocumentLimits = LIMITS) -> dict[str, Any]:
    doc = video({SCENES[0]: scene({LAYERS[0]: layer(given)})})
    return project(doc, limits).layers[SCENES[0]][0].properties


def dropped(given: dict[str, Any]) -> Counter[str]:
    return project(video({SCENES[0]: scene({LAYERS[0]: layer(given)})})).dropped


def test_d1_a_good_document_comes_whole() -> None:
    doc = video({SCENES[0]: scene({LAYERS[0]: layer({"text": Text("é"), "x": 50})})})
    projection = project(doc)
    assert projection.video == VideoFields("My video", "1:1", "#ff00aa")
    assert projection.scenes == [SceneRow(SCENES[0], 1, "a0", "hi", 4.0, 0.0, 4.0, True)]
    row = LayerRow(
        id=LAYERS[0],
        scene_id=SCENES[0],
        type="text",
        name="Title",
        enabled=False,
        duration=2.5,
        start_time=1.0,
        end_time=3.5,
        order_index=1,
        order="a0",
        properties={"text": "é", "x": 50},
    )
    assert projection.layers == {SCENES[0]: [row]}
    assert not projection.dropped


def test_d2_root_types_that_are_not_named_are_left_alone() -> None:
    doc = video({})
    doc.get("other", type=Map)["x"] = 1
    assert not project(doc).dropped


@pytest.mark.parametrize("kind", [Array, Text, XmlFragment])
def test_d2_a_root_of_another_type_is_an_empty_one(kind: Any) -> None:
    doc: Doc[Any] = Doc(client_id=1)
    for name in ("scenes", "video"):
        root = doc.get(name, type=kind)
        if kind is not XmlFragment:
            root += "x" if kind is Text else ["x"]
    copy: Doc[Any] = Doc(client_id=2)
    copy.apply_update(doc.get_update())
    assert project(copy).scenes == []
    assert project(copy).video == VideoFields()


def test_j1_numbers_and_times_come_from_the_order() -> None:
    orders = {SCENES[0]: "a2", SCENES[1]: "a0", SCENES[2]: "a1"}
    doc = video({item: scene(order=order, duration=0.1) for item, order in orders.items()})
    assert [
        (row.id, row.scene_number, row.start_time, row.end_time) for row in project(doc).scenes
    ] == [(SCENES[1], 1, 0.0, 0.1), (SCENES[2], 2, 0.1, 0.2), (SCENES[0], 3, 0.2, 0.3)]


def test_j1_without_a_good_key_last_and_by_id() -> None:
    orders = ["b0", None, "a0", "a0", "a1"]
    doc = video({SCENES[n]: scene(order=order) for n, order in enumerate(orders)})
    projection = project(doc)
    assert [SCENES.index(row.id) for row in projection.scenes] == [2, 3, 4, 0, 1]
    assert [row.order for row in projection.scenes] == ["a0", "a0", "a1", "~", "~"]
    assert projection.dropped == {"order": 2}


@pytest.mark.parametrize("entry", [5, None, "x", b"x", [1], {"order": "a0"}, Text("x"), Array([])])
def test_j2_an_entry_that_is_no_map_is_left_out(entry: Any) -> None:
    copies = [entry, {"a": entry}["a"]] if not isinstance(entry, Text | Array) else [entry, "x"]
    doc = video({SCENES[0]: copies[0], SCENES[1]: scene({LAYERS[0]: copies[1]})})
    projection = project(doc)
    assert [row.id for row in projection.scenes] == [SCENES[1]]
    assert projection.layers == {SCENES[1]: []}
    assert projection.dropped == {"entry": 2}


@pytest.mark.parametrize("bad", ["", "x", SCENES[0].upper().replace("0", "A"), "{" + SCENES[0]])
def test_j2_an_id_that_is_no_uuid_is_left_out(bad: str) -> None:
    projection = project(video({bad: scene(), SCENES[1]: scene({bad: layer()})}))
    assert len(projection.scenes) == 1
    assert projection.layers == {SCENES[1]: []}
    assert projection.dropped == {"id": 2}


@pytest.mark.parametrize("kind", ["video", "Text", "", 5, None, True, Text("text")])
def test_j2_a_layer_without_a_known_type_is_left_out(kind: Any) -> None:
    projection = project(video({SCENES[0]: scene({LAYERS[0]: layer(type=kind)})}))
    assert projection.layers == {SCENES[0]: []}
    assert projection.dropped == {"type": 1}


def test_j3_of_two_scenes_with_a_layer_the_first_in_order_keeps_it() -> None:
    doc = video(
        {
            SCENES[0]: scene({LAYERS[0]: layer(name="second")}, order="a1"),
            SCENES[1]: scene({LAYERS[0]: layer(name="first")}, order="a0"),
            SCENES[2]: scene({LAYERS[0]: layer(name="none", type="?")}, order="Zz"),
        }
    )
    projection = project(doc)
    assert [row.name for row in projection.layers[SCENES[1]]] == ["first"]
    assert projection.layers[SCENES[0]] == projection.layers[SCENES[2]] == []
    assert projection.dropped == {"duplicate": 1, "type": 1}
    doc.get("scenes", type=Map)[SCENES[0]]["order"] = "a00V"
    doc.get("scenes", type=Map)[SCENES[0]]["order"] = "Zy"
    changes = projection.refresh(doc, Touches(fields={(SCENES[0], None): {"order"}}))
    assert changes.layers[LAYERS[0]].name == "second"
    assert changes.changed[LAYERS[0]] == {"scene_id", "name"}
    assert not changes.removed_layers


def test_j4_what_is_over_the_limits_of_counts_is_left_out() -> None:
    keys = keys_between(None, None, 8)
    many = {LAYERS[n]: layer(order=keys[n]) for n in range(8)}
    doc = video({SCENES[n]: scene(many if n == 0 else {}, order=keys[n]) for n in range(8)})
    projection = project(doc)
    assert [row.id for row in projection.scenes] == SCENES[:5]
    assert [row.id for row in projection.layers[SCENES[0]]] == LAYERS[:4]
    assert projection.dropped == {"count": 3 + 4}


def test_j3_when_the_first_scene_goes_the_second_takes_over() -> None:
    both = [scene({LAYERS[0]: layer()}, order=order) for order in ("a0", "a1")]
    doc = video(dict(zip(SCENES, both, strict=False)))
    projection = project(doc)
    del doc.get("scenes", type=Map)[SCENES[0]]
    changes = projection.refresh(doc, Touches(scenes={SCENES[0]}))
    assert changes.changed[LAYERS[0]] == {"scene_id"}
    assert projection.layers[SCENES[1]] == [changes.layers[LAYERS[0]]]
    assert not changes.created
    assert not projection.dropped


@pytest.mark.parametrize(
    ("value", "shown", "rule"),
    [
        (0, 0.01, "number"),
        (-5, 0.01, "number"),
        (-INF, 0.01, "number"),
        (INF, 86_400.0, "number"),
        (1e300, 86_400.0, "number"),
        (2**60, 86_400.0, "number"),
        (NAN, 5.0, "number"),
        (True, 5.0, "field"),
        ("7", 5.0, "field"),
        (None, 5.0, "field"),
        ([7], 5.0, "field"),
        (Text("7"), 5.0, "field"),
    ],
)
def test_j5_numbers_are_clamped(value: Any, shown: float, rule: str) -> None:
    again = Text("7") if isinstance(value, Text) else value
    doc = video({SCENES[0]: scene({LAYERS[0]: layer(duration=again)}, duration=value)})
    projection = project(doc)
    assert projection.scenes[0].duration == shown
    assert projection.layers[SCENES[0]][0].duration == shown
    assert projection.dropped == {rule: 2}


@pytest.mark.parametrize(("value", "shown"), [(-1, 0.0), (NAN, 0.0), (INF, 86_400.0), ("1", 0.0)])
def test_j5_a_start_is_never_before_the_scene(value: Any, shown: float) -> None:
    doc = video({SCENES[0]: scene({LAYERS[0]: layer(start_time=value)})})
    assert project(doc).layers[SCENES[0]][0].start_time == shown


def test_j6_what_is_missing_has_its_default() -> None:
    bare = without(layer(), "order", "name", "enabled", "start_time", "duration", "properties")
    doc = video({SCENES[0]: Map({"layers": Map({LAYERS[0]: bare})}), SCENES[1]: Map()})
    projection = project(doc)
    assert projection.scenes[0] == SceneRow(SCENES[0], 1, "~", "", 5.0, 0.0, 5.0, False)
    row = projection.layers[SCENES[0]][0]
    assert (row.name, row.enabled, row.start_time, row.duration) == ("Text", True, 0.0, 5.0)
    assert (row.order, row.properties) == ("~", {})
    assert projection.dropped == {"missing": 3 + 4 + 5, "order": 3}


def test_j6_a_layer_without_a_duration_follows_the_scene() -> None:
    doc = video({SCENES[0]: scene({LAYERS[0]: without(layer(), "duration")})})
    projection = project(doc)
    doc.get("scenes", type=Map)[SCENES[0]]["duration"] = 6
    changes = projection.refresh(doc, Touches(fields={(SCENES[0], None): {"duration"}}))
    assert changes.changed == {
        SCENES[0]: {"duration", "end_time"},
        LAYERS[0]: {"duration", "end_time"},
    }
    assert changes.layers[LAYERS[0]].end_time == 7.0


def test_j7_texts_are_cut_and_can_be_stored() -> None:
    long = "é\0" * 150
    doc = video(
        {
            SCENES[0]: scene(
                {LAYERS[0]: layer({"text": Text(long), "t": "a\0b", "b\0": 1}, name="n\0" * 300)},
                text=Text(long),
            )
        }
    )
    doc.get("video", type=Map)["title"] = long * 2
    projection = project(doc)
    row = projection.layers[SCENES[0]][0]
    assert projection.scenes[0].text == row.properties["text"] == "é" * 100
    assert row.name == "n" * 255
    assert row.properties == {"text": "é" * 100, "t": "ab"}
    assert projection.video.title == "é" * 255
    assert projection.dropped == {"text": 4, "character": 2}


@pytest.mark.parametrize(
    "url", ["https://a/b", "http://a", "HTTPS://A", "http://here/api/v1/blobs/x", None]
)
def test_j8_links_that_may_be_followed_are_shown(url: Any) -> None:
    assert properties({"media_url": url}) == {"media_url": url}


@pytest.mark.parametrize(
    "url",
    [
        *[
            "javascript:alert(1)",
            "data:text/html,x",
            "file:///etc/passwd",
            "//a",
            "/a",
            "",
            "ftp://a",
        ],
        *[" https://a", "java\nscript:x", "https:/a", "\0javascript:x", 5, True, ["https://a"], {}],
    ],
)
@pytest.mark.parametrize("key", ["media_url", "_url", "Thumbnail_URL"])
def test_j8_other_links_are_left_out(key: str, url: Any) -> None:
    assert properties({key: url, "x": 1}) == {"x": 1}
    assert dropped({key: url})["url"] == 1


def test_j8_links_within_a_property() -> None:
    bad = {"image_url": "javascript:x", "x": [{"A_URL": "data:,", "y": 1}], "b_url": None}
    good = {"image_url": "https://a", "x": [{"A_URL": "http://here/api/v1/blobs/x"}]}
    assert properties({"fill": bad, "line": good}) == {
        "fill": {"x": [{"y": 1}], "b_url": None},
        "line": good,
    }
    assert properties({"fill": Map({"image_url": "file:///x", "y": 1})}) == {"fill": {"y": 1}}
    assert dropped({"fill": bad})["url"] == 1


def test_j8_a_shared_text_is_no_way_around() -> None:
    assert properties({"media_url": Text("javascript:x"), "a_url": Text("https://a")}) == {
        "a_url": "https://a"
    }


def test_j9_properties_are_json() -> None:
    given = {
        "int": 50,
        "float": 0.5,
        "large": 1e300,
        "big": 2**60,
        "true": True,
        "null": None,
        "list": [1, {"a": [None, 2.5]}],
        "map": Map({"x": 1, "deep": Map({"t": Text("t")})}),
        "array": Array([1, Map({"y": 2}), Text("z")]),
    }
    shown = properties(given)
    assert shown == {
        "int": 50,
        "float": 0.5,
        "large": 1e300,
        "big": 2**60,
        "true": True,
        "null": None,
        "list": [1, {"a": [None, 2.5]}],
        "map": {"x": 1, "deep": {"t": "t"}},
        "array": [1, {"y": 2}, "z"],
    }
    assert type(shown["int"]) is int
    assert shown["true"] is True


def test_j9_what_is_not_json_is_left_out() -> None:
    given = {
        "bytes": b"x",
        "xml": XmlFragment(),
        "doc": Doc(),
        "nan": NAN,
        "list": [b"x", INF, 1],
        "map": {"a": b"x", "b": 1, "c\0": 2},
        "array": Array([XmlFragment(), 1]),
    }
    assert properties(dict(given)) == {
        "nan": None,
        "list": [None, None, 1],
        "map": {"b": 1},
        "array": [None, 1],
    }


@pytest.mark.parametrize("value", [5, None, "x", [1], Text("x"), Array([1])])
def test_j9_properties_that_are_no_map_are_none(value: Any) -> None:
    doc = video({SCENES[0]: scene({LAYERS[0]: layer(properties=value)})})
    projection = project(doc)
    assert projection.layers[SCENES[0]][0].properties == {}
    assert projection.dropped == {"field": 1}


def test_j9_a_plain_object_serves_as_properties() -> None:
    doc = video({SCENES[0]: scene({LAYERS[0]: layer(properties={"x": 1, "a_url": "x:"})})})
    assert project(doc).layers[SCENES[0]][0].properties == {"x": 1}


def test_j10_values_that_are_nested_too_deep_are_left_out() -> None:
    def nested(levels: int) -> Any:
        value: Any = 1
        for _ in range(levels):
            value = [value]
        return value

    shown = properties({"x": nested(MAX_DEPTH), "y": nested(MAX_DEPTH + 1)})
    assert shown["x"] == nested(MAX_DEPTH)
    assert json.dumps(shown["y"]).count("[") == MAX_DEPTH
    assert dropped({"y": nested(90)}) == {"depth": 1}


def test_j11_of_too_many_properties_the_smallest_stay() -> None:
    given = {"a": "x" * 600, "b": "y" * 500, "c": "z" * 300, "d": 1}
    assert set(properties(given)) == {"b", "c", "d"}
    assert dropped(given) == {"properties": 1}
    exact = {"k": "x" * (1000 - len('{"k":""}'))}
    assert properties(exact) == exact
    assert properties({"k": exact["k"] + "x"}) == {}
    assert set(properties({"é": "é" * 490, "b": 1})) == {"é", "b"}
    assert set(properties({"é": "é" * 493, "b": 1})) == {"b"}


def test_j11_a_huge_property_is_not_even_read() -> None:
    given: dict[str, Any] = {
        "list": [1] * 100_000,
        "text": Text("x" * 100_000),
        "string": "x" * 100_000,
        "array": Array([1] * (MAX_SHARED_ITEMS + 1)),
        "x": 1,
    }
    assert properties(given) == {"text": "x" * 100, "x": 1}


def test_j12_ids_of_another_video_are_left_out() -> None:
    doc = video(
        {
            SCENES[0]: scene({LAYERS[0]: layer(order="a0"), LAYERS[1]: layer(order="a1")}),
            SCENES[1]: scene({LAYERS[2]: layer()}, order="a1"),
        }
    )
    projection = project(doc)
    projection.disown([LAYERS[0], SCENES[1], "unheard of"])
    changes = projection.refresh(doc, Touches())
    assert changes.removed_scenes == {SCENES[1]}
    assert changes.removed_layers == {LAYERS[0]: SCENES[0], LAYERS[2]: SCENES[1]}
    assert changes.changed == {LAYERS[1]: {"order_index"}}
    assert projection.dropped == {"foreign": 2}
    assert not projection.refresh(doc, Touches())
    assert not projection.refresh(doc, EVERYTHING)
    assert projection.dropped == {"foreign": 2}


def test_j13_changes_name_what_changed() -> None:
    doc = video({SCENES[0]: scene({LAYERS[0]: layer({"x": 1}), LAYERS[1]: layer(order="a1")})})
    projection = Projection(LIMITS, own)
    first = projection.refresh(doc, EVERYTHING)
    assert first == projection.rows()
    assert first.created == {SCENES[0], LAYERS[0], LAYERS[1]}
    assert not projection.refresh(doc, EVERYTHING)

    at = doc.get("scenes", type=Map)[SCENES[0]]["layers"][LAYERS[0]]
    at["properties"]["x"] = True
    changes = projection.refresh(doc, Touches(fields={(SCENES[0], LAYERS[0]): {"properties.x"}}))
    assert changes.changed == {LAYERS[0]: {"properties"}}
    assert changes.layers[LAYERS[0]].properties["x"] is True

    at["order"] = "a2"
    changes = projection.refresh(doc, Touches(fields={(SCENES[0], LAYERS[0]): {"order"}}))
    assert changes.changed == {LAYERS[0]: {"order", "order_index"}, LAYERS[1]: {"order_index"}}

    del doc.get("scenes", type=Map)[SCENES[0]]
    changes = projection.refresh(doc, Touches(scenes={SCENES[0]}))
    assert changes.removed_scenes == {SCENES[0]}
    assert changes.removed_layers == {LAYERS[0]: SCENES[0], LAYERS[1]: SCENES[0]}
    assert (projection.scenes, projection.layers) == ([], {})


def test_j13_everything_may_be_another_document() -> None:
    projection = project(video({SCENES[0]: scene({LAYERS[0]: layer()})}))
    changes = projection.refresh(video({SCENES[1]: scene({LAYERS[1]: layer()})}), EVERYTHING)
    assert changes.created == {SCENES[1], LAYERS[1]}
    assert changes.removed_scenes == {SCENES[0]}
    assert changes.removed_layers == {LAYERS[0]: SCENES[0]}
    assert list(projection.layers) == [SCENES[1]]


def test_j13_properties_over_the_limit_come_back_when_there_is_room() -> None:
    given = {"a": "x" * 600, "b": "y" * 500, "c": "z" * 300, "d": b"x"}
    doc = video({SCENES[0]: scene({LAYERS[0]: layer(given)})})
    projection = project(doc)
    at = doc.get("scenes", type=Map)[SCENES[0]]["layers"][LAYERS[0]]

    def after(*touched: str) -> set[str]:
        projection.refresh(doc, Touches(fields={(SCENES[0], LAYERS[0]): set(touched)}))
        return set(projection.layers[SCENES[0]][0].properties)

    assert projection.dropped == {"properties": 1, "value": 1}
    at["properties"]["c"] = "z" * 700
    assert after("properties.c") == {"b"}
    del at["properties"]["b"]
    assert after("properties.b") == {"a"}
    at["properties"]["c"] = 1
    assert after("properties.c") == {"a", "c"}
    at["properties"] = Map({"a": 1})
    assert after("properties") == {"a"}
    assert not projection.dropped


def test_j13_rows_handed_out_do_not_change_later() -> None:
    doc = video({SCENES[0]: scene({LAYERS[0]: layer({"x": 1})})})
    projection = project(doc)
    before = projection.layers[SCENES[0]][0]
    doc.get("scenes", type=Map)[SCENES[0]]["layers"][LAYERS[0]]["properties"]["x"] = 2
    projection.refresh(doc, Touches(fields={(SCENES[0], LAYERS[0]): {"properties.x"}}))
    assert before.properties == {"x": 1}


def test_j13_the_cost_is_that_of_what_was_touched() -> None:
    """One field of one of 2,000 layers takes less than a two-hundredth of looking at them all."""
    keys = keys_between(None, None, 100)
    doc = video(
        {
            f"00000000-0000-4000-8000-{n:012}": scene(
                {
                    f"10000000-0000-4000-8000-{n:06}{k:06}": layer({"x": 1}, order=keys[k])
                    for k in range(100)
                },
                order=keys[n],
            )
            for n in range(20)
        }
    )
    projection = Projection(DocumentLimits(), own)
    began = time.perf_counter()
    projection.refresh(doc, EVERYTHING)
    whole = time.perf_counter() - began
    one, other = "00000000-0000-4000-8000-000000000007", "10000000-0000-4000-8000-000007000007"
    at = doc.get("scenes", type=Map)[one]["layers"][other]
    best = whole
    for n in range(50):
        at["start_time"] = n + 2
        began = time.perf_counter()
        assert projection.refresh(doc, Touches(fields={(one, other): {"start_time"}}))
        best = min(best, time.perf_counter() - began)
    assert best < whole / 200


@pytest.mark.parametrize(
    "touches",
    [
        Touches(scenes={"x", SCENES[7], ""}),
        Touches(fields={("x", "y"): {"*"}, (SCENES[7], None): {"text"}, (SCENES[0], "y"): {"z"}}),
        Touches(fields={(SCENES[0], LAYERS[7]): {"properties.x", "enabled"}}),
        Touches(fields={(SCENES[0], LAYERS[0]): {"properties.", "nothing", "properties.gone"}}),
        Touches(video=True),
    ],
)
def test_j14_touches_of_what_is_not_there_do_no_harm(touches: Touches) -> None:
    projection = project(video({SCENES[0]: scene({LAYERS[0]: layer()})}))
    doc = video({SCENES[0]: scene({LAYERS[0]: layer()})})
    assert not projection.refresh(doc, touches)
