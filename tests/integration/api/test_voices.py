"""Voices: the list, texts and layers that are spoken, the built-in and another server's."""

from __future__ import annotations

import asyncio
import io
import time
import uuid
from collections.abc import AsyncIterator
from typing import Any

import av
import numpy as np
import pytest
import pytest_asyncio
from pydantic import SecretStr

from server.settings import Settings
from tests.integration.api.conftest import fresh_database
from tests.support.face import ADDRESS, Client, Reply, serve_face
from tests.support.providers import KEY, Provider, providing

pytestmark = pytest.mark.asyncio(loop_scope="module")

FEMALE = "espeak-en-US-female"
SIXTY = " ".join(["Every word of this sentence is spoken by a voice here."] * 6)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def provider() -> AsyncIterator[Provider]:
    async with providing() as one:
        yield one


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def api(
    postgres_dsn: str, provider: Provider, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Client]:
    works = Settings(
        data_dir=tmp_path_factory.mktemp("work"),
        speech_url=provider.url,
        speech_key=SecretStr(KEY),
        speech_voices=("alloy", "onyx:male", "hans:male:de-DE"),
    )
    async with serve_face(await fresh_database(postgres_dsn), works=works) as client:
        yield client


async def generate(api: Client, text: str, voice: str = FEMALE, **more: Any) -> Reply:
    user, tier = more.pop("user", "alice"), more.pop("tier", "business")
    body = {"voice_id": voice, "text": text, **more}
    return await api.call("POST", "/api/v1/voices/generate", body, user=user, tier=tier)


async def heard(api: Client, url: str) -> tuple[float, float]:
    """How long the MP3 at a signed link is, in seconds, and how loud its loudest sample."""
    assert url.startswith(ADDRESS)
    reply = await api.call("GET", url.removeprefix(ADDRESS), user=None)
    assert reply.status == 200, reply.content
    assert reply.headers["Content-Type"] == "audio/mpeg"
    seconds, peak = 0.0, 0.0
    with av.open(io.BytesIO(reply.content), "r") as container:
        for frame in container.decode(container.streams.audio[0]):
            seconds += frame.samples / frame.sample_rate
            peak = max(peak, float(np.abs(frame.to_ndarray()).max()))
    return seconds, peak


async def voices(api: Client, query: str = "") -> list[dict[str, Any]]:
    found = (await api.call("GET", f"/api/v1/voices?limit=100{query}")).data
    assert found["pagination"]["total_items"] >= len(found["voices"])
    return list(found["voices"])


async def test_the_list_and_its_filters(api: Client) -> None:
    american = await voices(api, "&language=en-US")
    assert {voice["language_code"] for voice in american} == {"en-US"}
    assert {voice["gender"] for voice in american} == {"male", "female", "child"}
    assert set(american[0]) == {
        *("id", "name", "language", "language_code", "dialect", "gender", "style", "category"),
        *("sample_url", "is_premium"),
    }
    english = await voices(api, "&language=EN")
    assert len(english) > len(american)
    assert {voice["language_code"].split("-")[0] for voice in english} == {"en"}
    children = await voices(api, "&language=en&gender=child")
    assert children
    assert {voice["gender"] for voice in children} == {"child"}
    assert [voice["id"] for voice in await voices(api, "&category=ultra")] == [
        *("openai-hans", "openai-alloy", "openai-onyx"),
    ]
    assert not await voices(api, "&category=studio")
    found = await voices(api, "&search=portug+braz")
    assert {voice["language_code"] for voice in found} == {"pt-BR"}
    for query in ("gender=other", "category=gold", "language=a/b", "limit=0"):
        assert (await api.call("GET", f"/api/v1/voices?{query}")).status == 422
    assert (await api.call("GET", "/api/v1/voices", user=None)).status == 401


