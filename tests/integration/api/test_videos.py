"""Videos and their members over REST."""

from __future__ import annotations

import uuid
from uuid import UUID

import pytest
from pycrdt import Doc, Map

from tests.support.face import Client

pytestmark = pytest.mark.asyncio(loop_scope="module")

VIDEO_KEYS = {
    "id",
    "title",
    "aspect_ratio",
    "role",
    "owner_id",
    "scene_count",
    "duration",
    "created_at",
    "updated_at",
}


async def test_make_and_get(api: Client) -> None:
    made = await api.call("POST", "/api/v1/videos", {"title": "Ein Film", "aspect_ratio": "9:16"})
    assert made.status == 201
    video = made.data["video"]
    assert set(video) == VIDEO_KEYS
    assert (video["title"], video["aspect_ratio"], video["role"], video["owner_id"]) == (
        "Ein Film",
        "9:16",
        "owner",
        "alice",
    )
    got = await api.call("GET", f"/api/v1/videos/{video['id']}")
    assert got.data == made.data
    assert got.seq == made.seq == 1


async def test_a_new_video_is_an_empty_list_of_scenes(api: Client) -> None:
    reply = await api.call("GET", f"/api/v1/videos/{await api.make_video()}/scenes")
    assert reply.json == {"success": True, "data": {"scenes": []}}


async def test_update(api: Client) -> None:
    video = await api.make_video()
    await api.make_scene(video, duration=3)
    await api.make_scene(video, duration=4)
    reply = await api.call("PUT", f"/api/v1/videos/{video}", {"title": "Renamed"})
    shown = reply.data["video"]
    assert (shown["title"], shown["aspect_ratio"]) == ("Renamed", "16:9")
    assert (shown["scene_count"], shown["duration"]) == (2, 7)
    for body in ({"title": ""}, {"aspect_ratio": "4:3"}, {"owner_id": "bob"}):
        assert (await api.call("PUT", f"/api/v1/videos/{video}", body)).status == 422


async def test_the_title_is_in_the_document(api: Client) -> None:
    video = await api.make_video(title="In both")
    reply = await api.call("GET", f"/api/v1/videos/{video}/document")
    assert reply.headers["Content-Type"] == "application/octet-stream"
    assert reply.seq == 1
    doc: Doc[Map[str]] = Doc()
    doc.apply_update(reply.content)
    assert doc.get("video", type=Map)["title"] == "In both"


async def test_list_pages_and_search(api: Client) -> None:
    made = [await api.make_video("lena", f"Clip {number}") for number in range(5)]
    await api.make_video("lena", "Überraschung im Garten")
    await api.make_video("somebody else", "Clip of theirs")

    first = await api.call("GET", "/api/v1/videos?page=1&limit=4", user="lena")
    second = await api.call("GET", "/api/v1/videos?page=2&limit=4", user="lena")

    assert first.data["pagination"] == {
        "current_page": 1,
        "total_pages": 2,
        "total_items": 6,
        "items_per_page": 4,
    }
    ids = [video["id"] for video in first.data["videos"] + second.data["videos"]]
    assert len(set(ids)) == 6
    assert set(made) < set(ids)
    found = await api.call("GET", "/api/v1/videos?search=garten", user="lena")
    assert [video["title"] for video in found.data["videos"]] == ["Überraschung im Garten"]
    for hostile in ("'%3B DROP TABLE videos--", "%26%7C!()", "a:*b", "%5C", "%27%27"):
        reply = await api.call("GET", f"/api/v1/videos?search={hostile}", user="lena")
        assert reply.status == 200


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("page=0", "page"),
        ("page=x", "page"),
        ("page=99999999999999999999", "page"),
        ("limit=101", "limit"),
        ("limit=0", "limit"),
        ("search=%00", "search"),
        ("search=" + "x" * 201, "search"),
    ],
)
async def test_parameters_that_are_refused(api: Client, query: str, field: str) -> None:
    reply = await api.call("GET", f"/api/v1/videos?{query}")
    assert (reply.status, reply.code, reply.fields) == (422, "invalid_fields", [field])


async def test_delete(api: Client) -> None:
    video = await api.make_video()
    scene = await api.make_scene(video)
    layer = await api.make_layer(scene)
    reply = await api.call("DELETE", f"/api/v1/videos/{video}")
    assert reply.json == {"success": True, "message": "Video deleted successfully"}
    assert api.rooms.revisited[-1] == UUID(video)
    for method, path in (
        ("GET", f"/api/v1/videos/{video}"),
        ("GET", f"/api/v1/videos/{video}/scenes"),
        ("GET", f"/api/v1/videos/{video}/document"),
        ("DELETE", f"/api/v1/videos/{video}"),
        ("GET", f"/api/v1/layers/{layer}"),
    ):
        assert (await api.call(method, path)).status == 404


