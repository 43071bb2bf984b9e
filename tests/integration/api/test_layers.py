"""Scenes and layers over REST, in the exact shapes of the requirements."""

from __future__ import annotations

import asyncio
import uuid
from typing import Any

import pytest

from tests.support.face import Client

pytestmark = pytest.mark.asyncio(loop_scope="module")

SCENE_KEYS = {
    "id",
    "video_id",
    "scene_number",
    "text",
    "duration",
    "start_time",
    "end_time",
    "is_expanded",
    "created_at",
    "updated_at",
    "layers",
}
LAYER_KEYS = {
    "id",
    "scene_id",
    "type",
    "name",
    "enabled",
    "duration",
    "start_time",
    "end_time",
    "order_index",
    "properties",
}
MUSIC: dict[str, Any] = {
    "type": "audio",
    "name": "Background Music",
    "enabled": True,
    "duration": 8.5,
    "start_time": 0,
    "end_time": 8.5,
    "order_index": 1,
    "properties": {
        "audio_id": "audio-789",
        "audio_url": "https://cdn.example.com/audio/bgmusic.mp3",
        "volume": 0.5,
    },
}


async def scenes(api: Client, video: str) -> list[dict[str, Any]]:
    reply = await api.call("GET", f"/api/v1/videos/{video}/scenes")
    assert reply.status == 200
    found: list[dict[str, Any]] = reply.data["scenes"]
    return found


async def layer_order(api: Client, video: str) -> list[str]:
    return [layer["name"] for layer in (await scenes(api, video))[0]["layers"]]


async def test_get_scenes(api: Client) -> None:
    video = await api.make_video()
    first = await api.make_scene(video, text="Welcome", duration=8.5)
    second = await api.make_scene(video, text="Bye", duration=2)
    layer = await api.make_layer(first, **MUSIC)

    reply = await api.call("GET", f"/api/v1/videos/{video}/scenes")

    assert reply.status == 200
    assert reply.headers["Content-Type"] == "application/json; charset=utf-8"
    assert set(reply.json) == {"success", "data"}
    assert set(reply.data) == {"scenes"}
    shown = reply.data["scenes"]
    assert [set(scene) for scene in shown] == [SCENE_KEYS, SCENE_KEYS]
    assert [
        (s["id"], s["video_id"], s["scene_number"], s["start_time"], s["end_time"], s["text"])
        for s in shown
    ] == [(first, video, 1, 0, 8.5, "Welcome"), (second, video, 2, 8.5, 10.5, "Bye")]
    assert shown[0]["created_at"].endswith("Z")
    assert [set(layer) for layer in shown[0]["layers"]] == [LAYER_KEYS]
    assert shown[0]["layers"][0] == {"id": layer, "scene_id": first, **MUSIC}
    assert shown[1]["layers"] == []


async def test_put_scene(api: Client) -> None:
    video = await api.make_video()
    scene = await api.make_scene(video, text="Before", duration=3)
    change = {"text": "Updated scene narration text", "duration": 10.0, "is_expanded": True}

    reply = await api.call("PUT", f"/api/v1/videos/{video}/scenes/{scene}", change)

    assert reply.status == 200
    assert set(reply.json) == {"success", "message", "data"}
    assert reply.json["message"] == "Scene updated successfully"
    assert set(reply.data) == {"scene"}
    shown = reply.data["scene"]
    assert set(shown) == SCENE_KEYS
    assert {name: shown[name] for name in change} == change
    assert await scenes(api, video) == [shown]


async def test_put_scene_changes_only_what_is_given(api: Client) -> None:
    video = await api.make_video()
    scene = await api.make_scene(video, text="Stays", duration=3, is_expanded=True)
    reply = await api.call("PUT", f"/api/v1/videos/{video}/scenes/{scene}", {"duration": 4})
    shown = reply.data["scene"]
    assert (shown["text"], shown["duration"], shown["is_expanded"]) == ("Stays", 4, True)


async def test_a_change_of_nothing_writes_nothing(api: Client) -> None:
    video = await api.make_video()
    scene = await api.make_scene(video, text="Stays")
    before = await api.call("GET", f"/api/v1/videos/{video}/scenes/{scene}")
    for body in ({}, {"text": "Stays"}):
        reply = await api.call("PUT", f"/api/v1/videos/{video}/scenes/{scene}", body)
        assert reply.status == 200
        assert reply.seq == before.seq
        assert reply.data == before.data