async def test_all_voices_are_one_page_unless_pages_are_asked_for(api: Client) -> None:
    every = (await api.call("GET", "/api/v1/voices")).data
    total = every["pagination"]["total_items"]
    assert len(every["voices"]) == total > 100
    assert every["pagination"] == {
        "current_page": 1,
        "total_pages": 1,
        "total_items": total,
        "items_per_page": total,
    }
    paged: list[Any] = []
    for page in range(1, -(-total // 90) + 1):
        data = (await api.call("GET", f"/api/v1/voices?limit=90&page={page}")).data
        paged += data["voices"]
    assert [voice["id"] for voice in paged] == [voice["id"] for voice in every["voices"]]
    none = (await api.call("GET", "/api/v1/voices?language=xx")).data
    assert (none["voices"], none["pagination"]["total_items"]) == ([], 0)


async def test_every_language_has_a_woman_a_man_and_a_child(api: Client) -> None:
    genders: dict[str, set[str]] = {}
    page, pages = 1, 2
    while page <= pages:
        data = (await api.call("GET", f"/api/v1/voices?limit=100&page={page}")).data
        page, pages = page + 1, data["pagination"]["total_pages"]
        for voice in data["voices"]:
            if voice["category"] == "standard":
                genders.setdefault(voice["language_code"], set()).add(voice["gender"])
    assert len(genders) > 100
    assert {frozenset(found) for found in genders.values()} == {
        frozenset({"male", "female", "child"})
    }


async def test_samples_are_played_by_their_link(api: Client) -> None:
    [voice] = await voices(api, "&language=de&gender=child")
    path = voice["sample_url"].removeprefix(ADDRESS)
    first = await api.call("GET", path, user=None)
    assert first.status == 302
    seconds, peak = await heard(api, first.headers["Location"])
    assert 1 < seconds < 10
    assert peak > 0.05
    again = await api.call("GET", path, user=None)
    assert again.headers["Location"] == first.headers["Location"]
    refused = await api.call("GET", path.replace("sig=", "sig=0"), user=None)
    assert (refused.status, refused.code) == (403, "forbidden")


async def test_a_text_is_spoken(api: Client) -> None:
    began = time.monotonic()
    reply = await generate(api, SIXTY)
    took = time.monotonic() - began
    assert reply.status == 201
    data = reply.data
    assert set(data) == {"audio_url", "duration", "job_id", "words"}
    seconds, peak = await heard(api, data["audio_url"])
    assert seconds == pytest.approx(data["duration"], abs=0.2)
    assert 10 < seconds < 40
    assert peak > 0.1
    assert took < 10
    words = data["words"]
    assert [word["text"] for word in words] == SIXTY.split()
    assert all(word["start"] <= word["end"] <= seconds + 0.2 for word in words)
    again = (await generate(api, SIXTY)).data
    assert again["audio_url"] == data["audio_url"], "what was spoken is kept"
    assert again["words"] == words
    assert again["job_id"] != data["job_id"]


async def test_speed_pitch_and_volume(api: Client) -> None:
    plain = (await generate(api, SIXTY)).data
    fast = (await generate(api, SIXTY, speed=2.0)).data
    high = (await generate(api, SIXTY, pitch=1.5)).data
    soft = (await generate(api, SIXTY, volume=0.25)).data
    assert fast["duration"] == pytest.approx(plain["duration"] / 2, rel=0.2)
    assert high["duration"] == pytest.approx(plain["duration"], rel=0.1)
    assert high["audio_url"] != plain["audio_url"]
    _, loud = await heard(api, plain["audio_url"])
    _, quiet = await heard(api, soft["audio_url"])
    assert quiet == pytest.approx(loud / 4, rel=0.3)


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"text": "x" * 100_000}, 422, "invalid_fields"),
        ({"text": ""}, 422, "invalid_fields"),
        ({"text": " \t\n"}, 422, "invalid_fields"),
        ({"text": "\u0007\u200e"}, 422, "invalid_fields"),
        ({"text": "..."}, 422, "invalid_fields"),
        ({"text": "hi", "voice_id": "nobody"}, 404, "voice_not_found"),
        ({"text": "hi", "voice_id": ""}, 422, "invalid_fields"),
        ({"text": "hi", "speed": 0}, 422, "invalid_fields"),
        ({"text": "hi", "pitch": 5}, 422, "invalid_fields"),
        ({"text": "hi", "volume": -1}, 422, "invalid_fields"),
        ({"text": "hi", "loud": True}, 422, "invalid_fields"),
        ({"text": 7}, 422, "invalid_fields"),
    ],
)
async def test_what_cannot_be_spoken(
    api: Client, body: dict[str, Any], status: int, code: str
) -> None:
    reply = await api.call("POST", "/api/v1/voices/generate", {"voice_id": FEMALE, **body})
    assert (reply.status, reply.code) == (status, code)


