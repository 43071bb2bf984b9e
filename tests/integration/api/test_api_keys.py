"""API keys: made once, shown once, good until they are deleted or the tier ends."""

from __future__ import annotations

import uuid
from typing import Any

import pytest

from persistence.users import Users
from tests.support.face import Client, Reply

pytestmark = pytest.mark.asyncio(loop_scope="module")

PATH = "/api/v1/api-keys"


async def make(api: Client, user: str, name: str = "A program") -> Any:
    reply = await api.call("POST", PATH, {"name": name}, user=user)
    assert reply.status == 201, reply.content
    assert reply.headers["Cache-Control"] == "no-store"
    return reply.data["api_key"]


async def by_key(api: Client, key: str, method: str = "GET", path: str = "/api/v1/videos") -> Reply:
    body = {"title": "By a program"} if method == "POST" else ...
    return await api.call(method, path, body, user=None, headers={"X-API-Key": key})


async def test_a_key_calls_in_its_owners_name(api: Client) -> None:
    made = await make(api, "kay")
    assert set(made) == {"id", "name", "prefix", "created_at", "last_used_at", "key"}
    assert made["key"].startswith(made["prefix"])
    reply = await by_key(api, made["key"], "POST")
    assert (reply.status, reply.data["video"]["owner_id"]) == (201, "kay")
    listed = await api.call("GET", PATH, user="kay")
    [shown] = listed.data["api_keys"]
    assert listed.data["pagination"]["total_items"] == 1
    assert made["key"] not in listed.content.decode(), "it is never shown again"
    assert shown["last_used_at"] is not None
    async with api.database.connection() as connection:
        row = await connection.fetchrow("SELECT * FROM api_keys WHERE name = 'A program'")
    assert made["key"] not in str(dict(row or {})), "nor is it kept"


@pytest.mark.parametrize("tier", ["free", "pro"])
async def test_other_tiers_have_none(api: Client, tier: str) -> None:
    for method, body in (("POST", {"name": "x"}), ("GET", ...)):
        reply = await api.call(method, PATH, body, user=f"k-{tier}", tier=tier)
        assert (reply.status, reply.code) == (403, "tier_required")


async def test_a_key_ends_with_its_owners_tier(api: Client) -> None:
    made = await make(api, "kim")
    await Users(api.database).ensure("kim", "pro", None)
    reply = await by_key(api, made["key"])
    assert (reply.status, reply.code) == (403, "tier_required")


async def test_a_deleted_key_is_not_good(api: Client) -> None:
    made, other = await make(api, "kurt"), await make(api, "kurt", "Another")
    path = f"{PATH}/{made['id']}"
    assert (await api.call("DELETE", path, user="eve")).status == 404, "only one's own"
    page = await api.call("GET", f"{PATH}?page=2&limit=1", user="kurt")
    assert [key["id"] for key in page.data["api_keys"]] == [other["id"]]
    assert page.data["pagination"] == {
        "current_page": 2,
        "total_pages": 2,
        "total_items": 2,
        "items_per_page": 1,
    }
    assert (await api.call("DELETE", path, user="kurt")).status == 200
    assert (await api.call("DELETE", path, user="kurt")).status == 404
    reply = await by_key(api, made["key"])
    assert (reply.status, reply.code) == (401, "unauthenticated")
    assert (await by_key(api, other["key"])).status == 200


@pytest.mark.parametrize("key", ["", "x", "cocut_" + "A" * 43, "é".encode().decode("latin-1")])
async def test_what_is_no_key(api: Client, key: str) -> None:
    reply = await by_key(api, key)
    assert (reply.status, reply.code) == (401, "unauthenticated")


@pytest.mark.parametrize("body", [{}, {"name": ""}, {"name": "x" * 256}, {"name": 1}, {"x": "y"}])
async def test_bad_names(api: Client, body: object) -> None:
    assert (await api.call("POST", PATH, body)).code == "invalid_fields"


async def test_there_is_a_most(api: Client) -> None:
    user = await Users(api.database).ensure("kat", "business", None)
    async with api.database.connection() as connection:
        await connection.executemany(
            "INSERT INTO api_keys (id, user_id, name, digest, prefix) VALUES ($1, $2, 'x', $3, '')",
            [(uuid.uuid4(), user, uuid.uuid4().bytes) for _ in range(50)],
        )
    reply = await api.call("POST", PATH, {"name": "One more"}, user="kat")
    assert (reply.status, reply.code) == (409, "conflict")


async def test_the_same_idempotency_key_makes_one_key(api: Client) -> None:
    """Once; and what it is, is kept nowhere."""
    sent = {"Idempotency-Key": uuid.uuid4().hex}

    async def again(user: str = "ken", name: str = "One") -> Reply:
        return await api.call("POST", PATH, {"name": name}, user=user, headers=sent)

    first, second = (await again()).data["api_key"], (await again()).data["api_key"]
    assert first == second
    assert len((await api.call("GET", PATH, user="ken")).data["api_keys"]) == 1
    assert (await by_key(api, second["key"])).status == 200
    assert (await again(name="Another")).code == "conflict"
    assert (await again("kit")).data["api_key"]["key"] != first["key"]
    await api.call("DELETE", f"{PATH}/{first['id']}", user="ken")
    assert (await again()).code == "conflict", "what was ended stays ended"
    async with api.database.connection() as connection:
        kept = await connection.fetch("SELECT body FROM idempotency_keys WHERE body IS NOT NULL")
    assert not any(first["key"].encode() in row["body"] for row in kept)
