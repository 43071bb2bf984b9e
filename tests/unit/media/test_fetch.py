"""The one way out, against a real server that does what it should not."""

from __future__ import annotations

import asyncio
import gzip
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from aiohttp import web

from server.media.errors import FetchFailed, FetchRefused, FetchTimeout, FetchTooBig
from server.media.fetch import Fetcher, is_public

HERE = "127.0.0.1"
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@asynccontextmanager
async def serving(**routes: Handler) -> AsyncIterator[int]:
    """A server on a free port of 127.0.0.1, a path a handler."""
    app = web.Application()
    for name, handler in routes.items():
        app.router.add_route("*", f"/{name}", handler)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, HERE, 0)
    await site.start()
    try:
        yield runner.addresses[0][1]
    finally:
        await runner.cleanup()


async def resolve(host: str, port: int) -> Sequence[str]:
    """What the tests' names stand for; the server of `serving` listens behind all of them."""
    if host == "unknown.test":
        raise OSError("no such name")
    return ["10.0.0.5"] if host == "private.test" else [HERE]


def fetcher(*trusted: str) -> Fetcher:
    """One for which the tests' server is on the public internet."""
    return Fetcher(trusted, resolve=resolve, allowed=lambda address: address == HERE)


def answering(body: bytes, content_type: str = "image/png", **headers: str) -> Handler:
    async def answer(_: web.Request) -> web.Response:
        return web.Response(
            body=body,
            content_type=content_type,
            headers={name.replace("_", "-"): value for name, value in headers.items()},
        )

    return answer


def redirecting(to: str, status: int = 302) -> Handler:
    async def answer(_: web.Request) -> web.Response:
        return web.Response(status=status, headers={"Location": to})

    return answer


async def get(fetch: Fetcher, url: str, target: Path, most: int = 1 << 20) -> bytes:
    fetched = await fetch.get(url, target, max_bytes=most, seconds=5, types=("image/",))
    content = await asyncio.to_thread(target.read_bytes)
    assert fetched.size == len(content)
    return content