@pytest.mark.parametrize(
    "text",
    ["\u202ehello 😀 мир 世界 مرحبا", "<speak>&amp; [[x]]", "a\u0000b".replace("\u0000", "\u0001")],
)
async def test_odd_texts_are_spoken(api: Client, text: str) -> None:
    assert (await generate(api, text)).status == 201


async def test_a_text_at_the_limit_is_spoken(api: Client) -> None:
    reply = await generate(api, ("word " * 4000)[:5000].strip())
    assert reply.status == 201
    assert reply.data["duration"] > 100


async def test_the_same_key_speaks_once(api: Client) -> None:
    body = {"voice_id": FEMALE, "text": "Only once, please."}
    headers = {"Idempotency-Key": "voice-1"}
    first, second = [
        await api.call("POST", "/api/v1/voices/generate", body, headers=headers) for _ in "12"
    ]
    assert first.data["job_id"] == second.data["job_id"]


async def test_generations_are_counted_unless_they_fail(api: Client) -> None:
    user = f"user {uuid.uuid4()}"
    for _ in range(2):
        assert (await generate(api, "...", user=user, tier="free")).status == 422
    for number in range(10):
        reply = await generate(api, f"Number {number % 2}", user=user, tier="free")
        assert reply.status == 201
    refused = await generate(api, "Number 0", user=user, tier="free")
    assert (refused.status, refused.code) == (429, "generation_limit")
    assert 3000 < int(refused.headers["Retry-After"]) <= 3601
    assert (await generate(api, "Number 0", user=user, tier="pro")).status == 201


async def test_another_servers_voice(api: Client, provider: Provider) -> None:
    provider.asked.clear()
    reply = await generate(api, "A paid word.", "openai-onyx", speed=1.5, pitch=2.0)
    assert reply.status == 201
    assert reply.data["words"] == []
    seconds, _ = await heard(api, reply.data["audio_url"])
    assert seconds == pytest.approx(1.0, abs=0.15)
    [asked] = provider.asked
    assert asked["input"] == "A paid word."
    assert (asked["voice"], asked["speed"]) == ("onyx", 1.5)
    assert (await generate(api, "A paid word.", "openai-onyx", speed=1.5, pitch=2.0)).status == 201
    assert len(provider.asked) == 1, "what was paid for is kept"
    free = await generate(api, "A paid word.", "openai-onyx", tier="free", user="freya")
    assert (free.status, free.code) == (403, "tier_required")


async def test_a_long_text_goes_to_another_server_in_pieces(
    api: Client, provider: Provider
) -> None:
    provider.asked.clear()
    text = "A sentence that is said again. " * 300
    reply = await generate(api, text, "openai-alloy")
    assert reply.status == 201
    assert [len(asked["input"]) <= 4096 for asked in provider.asked] == [True] * 3
    assert " ".join(asked["input"] for asked in provider.asked) == text.strip()
    assert reply.data["duration"] == pytest.approx(3.0, abs=0.1)


