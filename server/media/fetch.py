"""The one way out: every request that this project makes to an address somebody else chose.

Names are resolved here, every address they have is checked, and the connection goes to what was
checked; so it is again for each redirect. Nothing of this server is sent along: no cookies, no
proxy settings, no credentials.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
import zlib
from collections.abc import (
    AsyncIterator,
    Awaitable,
    Callable,
    Collection,
    Iterator,
    Mapping,
    Sequence,
)
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from yarl import URL

from persistence.finishing import finish
from server.media.errors import FetchFailed, FetchRefused, FetchTimeout, FetchTooBig

MAX_REDIRECTS: Final = 5
MAX_URL: Final = 8192
CHUNK: Final = 1 << 18
CONNECT_SECONDS: Final = 10.0
USER_AGENT: Final = "cocut"

_REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})
_TRANSLATED: Final = tuple(
    ipaddress.IPv6Network(network)
    for network in (
        *("::/96", "::ffff:0:0/96", "64:ff9b::/96", "64:ff9b:1::/48", "2001::/32", "2002::/16"),
    )
)
"""Addresses that stand for one of version 4."""

Resolve = Callable[[str, int], Awaitable[Sequence[str]]]
"""Host name and port -> its addresses. Raises OSError when there are none."""


@dataclass(frozen=True, slots=True)
class Fetched:
    """A file that was fetched: its bytes, and what the last server called them."""

    size: int
    content_type: str


@dataclass(frozen=True, slots=True)
class Answered:
    """An answer to a POST.

    Attributes:
        status: of HTTP; never a redirect.
        content_type: in lower case, without parameters.
        headers: names in lower case.
        body: decoded.
    """

    status: int
    content_type: str
    headers: Mapping[str, str]
    body: bytes


async def resolve_by_system(host: str, port: int) -> Sequence[str]:
    """The addresses of a name as this machine resolves it."""
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(address[0]) for *_, address in found))


def is_public(text: str) -> bool:
    """Whether an address is one of the internet's own: not private, loopback, link-local,
    multicast, reserved, nor one of version 6 that stands for one of version 4."""
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return False
    if isinstance(address, ipaddress.IPv6Address):
        if address.scope_id is not None or address.is_site_local:
            return False
        if any(address in network for network in _TRANSLATED):
            return False
    return address.is_global and not (
        address.is_private
        or address.is_loopback
        or address.is_link_local
        or address.is_multicast
        or address.is_reserved
        or address.is_unspecified
    )


class Fetcher:
    """Fetches from the internet, and from nowhere else.

    Args:
        trusted: origins such as `http://10.0.0.5:9000` that an operator configured. What begins
            there may have any address, and a redirect may not leave it. They hold for this fetcher
            only: one for links that users write has none.
        resolve: from names to addresses.
        allowed: which addresses anybody's links may lead to.
    """

    def __init__(
        self,
        trusted: Collection[str] = (),
        *,
        resolve: Resolve = resolve_by_system,
        allowed: Callable[[str], bool] = is_public,
    ) -> None:
        self._trusted = frozenset(URL(origin).origin() for origin in trusted)
        self._resolve = resolve
        self._allowed = allowed

    async def get(
        self,
        url: str,
        target: Path,
        *,
        max_bytes: int,
        seconds: float,
        types: Collection[str] | None = None,
    ) -> Fetched:
        """Fetch a file into `target`; up to five redirects are followed.

        Args:
            url: http or https.
            target: made by this; not there after a failure.
            max_bytes: of the file, decoded or not.
            seconds: for all of it.
            types: content types that are taken: `image/png`, or `image/` for all of a kind.

        Raises:
            FetchRefused: the URL, or one it redirects to, leads where nothing is fetched from.
            FetchTooBig: the file is larger than `max_bytes`.
            FetchTimeout: it took longer than `seconds`.
            FetchFailed: no connection, no answer, a status other than 200, another type.
        """
        async with _limited(seconds):
            place, trust = self._begin(url)
            for _ in range(MAX_REDIRECTS + 1):
                async with self._ask("GET", place, trust) as response:
                    if response.status not in _REDIRECTS:
                        return await _save(response, target, max_bytes, types)
                    place = self._next(place, trust, response)
        raise FetchFailed(f"The address redirects more than {MAX_REDIRECTS} times.")

    async def post(
        self,
        url: str,
        body: bytes,
        *,
        headers: Mapping[str, str],
        max_bytes: int,
        seconds: float,
    ) -> Answered:
        """Send a body, and read an answer of any status; redirects are refused.

        Args:
            url: http or https.
            body: as it is sent.
            headers: with its content type.
            max_bytes: of the answer, decoded or not.
            seconds: for all of it.

        Raises:
            FetchRefused: the URL leads where nothing is sent, or redirects.
            FetchTooBig: the answer is larger than `max_bytes`.
            FetchTimeout: it took longer than `seconds`.
            FetchFailed: no connection, or no answer.
        """
        async with _limited(seconds):
            place, trust = self._begin(url)
            async with self._ask("POST", place, trust, data=body, headers=headers) as response:
                if 300 <= response.status < 400:
                    raise FetchRefused("The address redirects, which is not followed here.")
                content = b"".join([chunk async for chunk in _content(response, max_bytes)])
                return Answered(
                    response.status,
                    response.content_type,
                    {name.lower(): value for name, value in response.headers.items()},
                    content,
                )

    def _begin(self, url: str) -> tuple[URL, URL | None]:
        """The URL, and the trusted origin that it belongs to."""
        if len(url) > MAX_URL:
            raise FetchRefused("The address is too long.")
        place = _checked(url)
        origin = place.origin()
        return place, origin if origin in self._trusted else None

    def _next(self, place: URL, trust: URL | None, response: aiohttp.ClientResponse) -> URL:
        location = response.headers.get("Location", "")
        if not location or len(location) > MAX_URL:
            raise FetchFailed("The address redirects to nowhere.")
        try:
            following = _checked(str(place.join(URL(location))))
        except ValueError as error:
            raise FetchFailed("The address redirects to nowhere.") from error
        if trust is not None and following.origin() != trust:
            raise FetchRefused("The address redirects to another server.")
        return following

    @asynccontextmanager
    async def _ask(
        self, method: str, place: URL, trust: URL | None, **more: Any
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        connector = aiohttp.TCPConnector(
            resolver=_Known(await self._addresses(place, trusted=trust is not None)),
            force_close=True,
            use_dns_cache=False,
        )
        headers = {
            "User-Agent": USER_AGENT,
            "Accept-Encoding": "identity",
            **more.pop("headers", {}),
        }
        async with aiohttp.ClientSession(
            connector=connector,
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            trust_env=False,
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_SECONDS),
        ) as session:
            try:
                async with session.request(
                    method, place, allow_redirects=False, headers=headers, **more
                ) as response:
                    yield response
            except aiohttp.ServerTimeoutError as error:
                raise FetchTimeout from error
            except aiohttp.ClientError as error:
                raise FetchFailed(f"The server {place.host} could not be read.") from error

    async def _addresses(self, place: URL, *, trusted: bool) -> Sequence[str]:
        """Where to connect.

        Raises:
            FetchRefused: one of the addresses is not public.
        """
        host, port = place.raw_host, place.port
        assert host is not None and port is not None
        try:
            found: Sequence[str] = [str(ipaddress.ip_address(host))]
        except ValueError:
            try:
                found = await self._resolve(host, port)
            except (OSError, UnicodeError) as error:
                raise FetchFailed(f"There is no server of the name {host}.") from error
        if not found:
            raise FetchFailed(f"There is no server of the name {host}.")
        if not trusted and not all(self._allowed(address) for address in found):
            raise FetchRefused(f"The server {host} is not on the public internet.")
        return found


class _Known(AbstractResolver):
    """Answers with the addresses that were checked."""

    def __init__(self, addresses: Sequence[str]) -> None:
        self._addresses = addresses

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        return [
            ResolveResult(
                hostname=host,
                host=address,
                port=port,
                family=socket.AF_INET6 if ":" in address else socket.AF_INET,
                proto=0,
                flags=socket.AI_NUMERICHOST,
            )
            for address in self._addresses
        ]

    async def close(self) -> None:
        """Nothing is open."""


@asynccontextmanager
async def _limited(seconds: float) -> AsyncIterator[None]:
    try:
        async with asyncio.timeout(seconds):
            yield
    except TimeoutError as error:
        raise FetchTimeout from error


def _checked(url: str) -> URL:
    """A URL that may be asked for, without its fragment.

    Raises:
        FetchRefused: it may not.
    """
    try:
        place = URL(url).with_fragment(None)
        usable = place.scheme in ("http", "https") and bool(place.host) and bool(place.port)
    except (ValueError, UnicodeError):
        usable = False
    if not usable:
        raise FetchRefused("The address must begin with http:// or https:// and name a server.")
    if place.user is not None or place.password is not None:
        raise FetchRefused("The address must not hold a user's name or password.")
    return place


async def _save(
    response: aiohttp.ClientResponse,
    target: Path,
    max_bytes: int,
    types: Collection[str] | None,
) -> Fetched:
    if response.status != 200:
        raise FetchFailed(f"The server answered with status {response.status}.", response.status)
    kind = response.content_type
    if types is not None and not any(
        kind.startswith(one) if one.endswith("/") else kind == one for one in types
    ):
        raise FetchFailed(f"The server sent something of the type {kind}, which is not taken here.")
    size, whole = 0, False
    try:
        with await asyncio.to_thread(target.open, "wb") as file:
            async for chunk in _content(response, max_bytes):
                size += len(chunk)
                await asyncio.to_thread(file.write, chunk)
        whole = True
    finally:
        if not whole:
            await finish(asyncio.to_thread(target.unlink, missing_ok=True))
    return Fetched(size, kind)


async def _content(response: aiohttp.ClientResponse, max_bytes: int) -> AsyncIterator[bytes]:
    """The decoded bytes of a body, until there are too many."""
    if (response.content_length or 0) > max_bytes:
        raise FetchTooBig(max_bytes)
    encoding = response.headers.get("Content-Encoding", "identity").strip().lower()
    if encoding not in ("identity", "gzip", "x-gzip", "deflate"):
        raise FetchFailed(f"The server sent its answer in the encoding {encoding[:40]!r}.")
    inflate = None if encoding == "identity" else zlib.decompressobj(zlib.MAX_WBITS | 32)
    received = decoded = 0
    async for chunk in response.content.iter_chunked(CHUNK):
        received += len(chunk)
        for piece in _decoded(inflate, chunk) if inflate is not None else (chunk,):
            decoded += len(piece)
            if max(received, decoded) > max_bytes:
                raise FetchTooBig(max_bytes)
            yield piece
    if inflate is not None and not inflate.eof:
        raise FetchFailed("The server sent an answer that ends too early.")


def _decoded(inflate: zlib._Decompress, chunk: bytes) -> Iterator[bytes]:
    """What a chunk decodes to, in pieces: a few bytes may become very many."""
    while chunk:
        try:
            piece = inflate.decompress(chunk, CHUNK)
        except zlib.error as error:
            raise FetchFailed("The server sent an answer that cannot be decoded.") from error
        chunk = inflate.unconsumed_tail
        if piece:
            yield piece
