"""The short way to the scenes of a video answers what the usual way does."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Mapping
from typing import Any

import pytest
import pytest_asyncio

from api.express import Express
from api.keys import FaceConfig
from api.limits import MemoryRateLimiter
from tests.integration.api.conftest import fresh_database
from tests.support.face import Client, Reply, serve_face, token

pytestmark = pytest.mark.asyncio(loop_scope="module")

PER_REQUEST = {"X-Request-Id", "Date", "Ratelimit-Remaining", "Ratelimit-Reset"}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def alone(postgres_dsn: str) -> AsyncIterator[Client]:
    """A node that is alone, with limits, a cross-origin page, and TLS somewhere before it."""
    config = FaceConfig(cors_origins=frozenset({"https://page.example"}), tls=True)
    async with serve_face(
        await fresh_database(postgres_dsn),
        config=config,
        limiter=MemoryRateLimiter(),
        clock=lambda: 1000.0,  # what was read is believed for ever, and no allowance comes back
        alone=True,
        express=True,
    ) as client:
        yield client


@pytest.fixture
def short(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """For each request from here on, whether it took the short way."""
    taken: list[bool] = []
    usual = Express._at_hand

    def watched(self: Express, request: Any) -> Any:
        answer = usual(self, request)
        taken.append(answer is not None)
        return answer

    monkeypatch.setattr(Express, "_at_hand", watched)
    return taken


async def made(client: Client) -> tuple[str, str]:
    """A video with a scene and a layer, and the path of its scenes."""
    video = await client.make_video()
    await client.make_layer(await client.make_scene(video, text="Grüße, 你好"))
    return video, f"/api/v1/videos/{video}/scenes"


def same(headers: Mapping[str, str]) -> dict[str, str]:
    shown = {name.title(): headers[name] for name in headers}
    return {name: shown[name] for name in shown if name not in PER_REQUEST}


async def test_it_is_the_answer_of_the_usual_way(alone: Client, short: list[bool]) -> None:
    _, path = await made(alone)
    replies: list[Reply] = [await alone.call("GET", path) for _ in range(3)]
    assert short == [False, True, True]
    first, second, third = replies
    assert first.content == second.content == third.content
    assert same(first.headers) == same(second.headers) == same(third.headers)
    assert {*map(str.title, first.headers)} == {*map(str.title, second.headers)}
    assert len({reply.headers["X-Request-Id"] for reply in replies}) == 3
    left = [int(reply.headers["RateLimit-Remaining"]) for reply in replies]
    assert left == [left[0], left[0] - 1, left[0] - 2]


async def test_what_is_special_goes_the_usual_way(alone: Client, short: list[bool]) -> None:
    _, path = await made(alone)
    etag = (await alone.call("GET", path)).headers["ETag"]
    short.clear()
    assert (await alone.call("GET", path, headers={"If-None-Match": etag})).status == 304
    asked = await alone.call("GET", path, headers={"X-Request-Id": "mine"})
    assert asked.headers["X-Request-Id"] == "mine"
    page = {"Origin": "https://page.example"}
    crossed = await alone.call("GET", path, headers=page)
    assert crossed.headers["Access-Control-Allow-Origin"] == "https://page.example"
    closing = await alone.call("GET", path, headers={"Connection": "close"})
    assert closing.headers["Connection"] == "close"
    assert (await alone.call("GET", f"{path}?min_seq=1")).status == 200
    assert (await alone.call("GET", f"{path}?min_seq=x")).status == 422
    assert (await alone.call("HEAD", path)).content == b""
    assert (await alone.call("GET", path.replace(path.split("/")[4], "nothing"))).status == 404
    assert not any(short)


async def test_every_change_is_seen_at_once(alone: Client, short: list[bool]) -> None:
    video, path = await made(alone)
    scene = (await alone.call("GET", path)).data["scenes"][0]["id"]
    for number in range(5):
        await alone.call("GET", path)
        done = await alone.call("PUT", f"{path}/{scene}", {"text": f"version {number}"})
        for _ in range(2):
            shown = await alone.call("GET", path)
            assert shown.data["scenes"][0]["text"] == f"version {number}"
            assert shown.seq == done.seq
    assert any(short)
    assert (await alone.call("DELETE", f"/api/v1/videos/{video}")).status == 200
    assert (await alone.call("GET", path)).status == 404


async def test_who_may_not_is_refused(alone: Client, short: list[bool]) -> None:
    video, path = await made(alone)
    await alone.share(video, "bob", "viewer")
    for _ in range(3):
        assert (await alone.call("GET", path, user="bob")).status == 200
        assert (await alone.call("GET", path, user="carol")).status == 404
        assert (await alone.call("GET", path, user=None)).status == 401
        forged = {"Authorization": f"Bearer {token('bob')}x"}
        assert (await alone.call("GET", path, headers=forged)).status == 401
    assert short.count(True) == 2
    assert (await alone.call("DELETE", f"/api/v1/videos/{video}/members/bob")).status == 200
    assert (await alone.call("GET", path, user="bob")).status == 404


async def test_limits_and_tokens_end(postgres_dsn: str) -> None:
    now = [time.time()]
    async with serve_face(
        await fresh_database(postgres_dsn),
        limiter=MemoryRateLimiter(),
        alone=True,
        express=True,
        wall=lambda: now[0],
    ) as client:
        _, path = await made(client)
        statuses = [(await client.call("GET", path, tier="free")).status for _ in range(310)]
        assert 290 <= statuses.count(200) < 310
        assert statuses[-1] == 429
        headers = {"Authorization": f"Bearer {token('alice')}"}
        assert (await client.call("GET", path, headers=headers)).status == 200
        now[0] += 3700
        assert (await client.call("GET", path, headers=headers)).status == 401