@pytest.mark.parametrize(
    "address",
    [
        *("127.0.0.1", "127.1.2.3", "10.0.0.5", "172.16.0.1", "192.168.1.1", "169.254.169.254"),
        *("100.64.0.1", "0.0.0.0", "224.0.0.1", "240.0.0.1", "255.255.255.255", "192.0.2.1"),
        *("::1", "::", "fe80::1", "fe80::1%1", "fc00::1", "fd12::1", "fec0::1", "ff02::1"),
        *("::ffff:127.0.0.1", "::ffff:8.8.8.8", "::127.0.0.1", "64:ff9b::7f00:1"),
        *("64:ff9b:1::1", "2002:7f00:1::", "2002:808:808::1", "2001::1", "2001:db8::1", "no"),
    ],
)
def test_is_not_public(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("address", ["8.8.8.8", "93.184.216.34", "2606:2800:220:1::1"])
def test_is_public(address: str) -> None:
    assert is_public(address)


async def test_a_file_is_fetched(tmp_path: Path) -> None:
    async with serving(picture=answering(b"picture" * 100_000)) as port:
        url = f"http://example.test:{port}/picture#part"
        assert await get(fetcher(), url, tmp_path / "got") == b"picture" * 100_000


async def test_the_internet_is_not_this_machine(tmp_path: Path) -> None:
    async with serving(picture=answering(b"secret")) as port:
        for host in ("127.0.0.1", "localhost", "127.1", "0x7f000001", "2130706433", "[::1]"):
            with pytest.raises(FetchRefused):
                await get(Fetcher(), f"http://{host}:{port}/picture", tmp_path / "got")
        assert not (tmp_path / "got").exists()


async def test_a_name_with_one_private_address_is_refused(tmp_path: Path) -> None:
    async def both(host: str, port: int) -> Sequence[str]:
        return ["93.184.216.34", "10.0.0.5"]

    with pytest.raises(FetchRefused, match="two-faced"):
        await get(Fetcher(resolve=both), "http://two-faced.test/", tmp_path / "got")


async def test_a_name_is_resolved_once_a_hop_and_connected_to_as_checked(tmp_path: Path) -> None:
    asked: list[str] = []

    async def rebinding(host: str, port: int) -> Sequence[str]:
        asked.append(host)
        return [HERE] if len(asked) == 1 else ["10.0.0.5"]

    fetch = Fetcher(resolve=rebinding, allowed=lambda address: address == HERE)
    async with serving(picture=answering(b"picture")) as port:
        await get(fetch, f"http://rebound.test:{port}/picture", tmp_path / "got")
    assert asked == ["rebound.test"]


@pytest.mark.parametrize(
    "url",
    [
        *("ftp://example.test/", "file:///etc/passwd", "javascript:alert(1)", "data:,x", ""),
        *("http://", "//example.test/", "http://user:secret@example.test/", "http://[::1/"),
        *("http://example.test:99999/", "http://" + "x" * 9000, "gopher://example.test/"),
    ],
)
async def test_addresses_that_are_not_asked(url: str, tmp_path: Path) -> None:
    with pytest.raises(FetchRefused):
        await get(fetcher(), url, tmp_path / "got")


async def test_a_name_that_nobody_knows(tmp_path: Path) -> None:
    with pytest.raises(FetchFailed, match=r"unknown\.test"):
        await get(fetcher(), "http://unknown.test/", tmp_path / "got")


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_redirects_are_followed(status: int, tmp_path: Path) -> None:
    async with serving(
        start=redirecting("/picture?x=1", status), picture=answering(b"picture")
    ) as port:
        url = f"http://example.test:{port}/start"
        assert await get(fetcher(), url, tmp_path / "got") == b"picture"


@pytest.mark.parametrize(
    "to",
    [
        *("http://private.test/", "http://10.0.0.5/", "http://169.254.169.254/latest/meta-data"),
        *("//[::ffff:10.0.0.5]/", "file:///etc/passwd", "http://user:x@example.test/"),
    ],
)
async def test_a_redirect_is_checked_like_the_first_address(to: str, tmp_path: Path) -> None:
    async with serving(start=redirecting(to)) as port:
        with pytest.raises(FetchRefused):
            await get(fetcher(), f"http://example.test:{port}/start", tmp_path / "got")


async def test_redirects_end(tmp_path: Path) -> None:
    async with serving(start=redirecting("/start")) as port:
        with pytest.raises(FetchFailed, match="more than 5"):
            await get(fetcher(), f"http://example.test:{port}/start", tmp_path / "got")


@pytest.mark.parametrize("to", ["", "http://[", "http://" + "x" * 9000])
async def test_a_redirect_to_nowhere(to: str, tmp_path: Path) -> None:
    async with serving(start=redirecting(to)) as port:
        with pytest.raises(FetchFailed):
            await get(fetcher(), f"http://example.test:{port}/start", tmp_path / "got")


async def test_a_trusted_origin_may_be_anywhere_but_not_lead_away(tmp_path: Path) -> None:
    async with serving(
        picture=answering(b"picture"),
        inside=redirecting("/picture"),
        outside=redirecting("http://example.test/"),
        private=redirecting("http://10.0.0.5/"),
    ) as port:
        origin = f"http://{HERE}:{port}"
        fetch = Fetcher([origin])
        assert await get(fetch, f"{origin}/inside", tmp_path / "got") == b"picture"
        for path in ("outside", "private"):
            with pytest.raises(FetchRefused, match="another server"):
                await get(fetch, f"{origin}/{path}", tmp_path / "got")
        with pytest.raises(FetchRefused):
            await get(fetch, f"http://localhost:{port}/picture", tmp_path / "got")


async def test_others_do_not_lead_into_a_trusted_origin(tmp_path: Path) -> None:
    trusted = "http://10.0.0.5:9000"
    async with serving(start=redirecting(f"{trusted}/picture")) as port:
        with pytest.raises(FetchRefused):
            await get(fetcher(trusted), f"http://example.test:{port}/start", tmp_path / "got")


@pytest.mark.parametrize("said", [True, False])
async def test_too_many_bytes(said: bool, tmp_path: Path) -> None:
    async def endless(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        response.content_type = "image/png"
        response.content_length = 1 << 40 if said else None
        await response.prepare(request)
        while True:
            await response.write(b"x" * 65536)

    async with serving(endless=endless) as port:
        with pytest.raises(FetchTooBig):
            await get(fetcher(), f"http://example.test:{port}/endless", tmp_path / "got")
    assert not (tmp_path / "got").exists()


@pytest.mark.parametrize("encoding", ["gzip", "deflate"])
async def test_what_is_compressed_counts_as_what_it_becomes(encoding: str, tmp_path: Path) -> None:
    pack = gzip.compress if encoding == "gzip" else zlib.compress
    async with serving(
        fits=answering(pack(b"x" * 1_000_000), Content_Encoding=encoding),
        bomb=answering(pack(b"x" * (1 << 21)), Content_Encoding=encoding),
        broken=answering(b"nothing packed", Content_Encoding=encoding),
        short=answering(pack(b"x" * 1000)[:-6], Content_Encoding=encoding),
        other=answering(b"x", Content_Encoding="br"),
    ) as port:
        base = f"http://example.test:{port}"
        assert await get(fetcher(), f"{base}/fits", tmp_path / "got") == b"x" * 1_000_000
        with pytest.raises(FetchTooBig):
            await get(fetcher(), f"{base}/bomb", tmp_path / "got")
        for path in ("broken", "short", "other"):
            with pytest.raises(FetchFailed):
                await get(fetcher(), f"{base}/{path}", tmp_path / "got")


async def test_a_drip_ends_in_time(tmp_path: Path) -> None:
    async def drip(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        response.content_type = "image/png"
        await response.prepare(request)
        while True:
            await response.write(b"x")
            await asyncio.sleep(0.02)

    ended = asyncio.Event()

    async def silent(request: web.Request) -> web.StreamResponse:
        await ended.wait()
        return web.Response()

    async with serving(drip=drip, silent=silent) as port:
        for path in ("drip", "silent"):
            with pytest.raises(FetchTimeout):
                await fetcher().get(
                    f"http://example.test:{port}/{path}",
                    tmp_path / "got",
                    max_bytes=1 << 20,
                    seconds=0.3,
                )
        ended.set()
    assert not (tmp_path / "got").exists()


async def test_what_is_no_picture_and_what_is_no_answer(tmp_path: Path) -> None:
    async def cut(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        response.content_type = "image/png"
        response.content_length = 1000
        await response.prepare(request)
        await response.write(b"x")
        assert request.transport is not None
        request.transport.abort()
        return response

    async with serving(page=answering(b"<html>", "text/html"), cut=cut) as port:
        base = f"http://example.test:{port}"
        for path in ("page", "cut"):
            with pytest.raises(FetchFailed):
                await get(fetcher(), f"{base}/{path}", tmp_path / "got")
        with pytest.raises(FetchFailed) as caught:
            await get(fetcher(), f"{base}/nothing", tmp_path / "got")
        assert caught.value.status == 404
    assert not (tmp_path / "got").exists()
    with pytest.raises(FetchFailed):
        await get(fetcher(), f"{base}/page", tmp_path / "got")


async def test_nothing_of_this_server_is_sent_along(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://10.0.0.9:1")
    seen: list[dict[str, str]] = []

    async def cookie(request: web.Request) -> web.Response:
        seen.append({name.lower(): value for name, value in request.headers.items()})
        response = web.Response(status=302, headers={"Location": "/picture"})
        response.set_cookie("session", "x")
        return response

    async def picture(request: web.Request) -> web.Response:
        seen.append({name.lower(): value for name, value in request.headers.items()})
        return web.Response(body=b"x", content_type="image/png")

    async with serving(start=cookie, picture=picture) as port:
        await get(fetcher(), f"http://example.test:{port}/start", tmp_path / "got")
    for headers in seen:
        assert set(headers) == {"host", "accept", "accept-encoding", "user-agent", "connection"}


async def test_a_post_and_its_answer() -> None:
    async def echo(request: web.Request) -> web.Response:
        said = await request.read() + request.headers["X-Signature"].encode()
        return web.Response(status=418, body=said, headers={"Retry-After": "7"})

    async with serving(
        hook=echo, away=redirecting("http://example.test/"), large=answering(b"x" * 70_000)
    ) as port:
        base = f"http://example.test:{port}"
        given = {"headers": {"X-Signature": "signed"}, "max_bytes": 65_536, "seconds": 5.0}
        answer = await fetcher().post(f"{base}/hook", b"body ", **given)  # type: ignore[arg-type]
        assert (answer.status, answer.body) == (418, b"body signed")
        assert answer.headers["retry-after"] == "7"
        with pytest.raises(FetchRefused):
            await fetcher().post(f"{base}/away", b"", **given)  # type: ignore[arg-type]
        with pytest.raises(FetchTooBig):
            await fetcher().post(f"{base}/large", b"", **given)  # type: ignore[arg-type]
        with pytest.raises(FetchRefused):
            await fetcher().post("http://private.test/", b"", **given)  # type: ignore[arg-type]