async def test_post_layer(api: Client) -> None:
    video = await api.make_video()
    scene = await api.make_scene(video, duration=8.5)

    reply = await api.call("POST", f"/api/v1/scenes/{scene}/layers", MUSIC)

    assert reply.status == 201
    assert set(reply.json) == {"success", "message", "data"}
    assert reply.json["message"] == "Layer added successfully"
    assert set(reply.data) == {"layer"}
    layer = reply.data["layer"]
    assert set(layer) == LAYER_KEYS
    assert layer == {**MUSIC, "id": layer["id"], "scene_id": scene}
    assert str(uuid.UUID(layer["id"])) == layer["id"]
    assert (await scenes(api, video))[0]["layers"] == [layer]


async def test_post_layer_takes_its_defaults(api: Client) -> None:
    scene = await api.make_scene(await api.make_video(), duration=7)
    reply = await api.call("POST", f"/api/v1/scenes/{scene}/layers", {"type": "shape"})
    layer = reply.data["layer"]
    assert (layer["enabled"], layer["start_time"], layer["duration"]) == (True, 0, 7)
    assert (layer["end_time"], layer["order_index"], layer["properties"]) == (7, 1, {})
    assert layer["name"]


async def test_post_layer_at_a_position(api: Client) -> None:
    video = await api.make_video()
    scene = await api.make_scene(video)
    for name in ("a", "b", "c"):
        await api.make_layer(scene, name=name)
    await api.make_layer(scene, name="second", order_index=2)
    await api.make_layer(scene, name="last", order_index=99)
    assert await layer_order(api, video) == ["a", "second", "b", "c", "last"]


async def test_put_layer_merges_properties(api: Client) -> None:
    video = await api.make_video()
    layer = await api.make_layer(
        await api.make_scene(video), type="audio", properties={"volume": 0.2, "a": 1, "b": 2}
    )

    reply = await api.call(
        "PUT",
        f"/api/v1/layers/{layer}",
        {
            "name": "Updated Layer Name",
            "enabled": False,
            "properties": {"volume": 0.8, "fade_in": 1.0, "b": None, "own": {"x": [1, "ä"]}},
        },
    )

    assert reply.status == 200
    assert set(reply.json) == {"success", "message", "data"}
    assert reply.json["message"] == "Layer updated successfully"
    shown = reply.data["layer"]
    assert set(shown) == LAYER_KEYS
    assert (shown["name"], shown["enabled"]) == ("Updated Layer Name", False)
    assert shown["properties"] == {"volume": 0.8, "a": 1, "fade_in": 1, "own": {"x": [1, "ä"]}}
    assert (await scenes(api, video))[0]["layers"] == [shown]


async def test_put_layer_times(api: Client) -> None:
    layer = await api.make_layer(await api.make_scene(await api.make_video()), duration=4)
    path = f"/api/v1/layers/{layer}"
    reply = await api.call("PUT", path, {"start_time": 1, "end_time": 3.5})
    assert [reply.data["layer"][name] for name in ("start_time", "duration", "end_time")] == [
        1,
        2.5,
        3.5,
    ]
    reply = await api.call("PUT", path, {"duration": 2, "end_time": 9})
    assert (reply.status, reply.code) == (422, "invalid_fields")


async def test_delete_layer(api: Client) -> None:
    video = await api.make_video()
    scene = await api.make_scene(video)
    layer = await api.make_layer(scene)

    reply = await api.call("DELETE", f"/api/v1/layers/{layer}")

    assert reply.status == 200
    assert reply.json == {"success": True, "message": "Layer deleted successfully"}
    assert (await scenes(api, video))[0]["layers"] == []
    for method, body in (("GET", ...), ("DELETE", ...), ("PUT", {"name": "x"})):
        again = await api.call(method, f"/api/v1/layers/{layer}", body)
        assert (again.status, again.code) == (404, "layer_not_found")


async def test_toggle_visibility(api: Client) -> None:
    layer = await api.make_layer(await api.make_scene(await api.make_video()))
    path = f"/api/v1/layers/{layer}/toggle-visibility"
    reply = await api.call("PUT", path, {"enabled": False})
    assert reply.status == 200
    assert set(reply.json) == {"success", "message", "data"}
    assert reply.json["message"] == "Layer visibility updated"
    assert set(reply.data["layer"]) == LAYER_KEYS
    assert reply.data["layer"]["enabled"] is False
    assert (await api.call("PUT", path, {})).fields == ["enabled"]


async def test_reorder_layers(api: Client) -> None:
    video = await api.make_video()
    scene = await api.make_scene(video)
    ids = {name: await api.make_layer(scene, name=name) for name in "abcde"}
    orders = [
        {"layer_id": ids["a"], "order_index": 3},
        {"layer_id": ids["b"], "order_index": 1},
        {"layer_id": ids["c"], "order_index": 2},
    ]

    reply = await api.call(
        "PUT", "/api/v1/layers/reorder", {"scene_id": scene, "layer_orders": orders}
    )

    assert reply.status == 200
    assert reply.json == {"success": True, "message": "Layers reordered successfully"}
    order = await layer_order(api, video)
    assert [name for name in order if name in "abc"] == ["b", "c", "a"]
    assert order.index("d") < order.index("e")


