"""Version history over REST."""

from __future__ import annotations

import asyncio
from typing import Any
from uuid import UUID, uuid4

import pytest
from pycrdt import Doc, Map

from persistence.audit import Audit
from tests.support.face import Client, Reply

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def keep(api: Client, video: str, name: str | None = "First", **options: Any) -> int:
    """Make a version; returns its number."""
    reply = await api.call("POST", f"/api/v1/videos/{video}/versions", {"name": name}, **options)
    assert reply.status == 201, reply.content
    return int(reply.data["version"]["number"])


async def restore(api: Client, video: str, number: int, **options: Any) -> Reply:
    return await api.call("POST", f"/api/v1/videos/{video}/versions/{number}/restore", **options)


async def scenes(api: Client, video: str) -> Any:
    """The scenes as a version shows them."""
    found = (await api.call("GET", f"/api/v1/videos/{video}/scenes")).data["scenes"]
    for scene in found:
        for name in ("created_at", "updated_at", "video_id"):
            del scene[name]
    return found


async def version(api: Client, video: str, number: int) -> Any:
    reply = await api.call("GET", f"/api/v1/videos/{video}/versions/{number}")
    assert reply.status == 200, reply.content
    return reply.data


async def filled(api: Client) -> tuple[str, str, str]:
    """A video with two scenes, of which the first has two layers: video, scene, layer."""
    video = await api.make_video()
    scene = await api.make_scene(video, text="Hello, world", duration=4)
    layer = await api.make_layer(scene, name="Title", properties={"text": "Hi", "size": 3})
    await api.make_layer(scene, type="audio", properties={"volume": 0.5})
    await api.make_scene(video, text="The end")
    return video, scene, layer


async def test_a_version_shows_what_there_was(api: Client) -> None:
    video, scene, _ = await filled(api)
    before = await scenes(api, video)
    number = await keep(api, video, "Draft")
    await api.call("DELETE", f"/api/v1/videos/{video}/scenes/{scene}")
    shown = await version(api, video, number)
    assert shown["scenes"] == before
    assert shown["video"] == {
        "title": "A video",
        "aspect_ratio": "16:9",
        "background": "#000000",
    }
    made = shown["version"]
    assert (made["number"], made["name"], made["kind"]) == (1, "Draft", "manual")
    assert made["created_by"]["user_id"] == "alice"
    assert [user["user_id"] for user in made["editors"]] == ["alice"]
    reply = await api.call("GET", f"/api/v1/videos/{video}/versions/{number}")
    again = await api.call(
        "GET",
        f"/api/v1/videos/{video}/versions/{number}",
        headers={"If-None-Match": reply.headers["ETag"]},
    )
    assert (again.status, reply.seq) == (304, made["seq"])


async def test_restoring_gives_back_what_there_was_and_can_be_undone(api: Client) -> None:
    video, scene, layer = await filled(api)
    before = await scenes(api, video)
    number = await keep(api, video)
    await api.call("DELETE", f"/api/v1/videos/{video}/scenes/{scene}")
    added = await api.make_scene(video, text="Another", scene_number=1)
    await api.call("PUT", f"/api/v1/videos/{video}", {"title": "Renamed", "aspect_ratio": "9:16"})
    after = await scenes(api, video)
    reply = await restore(api, video, number)
    assert reply.status == 200, reply.content
    assert await scenes(api, video) == before
    assert (await api.call("GET", f"/api/v1/layers/{layer}")).data["layer"]["name"] == "Title"
    assert (await api.call("GET", f"/api/v1/videos/{video}")).data["video"]["title"] == "A video"
    assert reply.data["version"]["number"] == number
    kept = reply.data["before"]
    assert (kept["kind"], kept["name"]) == ("before_restore", None)
    undone = await restore(api, video, kept["number"])
    assert await scenes(api, video) == after
    assert after[0]["id"] == added
    assert undone.seq > reply.seq
    assert [row.action for row in await Audit(api.database).of_video(UUID(video))] == [
        "version.restore",
        "version.restore",
    ]


async def test_restoring_what_is_there_changes_nothing(api: Client) -> None:
    video, _, _ = await filled(api)
    number = await keep(api, video)
    first = await restore(api, video, number)
    second = await restore(api, video, number)
    assert first.seq == second.seq == first.data["version"]["seq"]
    assert first.data["before"] == second.data["before"] == first.data["version"]


async def test_each_version_says_who_edited_since_the_one_before(api: Client) -> None:
    video = await api.make_video()
    for user in ("bob", "carol"):
        await api.share(video, user, "editor")
    await api.make_scene(video)
    await keep(api, video)
    await api.make_scene(video, user="bob")
    await keep(api, video, None)
    await api.make_scene(video, user="carol")
    await api.make_scene(video, user="bob")
    await keep(api, video, user="carol")
    await keep(api, video, "Again")
    reply = await api.call("GET", f"/api/v1/videos/{video}/versions?limit=3")
    listed = reply.data["versions"]
    assert [one["number"] for one in listed] == [4, 3, 2]
    editors = [[user["user_id"] for user in one["editors"]] for one in listed]
    assert editors == [[], ["bob", "carol"], ["bob"]]
    assert reply.data["pagination"]["total_items"] == 4
    rest = await api.call("GET", f"/api/v1/videos/{video}/versions?limit=3&page=2")
    assert [one["number"] for one in rest.data["versions"]] == [1]