@pytest.mark.parametrize(
    "todo", [["429"], ["500", "429", "500"], ["page"], ["empty"], ["cut"], ["endless"]]
)
async def test_what_may_pass_is_asked_again(
    api: Client, provider: Provider, todo: list[str]
) -> None:
    provider.todo[:] = todo
    reply = await generate(api, f"Again {todo}", "openai-alloy")
    assert reply.status == 201
    assert not provider.todo


@pytest.mark.parametrize(
    ("todo", "asked"),
    [
        (["500"] * 9, 4),
        (["429-later"], 1),
        (["400"], 1),
        (["away"], 1),
        (["broken"], 1),
    ],
)
async def test_what_does_not_pass_is_said(
    api: Client, provider: Provider, todo: list[str], asked: int
) -> None:
    provider.asked.clear()
    provider.todo[:] = todo
    reply = await generate(api, f"Never {todo}", "openai-alloy")
    provider.todo.clear()
    assert (reply.status, reply.code) == (503, "provider_failed")
    assert "Retry-After" in reply.headers
    assert "10.0.0.5" not in reply.content.decode()
    assert len(provider.asked) == asked
    assert (await generate(api, f"After {todo}")).status == 201, "the worker goes on"


async def layer_of(api: Client, scene: str, **properties: Any) -> str:
    return await api.make_layer(scene, type="voiceover", duration=3.0, properties=properties)


async def test_a_layers_text_is_spoken_and_set(api: Client) -> None:
    scene = await api.make_scene(await api.make_video(), text="The scene's own words.")
    layer = await layer_of(api, scene, voice_id=FEMALE, text="The layer's own words, spoken.")
    reply = await api.call("POST", f"/api/v1/layers/{layer}/voiceover")
    assert reply.status == 200, reply.content
    made = reply.data["layer"]
    given = made["properties"]
    seconds, _ = await heard(api, given["audio_url"])
    assert seconds == pytest.approx(given["audio_duration"], abs=0.2)
    assert made["duration"] == given["audio_duration"]
    assert given["audio_text"] == given["text"] == "The layer's own words, spoken."
    assert [word["text"] for word in given["words"]] == given["text"].split()
    shown = await api.call("GET", f"/api/v1/layers/{layer}?min_seq={reply.seq}")
    assert shown.data["layer"] == made


async def test_a_layer_without_a_text_says_its_scenes(api: Client) -> None:
    video = await api.make_video()
    scene = await api.make_scene(video, text="The scene's own words.")
    layer = await layer_of(api, scene)
    reply = await api.call("POST", f"/api/v1/layers/{layer}/voiceover")
    assert reply.data["layer"]["properties"]["audio_text"] == "The scene's own words."
    await api.share(video, "vera", "viewer")
    await api.share(video, "ed", "editor")
    path = f"/api/v1/layers/{layer}/voiceover"
    assert (await api.call("POST", path, user="ed")).status == 200
    assert (await api.call("POST", path, user="vera")).code == "forbidden"
    assert (await api.call("POST", path, user="mallory")).code == "layer_not_found"


async def test_layers_that_cannot_be_spoken(api: Client, provider: Provider) -> None:
    scene = await api.make_scene(await api.make_video())
    silent, text = await layer_of(api, scene), await api.make_layer(scene)
    unknown = await layer_of(api, scene, voice_id="nobody", text="hi")
    failing = await layer_of(api, scene, voice_id="openai-alloy", text="This fails.")
    provider.todo[:] = ["400"]
    for layer, status, code in (
        (silent, 422, "invalid_fields"),
        (text, 409, "conflict"),
        (unknown, 404, "voice_not_found"),
        (failing, 503, "provider_failed"),
        (str(uuid.uuid4()), 404, "layer_not_found"),
    ):
        reply = await api.call("POST", f"/api/v1/layers/{layer}/voiceover")
        assert (reply.status, reply.code) == (status, code)
    shown = (await api.call("GET", f"/api/v1/layers/{failing}")).data["layer"]
    assert "audio_url" not in shown["properties"]