async def test_roles(api: Client) -> None:
    video = await api.make_video()
    scene = await api.make_scene(video)
    await api.share(video, "editor e", "editor")
    await api.share(video, "viewer v", "viewer")
    read, edit, manage = (
        ("GET", f"/api/v1/videos/{video}/scenes", ...),
        ("PUT", f"/api/v1/videos/{video}/scenes/{scene}", {"text": "x"}),
        ("PUT", f"/api/v1/videos/{video}", {"title": "x"}),
    )
    expected = {
        "alice": [200, 200, 200],
        "editor e": [200, 200, 403],
        "viewer v": [200, 403, 403],
        "stranger": [404, 404, 404],
    }
    for user, statuses in expected.items():
        found = [
            (await api.call(method, path, body, user=user)).status
            for method, path, body in (read, edit, manage)
        ]
        assert found == statuses, user


async def test_a_role_that_ends_ends_at_once(api: Client) -> None:
    video = await api.make_video()
    path = f"/api/v1/videos/{video}/scenes"
    for role, status in (("viewer", 403), ("editor", 201), ("viewer", 403)):
        await api.share(video, "bob", role)
        assert (await api.call("POST", path, {}, user="bob")).status == status
        assert (await api.call("GET", path, user="bob")).status == 200
    reply = await api.call("DELETE", f"/api/v1/videos/{video}/members/bob")
    assert reply.json == {"success": True, "message": "Member removed successfully"}
    assert api.rooms.revisited[-4:] == [UUID(video)] * 4
    assert (await api.call("GET", path, user="bob")).status == 404


async def test_members(api: Client) -> None:
    video = await api.make_video()
    reply = await api.call(
        "PUT", f"/api/v1/videos/{video}/members/not%2Fhere%20yet", {"role": "viewer"}
    )
    member = reply.data["member"]
    assert set(member) == {"user_id", "name", "role", "created_at"}
    assert (member["user_id"], member["role"]) == ("not/here yet", "viewer")
    listed = await api.call("GET", f"/api/v1/videos/{video}/members")
    assert [(m["user_id"], m["role"]) for m in listed.data["members"]] == [
        ("alice", "owner"),
        ("not/here yet", "viewer"),
    ]
    assert listed.data["pagination"]["total_items"] == 2
    assert (await api.call("GET", f"/api/v1/videos/{video}", user="not/here yet")).data["video"][
        "role"
    ] == "viewer"


async def test_members_that_cannot_be(api: Client) -> None:
    video = await api.make_video()
    path = f"/api/v1/videos/{video}/members"
    owner = await api.call("PUT", f"{path}/alice", {"role": "viewer"})
    assert (owner.status, owner.code) == (409, "conflict")
    unknown = await api.call("DELETE", f"{path}/nobody")
    assert (unknown.status, unknown.code) == (404, "member_not_found")
    for user in ("%00", "%20", "x" * 256):
        assert (await api.call("PUT", f"{path}/{user}", {"role": "viewer"})).status == 422
    role = await api.call("PUT", f"{path}/bob", {"role": "owner"})
    assert (role.status, role.fields) == (422, ["role"])


@pytest.mark.parametrize("tier", ["free", "pro"])
async def test_sharing_takes_the_business_tier(api: Client, tier: str) -> None:
    video = await api.make_video()
    reply = await api.call(
        "PUT", f"/api/v1/videos/{video}/members/bob", {"role": "viewer"}, tier=tier
    )
    assert (reply.status, reply.code) == (403, "tier_required")


async def test_changes_of_roles_and_deletions_are_audited(api: Client) -> None:
    video = await api.make_video()
    await api.share(video, "bob", "viewer")
    await api.call("DELETE", f"/api/v1/videos/{video}/members/bob")
    await api.call("DELETE", f"/api/v1/videos/{video}")
    async with api.database.connection() as connection:
        rows = await connection.fetch(
            "SELECT actor, action FROM audit_log WHERE video_id = $1 ORDER BY id", UUID(video)
        )
    assert [tuple(row) for row in rows] == [
        ("alice", "member.put"),
        ("alice", "member.remove"),
        ("alice", "video.delete"),
    ]


async def test_the_same_key_makes_one_video(api: Client) -> None:
    headers = {"Idempotency-Key": str(uuid.uuid4())}
    body = {"title": "Once"}
    first = await api.call("POST", "/api/v1/videos", body, user="ida", headers=headers)
    again = await api.call("POST", "/api/v1/videos", body, user="ida", headers=headers)
    assert (first.status, again.status) == (201, 201)
    assert again.content == first.content
    assert again.headers["Idempotent-Replay"] == "true"
    assert again.seq == first.seq
    other = await api.call("POST", "/api/v1/videos", {"title": "x"}, user="ida", headers=headers)
    assert (other.status, other.code) == (409, "conflict")
    listed = await api.call("GET", "/api/v1/videos", user="ida")
    assert listed.data["pagination"]["total_items"] == 1
    theirs = await api.call("POST", "/api/v1/videos", body, user="ivo", headers=headers)
    assert theirs.data["video"]["owner_id"] == "ivo"
