"""From a declared route to the handler that aiohttp calls.

The order is the same everywhere: who calls, how often, on what, allowed to, with what.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any, Final
from uuid import UUID

from aiohttp import web
from pydantic import BaseModel

from api.access import Grant
from api.admission import limit_headers, take_request
from api.body import parse, read, validate
from api.callers import Caller, bearer
from api.errors import InvalidFields, TooManyRequests
from api.keys import EXTRA_HEADERS, PARTS, Parts
from api.routes import Call, Route
from collab.errors import (
    AudioNotFound,
    AvatarNotFound,
    JobNotFound,
    LayerNotFound,
    MediaNotFound,
    NotFound,
    SceneNotFound,
    Unauthenticated,
    VideoNotFound,
)
from collab.schema import is_id

_NOT_FOUND: Final[Mapping[str, type[NotFound]]] = {
    "video_id": VideoNotFound,
    "scene_id": SceneNotFound,
    "layer_id": LayerNotFound,
    "audio_id": AudioNotFound,
    "media_id": MediaNotFound,
    "avatar_id": AvatarNotFound,
    "job_id": JobNotFound,
}
_IDEMPOTENCY_KEY: Final = re.compile(r"[\x21-\x7e]{1,255}")


def add_routes(app: web.Application, routes: Iterable[Route]) -> None:
    """Serve the routes: in the order given, but fixed paths before parameters in their place."""
    for route in sorted(routes, key=_parameters):
        handler = handler_of(route)
        if route.method == "GET":
            app.router.add_get(route.path, handler)
        else:
            app.router.add_route(route.method, route.path, handler)


def _parameters(route: Route) -> list[bool]:
    return [segment.startswith("{") for segment in route.path.split("/")]


def handler_of(route: Route) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    """The handler that aiohttp calls for a route."""
    no_query = _without_query(route.query)

    async def handle(request: web.Request) -> web.StreamResponse:
        parts = request.app[PARTS]
        caller = await _admit(route, request, parts)
        content = b""

        async def body() -> Any:
            nonlocal content
            content = await read(request, route.body_limit)
            return parse(request, content)

        def query() -> BaseModel | None:
            return _query(route.query, request) if request.rel_url.raw_query_string else no_query

        call = await prepare(
            route, parts, caller, request.match_info, body=body, query=query, request=request
        )

        async def fingerprint() -> bytes:
            if route.fingerprint is not None:
                return await route.fingerprint(call)
            return hashlib.sha256(content).digest()

        if call.idempotency_key is None or route.secret:
            return await _run(route, call)
        return await parts.idempotency.once(
            user=call.caller.sub,
            key=call.idempotency_key,
            route=f"{route.method} {request.path}",
            fingerprint=fingerprint,
            run=lambda: _run(route, call),
        )

    handle.__name__ = getattr(route.handler, "__name__", "handle")
    return handle


async def prepare(
    route: Route,
    parts: Parts,
    caller: Caller | None,
    named: Mapping[str, str],
    *,
    body: Callable[[], Awaitable[Any]],
    query: Callable[[], BaseModel | None] = lambda: None,
    request: web.Request | None = None,
) -> Call[Any, Any]:
    """A call of a route by a caller who was admitted: allowed, and with valid fields.

    Args:
        route: the route.
        parts: what the handlers work with.
        caller: who calls.
        named: the path's parameters.
        body: reads the body, a JSON value; asked only once the caller is known to be allowed.
        query: reads the query.
        request: what it came with; None for what did not come over HTTP.

    Raises:
        CocutError: there is no such thing, it is not allowed, or fields are not valid.
    """
    permission = route.permission
    ids = {name: _id_of(name, named[name]) for name in route.parameters}
    video_id: UUID | None = None
    grant: Grant | None = None
    if permission.action is not None and (permission.via or "") + "_id" in ids:
        assert caller is not None
        video_id, grant = await _grant(route, parts, caller, ids)
    asked = query()
    given: BaseModel | None = None
    if route.body is not None:
        given = validate(route.body, await body())
    if permission.action is not None and grant is None:
        assert caller is not None
        in_body = {"scene_id": _id_of("scene_id", getattr(given, "scene_id", ""))}
        video_id, grant = await _grant(route, parts, caller, in_body)
    key = None if request is None else _key(route, request)
    return Call(request, parts, ids, given, asked, caller, video_id, grant, key)


async def _admit(route: Route, request: web.Request, parts: Parts) -> Caller | None:
    if not route.permission.signed_in:
        if route.cost:
            await _take(request, parts, None, route.cost)
        return None
    try:
        token, now = bearer(request), parts.wall()
        caller = parts.callers.known(token, now) or await parts.callers.of_token(token, now)
    except Unauthenticated:
        await _take(request, parts, None, 1)
        raise
    if parts.limiter is not None:
        await _take(request, parts, caller, route.cost)
    return caller


async def _take(request: web.Request, parts: Parts, caller: Caller | None, cost: int) -> None:
    taken = await take_request(request, parts, caller, cost)
    if taken is None:
        return
    request[EXTRA_HEADERS] = limit_headers(taken)
    if not taken.allowed:
        raise TooManyRequests(taken.reset)


def _id_of(name: str, value: str) -> str:
    if name == "user_id" or not name.endswith("_id"):
        return value
    canonical = value.lower()
    if not is_id(canonical):
        missing = _NOT_FOUND.get(name)
        raise NotFound("There is no such thing.") if missing is None else missing()
    return canonical


async def _grant(
    route: Route, parts: Parts, caller: Caller, ids: Mapping[str, str]
) -> tuple[UUID, Grant]:
    """The caller's role on the video that a video, scene, layer or job id leads to.

    For a scene or layer of somebody else's video, the answer is the same as for none.
    """
    permission = route.permission
    assert permission.action is not None
    if permission.via == "video":
        video_id = UUID(ids["video_id"])
        return video_id, await parts.access.require(video_id, caller.sub, permission.action)
    missing: NotFound
    if permission.via == "scene":
        missing = SceneNotFound()
        found = await parts.scenes.scene_video(UUID(ids["scene_id"]))
    elif permission.via == "job":
        missing = JobNotFound()
        found = (await parts.media.renders.get(UUID(ids["job_id"]))).video_id
    else:
        missing = LayerNotFound()
        found = await parts.scenes.layer_video(UUID(ids["layer_id"]))
    if found is None:
        raise missing
    try:
        return found, await parts.access.require(found, caller.sub, permission.action)
    except VideoNotFound:
        raise missing from None


def _without_query(model: type[BaseModel] | None) -> BaseModel | None:
    return None if model is None else model()


def _query(model: type[BaseModel] | None, request: web.Request) -> BaseModel | None:
    if model is None:
        return None
    known = {name: value for name, value in request.query.items() if name in model.model_fields}
    found: BaseModel = validate(model, known, strict=False)
    return found


def _key(route: Route, request: web.Request) -> str | None:
    key = request.headers.get("Idempotency-Key") if route.idempotent else None
    if key is not None and not _IDEMPOTENCY_KEY.fullmatch(key):
        raise InvalidFields(
            [{"field": "Idempotency-Key", "message": "must be 1 to 255 visible ASCII characters"}]
        )
    return key


async def _run(route: Route, call: Call[Any, Any]) -> web.StreamResponse:
    answer = await route.handler(call)
    if isinstance(answer, web.StreamResponse):
        return answer
    shown: dict[str, Any] = {"success": True}
    if answer.message is not None:
        shown["message"] = answer.message
    if answer.data is not None:
        shown["data"] = answer.data
    headers = dict(answer.headers)
    if answer.seq is not None:
        headers["X-Video-Seq"] = str(answer.seq)
    return web.Response(
        status=route.status,
        body=json.dumps(shown, ensure_ascii=False, separators=(",", ":")).encode(),
        content_type="application/json",
        headers=headers,
    )
