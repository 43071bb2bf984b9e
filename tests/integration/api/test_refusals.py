"""Every way to be refused: identity, roles, bodies, paths."""

from __future__ import annotations

import json
import time
import uuid
from typing import Any

import jwt
import pytest

from tests.support.face import SECRET, Client, token

pytestmark = pytest.mark.asyncio(loop_scope="module")


def claims(**changes: Any) -> dict[str, Any]:
    return {"sub": "alice", "iat": time.time(), "exp": time.time() + 60, **changes}


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "Bearer",
        "Bearer ",
        "Basic YWxpY2U6c2VjcmV0",
        "Bearer not.a.token",
        f"Bearer {jwt.encode(claims(), 'another secret, also of 32 bytes')}",
        f"Bearer {jwt.encode(claims(), '', algorithm='none')}",
        f"Bearer {jwt.encode(claims(exp=time.time() - 1), SECRET)}",
        f"Bearer {jwt.encode(claims(exp=time.time() + 25 * 3600), SECRET)}",
        f"Bearer {jwt.encode({'sub': 'alice'}, SECRET)}",
    ],
)
async def test_no_good_token(api: Client, header: str | None) -> None:
    headers = {} if header is None else {"Authorization": header}
    for method, path in (
        ("GET", "/api/v1/videos"),
        ("GET", f"/api/v1/videos/{uuid.uuid4()}/scenes"),
        ("PUT", f"/api/v1/layers/{uuid.uuid4()}"),
    ):
        reply = await api.call(method, path, user=None, headers=headers)
        assert (reply.status, reply.code) == (401, "unauthenticated")
        assert reply.headers["WWW-Authenticate"].startswith("Bearer")


async def test_a_token_in_the_address_is_not_taken_by_rest(api: Client) -> None:
    reply = await api.call("GET", f"/api/v1/videos?token={token('alice')}", user=None)
    assert reply.status == 401


async def test_what_is_no_id_is_not_found_like_any_other(api: Client) -> None:
    for path in ("videos/{}", "videos/{}/scenes", "layers/{}", "renders/{}"):
        answers = [
            await api.call("GET", f"/api/v1/{path.format(id_)}") for id_ in ("nope", uuid.uuid4())
        ]
        assert [reply.status for reply in answers] == [404, 404]
        assert answers[0].json["error"] == answers[1].json["error"]


async def test_every_route_of_a_foreign_video_looks_like_none(api: Client) -> None:
    video = await api.make_video()
    scene = await api.make_scene(video)
    layer = await api.make_layer(scene)
    orders = {"scene_id": scene, "layer_orders": [{"layer_id": layer, "order_index": 1}]}
    calls: list[tuple[str, str, Any]] = [
        ("GET", f"/videos/{video}", ...),
        ("PUT", f"/videos/{video}", {"title": "mine"}),
        ("DELETE", f"/videos/{video}", ...),
        ("GET", f"/videos/{video}/document", ...),
        ("GET", f"/videos/{video}/members", ...),
        ("PUT", f"/videos/{video}/members/mallory", {"role": "editor"}),
        ("DELETE", f"/videos/{video}/members/alice", ...),
        ("GET", f"/videos/{video}/scenes", ...),
        ("POST", f"/videos/{video}/scenes", {}),
        ("PUT", f"/videos/{video}/scenes/reorder", {"scene_orders": []}),
        ("GET", f"/videos/{video}/scenes/{scene}", ...),
        ("PUT", f"/videos/{video}/scenes/{scene}", {"text": "mine"}),
        ("DELETE", f"/videos/{video}/scenes/{scene}", ...),
        ("POST", f"/scenes/{scene}/layers", {"type": "text"}),
        ("PUT", "/layers/reorder", orders),
        ("GET", f"/layers/{layer}", ...),
        ("PUT", f"/layers/{layer}", {"name": "mine"}),
        ("PUT", f"/layers/{layer}/toggle-visibility", {"enabled": False}),
        ("DELETE", f"/layers/{layer}", ...),
    ]
    stranger = str(uuid.uuid4())
    for method, path, body in calls:
        foreign = await api.call(method, f"/api/v1{path}", body, user="mallory")
        other_path, other_body = path, body
        for known in (video, scene, layer):
            other_path = other_path.replace(known, stranger)
            other_body = (
                json.loads(json.dumps(other_body).replace(known, stranger))
                if other_body is not ...
                else ...
            )
        none = await api.call(method, f"/api/v1{other_path}", other_body, user="mallory")
        assert foreign.status == none.status == 404, (method, path)
        assert foreign.json == none.json
    shown = await api.call("GET", f"/api/v1/videos/{video}/scenes")
    assert shown.data["scenes"][0]["layers"][0]["enabled"] is True