async def test_what_differs_between_two_versions(api: Client) -> None:
    video, scene, layer = await filled(api)
    last = (await scenes(api, video))[1]["id"]
    one = await keep(api, video)
    await api.call("PUT", f"/api/v1/videos/{video}", {"title": "Renamed"})
    await api.call(
        "PUT", f"/api/v1/layers/{layer}", {"properties": {"size": None, "new": [1]}, "name": "T"}
    )
    await api.call("PUT", f"/api/v1/videos/{video}/scenes/{scene}", {"text": "Hello"})
    await api.call(
        "PUT",
        f"/api/v1/videos/{video}/scenes/reorder",
        {
            "scene_orders": [
                {"scene_id": last, "scene_number": 1},
                {"scene_id": scene, "scene_number": 2},
            ]
        },
    )
    new_layer = await api.make_layer(scene, type="shape", order_index=1)
    new_scene = await api.make_scene(video)
    two = await keep(api, video)
    reply = await api.call("GET", f"/api/v1/videos/{video}/versions/{one}/diff?to={two}")
    found = reply.data
    assert (found["from"]["number"], found["to"]["number"]) == (one, two)
    assert found["video"] == [{"field": "title", "before": "A video", "after": "Renamed"}]
    assert [one["id"] for one in found["scenes"]["added"]] == [new_scene]
    assert found["scenes"]["removed"] == []
    assert len(found["scenes"]["moved"]) == 1
    assert found["scenes"]["changed"] == [
        {
            "id": scene,
            "changes": [{"field": "text", "before": "Hello, world", "after": "Hello"}],
        }
    ]
    assert [one["id"] for one in found["layers"]["added"]] == [new_layer]
    assert (found["layers"]["removed"], found["layers"]["moved"]) == ([], [])
    assert found["layers"]["changed"] == [
        {
            "id": layer,
            "scene_id": scene,
            "changes": [
                {"field": "name", "before": "Title", "after": "T"},
                {"field": "properties.new", "before": None, "after": [1]},
                {"field": "properties.size", "before": 3, "after": None},
            ],
        }
    ]
    await api.call("DELETE", f"/api/v1/videos/{video}/scenes/{scene}")
    now = (await api.call("GET", f"/api/v1/videos/{video}/versions/{two}/diff")).data
    assert now["to"] is None
    assert [one["id"] for one in now["scenes"]["removed"]] == [scene]
    assert now["layers"]["removed"] == []
    same = (await api.call("GET", f"/api/v1/videos/{video}/versions/{two}/diff?to={two}")).data
    assert not same["video"] and not any(same["scenes"].values())
    assert not any(same["layers"].values())


async def test_two_restores_at_once_bring_nothing_twice(api: Client) -> None:
    video, scene, _ = await filled(api)
    one = await keep(api, video)
    await api.call("PUT", f"/api/v1/videos/{video}/scenes/{scene}", {"text": "Entirely different"})
    two = await keep(api, video)
    await api.call("DELETE", f"/api/v1/videos/{video}/scenes/{scene}")
    replies = await asyncio.gather(*(restore(api, video, n) for n in (one, two, one, two)))
    assert [reply.status for reply in replies] == [200] * 4
    shown = [(await version(api, video, n))["scenes"] for n in (one, two)]
    assert await scenes(api, video) in shown


async def planned(api: Client, video: str) -> int:
    """How many restores of a video are written down and not known to be in its log."""
    async with api.database.connection() as connection:
        count = "SELECT count(*) FROM video_restores WHERE video_id = $1"
        return int(await connection.fetchval(count, UUID(video)))


async def test_a_restore_builds_on_one_that_may_still_come(api: Client) -> None:
    video, scene, layer = await filled(api)
    one = await keep(api, video)
    await api.call("PUT", f"/api/v1/videos/{video}/scenes/{scene}", {"text": "Different words"})
    await api.call("DELETE", f"/api/v1/layers/{layer}")
    two = await keep(api, video)
    await api.call("DELETE", f"/api/v1/videos/{video}/scenes/{scene}")
    before = await scenes(api, video)
    late = await api.parts.versions.plan(UUID(video), one, "alice")
    assert late.update is not None
    assert await planned(api, video) == 1
    reply = await restore(api, video, two)
    assert reply.status == 200, reply.content
    wanted = (await version(api, video, two))["scenes"]
    assert await scenes(api, video) == wanted
    assert (await version(api, video, reply.data["before"]["number"]))["scenes"] == before
    assert await planned(api, video) == 0
    # The one that was planned first brings nothing any more.
    edited = await api.rooms.bring(UUID(video), late.update, by="alice", after=late.seq)
    assert edited.seq == reply.seq
    assert await scenes(api, video) == wanted
    await api.parts.versions.restored(UUID(video), one, late, "alice")
    again = await restore(api, video, two)
    assert (again.status, again.seq) == (200, reply.seq)


