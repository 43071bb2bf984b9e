"""The routes, and the document that describes them."""

from __future__ import annotations

import json
import re

import pytest
from openapi_spec_validator import validate

from api.documentation import Documentation
from api.face import ROUTES
from api.routes import Route

PERMISSIONS = {
    "POST /api/v1/videos": "user",
    "GET /api/v1/videos": "user",
    "GET /api/v1/videos/{video_id}": "video:read",
    "PUT /api/v1/videos/{video_id}": "video:manage",
    "DELETE /api/v1/videos/{video_id}": "video:manage",
    "GET /api/v1/videos/{video_id}/members": "video:manage",
    "PUT /api/v1/videos/{video_id}/members/{user_id}": "video:manage",
    "DELETE /api/v1/videos/{video_id}/members/{user_id}": "video:manage",
    "GET /api/v1/videos/{video_id}/scenes": "video:read",
    "POST /api/v1/videos/{video_id}/scenes": "video:edit",
    "PUT /api/v1/videos/{video_id}/scenes/reorder": "video:edit",
    "GET /api/v1/videos/{video_id}/scenes/{scene_id}": "video:read",
    "PUT /api/v1/videos/{video_id}/scenes/{scene_id}": "video:edit",
    "DELETE /api/v1/videos/{video_id}/scenes/{scene_id}": "video:edit",
    "GET /api/v1/videos/{video_id}/versions": "video:read",
    "POST /api/v1/videos/{video_id}/versions": "video:edit",
    "GET /api/v1/videos/{video_id}/versions/{number}": "video:read",
    "GET /api/v1/videos/{video_id}/versions/{number}/diff": "video:read",
    "POST /api/v1/videos/{video_id}/versions/{number}/restore": "video:edit",
    "POST /api/v1/scenes/{scene_id}/layers": "scene:edit",
    "PUT /api/v1/layers/reorder": "scene:edit",
    "GET /api/v1/layers/{layer_id}": "layer:read",
    "PUT /api/v1/layers/{layer_id}": "layer:edit",
    "PUT /api/v1/layers/{layer_id}/toggle-visibility": "layer:edit",
    "DELETE /api/v1/layers/{layer_id}": "layer:edit",
    "GET /api/v1/videos/{video_id}/document": "video:read",
    "GET /api/v1/blobs/{key}": "open",
    "POST /api/v1/blobs/sign": "user",
    "GET /api/v1/audio/library": "user",
    "POST /api/v1/audio/upload": "user",
    "POST /api/v1/audio/{audio_id}/favorite": "user",
    "DELETE /api/v1/audio/{audio_id}": "user",
    "GET /api/v1/media/library": "user",
    "POST /api/v1/media/upload": "user",
    "DELETE /api/v1/media/{media_id}": "user",
    "POST /api/v1/media/generate-ai": "user",
    "GET /api/v1/media/ai-status/{job_id}": "user",
    "DELETE /api/v1/media/ai-status/{job_id}": "user",
    "GET /api/v1/avatars": "user",
    "GET /api/v1/voices": "user",
    "GET /api/v1/voices/{voice}/sample": "open",
    "POST /api/v1/voices/generate": "user",
    "POST /api/v1/layers/{layer_id}/voiceover": "layer:edit",
    "POST /api/v1/api-keys": "user",
    "GET /api/v1/api-keys": "user",
    "DELETE /api/v1/api-keys/{api_key_id}": "user",
    "POST /api/v1/videos/{video_id}/render": "video:edit",
    "POST /api/v1/videos/{video_id}/regenerate": "video:edit",
    "GET /api/v1/videos/{video_id}/regeneration-status": "video:read",
    "GET /api/v1/videos/{video_id}/audio/{audio_id}": "video:read",
    "GET /api/v1/videos/{video_id}/avatars/{avatar_id}": "video:read",
    "GET /api/v1/videos/{video_id}/media/{media_id}": "video:read",
    "GET /api/v1/videos/{video_id}/renders": "video:read",
    "GET /api/v1/renders/{job_id}": "job:read",
    "DELETE /api/v1/renders/{job_id}": "job:edit",
    "GET /healthz": "open",
    "GET /readyz": "open",
    "GET /metrics": "open",
}


SIGNED = {"/api/v1/blobs/{key}", "/api/v1/voices/{voice}/sample"}
"""Open, since the link itself says who may follow it."""


SHOWN_ONCE = {"/api/v1/api-keys"}
"""Not idempotent, since what it answers must be stored nowhere."""


@pytest.fixture(scope="module")
def documentation() -> Documentation:
    return Documentation(ROUTES, version="1.2.3")


def test_who_may_call_each_route() -> None:
    """A new route belongs into this table, with who may call it."""
    assert {
        f"{route.method} {route.path}": str(route.permission) for route in ROUTES
    } == PERMISSIONS


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: f"{route.method} {route.path}")
def test_declarations_are_sound(route: Route) -> None:
    parameters = re.findall(r"\{(\w+)\}", route.path)
    if route.permission.via is not None:
        in_body = route.body.model_fields if route.body is not None else {}
        assert f"{route.permission.via}_id" in {*parameters, *in_body}
    if route.path.startswith("/api/") and route.path not in SIGNED:
        assert route.permission.signed_in
    if route.method in {"GET", "DELETE"}:
        assert route.body is None
    if route.status == 201:
        assert route.method == "POST"
        assert route.idempotent or route.path in SHOWN_ONCE
    assert route.handler.__doc__


def test_the_document_is_valid(documentation: Documentation) -> None:
    validate(documentation.document)


def test_the_document_names_every_route_once(documentation: Documentation) -> None:
    shown = {
        f"{method.upper()} {path}"
        for path, methods in documentation.document["paths"].items()
        for method in methods
    }
    assert shown == {*PERMISSIONS, "GET /api/v1/openapi.json"}
    identifiers = [
        operation["operationId"]
        for methods in documentation.document["paths"].values()
        for operation in methods.values()
    ]
    assert len(set(identifiers)) == len(identifiers)


def test_optional_fields_show_no_default_that_is_not_one(documentation: Documentation) -> None:
    text = json.dumps(documentation.document["components"]["schemas"])
    assert '"default"' not in text


def test_the_page_loads_nothing_from_elsewhere(documentation: Documentation) -> None:
    from importlib.resources import files

    page = files("api").joinpath("docs_page")
    for name in ("index.html", "page.js", "page.css"):
        text = page.joinpath(name).read_text()
        assert not re.search(r"https?://|//cdn|@import|innerHTML|eval\(|\sstyle=|\son\w+=", text)
