"""Premium things: marked in lists, used by those who may, however they are named."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
import pytest_asyncio

from api.callers import Caller
from api.events.requests import REQUESTS, prepared
from api.tiers import Tier
from collab.errors import TierRequired
from persistence.users import Users
from tests.support.face import ADDRESS, Client, token

pytestmark = pytest.mark.asyncio(loop_scope="module")

PLACE = "/api/v1/blobs/"
OTHERS = "https://cdn.example/song.mp3"
IDS = {name: uuid.uuid4() for name in ("audio", "media", "avatar", "plain", "elsewhere")}


@pytest_asyncio.fixture(scope="module", loop_scope="module", autouse=True)
async def stock(api: Client) -> None:
    """One premium thing of each library, and a free one."""
    async with api.database.connection() as connection:
        for name, link, premium in (
            ("audio", f"{PLACE}gold.mp3", True),
            ("plain", f"{PLACE}tin.mp3", False),
            ("elsewhere", OTHERS, True),
        ):
            await connection.execute(
                "INSERT INTO audio_library (id, title, duration, category, url, source, is_premium)"
                " VALUES ($1, $2, 1, 'music', $3, 'stock', $4)",
                *(IDS[name], name, link, premium),
            )
        await connection.execute(
            "INSERT INTO media_library (id, type, title, url, thumbnail_url, source, is_premium)"
            " VALUES ($1, 'image', 'Gold', $2, $3, 'stock', true)",
            *(IDS["media"], f"{PLACE}gold.png", f"{PLACE}goldsmall.png"),
        )
        await connection.execute(
            "INSERT INTO avatars (id, name, thumbnail_url, preview_url, video_url, source,"
            " is_premium) VALUES ($1, 'Au', '', $2, $3, 'stock', true)",
            *(IDS["avatar"], f"{PLACE}goldman.png", f"{PLACE}goldman.mp4"),
        )
        await connection.execute(
            "INSERT INTO voices (id, name, language, language_code, gender, category, is_premium,"
            " provider, provider_voice)"
            " VALUES ('gold', 'Au', 'English', 'en', 'male', 'ultra', true, 'x', 'x')"
        )
        for key in ("gold.mp3", "tin.mp3", "gold.png", "goldsmall.png"):
            await connection.execute(
                "INSERT INTO blobs (key, content_type, size) VALUES ($1, 'audio/mpeg', 1)", key
            )


PREMIUM = [
    ("audio", {"audio_id": str(IDS["audio"])}),
    ("audio", {"audio_id": str(IDS["audio"]).upper()}),
    ("audio", {"audio_url": f"{ADDRESS}{PLACE}gold.mp3"}),
    ("audio", {"audio_url": f"{ADDRESS}{PLACE}gold.mp3?exp=1&sig=0"}),
    ("audio", {"audio_url": f"http://127.0.0.1:1{PLACE}gold.mp3"}),
    ("audio", {"audio_url": f"{ADDRESS}{PLACE}%67old.mp3"}),
    ("audio", {"audio_url": OTHERS}),
    ("audio", {"audio_id": str(IDS["plain"]), "audio_url": f"{ADDRESS}{PLACE}gold.mp3"}),
    ("media", {"media_id": str(IDS["media"])}),
    ("media", {"media_url": f"{ADDRESS}{PLACE}gold.png"}),
    ("avatar", {"avatar_id": str(IDS["avatar"])}),
    ("avatar", {"avatar_url": f"{ADDRESS}{PLACE}goldman.png"}),
    ("avatar", {"avatar_url": f"{ADDRESS}{PLACE}goldman.mp4"}),
    ("voiceover", {"voice_id": "gold"}),
]
FREE = [
    ("audio", {"audio_id": str(IDS["plain"])}),
    ("audio", {"audio_url": f"{ADDRESS}{PLACE}tin.mp3"}),
    ("media", {"media_url": "https://cdn.example/a.png"}),
    ("media", {"media_id": str(uuid.uuid4())}),
    ("text", {"text": f"see {ADDRESS}{PLACE}gold.mp3"}),
    ("voiceover", {"voice_id": "silver"}),
]


async def a_scene(api: Client, user: str, tier: str) -> tuple[str, str]:
    headers = {"Authorization": f"Bearer {token(user, tier)}"}
    video = await api.call("POST", "/api/v1/videos", {"title": "A"}, headers=headers)
    path = f"/api/v1/videos/{video.data['video']['id']}"
    scene = await api.call("POST", f"{path}/scenes", {"duration": 1}, headers=headers)
    return path, str(scene.data["scene"]["id"])


@pytest.mark.parametrize(("kind", "properties"), PREMIUM)
async def test_a_layer_with_something_premium_takes_a_tier(
    api: Client, kind: str, properties: dict[str, Any]
) -> None:
    body = {"type": kind, "properties": properties}
    for tier, status in (("free", 403), ("pro", 201), ("business", 201)):
        _, scene = await a_scene(api, f"p-{tier}", tier)
        path = f"/api/v1/scenes/{scene}/layers"
        reply = await api.call("POST", path, body, user=f"p-{tier}", tier=tier)
        assert reply.status == status, reply.content
        if status == 403:
            assert reply.code == "tier_required"
            plain = await api.call("POST", path, {"type": kind}, user=f"p-{tier}", tier=tier)
            layer = f"/api/v1/layers/{plain.data['layer']['id']}"
            reply = await api.call(
                "PUT", layer, {"properties": properties}, user=f"p-{tier}", tier=tier
            )
            assert (reply.status, reply.code) == (403, "tier_required")


@pytest.mark.parametrize(("kind", "properties"), FREE)
async def test_a_layer_with_nothing_premium_takes_none(
    api: Client, kind: str, properties: dict[str, Any]
) -> None:
    _, scene = await a_scene(api, "p-free", "free")
    body = {"type": kind, "properties": properties}
    path = f"/api/v1/scenes/{scene}/layers"
    reply = await api.call("POST", path, body, user="p-free", tier="free")
    assert reply.status == 201, reply.content


@pytest.mark.parametrize(("kind", "properties"), PREMIUM)
async def test_over_socket_io_as_over_rest(
    api: Client, kind: str, properties: dict[str, Any]
) -> None:
    _, scene = await a_scene(api, "p-free", "free")
    user = await Users(api.database).ensure("p-free", "free", None)
    route = REQUESTS["layer:create"]
    payload = {"scene_id": scene, "layer": {"type": kind, "properties": properties}}
    caller = Caller("p-free", Tier.FREE, None, user, 0)
    call, _ = await prepared(route, api.parts, caller, payload)
    with pytest.raises(TierRequired):
        await route.handler(call)


@pytest.mark.parametrize(("tier", "other", "status"), [("pro", "free", 201), ("free", "pro", 403)])
async def test_it_goes_by_the_token_of_the_request(
    api: Client, tier: str, other: str, status: int
) -> None:
    """A user may have valid tokens of several tiers; which was verified last does not matter."""
    user = f"p-{uuid.uuid4()}"
    mine, later = token(user, tier), token(user, other)
    headers = {"Authorization": f"Bearer {mine}"}
    made = await api.call("POST", "/api/v1/videos", {"title": "A"}, headers=headers)
    video = f"/api/v1/videos/{made.data['video']['id']}"
    scene = await api.call("POST", f"{video}/scenes", {"duration": 1}, headers=headers)
    await api.call("GET", video, headers={"Authorization": f"Bearer {later}"})
    path = f"/api/v1/scenes/{scene.data['scene']['id']}/layers"
    body = {"type": "audio", "properties": {"audio_url": f"{ADDRESS}{PLACE}gold.mp3"}}
    reply = await api.call("POST", path, body, headers=headers)
    assert reply.status == status, reply.content
    # Over Socket.IO a connection goes by its own token.
    caller = await api.parts.callers.of_token(mine, api.parts.wall())
    payload = {"scene_id": scene.data["scene"]["id"], "layer": body}
    route = REQUESTS["layer:create"]
    call, _ = await prepared(route, api.parts, caller, payload)
    if status == 403:
        with pytest.raises(TierRequired):
            await route.handler(call)
    else:
        await route.handler(call)


async def test_it_goes_by_the_tier_of_the_videos_owner(api: Client) -> None:
    body = {"type": "audio", "properties": {"audio_url": f"{ADDRESS}{PLACE}gold.mp3"}}
    video, scene = await a_scene(api, "p-business", "business")
    await api.call("PUT", f"{video}/members/p-free", {"role": "editor"}, user="p-business")
    path = f"/api/v1/scenes/{scene}/layers"
    assert (await api.call("POST", path, body, user="p-free", tier="free")).status == 201


@pytest.mark.parametrize(("kind", "properties"), [*PREMIUM, *FREE])
async def test_a_render_goes_by_the_owners_tier_whoever_wrote_it(
    api: Client, kind: str, properties: dict[str, Any]
) -> None:
    """What was written over Yjs, or before the owner's tier ended, is met when it is rendered."""
    user = f"p-{uuid.uuid4()}"
    video, scene = await a_scene(api, user, "pro")
    path = f"/api/v1/scenes/{scene}/layers"
    body = {"type": kind, "name": "The one", "properties": properties}
    made = await api.call("POST", path, body, user=user, tier="pro")
    assert made.status == 201
    reply = await api.call("POST", f"{video}/render", {}, user=user, tier="free")
    if (kind, properties) in PREMIUM:
        assert (reply.status, reply.code) == (403, "tier_required")
        assert "“The one”" in reply.json["error"]["message"]
        # A layer that is not shown uses nothing.
        layer = f"/api/v1/layers/{made.data['layer']['id']}"
        hidden = await api.call("PUT", layer, {"enabled": False}, user=user, tier="free")
        assert hidden.status == 200
        reply = await api.call("POST", f"{video}/render", {}, user=user, tier="free")
    assert reply.status == 201, reply.content


async def test_lists_mark_it_and_show_it_to_everybody(api: Client) -> None:
    for path, name, premium in (
        ("/api/v1/audio/library?search=audio", "audio", True),
        ("/api/v1/audio/library?search=plain", "audio", False),
        ("/api/v1/media/library?search=gold", "media", True),
        ("/api/v1/avatars?search=au", "avatars", True),
        ("/api/v1/voices?category=ultra", "voices", True),
    ):
        reply = await api.call("GET", path, user="p-free", tier="free")
        assert [one["is_premium"] for one in reply.data[name]] == [premium], path
