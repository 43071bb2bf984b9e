"""What the log says of requests and of editors, and how a client finds its own lines in it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest

from tests.e2e.editors import Editor
from tests.support.server import Api, Server, calling, serving

SECONDS = 30.0


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    home = tmp_path_factory.mktemp("logs")
    with serving(home / "data", "--log-level", "debug", "--log-format", "json") as server:
        yield server


@pytest.fixture
async def api(server: Server) -> AsyncIterator[Api]:
    async with calling(server) as api:
        yield api


@asynccontextmanager
async def connected(
    api: Api, video: str, token: str, headers: dict[str, str] | None = None
) -> AsyncIterator[tuple[Editor, str]]:
    """A connection, and the id that its handshake was answered with."""
    url = api.server.socket_url(video, token)
    async with api.session.ws_connect(url, headers=headers) as socket:
        yield Editor(socket), socket._response.headers["X-Request-Id"]


async def lines_of(api: Api, field: str, value: str, *events: str) -> list[dict[str, Any]]:
    """The lines that have this value, once the last of the events is among them."""
    async with asyncio.timeout(SECONDS):
        while True:
            found = [line for line in api.server.lines if line.get(field) == value]
            if {line["event"] for line in found} >= set(events):
                return found
            await asyncio.sleep(0.02)


async def test_an_editors_lines_carry_the_id_of_its_handshake(api: Api) -> None:
    video = await api.make_video()
    token = api.server.token()
    async with connected(api, video, token) as (one, first):
        async with connected(api, video, token) as (other, second):
            assert first != second
            for editor in (one, other):
                await editor.join()
        await lines_of(api, "connection", second, "editor_joined", "editor_left")
        assert [
            line["event"] for line in await lines_of(api, "connection", first, "editor_joined")
        ] == ["editor_joined"]
    said = await lines_of(api, "connection", first, "editor_joined", "editor_left")
    assert [line["event"] for line in said] == ["editor_joined", "editor_left"]
    assert said[0]["path"] == f"/ws/videos/{video}"


async def test_who_is_refused_finds_why_under_the_id(api: Api) -> None:
    video = await api.make_video()
    await api.share(video, "bob", "editor")
    mine = {"X-Request-Id": "page-7"}
    async with connected(api, video, api.server.token("mallory"), mine) as (stranger, given):
        assert given == "page-7"
        assert await stranger.closed() == 4403
    [refused] = [
        line
        for line in await lines_of(api, "connection", "page-7", "editor_refused")
        if line["event"] == "editor_refused"
    ]
    assert (refused["level"], refused["reason"]) == ("info", "You have no role on this video.")

    async with connected(api, video, api.server.token("bob")) as (bob, given):
        await bob.join()
        reply = await api.call("DELETE", f"/videos/{video}/members/bob")
        assert await bob.closed() == 4403
    said = await lines_of(
        api, "connection", given, "editor_joined", "editor_refused", "editor_left"
    )
    assert [line["event"] for line in said] == ["editor_joined", "editor_refused", "editor_left"]
    assert said[1]["reason"] == "You have no role on this video any more."
    # The request that did it is named, too.
    assert said[1]["request_id"] == reply.headers["X-Request-Id"]


async def test_a_line_names_no_request_that_it_has_nothing_to_do_with(api: Api) -> None:
    video = await api.make_video()
    token = api.server.token()
    async with connected(api, video, token) as (opening, first):
        await opening.join()
        async with connected(api, video, token) as (bad, second):
            await bad.socket.send_bytes(b"\0\7\0")
            assert await bad.closed() == 4400
    said = await lines_of(api, "connection", second, "editor_refused", "editor_left")
    assert [line.get("request_id") for line in said] == [second, None, None]
    assert first not in str(said)


async def test_a_requests_lines_carry_the_id_of_its_answer(api: Api) -> None:
    video = await api.make_video()
    replies = [
        await api.call("GET", f"/videos/{video}"),
        await api.call("GET", f"/videos/{video}/scenes"),
        await api.call("POST", f"/videos/{video}/scenes", {"text": "One"}),
        await api.call("POST", f"/videos/{video}/scenes", {"text": 1}),
        await api.call("GET", "/nowhere"),
    ]
    ids = [reply.headers["X-Request-Id"] for reply in replies]
    assert len(set(ids)) == len(ids)
    for reply, identifier in zip(replies, ids, strict=True):
        [line] = await lines_of(api, "request_id", identifier, "request")
        assert line["status"] == reply.status
        assert {"method", "path", "ms", "timestamp", "level"} <= line.keys()


async def test_no_token_is_logged(api: Api) -> None:
    token = api.server.token()
    video = await api.make_video()
    async with connected(api, video, token) as (one, given):
        await one.join()
    await lines_of(api, "connection", given, "editor_left")
    with pytest.raises(aiohttp.WSServerHandshakeError):
        async with api.session.ws_connect(
            f"{api.server.address}/api/v1/videos?token={token}".replace("http", "ws", 1)
        ):
            pass
    assert token not in str(api.server.lines)
