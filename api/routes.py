"""Routes, each declared once: its path, who may call it, what it takes, what it answers.

From one declaration come the handler that aiohttp calls (`api.dispatch`) and the entry in the
OpenAPI document (`api.openapi`).
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Generic, Literal, TypeVar
from uuid import UUID, uuid5

from aiohttp import web
from pydantic import BaseModel

from api.access import Grant
from api.body import MAX_BODY
from api.callers import Caller
from api.keys import Parts
from api.permissions import Action

_PARAMETER: Final = re.compile(r"\{(\w+)\}")

B = TypeVar("B", bound=BaseModel | None)
Q = TypeVar("Q", bound=BaseModel | None)


@dataclass(frozen=True, slots=True)
class Permission:
    """Who may call a route.

    Attributes:
        signed_in: a good token is needed.
        via: what names the video that `action` must be allowed on: an id in the path or, for a
            scene, in the body.
        action: what must be allowed.
    """

    signed_in: bool
    via: Literal["video", "scene", "layer", "job"] | None = None
    action: Action | None = None

    def __str__(self) -> str:
        if not self.signed_in:
            return "open"
        return f"{self.via}:{self.action}" if self.action else "user"


OPEN: Final = Permission(signed_in=False)
USER: Final = Permission(signed_in=True)


def on_video(action: Action) -> Permission:
    """Whoever may do `action` on the video in the path."""
    return Permission(True, "video", action)


def on_scene(action: Action) -> Permission:
    """Whoever may do `action` on the video of the scene in the path or body."""
    return Permission(True, "scene", action)


def on_layer(action: Action) -> Permission:
    """Whoever may do `action` on the video of the layer in the path."""
    return Permission(True, "layer", action)


def on_job(action: Action) -> Permission:
    """Whoever may do `action` on the video of the render in the path."""
    return Permission(True, "job", action)


@dataclass(frozen=True, slots=True)
class Answer:
    """What a handler answers with.

    Attributes:
        data: the answer's `data`.
        message: a sentence for a person.
        seq: the video's sequence number that the answer shows.
        headers: further ones.
    """

    data: Mapping[str, Any] | None = None
    message: str | None = None
    seq: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class Call(Generic[B, Q]):
    """One call of a route, admitted and validated: what a handler gets.

    Attributes:
        known_request: for what is not declared, such as conditional headers; None for what did not
            come over HTTP.
        parts: what the handlers work with.
        ids: the path's parameters by name; ids are canonical UUIDs.
        body, query: validated; None where the route declares none.
        known_caller: who calls; None on open routes without a token.
        known_grant: the caller's role on `known_video` and where that stood at admission.
        known_video: the video that the permission was checked on.
        idempotency_key: as sent.
    """

    known_request: web.Request | None
    parts: Parts
    ids: Mapping[str, str]
    body: B
    query: Q
    known_caller: Caller | None = None
    known_video: UUID | None = None
    known_grant: Grant | None = None
    idempotency_key: str | None = None

    @property
    def request(self) -> web.Request:
        """What came over HTTP."""
        assert self.known_request is not None
        return self.known_request

    @property
    def caller(self) -> Caller:
        """Who calls a route that is not open."""
        assert self.known_caller is not None
        return self.known_caller

    @property
    def video_id(self) -> UUID:
        """The video, on routes whose permission names an action."""
        assert self.known_video is not None
        return self.known_video

    @property
    def grant(self) -> Grant:
        """The role, on routes whose permission names an action."""
        assert self.known_grant is not None
        return self.known_grant

    def make_id(self) -> UUID:
        """The id for what this call creates.

        With an idempotency key it follows from the key, so that a second try after a crash finds
        what the first one made.
        """
        if self.idempotency_key is None:
            return self.parts.new_id()
        return uuid5(self.caller.id, f"{self.request.path}\n{self.idempotency_key}")


Handler = Callable[[Call[Any, Any]], Awaitable[Answer | web.StreamResponse]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """One method on one path.

    Attributes:
        method: GET, POST, PUT or DELETE.
        path: with its parameters in braces; those that end in `_id`, but for `user_id`, are UUIDs.
        handler: gets calls that are admitted and valid.
        permission: who may call.
        summary: one line for the documentation.
        tag: the group in the documentation.
        body, query: models of what it takes.
        data: model of the answer's `data`.
        status: of an answer that went well.
        content_type: of that answer.
        conditional: it carries ETag and X-Video-Seq and takes If-None-Match.
        idempotent: it creates or starts something and takes an Idempotency-Key.
        secret: the answer is not to be kept for a second try; the handler finds it again.
        cost: how many requests it counts as; 0 for what is never limited.
        body_limit: bytes.
        form: model of the fields of a `multipart/form-data` body, which the handler reads by
            itself; the file is in the field `file`.
        fingerprint: of such a body; reads it, unless the handler has.
        errors: further statuses that it may answer with.
        parameters: the names in the path.
    """

    method: Literal["GET", "POST", "PUT", "DELETE"]
    path: str
    handler: Handler
    permission: Permission
    summary: str
    tag: str
    body: type[BaseModel] | None = None
    query: type[BaseModel] | None = None
    data: type[BaseModel] | None = None
    status: int = 200
    content_type: str = "application/json"
    conditional: bool = False
    idempotent: bool = False
    secret: bool = False
    cost: int = 1
    body_limit: int = MAX_BODY
    form: type[BaseModel] | None = None
    fingerprint: Callable[[Call[Any, Any]], Awaitable[bytes]] | None = None
    errors: frozenset[int] = frozenset()
    parameters: tuple[str, ...] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "parameters", tuple(_PARAMETER.findall(self.path)))