async def test_an_id_that_is_none_is_not_found(api: Client) -> None:
    video = await api.make_video()
    for path, code in (
        ("/api/v1/videos/7/scenes", "video_not_found"),
        ("/api/v1/videos/%00", "video_not_found"),
        (f"/api/v1/videos/urn:uuid:{video}", "video_not_found"),
        (f"/api/v1/videos/{video}/scenes/x", "scene_not_found"),
        ("/api/v1/layers/reorder", "layer_not_found"),
        ("/api/v1/layers/..%2Fx", "layer_not_found"),
    ):
        reply = await api.call("GET", path)
        assert (reply.status, reply.code) == (404, code), path
        assert code.removesuffix("_not_found") in reply.json["error"]["message"]


@pytest.mark.parametrize(
    ("raw", "status", "code"),
    [
        (b"", 400, "malformed_json"),
        (b'{"title": ', 400, "malformed_json"),
        (b'{"title": NaN}', 400, "malformed_json"),
        (b"[" * 200_000, 400, "malformed_json"),
        (b'{"title": "\xff"}', 400, "malformed_json"),
        (b"[]", 422, "invalid_fields"),
        (b"null", 422, "invalid_fields"),
        (b'"title"', 422, "invalid_fields"),
        (b'{"title": 5}', 422, "invalid_fields"),
        (b'{"title": null}', 422, "invalid_fields"),
        (b'{"title": "\\u0000"}', 422, "invalid_fields"),
        (b'{"title": "\\ud800"}', 422, "invalid_fields"),
        (b'{"title": "x", "\\ud800": 1}', 422, "invalid_fields"),
        (b'{"title": "x", "__class__": 1}', 422, "invalid_fields"),
        (b'{"title": "' + b"x" * 300 + b'"}', 422, "invalid_fields"),
        (b'{"title": "' + b"x" * 1_100_000 + b'"}', 413, "body_too_big"),
    ],
    ids=lambda value: str(value)[:24],
)
async def test_bodies(api: Client, raw: bytes, status: int, code: str) -> None:
    reply = await api.call(
        "POST", "/api/v1/videos", raw=raw, headers={"Content-Type": "application/json"}
    )
    assert (reply.status, reply.code) == (status, code)


@pytest.mark.parametrize(
    ("header", "status"),
    [
        (b"X-API-Key: \xff\xfe", 401),
        (b"Authorization: Bearer \xff\xfe", 401),
        (b"X-Request-Id: \xff\xfe\r\nIf-None-Match: \xff", 401),
    ],
)
async def test_headers_that_are_no_text(api: Client, header: bytes, status: int) -> None:
    reply = await api.send(
        b"GET /api/v1/videos HTTP/1.1\r\nHost: a\r\nConnection: close\r\n" + header + b"\r\n\r\n"
    )
    assert (reply.status, reply.code) == (status, "unauthenticated")


async def test_a_body_that_does_not_unpack(api: Client) -> None:
    reply = await api.send(
        b"POST /api/v1/videos HTTP/1.1\r\nHost: a\r\nConnection: close\r\n"
        b"Content-Encoding: gzip\r\nContent-Type: application/json\r\nContent-Length: 5\r\n"
        b"Authorization: Bearer " + token("alice").encode() + b"\r\n\r\nabcde"
    )
    assert (reply.status, reply.code) == (400, "malformed_body")
    assert not [line for line in api.logged if line["level"] == "error"]


async def test_a_body_without_end_is_cut_off(api: Client) -> None:
    sent = 0

    async def endless() -> Any:
        nonlocal sent
        yield b'{"title": "'
        while True:
            sent += 65_536
            yield b"x" * 65_536

    headers = {"Authorization": f"Bearer {token('alice')}", "Content-Type": "application/json"}
    async with api.session.post(
        f"{api.address}/api/v1/videos", data=endless(), headers=headers
    ) as response:
        assert response.status == 413
    assert sent < 50_000_000


@pytest.mark.parametrize(
    "content_type",
    ["text/plain", "application/x-www-form-urlencoded", "application/json; charset=utf-16"],
)
async def test_other_types_of_body(api: Client, content_type: str) -> None:
    reply = await api.call(
        "POST", "/api/v1/videos", raw=b'{"title": "x"}', headers={"Content-Type": content_type}
    )
    assert (reply.status, reply.code) == (415, "unsupported_media_type")


