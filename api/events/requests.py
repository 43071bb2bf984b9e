"""Which route each event that comes in stands for: what may be done, by whom and with what, is
said there.

An event's payload holds what a request has in its path beside what it has in its body; the body's
fields may also stand together under `changes`, `scene` or `layer`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from api import layers, scenes
from api.body import check_storable
from api.callers import Caller
from api.dispatch import prepare
from api.errors import InvalidFields
from api.routes import Call, Handler, Route

if TYPE_CHECKING:
    from api.keys import Parts

_GATHERED: Final = ("changes", "scene", "layer")


def _route(routes: Iterable[Route], handler: Handler) -> Route:
    return next(route for route in routes if route.handler is handler)


REQUESTS: Final[Mapping[str, Route]] = MappingProxyType(
    {
        "scene:create": _route(scenes.ROUTES, scenes.create_scene),
        "scene:update": _route(scenes.ROUTES, scenes.update_scene),
        "scene:delete": _route(scenes.ROUTES, scenes.delete_scene),
        "scenes:reorder": _route(scenes.ROUTES, scenes.reorder_scenes),
        "layer:create": _route(layers.ROUTES, layers.create_layer),
        "layer:update": _route(layers.ROUTES, layers.update_layer),
        "layer:delete": _route(layers.ROUTES, layers.delete_layer),
        "layers:reorder": _route(layers.ROUTES, layers.reorder_layers),
    }
)


def fields_of(payload: object) -> dict[str, Any]:
    """The fields of an event's payload.

    Raises:
        InvalidFields: it is no object, or holds what cannot be stored.
        MalformedJson: it is nested too deeply.
    """
    if not isinstance(payload, dict):
        raise InvalidFields([{"field": "", "message": "the payload must be an object"}])
    check_storable(payload)
    return dict(payload)


def id_in(fields: Mapping[str, Any], name: str) -> str:
    """An id among the fields.

    Raises:
        InvalidFields: it is missing, or no string.
    """
    value = fields.get(name)
    if not isinstance(value, str):
        raise InvalidFields([{"field": name, "message": "must be an id"}])
    return value


async def prepared(
    route: Route, parts: Parts, caller: Caller, payload: object
) -> tuple[Call[Any, Any], str | None]:
    """The call that an event asks for, and the video that it names besides, if any.

    Raises:
        CocutError: as for the request that it stands for.
    """
    fields = fields_of(payload)
    named = {name: id_in(fields, name) for name in route.parameters}
    for name in named:
        del fields[name]
    claimed = id_in(fields, "video_id") if "video_id" in fields else None
    fields.pop("video_id", None)
    if len(fields) == 1 and (gathered := next(iter(fields))) in _GATHERED:
        fields = fields_of(fields[gathered])
    if route.body is None and fields:
        raise InvalidFields([{"field": name, "message": "is not known"} for name in fields])

    async def body() -> Any:
        return fields

    return await prepare(route, parts, caller, named, body=body), claimed
