"""What every answer carries, limits, other sites, and the routes of operation."""

from __future__ import annotations

import asyncio
import ipaddress
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from aiohttp import web

from api.errors import Detail
from api.keys import FaceConfig
from api.limits import MemoryRateLimiter
from api.routes import OPEN, Call, Route
from persistence.database import Database
from persistence.migrations import migrate
from tests.integration.api.conftest import fresh_database
from tests.support.face import Client, serve_face, token
from tests.support.postgres import new_postgres

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def broken(call: Call[None, None]) -> web.Response:
    raise ZeroDivisionError("a secret detail")


BROKEN = Route(
    method="GET", path="/broken", handler=broken, permission=OPEN, summary="Breaks", tag="Test"
)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def guarded(postgres_dsn: str) -> AsyncIterator[Client]:
    """A face with limits, other sites, a trusted proxy, TLS and a token for the metrics."""
    config = FaceConfig(
        cors_origins=frozenset({"https://editor.example"}),
        trusted_proxies=(ipaddress.ip_network("127.0.0.0/8"),),
        metrics_token="let me see",
        tls=True,
    )
    async with serve_face(
        await fresh_database(postgres_dsn),
        config=config,
        limiter=MemoryRateLimiter(),
        more=[BROKEN],
    ) as client:
        yield client


async def test_headers_of_every_answer(api: Client) -> None:
    for path in ("/api/v1/videos", "/api/v1/nothing", "/healthz", "/docs"):
        reply = await api.call("GET", path)
        assert reply.headers["X-Request-Id"]
        assert reply.headers["X-Content-Type-Options"] == "nosniff"
        assert reply.headers["Referrer-Policy"] == "no-referrer"
        assert "default-src 'none'" in reply.headers["Content-Security-Policy"]
        assert "Access-Control-Allow-Origin" not in reply.headers
        assert "Strict-Transport-Security" not in reply.headers


async def test_a_sane_request_id_is_kept_and_logged(api: Client) -> None:
    sane = {"X-Request-Id": "front-end:42"}
    reply = await api.call("GET", "/api/v1/nothing?token=secret&a=b", headers=sane)
    assert reply.headers["X-Request-Id"] == "front-end:42"
    line = api.logged[-1]
    assert (line["request_id"], line["status"]) == ("front-end:42", 404)
    assert line["path"] == "/api/v1/nothing?token=...&a=b"
    for insane in ("x" * 65, "a b", "<b>"):
        reply = await api.call("GET", "/healthz", headers={"X-Request-Id": insane})
        assert reply.headers["X-Request-Id"] != insane


async def test_what_nobody_foresaw_is_logged_and_not_told(guarded: Client) -> None:
    reply = await guarded.call("GET", "/broken", headers={"X-Request-Id": "find-me"})
    assert (reply.status, reply.code) == (500, "internal")
    assert b"secret detail" not in reply.content
    errors = [line for line in guarded.logged if line["level"] == "error"]
    assert errors[-1]["request_id"] == "find-me"
    assert isinstance(errors[-1]["exc_info"], ZeroDivisionError)


async def test_other_sites(guarded: Client) -> None:
    ours = {"Origin": "https://editor.example"}
    reply = await guarded.call("GET", "/api/v1/videos", headers=ours)
    assert reply.headers["Access-Control-Allow-Origin"] == "https://editor.example"
    assert "Access-Control-Allow-Credentials" not in reply.headers
    exposed = set(reply.headers["Access-Control-Expose-Headers"].split(", "))
    assert {"ETag", "X-Video-Seq", "X-Request-Id", "RateLimit-Remaining"} <= exposed
    assert "Origin" in reply.headers["Vary"]
    for origin in ("https://evil.example", "null", "https://editor.example.evil.example"):
        reply = await guarded.call("GET", "/api/v1/videos", headers={"Origin": origin})
        assert "Access-Control-Allow-Origin" not in reply.headers
    refused = await guarded.call("GET", "/api/v1/videos", user=None, headers=ours)
    assert refused.headers["Access-Control-Allow-Origin"] == "https://editor.example"


async def test_preflight(guarded: Client, api: Client) -> None:
    asks = {"Origin": "https://editor.example", "Access-Control-Request-Method": "PUT"}
    path = "/api/v1/layers/reorder"
    reply = await guarded.call("OPTIONS", path, user=None, headers=asks)
    assert (reply.status, reply.content) == (204, b"")
    assert reply.headers["Access-Control-Allow-Origin"] == "https://editor.example"
    assert "PUT" in reply.headers["Access-Control-Allow-Methods"]
    assert "Idempotency-Key" in reply.headers["Access-Control-Allow-Headers"]
    closed = await api.call("OPTIONS", path, user=None, headers=asks)
    assert "Access-Control-Allow-Origin" not in closed.headers


