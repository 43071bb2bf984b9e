"""The editor page: its files as they are, and a token for guests of this machine."""

from __future__ import annotations

import gzip
import hashlib
import ipaddress
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from importlib.resources import files
from importlib.resources.abc import Traversable
from types import MappingProxyType
from typing import Final
from urllib.parse import urlsplit

from aiohttp import web

from api.routes import OPEN, Answer, Call, Handler, Route
from collab.errors import Forbidden
from server.setting_values import is_loopback

GUEST: Final = "guest"
"""The user that all guests are: who sits at this machine may open each of its videos."""

POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; font-src 'self'; "
    "connect-src 'self'; img-src 'self' blob:; media-src 'self' blob:; worker-src 'self'; "
    "manifest-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_TYPES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "html": "text/html",
        "css": "text/css",
        "js": "text/javascript",
        "svg": "image/svg+xml",
        "txt": "text/plain",
        "ttf": "font/ttf",
    }
)
_FONT: Final = "InterVariable.ttf"
_WORKER: Final = "worker.js"
_PAGE_TYPES: Final = ("text/html", "text/css", "text/javascript", "image/svg+xml", "font/ttf")
_FORWARDING: Final = ("Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Real-IP", "Via")
_TAG: Final = "Editor page"


@dataclass(frozen=True, slots=True)
class Page:
    """A file of the page, as it is sent."""

    content: bytes
    packed: bytes | None
    content_type: str
    etag: str
    headers: Mapping[str, str]


class Pages:
    """Serves the editor page.

    Args:
        guest_token: makes a token for `GUEST`; None: people sign in with tokens of their own.

    Attributes:
        routes: to serve; the one for tokens is among them if there are guests.
    """

    def __init__(self, guest_token: Callable[[], str] | None) -> None:
        self._guest_token = guest_token
        self.routes: tuple[Route, ...] = tuple(
            Route(
                method="GET",
                path=path,
                handler=_serve(page),
                permission=OPEN,
                summary="A file of the editor page",
                tag=_TAG,
                content_type=page.content_type,
                cost=0,
            )
            for path, page in _all_pages()
        )
        if guest_token is not None:
            self.routes += (
                Route(
                    method="POST",
                    path="/editor/token",
                    handler=self._token,
                    permission=OPEN,
                    summary="A token for a guest of this machine",
                    tag=_TAG,
                    status=201,
                ),
            )

    async def _token(self, call: Call[None, None]) -> Answer:
        require_local(call.request)
        assert self._guest_token is not None
        return Answer({"token": self._guest_token()}, headers={"Cache-Control": "no-store"})


def require_local(request: web.Request) -> None:
    """Refuse all but a page of this server that was opened on this machine by a loopback name.

    Neither a name of somebody else's that leads here, nor a proxy, nor another site's page may
    get a guest's token.

    Raises:
        Forbidden: the request came in another way.
    """
    host = _hostname(request.host)
    if not (_is_here(host) and _is_here(request.remote or "")):
        raise Forbidden("Guests open this server by a loopback name, such as 127.0.0.1.")
    if any(name in request.headers for name in _FORWARDING):
        raise Forbidden("Guests come without a proxy between.")
    origin = request.headers.get("Origin")
    if origin is not None and urlsplit(origin).netloc.lower() != request.host.lower():
        raise Forbidden("Another site's page may not be a guest here.")
    if request.headers.get("Sec-Fetch-Site", "same-origin") not in ("same-origin", "none"):
        raise Forbidden("Another site's page may not be a guest here.")


def _hostname(host: str) -> str:
    try:
        return urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return ""


def _is_here(host: str) -> bool:
    address = host.partition("%")[0]
    try:
        mapped = getattr(ipaddress.ip_address(address), "ipv4_mapped", None)
    except ValueError:
        mapped = None
    return is_loopback(str(mapped) if mapped is not None else address)


def _all_pages() -> Iterator[tuple[str, Page]]:
    pages = dict(_pages())
    yield from pages.items()
    listed = _list_for_offline(pages)
    yield "/editor/files.json", _page("files.json", listed, "application/json")


def _list_for_offline(pages: Mapping[str, Page]) -> bytes:
    """The files that the page needs without a server, and the version that they make together."""
    files = {
        path: page.etag
        for path, page in pages.items()
        if page.content_type in _PAGE_TYPES and not path.endswith(_WORKER)
    }
    # The worker counts, too: a new one must replace the old.
    version = hashlib.sha256(json.dumps([files, pages[f"/editor/{_WORKER}"].etag]).encode())
    return json.dumps({"version": version.hexdigest()[:16], "files": list(files)}).encode()


def _pages() -> Iterator[tuple[str, Page]]:
    top = files("server").joinpath("editor")
    for path, file in _walk(top, ""):
        content = file.read_bytes()
        if path == "index.html":
            yield "/", _page(path, content)
        else:
            yield f"/editor/{path}", _page(path, content)
    font = files("server").joinpath("media", "fonts", "files", _FONT)
    yield f"/editor/fonts/{_FONT}", _page(_FONT, font.read_bytes())


def _walk(directory: Traversable, prefix: str) -> Iterator[tuple[str, Traversable]]:
    for entry in sorted(directory.iterdir(), key=lambda entry: entry.name):
        if entry.is_dir():
            yield from _walk(entry, f"{prefix}{entry.name}/")
        elif entry.name.rpartition(".")[2] in _TYPES:
            yield prefix + entry.name, entry


def _page(path: str, content: bytes, content_type: str | None = None) -> Page:
    content_type = content_type or _TYPES[path.rpartition(".")[2]]
    packed = None if content_type == "font/ttf" else gzip.compress(content, 6, mtime=0)
    headers = {"Content-Security-Policy": POLICY, "Cross-Origin-Opener-Policy": "same-origin"}
    if path == _WORKER:
        headers["Service-Worker-Allowed"] = "/"
    etag = hashlib.sha256(content).hexdigest()[:32]
    return Page(content, packed, content_type, etag, MappingProxyType(headers))


def _serve(page: Page) -> Handler:
    headers = {
        **page.headers,
        "ETag": f'"{page.etag}"',
        "Cache-Control": "no-cache",
        "Vary": "Accept-Encoding",
    }

    async def send(call: Call[None, None]) -> web.Response:
        request = call.request
        known = request.if_none_match
        if known is not None and any(tag.value == page.etag for tag in known):
            return web.Response(status=304, headers=headers)
        if page.packed is not None and "gzip" in request.headers.get("Accept-Encoding", ""):
            return web.Response(
                body=page.packed,
                content_type=page.content_type,
                charset="utf-8",
                headers={**headers, "Content-Encoding": "gzip"},
            )
        return web.Response(
            body=page.content,
            content_type=page.content_type,
            charset=None if page.packed is None else "utf-8",
            headers=headers,
        )

    return send
