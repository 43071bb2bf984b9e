"""Edits by the server: rules E1 to E12 of collab/SPEC.md."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pycrdt import Array, Doc, Map, Text

from collab import edits
from collab.edits.texts import differences
from collab.errors import Conflict, InvalidEdit, LayerNotFound, SceneNotFound
from collab.ports import Edit
from collab.projection import Projection
from collab.schema import DocumentLimits, LayerRow, SceneRow, Touches
from collab.values import Rules

OWN = "http://here/api/v1/blobs/"
RULES = Rules(
    DocumentLimits(scenes=6, layers=6, text=200, properties_bytes=300),
    lambda url: url.startswith(OWN),
)
SCENES = [f"00000000-0000-4000-8000-00000000000{n}" for n in range(8)]
LAYERS = [f"10000000-0000-4000-8000-00000000000{n}" for n in range(8)]


@pytest.fixture
def doc() -> Doc[Any]:
    """Two scenes; the first has two layers."""
    made: Doc[Any] = Doc(client_id=7)
    run(made, edits.create_scene(RULES, SCENES[0], {"text": "one"}))
    run(made, edits.create_scene(RULES, SCENES[1], {"text": "two", "duration": 8.5}))
    run(
        made,
        edits.create_layer(
            RULES,
            SCENES[0],
            LAYERS[0],
            {"type": "text", "duration": 2.0, "properties": {"text": "Hello", "font_size": 32}},
        ),
    )
    run(made, edits.create_layer(RULES, SCENES[0], LAYERS[1], {"type": "audio"}))
    return made


def run(doc: Doc[Any], edit: Edit) -> Any:
    with doc.transaction():
        return edit(doc)


def writes(doc: Doc[Any], edit: Edit) -> bool:
    """Run an edit; whether it wrote anything."""
    updates: list[bytes] = []
    subscription = doc.observe(lambda event: updates.append(event.update))
    run(doc, edit)
    doc.unobserve(subscription)
    return bool(updates)


def project(doc: Doc[Any]) -> Projection:
    projection = Projection(RULES.limits, RULES.own_link)
    projection.refresh(doc, Touches(everything=True))
    return projection


def scenes(doc: Doc[Any]) -> list[SceneRow]:
    return project(doc).scenes


def layers(doc: Doc[Any], scene: str = SCENES[0]) -> list[LayerRow]:
    return project(doc).layers[scene]


def shared(doc: Doc[Any], scene: str, *path: str) -> Any:
    at: Any = doc.get("scenes", type=Map)[scene]
    for key in path:
        at = at[key]
    return at


def test_e1_a_new_video_has_its_fields_and_nothing_else() -> None:
    update = edits.initial_update(5, "My video", "9:16")
    assert update == edits.initial_update(5, "My video", "9:16")
    doc: Doc[Any] = Doc()
    doc.apply_update(update)
    assert doc.get("video", type=Map).to_py() == {
        "title": "My video",
        "aspect_ratio": "9:16",
        "background": "#000000",
    }
    assert scenes(doc) == []


def test_e1_a_video_changes_field_by_field() -> None:
    doc: Doc[Any] = Doc()
    doc.apply_update(edits.initial_update(5, "My video", "9:16"))
    assert writes(doc, edits.update_video({"title": "Ours"}))
    assert not writes(doc, edits.update_video({"title": "Ours", "aspect_ratio": "9:16"}))
    assert project(doc).video.title == "Ours"


def test_e2_a_new_scene_is_complete(doc: Doc[Any]) -> None:
    scene = shared(doc, SCENES[0])
    assert isinstance(scene["text"], Text)
    assert {**scene.to_py(), "layers": None} == {
        "order": "a0",
        "text": "one",
        "duration": 5.0,
        "is_expanded": False,
        "layers": None,
    }


def test_e2_a_new_layer_is_complete(doc: Doc[Any]) -> None:
    layer = shared(doc, SCENES[0], "layers", LAYERS[0])
    assert isinstance(layer["properties"]["text"], Text)
    assert layer.to_py() == {
        "order": "a0",
        "type": "text",
        "name": "Text",
        "enabled": True,
        "start_time": 0.0,
        "duration": 2.0,
        "properties": {"text": "Hello", "font_size": 32.0},
    }
    assert shared(doc, SCENES[0], "layers", LAYERS[1])["duration"] == 5.0


@pytest.mark.parametrize(("number", "at"), [(1, 0), (2, 1), (3, 2), (99, 2), (None, 2)])
def test_e3_what_is_made_stands_where_it_is_asked_to(
    doc: Doc[Any], number: int | None, at: int
) -> None:
    where = {} if number is None else {"scene_number": number}
    run(doc, edits.create_scene(RULES, SCENES[2], where))
    assert [row.id for row in scenes(doc)].index(SCENES[2]) == at
    where = {} if number is None else {"order_index": number}
    run(doc, edits.create_layer(RULES, SCENES[0], LAYERS[2], {"type": "media", **where}))
    assert [row.id for row in layers(doc)].index(LAYERS[2]) == at


def test_e3_equal_neighbours_get_new_keys(doc: Doc[Any]) -> None:
    shared(doc, SCENES[1])["order"] = "a0"
    run(doc, edits.create_scene(RULES, SCENES[2], {"scene_number": 2}))
    assert [row.id for row in scenes(doc)] == [SCENES[0], SCENES[2], SCENES[1]]
    assert len({row.order for row in scenes(doc)}) == 3


def test_e4_only_what_was_given_changes(doc: Doc[Any]) -> None:
    run(doc, edits.update_scene(RULES, SCENES[0], {"duration": 3}))
    run(doc, edits.update_scene(RULES, SCENES[0], {"is_expanded": True}))
    row = scenes(doc)[0]
    assert (row.text, row.duration, row.is_expanded) == ("one", 3.0, True)
    run(doc, edits.update_layer(RULES, LAYERS[0], {"enabled": False, "name": "Title"}))
    layer = layers(doc)[0]
    assert (layer.enabled, layer.name, layer.duration) == (False, "Title", 2.0)


def test_e4_an_edit_says_which_scene_the_layer_is_in(doc: Doc[Any]) -> None:
    assert run(doc, edits.update_layer(RULES, LAYERS[0], {}, scene=SCENES[0])) == SCENES[0]
    assert run(doc, edits.delete_layer(RULES, LAYERS[0])) == SCENES[0]
    with pytest.raises(LayerNotFound):
        run(doc, edits.update_layer(RULES, LAYERS[1], {}, scene=SCENES[1]))


def test_e5_nothing_new_writes_nothing(doc: Doc[Any]) -> None:
    row = layers(doc)[0]
    same = {
        "type": row.type,
        "name": row.name,
        "enabled": row.enabled,
        "start_time": row.start_time,
        "duration": row.duration,
        "end_time": row.end_time,
        "order_index": row.order_index,
        "properties": row.properties,
    }
    first = {"text": "one", "duration": 5, "is_expanded": False, "scene_number": 1}
    for edit in (
        edits.update_layer(RULES, LAYERS[0], same),
        edits.update_layer(RULES, LAYERS[0], {"properties": {"gone": None}}),
        edits.update_scene(RULES, SCENES[0], first),
        edits.reorder_scenes(RULES, [(SCENES[1], 9), (SCENES[0], 2)]),
        edits.reorder_layers(RULES, SCENES[0], []),
        edits.reorder_layers(RULES, SCENES[1], []),
    ):
        assert not writes(doc, edit)


def test_e5_true_is_not_one(doc: Doc[Any]) -> None:
    for value in (1, True, 1.5, "1", [1], [True], {"x": 0}, {"x": False}):
        edit = edits.update_layer(RULES, LAYERS[0], {"properties": {"x": value}})
        assert writes(doc, edit)
        assert not writes(doc, edit)
        shown = layers(doc)[0].properties["x"]
        assert (shown, type(shown)) == (value, type(value))


def test_e5_a_field_of_the_wrong_kind_is_written(doc: Doc[Any]) -> None:
    at = shared(doc, SCENES[0], "layers", LAYERS[0])
    at["enabled"] = 1
    run(doc, edits.update_layer(RULES, LAYERS[0], {"enabled": True}))
    assert at["enabled"] is True


def test_e6_properties_merge_key_by_key(doc: Doc[Any]) -> None:
    run(doc, edits.update_layer(RULES, LAYERS[0], {"properties": {"color": "#fff", "x": 1.5}}))
    run(doc, edits.update_layer(RULES, LAYERS[0], {"properties": {"font_size": None, "x": 2}}))
    assert layers(doc)[0].properties == {"text": "Hello", "color": "#fff", "x": 2}


def test_e6_two_people_who_change_two_properties_at_once_both_stay(doc: Doc[Any]) -> None:
    other = copy(doc)
    run(doc, edits.update_layer(RULES, LAYERS[0], {"properties": {"x": 1}}))
    run(other, edits.update_layer(RULES, LAYERS[0], {"properties": {"y": 2}}))
    exchange(doc, other)
    assert layers(doc) == layers(other)
    assert layers(doc)[0].properties.items() >= {"x": 1, "y": 2}.items()


@pytest.mark.parametrize("broken", [None, 5, {"kept": 1}, Array([1])])
def test_e6_properties_that_are_no_map_become_one(doc: Doc[Any], broken: Any) -> None:
    shared(doc, SCENES[0], "layers", LAYERS[0])["properties"] = broken
    kept = {"kept": 1} if isinstance(broken, dict) else {}
    run(doc, edits.update_layer(RULES, LAYERS[0], {"properties": {"x": 1}}))
    assert layers(doc)[0].properties == {**kept, "x": 1}
    assert isinstance(shared(doc, SCENES[0], "layers", LAYERS[0], "properties"), Map)


def test_e7_a_text_changes_where_it_differs(doc: Doc[Any]) -> None:
    """What somebody else types meanwhile stays, also between two differences."""
    run(doc, edits.update_scene(RULES, SCENES[0], {"text": "The quick brown fox jumps"}))
    other = copy(doc)
    with other.transaction():
        text = shared(other, SCENES[0], "text")
        text.insert(10, "dark ")
        text.insert(len(text), "!")
    run(doc, edits.update_scene(RULES, SCENES[0], {"text": "A quick brown dog jumps"}))
    exchange(doc, other)
    assert scenes(doc)[0].text == scenes(other)[0].text == "A quick dark brown dog jumps!"


def test_e7_characters_of_several_bytes_and_embedded_objects_are_counted(doc: Doc[Any]) -> None:
    run(doc, edits.update_scene(RULES, SCENES[0], {"text": "é😀 e\u0301 中文 fox"}))
    shared(doc, SCENES[0], "text").insert_embed(len("é😀".encode()), Map())
    other = copy(doc)
    shared(other, SCENES[0], "text").insert(len("é😀 e\u0301 ".encode()) + 1, "(hi 👋) ")
    run(doc, edits.update_scene(RULES, SCENES[0], {"text": "é😎 e\u0301 中文 dog"}))
    exchange(doc, other)
    assert scenes(doc)[0].text == scenes(other)[0].text == "é😎 e\u0301 (hi 👋) 中文 dog"
    assert len(shared(doc, SCENES[0], "text").diff()) > 1, "the embedded object is gone"


@pytest.mark.parametrize("kind", ["text", "voiceover"])
def test_e7_the_text_of_a_layer_is_typed_by_several(doc: Doc[Any], kind: str) -> None:
    run(doc, edits.create_layer(RULES, SCENES[1], LAYERS[3], {"type": kind}))
    first = {"properties": {"text": "Hello world"}}
    run(doc, edits.update_layer(RULES, LAYERS[3], first))
    other = copy(doc)
    shared(other, SCENES[1], "layers", LAYERS[3], "properties", "text").insert(5, " big")
    run(doc, edits.update_layer(RULES, LAYERS[3], {"properties": {"text": "Hello worlds"}}))
    exchange(doc, other)
    assert layers(doc, SCENES[1])[0].properties["text"] == "Hello big worlds"


def test_e7_a_plain_string_becomes_a_shared_text_once_it_changes(doc: Doc[Any]) -> None:
    with doc.transaction():
        shared(doc, SCENES[0])["text"] = "plain"
        shared(doc, SCENES[0], "layers", LAYERS[0], "properties")["text"] = "plain"
    same = edits.update_scene(RULES, SCENES[0], {"text": "plain"})
    assert not writes(doc, same)
    run(doc, edits.update_scene(RULES, SCENES[0], {"text": "shared"}))
    run(doc, edits.update_layer(RULES, LAYERS[0], {"properties": {"text": "shared"}}))
    assert str(shared(doc, SCENES[0], "text")) == "shared"
    assert isinstance(shared(doc, SCENES[0], "layers", LAYERS[0], "properties", "text"), Text)


CHARS = st.sampled_from(
    ["a", "b", " ", "é", "e\u0301", "😀", "👨‍👩‍👧", "\u200d", "中", "\ufffd", "\n"]
)
SOME_TEXT = st.lists(CHARS, max_size=12).map("".join)
EMBEDS = st.lists(st.tuples(st.integers(0, 12), st.sampled_from(["map", "value"])), max_size=3)


@settings(max_examples=200, deadline=None)
@given(SOME_TEXT, SOME_TEXT, EMBEDS)
def test_e7_any_text_becomes_any_other(old: str, new: str, embeds: list[tuple[int, str]]) -> None:
    doc: Doc[Any] = Doc(client_id=1)
    run(doc, edits.create_scene(RULES, SCENES[0], {"text": old}))
    text = shared(doc, SCENES[0], "text")
    ends = [len(old[:n].encode()) for n in range(len(old) + 1)]
    for at, kind in embeds:
        with doc.transaction():
            text.insert_embed(ends[min(at, len(old))], {"x": 1} if kind == "value" else Map())
    assert writes(doc, edits.update_scene(RULES, SCENES[0], {"text": new})) == (old != new)
    assert scenes(doc)[0].text == new


@settings(max_examples=200, deadline=None)
@given(SOME_TEXT, SOME_TEXT)
def test_e7_differences_are_minimal_at_their_ends(old: str, new: str) -> None:
    made, at = "", 0
    for start, stop, inserted in differences(old, new):
        gone = old[start:stop]
        assert gone or inserted
        if gone and inserted:
            assert gone[0] != inserted[0]
            assert gone[-1] != inserted[-1]
        made, at = made + old[at:start] + inserted, stop
    assert made + old[at:] == new


def test_e7_an_embedded_string_is_not_taken_for_text(doc: Doc[Any]) -> None:
    shared(doc, SCENES[0], "text").insert_embed(1, "looks like text")
    run(doc, edits.update_scene(RULES, SCENES[0], {"text": "other"}))
    assert scenes(doc)[0].text == "other"


@pytest.mark.parametrize(
    ("given", "start", "length"),
    [
        ({"end_time": 3}, 0.0, 3.0),
        ({"start_time": 1, "end_time": 3}, 1.0, 2.0),
        ({"start_time": 1}, 1.0, 2.0),
        ({"start_time": 0.1, "duration": 0.2, "end_time": 0.3}, 0.1, 0.2),
        ({"duration": 2.0009, "end_time": 2}, 0.0, 2.0009),
    ],
)
def test_e8_an_end_stands_for_a_duration(
    doc: Doc[Any], given: dict[str, float], start: float, length: float
) -> None:
    run(doc, edits.update_layer(RULES, LAYERS[0], given))
    row = layers(doc)[0]
    assert (row.start_time, row.duration) == (start, length)
    assert row.end_time == round(start + length, 6)


@pytest.mark.parametrize(
    "given",
    [
        {"end_time": 0},
        {"start_time": 2, "end_time": 2},
        {"start_time": 5, "end_time": 3},
        {"duration": 2.002, "end_time": 2},
    ],
)
def test_e8_times_that_do_not_agree(doc: Doc[Any], given: dict[str, float]) -> None:
    for edit in (
        edits.update_layer(RULES, LAYERS[0], given),
        edits.create_layer(RULES, SCENES[0], LAYERS[3], {"type": "audio", **given}),
    ):
        with pytest.raises(InvalidEdit) as refused:
            run(doc, edit)
        assert refused.value.field == "end_time"


def test_e9_a_reordering_writes_only_order_keys(doc: Doc[Any]) -> None:
    other = copy(doc)
    run(doc, edits.reorder_layers(RULES, SCENES[0], [(LAYERS[0], 2), (LAYERS[1], 1)]))
    run(other, edits.update_layer(RULES, LAYERS[0], {"enabled": False}))
    run(doc, edits.reorder_scenes(RULES, [(SCENES[1], 1), (SCENES[0], 1)]))
    exchange(doc, other)
    assert [(row.id, row.enabled) for row in layers(doc)] == [
        (LAYERS[1], True),
        (LAYERS[0], False),
    ]
    assert [row.id for row in scenes(doc)] == [SCENES[1], SCENES[0]]


def test_e9_those_not_listed_keep_their_places(doc: Doc[Any]) -> None:
    for n in (2, 3, 4):
        run(doc, edits.create_layer(RULES, SCENES[0], LAYERS[n], {"type": "shape"}))
    run(doc, edits.reorder_layers(RULES, SCENES[0], [(LAYERS[3], 1), (LAYERS[0], 7)]))
    assert [LAYERS.index(row.id) for row in layers(doc)] == [3, 1, 2, 0, 4]


def test_e9_a_position_in_an_update_moves(doc: Doc[Any]) -> None:
    run(doc, edits.update_layer(RULES, LAYERS[0], {"order_index": 2}))
    run(doc, edits.update_scene(RULES, SCENES[1], {"scene_number": 1}))
    assert [row.id for row in layers(doc)] == [LAYERS[1], LAYERS[0]]
    assert [row.id for row in scenes(doc)] == [SCENES[1], SCENES[0]]


def test_e10_deleting(doc: Doc[Any]) -> None:
    run(doc, edits.delete_layer(RULES, LAYERS[0]))
    assert [row.id for row in layers(doc)] == [LAYERS[1]]
    run(doc, edits.delete_scene(RULES, SCENES[0]))
    assert [row.id for row in scenes(doc)] == [SCENES[1]]


def test_e10_a_layer_that_stands_twice_does_not_come_back(doc: Doc[Any]) -> None:
    with doc.transaction():
        shared(doc, SCENES[1], "layers")[LAYERS[0]] = Map({"type": "audio"})
    assert run(doc, edits.delete_layer(RULES, LAYERS[0])) == SCENES[0]
    assert project(doc).layers[SCENES[1]] == []


MISSING_SCENE: list[Callable[[str], Edit]] = [
    lambda item: edits.update_scene(RULES, item, {"text": "x"}),
    lambda item: edits.delete_scene(RULES, item),
    lambda item: edits.reorder_scenes(RULES, [(item, 1)]),
    lambda item: edits.create_layer(RULES, item, LAYERS[7], {"type": "audio"}),
    lambda item: edits.reorder_layers(RULES, item, []),
]
MISSING_LAYER: list[Callable[[str], Edit]] = [
    lambda item: edits.update_layer(RULES, item, {"name": "x"}),
    lambda item: edits.delete_layer(RULES, item),
    lambda item: edits.reorder_layers(RULES, SCENES[0], [(item, 1)]),
]


@pytest.mark.parametrize("item", [SCENES[7], SCENES[2], "scene", "\ud800", ""])
@pytest.mark.parametrize("make", MISSING_SCENE)
def test_e11_what_has_no_row_is_not_found(
    doc: Doc[Any], make: Callable[[str], Edit], item: str
) -> None:
    with doc.transaction():
        doc.get("scenes", type=Map).update({SCENES[2]: "no map", "scene": Map()})
    before = doc.get_update()
    with pytest.raises(SceneNotFound):
        run(doc, make(item))
    assert doc.get_update() == before


@pytest.mark.parametrize("item", [LAYERS[7], LAYERS[2], LAYERS[3], "layer", "\ud800"])
@pytest.mark.parametrize("make", MISSING_LAYER)
def test_e11_a_layer_without_a_row_is_not_found(
    doc: Doc[Any], make: Callable[[str], Edit], item: str
) -> None:
    with doc.transaction():
        shared(doc, SCENES[0], "layers").update(
            {LAYERS[2]: Map({"type": "alien"}), LAYERS[3]: Text("x"), "layer": Map()}
        )
    before = doc.get_update()
    with pytest.raises(LayerNotFound):
        run(doc, make(item))
    assert doc.get_update() == before


def test_e11_an_id_is_used_once(doc: Doc[Any]) -> None:
    with pytest.raises(Conflict):
        run(doc, edits.create_scene(RULES, SCENES[0], {}))
    with pytest.raises(Conflict):
        run(doc, edits.create_layer(RULES, SCENES[1], LAYERS[0], {"type": "audio"}))


NAN, INF = float("nan"), float("inf")
DEEP: Any = []
for _ in range(40):
    DEEP = [DEEP]
BAD_SCENES: list[tuple[str, dict[str, Any]]] = [
    *[("duration", {"duration": bad}) for bad in (0, -1, NAN, INF, "5", True, None, 86_401)],
    *[("text", {"text": bad}) for bad in (None, 5, "x" * 201, "a\0b", "\ud800")],
    *[("is_expanded", {"is_expanded": bad}) for bad in (0, 1, "true", None)],
    *[("scene_number", {"scene_number": bad}) for bad in (0, -1, 1.5, True, "1", None)],
    *[(name, {name: 1}) for name in ("order", "layers", "start_time", "id")],
]
NO_PROPERTIES: list[Any] = [None, [], "x", {"a\0": 1}, {"\ud800": 1}, {5: 1}]
BAD_PROPERTIES: list[tuple[str, Any]] = [
    *[("properties", bad) for bad in NO_PROPERTIES],
    *[("properties.x", {"x": bad}) for bad in (NAN, INF, 10**400, b"x", "\0", DEEP, {"\0": 1})],
    *[("properties.text", {"text": bad}) for bad in (5, "x" * 201, {"a": 1}, "\ud800")],
    ("properties.x.y.0", {"x": {"y": [NAN]}}),
    *[
        ("properties.media_url", {"media_url": bad})
        for bad in ("javascript:alert(1)", "data:x", " https://x", "/x", "", 5, "httpx://a", "ftp:")
    ],
    ("properties.Thumb_URL", {"Thumb_URL": "file:///etc/passwd"}),
    ("properties.fill.image_url", {"fill": {"image_url": "javascript:x"}}),
    ("properties.x.0.a_url", {"x": [{"a_url": "data:,"}]}),
]
BAD_LAYERS: list[tuple[str, dict[str, Any]]] = [
    *[("type", {"type": bad}) for bad in (None, "video", 5, "Text")],
    *[("name", {"name": bad}) for bad in (None, "x" * 256, "\0", 5)],
    *[("enabled", {"enabled": bad}) for bad in (None, 1, "yes")],
    *[("start_time", {"start_time": bad}) for bad in (-0.1, NAN, "0", 86_401)],
    *[("end_time", {"end_time": bad}) for bad in (-0.1, NAN, None)],
    *[("duration", {"duration": bad}) for bad in (0, INF, False)],
    *[("order_index", {"order_index": bad}) for bad in (0, 1.0)],
    *[(field, {"properties": bad}) for field, bad in BAD_PROPERTIES],
    ("order", {"order": "a0"}),
]


@pytest.mark.parametrize(("field", "given"), BAD_SCENES)
def test_e12_values_of_scenes_are_checked(field: str, given: dict[str, Any]) -> None:
    for make in (edits.create_scene, edits.update_scene):
        with pytest.raises(InvalidEdit) as refused:
            make(RULES, SCENES[0], given)
        assert refused.value.field == field


@pytest.mark.parametrize(("field", "given"), BAD_LAYERS)
def test_e12_values_of_layers_are_checked(field: str, given: dict[str, Any]) -> None:
    with pytest.raises(InvalidEdit) as refused:
        edits.update_layer(RULES, LAYERS[0], given)
    assert refused.value.field.startswith(field)
    with pytest.raises(InvalidEdit) as refused:
        edits.create_layer(RULES, SCENES[0], LAYERS[0], {"type": "text", **given})
    assert refused.value.field.startswith(field)


@pytest.mark.parametrize(
    "given",
    [
        {"title": 5},
        {"title": "x" * 256},
        {"title": "\0"},
        {"aspect_ratio": "2:1"},
        {"background": "red"},
        {"background": None},
        {"owner": "me"},
    ],
)
def test_e12_values_of_videos_are_checked(given: dict[str, Any]) -> None:
    with pytest.raises(InvalidEdit) as refused:
        edits.update_video(given)
    assert refused.value.field == next(iter(given))


def test_e12_ids_and_lists_are_checked() -> None:
    for bad in ("x", SCENES[0].replace("-", ""), "A" + SCENES[0][1:], ""):
        with pytest.raises(InvalidEdit):
            edits.create_scene(RULES, bad, {})
        with pytest.raises(InvalidEdit):
            edits.create_layer(RULES, SCENES[0], bad, {"type": "text"})
    with pytest.raises(InvalidEdit, match=r"scene_orders\.1: "):
        edits.reorder_scenes(RULES, [(SCENES[0], 1), (SCENES[0], 2)])
    with pytest.raises(InvalidEdit, match=r"layer_orders\.0\.order_index: "):
        edits.reorder_layers(RULES, SCENES[0], [(LAYERS[0], 0)])
    with pytest.raises(InvalidEdit, match="type: "):
        edits.create_layer(RULES, SCENES[0], LAYERS[0], {})


def test_e12_good_links_and_numbers(doc: Doc[Any]) -> None:
    good = {
        "media_url": "https://cdn.example.com/a.jpg",
        "audio_url": "HTTP://x/y",
        "avatar_url": OWN + "key",
        "big": 2**60,
        "x": -0.0,
    }
    run(doc, edits.update_layer(RULES, LAYERS[0], {"properties": good}))
    assert layers(doc)[0].properties.items() >= good.items()


def test_e12_the_limits_of_the_projection(doc: Doc[Any]) -> None:
    for n in range(2, 6):
        run(doc, edits.create_scene(RULES, SCENES[n], {}))
        run(doc, edits.create_layer(RULES, SCENES[0], LAYERS[n], {"type": "audio"}))
    before = doc.get_update()
    with pytest.raises(InvalidEdit, match="scenes: "):
        run(doc, edits.create_scene(RULES, SCENES[6], {}))
    with pytest.raises(InvalidEdit, match="layers: "):
        run(doc, edits.create_layer(RULES, SCENES[0], LAYERS[6], {"type": "audio"}))
    with pytest.raises(InvalidEdit, match="properties: "):
        run(
            doc, edits.update_layer(RULES, LAYERS[0], {"name": "x", "properties": {"x": "é" * 140}})
        )
    with pytest.raises(InvalidEdit, match="properties: "):
        edits.create_layer(
            RULES, SCENES[1], LAYERS[7], {"type": "text", "properties": {"x": "x" * 300}}
        )
    assert doc.get_update() == before


def test_e12_properties_over_the_limit_may_shrink(doc: Doc[Any]) -> None:
    shared(doc, SCENES[0], "layers", LAYERS[0], "properties").update({"x": "x" * 290, "y": 1})
    run(doc, edits.update_layer(RULES, LAYERS[0], {"properties": {"y": None}}))
    with pytest.raises(InvalidEdit, match="properties: "):
        run(doc, edits.update_layer(RULES, LAYERS[0], {"properties": {"z": 1}}))


def copy(doc: Doc[Any]) -> Doc[Any]:
    made: Doc[Any] = Doc(client_id=99)
    made.apply_update(doc.get_update())
    return made


def exchange(one: Doc[Any], other: Doc[Any]) -> None:
    other.apply_update(one.get_update(other.get_state()))
    one.apply_update(other.get_update(one.get_state()))
