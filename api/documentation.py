"""The OpenAPI document and its page, which needs nothing from anywhere else."""

from __future__ import annotations

import json
from collections.abc import Iterable
from importlib.resources import files
from typing import Any, Final

from aiohttp import web

from api.openapi import document
from api.routes import OPEN, Call, Route

_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "img-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_PAGE: Final = {
    "/docs": ("index.html", "text/html"),
    "/docs/page.js": ("page.js", "text/javascript"),
    "/docs/page.css": ("page.css", "text/css"),
}


class Documentation:
    """Serves the OpenAPI document of some routes, its own among them.

    Args:
        routes: those to describe.
        version: of the program.
    """

    def __init__(self, routes: Iterable[Route], *, version: str) -> None:
        self.routes: tuple[Route, ...] = (
            Route(
                method="GET",
                path="/api/v1/openapi.json",
                handler=self._openapi,
                permission=OPEN,
                summary="This document",
                tag="Documentation",
            ),
            *(self._file(path, *source) for path, source in _PAGE.items()),
        )
        self.document: dict[str, Any] = document((*routes, self.routes[0]), version=version)
        self._bytes = json.dumps(self.document, ensure_ascii=False).encode()

    async def _openapi(self, call: Call[None, None]) -> web.Response:
        return web.Response(body=self._bytes, content_type="application/json")

    def _file(self, path: str, name: str, content_type: str) -> Route:
        content = files("api").joinpath("docs_page", name).read_bytes()

        async def page(call: Call[None, None]) -> web.Response:
            return web.Response(
                body=content,
                content_type=content_type,
                charset="utf-8",
                headers={"Content-Security-Policy": _POLICY},
            )

        return Route(
            method="GET",
            path=path,
            handler=page,
            permission=OPEN,
            summary="The page of this documentation",
            tag="Documentation",
            content_type=content_type,
        )