async def test_hsts_under_tls(guarded: Client) -> None:
    reply = await guarded.call("GET", "/healthz")
    assert reply.headers["Strict-Transport-Security"].startswith("max-age=")


async def test_limits_by_user_and_tier(guarded: Client) -> None:
    first = await guarded.call("GET", "/api/v1/videos", user="frida", tier="free")
    assert first.headers["RateLimit-Limit"] == "300"
    assert first.headers["RateLimit-Remaining"] == "299"
    replies = await asyncio.gather(
        *(guarded.call("GET", "/api/v1/videos", user="frida", tier="free") for _ in range(310))
    )
    refused = [reply for reply in replies if reply.status == 429]
    assert 1 <= len(refused) <= 11
    assert {reply.code for reply in refused} == {"rate_limited"}
    assert int(refused[0].headers["Retry-After"]) >= 1
    assert (await guarded.call("GET", "/api/v1/videos", user="bert", tier="free")).status == 200
    # Another valid token of hers has what its own tier has.
    other = await guarded.call("GET", "/api/v1/videos", user="frida", tier="pro")
    assert (other.status, other.headers["RateLimit-Limit"]) == (200, "1200")


async def test_limits_by_address_before_a_token_is_known(guarded: Client) -> None:
    async def knock(address: str) -> int:
        headers = {"X-Forwarded-For": f"9.9.9.9, {address}"}
        return (await guarded.call("GET", "/api/v1/videos", user=None, headers=headers)).status

    statuses = await asyncio.gather(*(knock("203.0.113.5") for _ in range(310)))
    assert set(statuses) == {401, 429}
    assert await knock("203.0.113.6") == 401
    good = {"X-Forwarded-For": "203.0.113.5"}
    assert (await guarded.call("GET", "/api/v1/videos", headers=good)).status == 200


async def test_liveness_and_readiness(api: Client) -> None:
    for path in ("/healthz", "/readyz"):
        reply = await api.call("GET", path, user=None)
        assert reply.json == {"success": True, "data": {"status": "ok"}}
    reason: Detail = {"field": "database", "message": "The journal is in use."}
    api.ready.reasons.append(reason)
    reply = await api.call("GET", "/readyz", user=None)
    api.ready.reasons.clear()
    assert (reply.status, reply.code) == (503, "not_ready")
    assert reply.json["error"]["details"] == [reason]
    assert reply.headers["Retry-After"]


async def test_metrics(api: Client, guarded: Client) -> None:
    assert (await api.call("GET", "/metrics", user=None)).status == 200
    assert (await guarded.call("GET", "/metrics", user=None)).status == 401
    wrong = {"Authorization": f"Bearer {token('alice')}"}
    assert (await guarded.call("GET", "/metrics", user=None, headers=wrong)).status == 401
    odd = await guarded.send(
        b"GET /metrics HTTP/1.1\r\nHost: a\r\nConnection: close\r\n"
        b"Authorization: Bearer \xff\r\n\r\n"
    )
    assert (odd.status, odd.code) == (401, "unauthenticated")
    right = {"Authorization": "Bearer let me see"}
    reply = await guarded.call("GET", "/metrics", user=None, headers=right)
    assert reply.status == 200
    assert reply.headers["Content-Type"].startswith("text/plain")


async def test_without_a_database_answers_are_503_and_come_back(tmp_path: Path) -> None:
    postgres = new_postgres(tmp_path / "data")
    dsn = await postgres.start()
    database = await Database.connect(dsn, retry_seconds=5)
    await migrate(database)
    await database.close()
    try:
        async with serve_face(dsn) as client:
            video = await client.make_video()
            scene = await client.make_scene(video)
            path = f"/api/v1/videos/{video}/scenes"
            await postgres.stop()
            for method, body in (("GET", ...), ("POST", {})):
                reply = await client.call(method, path, body)
                assert (reply.status, reply.code) == (503, "database_away")
                assert reply.headers["Retry-After"]
            assert (await client.call("GET", "/healthz")).status == 200
            await postgres.start()
            shown = await client.call("GET", path)
            assert [each["id"] for each in shown.data["scenes"]] == [scene]
    finally:
        await postgres.stop()