async def test_many_at_once(api: Client) -> None:
    replies = await asyncio.gather(*(generate(api, f"Voice number {n}") for n in range(12)))
    assert {reply.status for reply in replies} == {201}
    assert len({reply.data["audio_url"] for reply in replies}) == 12


async def test_layers_voices_take_room(api: Client) -> None:
    video = await api.make_video()
    scene = await api.make_scene(video)
    layer = await layer_of(api, scene, voice_id=FEMALE, text="This takes some room.")
    path = f"/api/v1/layers/{layer}/voiceover"
    await api.share(video, "rita", "editor")
    first = await api.call("POST", path, user="rita", tier="free")
    assert first.status == 200
    async with api.database.connection() as connection:
        rita = await connection.fetchval("SELECT id FROM users WHERE sub = 'rita'")
        used = await api.parts.media.blobs.used(rita)
        assert used > 1000
        await connection.execute(
            "INSERT INTO blobs (key, content_type, size, owner_id)"
            " VALUES ('ritas', 'image/png', $1, $2)",
            *(500_000_000 - used - 100, rita),
        )
    full = await api.call("POST", path, user="rita", tier="free")
    assert (full.status, full.code) == (413, "storage_quota_exceeded")
    assert await api.parts.media.blobs.used(rita) == 500_000_000 - 100
    link = first.data["layer"]["properties"]["audio_url"]
    assert (await heard(api, link))[0] > 0.5, "others hear what she made"


async def test_a_layers_text_is_spoken_again_after_an_edit(api: Client) -> None:
    scene = await api.make_scene(await api.make_video())
    layer = await layer_of(api, scene, voice_id=FEMALE, text="One word.")
    path = f"/api/v1/layers/{layer}"
    links = []
    for text in ("One word.", "Many more words than there were before, all of them new."):
        await api.call("PUT", path, {"properties": {"text": text}})
        made = (await api.call("POST", f"{path}/voiceover")).data["layer"]
        assert made["properties"]["audio_text"] == text
        links.append((made["properties"]["audio_url"], made["duration"]))
    assert links[1][0] != links[0][0]
    assert links[1][1] > 2 * links[0][1]


async def test_a_layers_text_over_the_limit(api: Client) -> None:
    scene = await api.make_scene(await api.make_video())
    layer = await layer_of(api, scene, voice_id=FEMALE)
    body = {"properties": {"text": "word " * 20_000}}
    refused = await api.call("PUT", f"/api/v1/layers/{layer}", body)
    assert (refused.status, refused.code) == (422, "invalid_fields")


async def test_a_slow_provider_is_given_up(
    postgres_dsn: str,
    provider: Provider,
    tmp_path_factory: pytest.TempPathFactory,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("server.providers.SPEECH_SECONDS", 1.0)
    works = Settings(
        data_dir=tmp_path_factory.mktemp("slow"),
        speech_url=provider.url,
        speech_key=SecretStr(KEY),
    )
    async with serve_face(await fresh_database(postgres_dsn), works=works) as client:
        provider.todo[:] = ["slow"]
        began = time.monotonic()
        reply = await generate(client, "Slow", "openai-alloy")
        assert (reply.status, reply.code) == (503, "provider_failed")
        assert "took too long" in reply.json["error"]["message"]
        assert time.monotonic() - began < 10
        assert (await generate(client, "After it", "openai-alloy")).status == 201


async def test_a_wrong_key_is_the_operators(
    postgres_dsn: str, provider: Provider, tmp_path_factory: pytest.TempPathFactory
) -> None:
    works = Settings(
        data_dir=tmp_path_factory.mktemp("key"),
        speech_url=provider.url,
        speech_key=SecretStr("not the key"),
    )
    async with serve_face(await fresh_database(postgres_dsn), works=works) as client:
        reply = await generate(client, "With a wrong key", "openai-alloy")
        assert (reply.status, reply.code) == (503, "provider_failed")
        assert "its operator must check" in reply.json["error"]["message"]
        assert "Incorrect API key" not in reply.json["error"]["message"]
