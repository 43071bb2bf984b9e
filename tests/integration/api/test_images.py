"""Pictures made from words: asked for, followed, listed; by the painter and by another server."""

from __future__ import annotations

import asyncio
import io
import re
import time
import uuid
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from PIL import Image
from pydantic import SecretStr

from api.schemas.images import MAX_PROMPT
from api.tiers import ALLOWANCES, Tier
from server.settings import Settings
from tests.integration.api.conftest import fresh_database
from tests.support.face import ADDRESS, Client, Reply, serve_face
from tests.support.providers import KEY, Provider, providing

pytestmark = pytest.mark.asyncio(loop_scope="module")

START, STATUS, LIBRARY = (
    f"/api/v1/media/{name}" for name in ("generate-ai", "ai-status", "library")
)
SECONDS = 60
PROMPT = "A futuristic cityscape at sunset"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def provider() -> AsyncIterator[Provider]:
    async with providing() as one:
        yield one


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def api(postgres_dsn: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Client]:
    """The face with a worker that paints by itself."""
    works = Settings(data_dir=tmp_path_factory.mktemp("work"))
    async with serve_face(await fresh_database(postgres_dsn), works=works) as client:
        yield client


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def paid(
    postgres_dsn: str, provider: Provider, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Client]:
    """The face with a worker that has another server paint."""
    works = Settings(
        data_dir=tmp_path_factory.mktemp("paid"),
        image_url=provider.url,
        image_key=SecretStr(KEY),
        image_model="test-image-1",
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("server.media.provider.FIRST_PAUSE", 0.02)
        async with serve_face(await fresh_database(postgres_dsn), works=works) as client:
            yield client


@pytest_asyncio.fixture(loop_scope="module")
async def idle(postgres_dsn: str) -> AsyncIterator[Client]:
    """The face without a worker: jobs wait."""
    async with serve_face(await fresh_database(postgres_dsn)) as client:
        yield client


async def start(api: Client, prompt: Any = PROMPT, **more: Any) -> Reply:
    called = {name: more.pop(name) for name in ("user", "tier", "headers") if name in more}
    body = {"prompt": prompt, "quality": "low", **more}
    return await api.call("POST", START, body, **called)


async def status(api: Client, job_id: str, user: str = "alice") -> Reply:
    return await api.call("GET", f"{STATUS}/{job_id}", user=user)


async def ended(api: Client, started: Reply, user: str = "alice") -> dict[str, Any]:
    """What becomes of a job, once it has ended."""
    assert started.status == 201, started.content
    await api.parts.media.news.ended(uuid.UUID(started.data["job_id"]), SECONDS)
    data: dict[str, Any] = (await status(api, started.data["job_id"], user)).data
    assert data["status"] != "processing"
    return data


async def seen(api: Client, link: str) -> Image.Image:
    """The picture at a signed link."""
    assert link.startswith(f"{ADDRESS}/api/v1/blobs/")
    reply = await api.call("GET", link.removeprefix(ADDRESS), user=None)
    assert reply.status == 200, reply.content
    assert reply.headers["Content-Type"] == "image/jpeg"
    return Image.open(io.BytesIO(reply.content))


async def listed(api: Client, user: str, query: str = "source=ai") -> list[dict[str, Any]]:
    return list((await api.call("GET", f"{LIBRARY}?{query}", user=user)).data["media"])


async def stored(api: Client, user: str) -> int:
    """How many files a user has."""
    async with api.database.connection() as connection:
        return int(
            await connection.fetchval(
                "SELECT count(*) FROM blobs b JOIN users u ON u.id = b.owner_id WHERE u.sub = $1",
                user,
            )
        )


async def test_from_the_prompt_to_the_library(api: Client) -> None:
    body = {"prompt": PROMPT, "style": "cinematic", "aspect_ratio": "16:9", "quality": "high"}
    began = time.monotonic()
    started = await api.call("POST", START, body)
    assert started.status == 201
    assert set(started.data) == {"job_id", "status", "estimated_time"}
    assert started.data["status"] == "processing"
    assert isinstance(started.data["estimated_time"], int)
    assert 1 <= started.data["estimated_time"] <= 60
    data = await ended(api, started)
    assert time.monotonic() - began < 60
    assert set(data) == {"job_id", "status", "media", "generator"}
    assert (data["job_id"], data["status"]) == (started.data["job_id"], "completed")
    assert data["generator"] == "procedural"
    media = data["media"]
    assert media == {
        "id": media["id"],
        "type": "image",
        "title": PROMPT,
        "url": media["url"],
        "thumbnail_url": media["thumbnail_url"],
        "source": "ai",
        "category": "AI",
        "tags": ["cinematic"],
        "dimensions": {"width": 1920, "height": 1080},
        "duration": None,
        "is_premium": False,
        "ai_prompt": PROMPT,
        "generator": "procedural",
    }
    assert (await seen(api, media["url"])).size == (1920, 1080)
    small = await seen(api, media["thumbnail_url"])
    assert max(small.size) == 480
    assert await listed(api, "alice", "source=ai&search=cityscape") == [media]
    assert await listed(api, "alice", "type=image") == [media]
    assert not await listed(api, "bob", "type=all")
    layer = await api.make_layer(
        await api.make_scene(await api.make_video()),
        type="media",
        properties={"media_id": media["id"], "media_url": media["url"], "media_type": "image"},
    )
    shown = (await api.call("GET", f"/api/v1/layers/{layer}")).data["layer"]["properties"]
    assert (await seen(api, shown["media_url"])).size == (1920, 1080)


async def test_shapes(api: Client) -> None:
    sizes = {"9:16": (540, 960), "1:1": (540, 540), "4:5": (540, 675)}
    jobs = {ratio: await start(api, aspect_ratio=ratio, style="sketch") for ratio in sizes}
    for ratio, (width, height) in sizes.items():
        media = (await ended(api, jobs[ratio]))["media"]
        assert media["dimensions"] == {"width": width, "height": height}
        assert (await seen(api, media["url"])).size == (width, height)


async def test_what_is_not_said_has_defaults(api: Client) -> None:
    data = await ended(api, await api.call("POST", START, {"prompt": "A field"}))
    assert data["media"]["dimensions"] == {"width": 1280, "height": 720}


async def test_the_same_words_make_the_same_picture(api: Client) -> None:
    links = [(await ended(api, await start(api, "Two planets")))["media"]["url"] for _ in "12"]
    first, second = [(await seen(api, link)).tobytes() for link in links]
    assert links[0] != links[1]
    assert first == second


async def test_prompts_in_any_script(api: Client) -> None:
    prompts = [
        "夕焼けの海",
        "مدينة في الليل",
        "\u202e😀👩‍👩‍👧‍👦",
        "a\u0001b\tc\nd <script>alert(1)</script> 'quotes' %s {x}; DROP TABLE media_library",
        "x" * MAX_PROMPT,
        "word " * (MAX_PROMPT // 5),
    ]
    jobs = [await start(api, prompt, user="una") for prompt in prompts]
    for prompt, job in zip(prompts, jobs, strict=True):
        data = await ended(api, job, "una")
        assert data["status"] == "completed", data
        media = data["media"]
        assert 0 < len(media["title"]) <= 255
        assert not set(media["title"]) & set("\u0001\n\t\u202e")
        assert media["ai_prompt"] == " ".join(re.sub("[\u0001\u202e]", " ", prompt).split())


@pytest.mark.parametrize(
    ("body", "field", "said"),
    [
        ({}, "prompt", "needed"),
        ({"prompt": ""}, "prompt", "1 character"),
        ({"prompt": " \n\t\u0007"}, "prompt", "nothing"),
        ({"prompt": "x" * (MAX_PROMPT + 1)}, "prompt", f"{MAX_PROMPT}"),
        ({"prompt": "a\u0000b"}, "prompt", "stored"),
        ({"prompt": 7}, "prompt", "text"),
        ({"prompt": "x", "style": "baroque"}, "style", "'watercolor'"),
        ({"prompt": "x", "aspect_ratio": "7:5"}, "aspect_ratio", "'16:9', '9:16', '1:1'"),
        ({"prompt": "x", "quality": "best"}, "quality", "'low', 'standard' or 'high'"),
        ({"prompt": "x", "size": "large"}, "size", "not known"),
        ({"prompt": "x", "style": None}, "style", "'abstract'"),
    ],
)
async def test_what_cannot_be_made(
    api: Client, body: dict[str, Any], field: str, said: str
) -> None:
    reply = await api.call("POST", START, body)
    assert (reply.status, reply.code) == (422, "invalid_fields")
    [detail] = reply.json["error"]["details"]
    assert detail["field"] == field
    assert said in detail["message"]


async def test_only_its_owner_sees_a_job(idle: Client) -> None:
    job_id = (await start(idle)).data["job_id"]
    assert (await status(idle, job_id)).data["status"] == "processing"
    for path, user in (
        (f"{STATUS}/{job_id}", "mallory"),
        (f"{STATUS}/{uuid.uuid4()}", "alice"),
        (f"{STATUS}/nonsense", "alice"),
    ):
        for method in ("GET", "DELETE"):
            reply = await idle.call(method, path, user=user)
            assert (reply.status, reply.code) == (404, "job_not_found")
    assert (await idle.call("GET", f"{STATUS}/{job_id}", user=None)).status == 401
    assert (await idle.call("POST", START, {"prompt": "x"}, user=None)).status == 401


async def test_a_job_of_another_kind_is_none(api: Client) -> None:
    body = {"voice_id": "espeak-en-US-female", "text": "Not a picture."}
    spoken = await api.call("POST", "/api/v1/voices/generate", body)
    assert (await status(api, spoken.data["job_id"])).code == "job_not_found"


async def test_the_estimate_grows_with_the_queue(idle: Client) -> None:
    estimates = [(await start(idle)).data["estimated_time"] for _ in range(3)]
    assert estimates == sorted(set(estimates))


async def test_a_waiting_one_is_cancelled(idle: Client) -> None:
    job_id = (await start(idle)).data["job_id"]
    for said in ("Image cancelled", "Image cancelled"):
        reply = await idle.call("DELETE", f"{STATUS}/{job_id}")
        assert (reply.status, reply.json["message"]) == (200, said)
        assert reply.data == {"job_id": job_id, "status": "cancelled"}
    async with idle.database.connection() as connection:
        left = await connection.fetchval("SELECT count(*) FROM pgqueuer WHERE status = 'queued'")
    assert left == 0


async def test_one_that_has_ended_stays(api: Client) -> None:
    data = await ended(api, await start(api, "A rose"))
    reply = await api.call("DELETE", f"{STATUS}/{data['job_id']}")
    assert (reply.status, reply.data) == (200, data)
    assert (await api.call("DELETE", f"/api/v1/media/{data['media']['id']}")).status == 200
    gone = (await status(api, data["job_id"])).data
    assert (gone["status"], gone["media"]) == ("completed", None)


async def test_the_same_key_makes_one(api: Client) -> None:
    headers = {"Idempotency-Key": f"image-{uuid.uuid4()}"}
    first, second = [await start(api, user="ida", headers=headers) for _ in "12"]
    assert first.data == second.data
    assert second.headers["Idempotent-Replay"] == "true"
    await ended(api, first, "ida")
    assert len(await listed(api, "ida")) == 1
    other = await start(api, "Something else", user="ida", headers=headers)
    assert (other.status, other.code) == (409, "conflict")


@pytest.mark.parametrize("tier", Tier)
async def test_generations_an_hour(idle: Client, tier: str) -> None:
    user, limit = f"user {tier}", ALLOWANCES[tier].generations_an_hour
    replies = [await start(idle, user=user, tier=tier)]
    async with idle.database.connection() as connection:
        # As many again as leave room for two.
        await connection.execute(
            "INSERT INTO jobs (id, kind, user_id, tier, input)"
            " SELECT gen_random_uuid(), kind, user_id, tier, input FROM jobs,"
            " generate_series(1, $2) WHERE id = $1::text::uuid",
            *(replies[0].data["job_id"], limit - 3),
        )
    replies += [await start(idle, user=user, tier=tier) for _ in range(3)]
    assert [reply.status for reply in replies] == [201] * 3 + [429]
    assert replies[-1].code == "generation_limit"
    assert 3000 < int(replies[-1].headers["Retry-After"]) <= 3601


async def test_no_room_left(api: Client) -> None:
    user = f"user {uuid.uuid4()}"
    await ended(api, await start(api, user=user, tier="free"), user)
    await fill(api, user, 1000)
    data = await ended(api, await start(api, user=user, tier="free"), user)
    assert (data["status"], data["error"]["code"]) == ("failed", "storage_quota_exceeded")
    assert "Delete some uploads" in data["error"]["message"]
    assert await stored(api, user) == 3
    await fill(api, user, 0)
    refused = await start(api, user=user, tier="free")
    assert (refused.status, refused.code) == (413, "storage_quota_exceeded")
    assert len(await listed(api, user)) == 1


async def fill(api: Client, user: str, left: int) -> None:
    """Leave a user of the free tier that many bytes."""
    async with api.database.connection() as connection:
        owner = await connection.fetchval("SELECT id FROM users WHERE sub = $1", user)
        await connection.execute("DELETE FROM blobs WHERE key = $1", f"filler{owner}"[:40])
        used = await api.parts.media.blobs.used(owner)
        await connection.execute(
            "INSERT INTO blobs (key, content_type, size, owner_id)"
            " VALUES ($1, 'image/png', $2, $3)",
            *(f"filler{owner}"[:40], 500_000_000 - used - left, owner),
        )


async def test_another_servers_picture(paid: Client, provider: Provider) -> None:
    provider.asked.clear()
    data = await ended(paid, await start(paid, "A paid rose", style="digital_art", quality="high"))
    assert (data["status"], data["generator"]) == ("completed", "test-image-1")
    [asked] = provider.asked
    assert asked["model"] == "test-image-1"
    assert asked["prompt"].startswith("A paid rose")
    assert "digital art" in asked["prompt"]
    assert (asked["n"], asked["size"], asked["quality"]) == (1, "1536x1024", "high")
    assert (await seen(paid, data["media"]["url"])).size == (640, 360)
    assert data["media"]["ai_prompt"] == "A paid rose"


async def test_a_picture_is_cut_to_its_ratio(paid: Client, provider: Provider) -> None:
    data = await ended(paid, await start(paid, "Tall", aspect_ratio="4:5"))
    assert provider.asked[-1]["size"] == "1024x1536"
    assert data["media"]["dimensions"] == {"width": 288, "height": 360}
    square = await ended(paid, await start(paid, "Square", aspect_ratio="1:1"))
    assert square["media"]["dimensions"] == {"width": 360, "height": 360}


async def test_a_picture_by_its_url(paid: Client, provider: Provider) -> None:
    provider.by_url = f"{provider.url}/files/picture.png"
    try:
        data = await ended(paid, await start(paid, "By URL"))
    finally:
        provider.by_url = None
    assert data["status"] == "completed"
    assert (await seen(paid, data["media"]["url"])).size == (640, 360)


@pytest.mark.parametrize(
    "url",
    [
        *("http://10.0.0.5/x.png", "http://127.0.0.1:9/x.png", "/files/away.png"),
        *("http://[::1]/x.png", "file:///etc/passwd", "nonsense"),
    ],
)
async def test_a_url_that_leads_inside_is_not_followed(
    paid: Client, provider: Provider, url: str
) -> None:
    provider.by_url = provider.url + url if url.startswith("/") else url
    try:
        data = await ended(paid, await start(paid, f"By {uuid.uuid4()}"))
    finally:
        provider.by_url = None
    assert (data["status"], data["error"]["code"]) == ("failed", "provider_failed")


@pytest.mark.parametrize(
    "todo", [["429"], ["500", "429", "500"], ["page"], ["empty"], ["cut"], ["broken"], ["endless"]]
)
async def test_what_may_pass_is_asked_again(
    paid: Client, provider: Provider, todo: list[str]
) -> None:
    provider.todo[:] = todo
    data = await ended(paid, await start(paid, f"Again {todo}"))
    assert data["status"] == "completed", data
    assert not provider.todo


@pytest.mark.parametrize(
    ("todo", "asked", "code", "said"),
    [
        (["500"] * 9, 6, "provider_failed", "status 500"),
        (["429-later"], 1, "provider_failed", "status 429"),
        (["400"], 1, "prompt_refused", "rejected by the safety system"),
        (["away"], 1, "provider_failed", "redirects"),
        (["broken"] * 9, 6, "provider_failed", "no picture"),
        (["damaged"], 1, "provider_failed", "damaged"),
        (["bomb"], 1, "provider_failed", "too large"),
    ],
)
async def test_what_does_not_pass_is_said(
    paid: Client, provider: Provider, todo: list[str], asked: int, code: str, said: str
) -> None:
    provider.asked.clear()
    provider.todo[:] = todo
    user = f"user {uuid.uuid4()}"
    data = await ended(paid, await start(paid, f"Never {todo}", user=user), user)
    provider.todo.clear()
    assert set(data) == {"job_id", "status", "error"}
    assert (data["status"], data["error"]["code"]) == ("failed", code)
    assert said in data["error"]["message"]
    assert "10.0.0.5" not in data["error"]["message"]
    assert KEY not in data["error"]["message"]
    assert len(provider.asked) == asked
    assert await stored(paid, user) == 0
    assert not await listed(paid, user)
    after = await ended(paid, await start(paid, "After", user=user), user)
    assert after["status"] == "completed", "the worker goes on"


async def test_a_running_one_is_cancelled(paid: Client, provider: Provider) -> None:
    provider.asked.clear()
    provider.todo[:] = ["slow"]
    user = f"user {uuid.uuid4()}"
    started = await start(paid, "Slow", user=user)
    async with asyncio.timeout(SECONDS):
        while not provider.asked:
            await asyncio.sleep(0.02)
    path = f"{STATUS}/{started.data['job_id']}"
    assert (await paid.call("GET", path, user=user)).data["status"] == "processing"
    assert (await paid.call("DELETE", path, user=user)).data["status"] == "cancelled"
    async with asyncio.timeout(SECONDS):
        while provider.slow:
            await asyncio.sleep(0.02)
    assert (await paid.call("GET", path, user=user)).data["status"] == "cancelled"
    assert await stored(paid, user) == 0


async def test_a_slow_provider_is_given_up(
    postgres_dsn: str,
    provider: Provider,
    tmp_path_factory: pytest.TempPathFactory,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("server.providers.IMAGE_SECONDS", 1.0)
    works = Settings(
        data_dir=tmp_path_factory.mktemp("slow"),
        image_url=provider.url,
        image_key=SecretStr("not the key"),
    )
    async with serve_face(await fresh_database(postgres_dsn), works=works) as client:
        data = await ended(client, await start(client, "With a wrong key"))
        assert data["error"]["code"] == "provider_failed"
        assert "operator" in data["error"]["message"]
    works = works.model_copy(update={"image_key": SecretStr(KEY)})
    async with serve_face(await fresh_database(postgres_dsn), works=works) as client:
        provider.todo[:] = ["slow"]
        data = await ended(client, await start(client, "Slow"))
        assert (data["status"], data["error"]["code"]) == ("failed", "provider_failed")
        assert "took too long" in data["error"]["message"]