@pytest.mark.parametrize(
    "path",
    [
        "videos?search=&page=&limit=",
        "audio/library?type=&category=&search=&page=&limit=",
        "media/library?type=&source=&category=&limit=",
        "avatars?gender=&category=",
        "voices?language=&gender=&category=&limit=20",
    ],
)
async def test_an_empty_parameter_is_none(api: Client, path: str) -> None:
    page = (await api.call("GET", f"/api/v1/{path}")).data["pagination"]
    assert (page["current_page"], page["items_per_page"]) == (1, 20)


@pytest.mark.parametrize("content_type", [None, "application/octet-stream", "text/plain"])
async def test_no_body_is_an_empty_object(api: Client, content_type: str | None) -> None:
    headers = {} if content_type is None else {"Content-Type": content_type}
    video = await api.make_video()
    for path in (f"/api/v1/videos/{video}/scenes", f"/api/v1/videos/{video}/versions"):
        assert (await api.call("POST", path, raw=b"", headers=headers)).status == 201
    reply = await api.call("POST", "/api/v1/videos", raw=b"", headers=headers)
    assert (reply.status, reply.fields) == (422, ["title"])


@pytest.mark.parametrize(
    ("path", "body", "field", "message"),
    [
        ("/api/v1/videos", {"title": "x", "colour": "red"}, "colour", "is not known here"),
        ("/api/v1/videos", {}, "title", "is needed"),
        ("/api/v1/videos", [], "", "must be an object"),
        ("/api/v1/videos", {"title": ""}, "title", "must have at least 1 character"),
        ("/api/v1/videos", {"title": 5}, "title", "must be a text"),
        ("/api/v1/videos?page=0", ..., "page", "must be 1 or more"),
        ("/api/v1/videos?limit=101", ..., "limit", "must be 100 or less"),
        ("/api/v1/videos?limit=a", ..., "limit", "must be a whole number"),
        ("/api/v1/videos?search=%00", ..., "search", r"must match ^[^\x00]*$"),
        (
            "/api/v1/voices/generate",
            {"voice_id": "x", "text": "x", "volume": 5},
            "volume",
            "must be 4 or less",
        ),
        ("/api/v1/blobs/sign", {"urls": []}, "urls", "must have at least 1 item"),
        (
            "/api/v1/videos",
            {"title": "x", "aspect_ratio": "3:2"},
            "aspect_ratio",
            "must be '16:9', '9:16', '1:1' or '4:5'",
        ),
    ],
)
async def test_what_is_said_of_a_field(
    api: Client, path: str, body: Any, field: str, message: str
) -> None:
    reply = await api.call("GET" if body is ... else "POST", path, body)
    assert reply.json["error"]["details"] == [{"field": field, "message": message}]


async def test_unknown_paths_and_methods(api: Client) -> None:
    nothing = await api.call("GET", "/api/v1/nothing")
    assert (nothing.status, nothing.code) == (404, "not_found")
    method = await api.call("PATCH", "/api/v1/videos")
    assert (method.status, method.code) == (405, "method_not_allowed")
    assert set(method.headers["Allow"].split(", ")) == {"GET", "HEAD", "POST"}


async def test_head(api: Client) -> None:
    video = await api.make_video()
    reply = await api.call("HEAD", f"/api/v1/videos/{video}/scenes")
    assert (reply.status, reply.content) == (200, b"")
    assert reply.headers["ETag"]


async def test_hostile_texts_come_back_as_they_were(api: Client) -> None:
    for text in (
        "<script>alert(1)</script>",
        "'; DROP TABLE scenes; --",
        "\\u0000 ${jndi:ldap://x} %s %00 {{7*7}}",
        "👩‍👩‍👧‍👦 é שלום \u202e مرحبا",
    ):
        video = await api.make_video(title=text)
        scene = await api.make_scene(video, text=text)
        layer = await api.make_layer(scene, name=text, properties={text: {"x": text}})
        shown = (await api.call("GET", f"/api/v1/videos/{video}/scenes")).data["scenes"][0]
        assert shown["text"] == text
        assert shown["layers"][0]["name"] == text
        assert shown["layers"][0]["properties"] == {text: {"x": text}}
        assert (await api.call("GET", f"/api/v1/videos/{video}")).data["video"]["title"] == text
        assert shown["layers"][0]["id"] == layer