async def test_reorder_names_layers_that_are_not_in_the_scene(api: Client) -> None:
    video = await api.make_video()
    scene = await api.make_scene(video)
    mine = await api.make_layer(scene, name="mine")
    other = await api.make_layer(await api.make_scene(await api.make_video("bob"), "bob"), "bob")
    for stranger in (other, str(uuid.uuid4()), "no id"):
        reply = await api.call(
            "PUT",
            "/api/v1/layers/reorder",
            {
                "scene_id": scene,
                "layer_orders": [
                    {"layer_id": mine, "order_index": 2},
                    {"layer_id": stranger, "order_index": 1},
                ],
            },
        )
        assert reply.status in {404, 422}
        assert reply.code in {"layer_not_found", "invalid_fields"}


async def test_a_layer_is_never_reached_by_the_name_reorder(api: Client) -> None:
    reply = await api.call("PUT", "/api/v1/layers/reorder", {"name": "x"})
    assert reply.status == 422
    assert set(reply.fields) == {"scene_id", "layer_orders", "name"}


async def test_scenes_beyond_the_requirements(api: Client) -> None:
    video = await api.make_video()
    ids = {name: await api.make_scene(video, text=name) for name in "abc"}
    await api.make_scene(video, text="first", scene_number=1)
    assert [scene["text"] for scene in await scenes(api, video)] == ["first", "a", "b", "c"]

    orders = [
        {"scene_id": ids["c"], "scene_number": 1},
        {"scene_id": ids["a"], "scene_number": 2},
    ]
    reply = await api.call(
        "PUT", f"/api/v1/videos/{video}/scenes/reorder", {"scene_orders": orders}
    )
    assert reply.json == {"success": True, "message": "Scenes reordered successfully"}
    order = [scene["text"] for scene in await scenes(api, video)]
    assert order.index("c") < order.index("a")

    one = await api.call("GET", f"/api/v1/videos/{video}/scenes/{ids['b']}")
    assert set(one.data) == {"scene"}
    assert one.data["scene"]["text"] == "b"

    gone = await api.call("DELETE", f"/api/v1/videos/{video}/scenes/{ids['b']}")
    assert gone.json == {"success": True, "message": "Scene deleted successfully"}
    again = await api.call("GET", f"/api/v1/videos/{video}/scenes/{ids['b']}")
    assert (again.status, again.code) == (404, "scene_not_found")


async def test_get_layer(api: Client) -> None:
    layer = await api.make_layer(await api.make_scene(await api.make_video()), name="one")
    reply = await api.call("GET", f"/api/v1/layers/{layer.upper()}")
    assert set(reply.data) == {"layer"}
    assert set(reply.data["layer"]) == LAYER_KEYS
    assert reply.data["layer"]["name"] == "one"


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"type": "sound"}, "type"),
        ({}, "type"),
        ({"type": "text", "unknown": 1}, "unknown"),
        ({"type": "text", "enabled": "yes"}, "enabled"),
        ({"type": "text", "enabled": None}, "enabled"),
        ({"type": "text", "duration": 0}, "duration"),
        ({"type": "text", "duration": True}, "duration"),
        ({"type": "text", "duration": "8"}, "duration"),
        ({"type": "text", "start_time": -1}, "start_time"),
        ({"type": "text", "order_index": 0}, "order_index"),
        ({"type": "text", "order_index": 1.5}, "order_index"),
        ({"type": "text", "name": "x" * 256}, "name"),
        ({"type": "text", "properties": []}, "properties"),
        ({"type": "text", "duration": 2, "end_time": 9}, "end_time"),
        ({"type": "text", "properties": {"media_url": "javascript:alert(1)"}}, "properties"),
        ({"type": "text", "properties": {"big": "x" * 70_000}}, "properties"),
    ],
)
async def test_fields_that_are_refused(api: Client, body: Any, field: str) -> None:
    video = await api.make_video()
    scene = await api.make_scene(video)
    reply = await api.call("POST", f"/api/v1/scenes/{scene}/layers", body)
    assert (reply.status, reply.code) == (422, "invalid_fields")
    assert reply.fields[0].split(".")[0] == field
    assert (await scenes(api, video))[0]["layers"] == []


async def test_concurrent_writes_all_arrive(api: Client) -> None:
    video = await api.make_video()
    scene = await api.make_scene(video)
    names = {f"layer {number}" for number in range(20)}
    await asyncio.gather(*(api.make_layer(scene, name=name) for name in names))
    assert set(await layer_order(api, video)) == names