async def test_the_same_key_makes_one_version(api: Client) -> None:
    video, _, _ = await filled(api)
    path, key = f"/api/v1/videos/{video}/versions", {"Idempotency-Key": str(uuid4())}
    first = await api.call("POST", path, {"name": "One"}, headers=key)
    again = await api.call("POST", path, {"name": "One"}, headers=key)
    assert first.data == again.data
    # As after a crash between making it and keeping the answer.
    async with api.database.connection() as connection:
        await connection.execute("DELETE FROM idempotency_keys WHERE key = $1", *key.values())
    once_more = await api.call("POST", path, {"name": "One"}, headers=key)
    assert once_more.data == first.data


@pytest.mark.parametrize("number", ["0", "2", "-1", "one", "1.0", "99999999999", "%00", "²"])
async def test_there_is_no_such_version(api: Client, number: str) -> None:
    video, _, _ = await filled(api)
    await keep(api, video)
    path = f"/api/v1/videos/{video}/versions/{number}"
    for method, where in (("GET", path), ("GET", f"{path}/diff"), ("POST", f"{path}/restore")):
        reply = await api.call(method, where)
        assert (reply.status, reply.code) == (404, "version_not_found")
    assert await version(api, video, 1)


async def test_bad_input_is_refused(api: Client) -> None:
    video, _, _ = await filled(api)
    path = f"/api/v1/videos/{video}/versions"
    for name in ("", "n" * 256, 5, ["a"], "a\0b", "\ud800"):
        reply = await api.call("POST", path, {"name": name})
        assert (reply.status, reply.fields) == (422, ["name"]), name
    assert (await api.call("POST", path, {"title": "x"})).status == 422
    number = await keep(api, video)
    for to in ("x", "0", "1.5"):
        reply = await api.call("GET", f"{path}/{number}/diff?to={to}")
        assert (reply.status, reply.fields) == (422, ["to"])
    reply = await api.call("GET", f"{path}/{number}/diff?to=77")
    assert (reply.status, reply.code) == (404, "version_not_found")


async def test_who_may_do_what(api: Client) -> None:
    video, _, _ = await filled(api)
    number = await keep(api, video)
    await api.share(video, "vera", "viewer")
    await api.share(video, "ed", "editor")
    path = f"/api/v1/videos/{video}/versions"
    reads = [path, f"{path}/{number}", f"{path}/{number}/diff"]
    for user, read, made, restored in (
        ("vera", 200, 403, 403),
        ("ed", 200, 201, 200),
        ("eve", 404, 404, 404),
    ):
        for where in reads:
            assert (await api.call("GET", where, user=user)).status == read
        assert (await api.call("POST", path, {"name": "x"}, user=user)).status == made
        assert (await restore(api, video, number, user=user)).status == restored
    other = await api.make_video()
    assert (await restore(api, other, number)).code == "version_not_found"


async def test_a_version_goes_with_its_video(api: Client) -> None:
    video, _, _ = await filled(api)
    number = await keep(api, video)
    assert (await api.call("DELETE", f"/api/v1/videos/{video}")).status == 200
    assert (await restore(api, video, number)).code == "video_not_found"
    async with api.database.connection() as connection:
        for table in ("video_versions", "video_version_states", "video_authors"):
            count = f"SELECT count(*) FROM {table} WHERE video_id = $1"
            assert await connection.fetchval(count, UUID(video)) == 0


async def test_ids_of_other_videos_are_not_shown(api: Client) -> None:
    """As in the tables (J12): a document may hold them, but they belong elsewhere."""
    _, scene, _ = await filled(api)
    other = await api.make_video()

    def steal(doc: Doc[Any]) -> None:
        doc.get("scenes", type=Map)[scene] = Map({"order": "a0"})

    await api.rooms.edit(UUID(other), steal, by="alice")
    number = await keep(api, other)
    assert (await version(api, other, number))["scenes"] == []


async def test_many_deleted_scenes_come_back(api: Client) -> None:
    """More types in the place of deleted ones than an update of an editor may bring (U4)."""
    video = await api.make_video()

    def fill(doc: Doc[Any]) -> None:
        root: Map[Any] = doc.get("scenes", type=Map)
        for _ in range(250):
            layers = {str(uuid4()): Map({"order": "a0", "type": "text", "properties": Map()})}
            root[str(uuid4())] = Map({"order": "a0", "layers": Map(layers)})

    def clear(doc: Doc[Any]) -> None:
        doc.get("scenes", type=Map).clear()

    await api.rooms.edit(UUID(video), fill, by="alice")
    number = await keep(api, video)
    before = await scenes(api, video)
    await api.rooms.edit(UUID(video), clear, by="alice")
    assert (await restore(api, video, number)).status == 200
    assert await scenes(api, video) == before
    await api.make_scene(video)
    assert len(await scenes(api, video)) == len(before) + 1
