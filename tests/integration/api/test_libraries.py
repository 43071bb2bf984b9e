"""The libraries' lists: filters that combine, searches, pages, favorites, and whose is what."""

from __future__ import annotations

import uuid
from typing import Any
from uuid import UUID

import pytest
import pytest_asyncio

from persistence.users import Users
from tests.support import files
from tests.support.face import ADDRESS, Client
from tests.support.uploads import AUDIO, upload

pytestmark = pytest.mark.asyncio(loop_scope="module")

AUDIO_LIST, MEDIA_LIST = "/api/v1/audio/library", "/api/v1/media/library"
IDS = {name: uuid.uuid5(uuid.NAMESPACE_OID, name) for name in "abcdefghijklmnop"}


@pytest_asyncio.fixture(scope="module", loop_scope="module", autouse=True)
async def stock(api: Client) -> None:
    """Stock, what ann has uploaded, and what bob has."""
    users = Users(api.database)
    ann, bob = [await users.ensure(name, "business", None) for name in ("ann", "bob")]
    async with api.database.connection() as connection:
        for number, (name, title, artist, category, tags, owner) in enumerate(
            [
                ("a", "Upbeat Corporate", "AudioCo", "music", ["energetic"], None),
                ("b", "Calm Évening", "Trio", "music", ["piano", "soft"], None),
                ("c", "Whoosh", "", "sound_effects", ["upbeat", "air"], None),
                ("d", "Ann's Upbeat", "Ann", "music", [], ann),
                ("e", "Ann's click", "", "sound_effects", [], ann),
                ("f", "Bob's Upbeat", "Bob", "music", [], bob),
            ]
        ):
            await connection.execute(
                "INSERT INTO audio_library (id, title, artist, duration, category, tags, url,"
                " waveform_url, thumbnail_url, source, user_id, created_at)"
                " VALUES ($1, $2, $3, 120, $4, $5, $6, $6 || '.json', $6 || '.png', $7, $8,"
                " now() - make_interval(hours => $9))",
                *(IDS[name], title, artist, category, tags, f"/api/v1/blobs/{name}a.mp3"),
                *("stock" if owner is None else "uploaded", owner, number),
            )
        for number, (name, kind, title, source, kept_as, tags, owner) in enumerate(
            [
                ("g", "image", "Product Hero", "stock", "Business", ["technology"], None),
                ("h", "video", "Office", "stock", "Business", ["workspace"], None),
                ("i", "gif", "Cat", "stock", "Animals", ["fun"], None),
                ("j", "image", "Ann's product", "uploaded", "business", [], ann),
                ("k", "image", "Ann's dream", "ai", None, [], ann),
                ("l", "video", "Bob's office", "uploaded", "Business", [], bob),
            ]
        ):
            await connection.execute(
                "INSERT INTO media_library (id, type, title, url, thumbnail_url, source, category,"
                " tags, dimensions, duration, user_id, created_at)"
                " VALUES ($1, $2, $3, $4, $4 || '.jpg', $5, $6, $7,"
                ' \'{"width": 1920, "height": 1080}\', $8, $9,'
                " now() - make_interval(hours => $10))",
                *(IDS[name], kind, title, f"/api/v1/blobs/{name}a.png", source, kept_as, tags),
                *(15.5 if kind == "video" else None, owner, number),
            )
        for number, (name, title, gender, style, source, owner, parent) in enumerate(
            [
                ("m", "Amy", "female", "casual", "stock", None, None),
                ("n", "Amy (Professional)", "female", "professional", "stock", None, IDS["m"]),
                ("o", "David", "male", "casual", "stock", None, None),
                ("p", "Ann herself", "female", "casual", "custom", ann, None),
            ]
        ):
            await connection.execute(
                "INSERT INTO avatars (id, name, gender, style, thumbnail_url, preview_url, source,"
                " user_id, parent_avatar_id, created_at) VALUES ($1, $2, $3, $4, $5 || '.jpg', $5,"
                " $6, $7, $8, now() - make_interval(hours => $9))",
                *(IDS[name], title, gender, style, f"/api/v1/blobs/{name}a.png", source),
                *(owner, parent, number),
            )


async def listed(api: Client, path: str, name: str, user: str = "ann") -> str:
    reply = await api.call("GET", path, user=user)
    assert reply.status == 200, reply.content
    known = {str(value): key for key, value in IDS.items()}
    found = "".join(known[one["id"]] for one in reply.data[name])
    assert reply.data["pagination"]["total_items"] == len(found)
    return found


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", "abcde"),
        ("?type=stock", "abc"),
        ("?type=my", "de"),
        ("?category=music", "abd"),
        ("?type=my&category=music", "d"),
        ("?type=stock&category=sound_effects", "c"),
        ("?search=upbeat", "acd"),
        ("?search=UPB", "acd"),
        ("?search=upbeat+corp", "a"),
        ("?search=corp+upbeat", "a"),
        ("?search=audioco", "a"),
        ("?search=soft", "b"),
        ("?search=%C3%A9vening", "b"),
        ("?search=beat", ""),
        ("?search=upbeat&type=my", "d"),
        ("?search=upbeat&category=sound_effects", "c"),
        ("?search=upbeat&category=music&type=stock", "a"),
        ("?search=+", "abcde"),
        ("?search=ann%27s", "de"),
        ("?search=%26+%7C+%21+%28+%3A*", ""),
        ("?search=%27%3B+DROP+TABLE+users%3B--", ""),
        ("?unknown=1", "abcde"),
    ],
)
async def test_audio(api: Client, query: str, expected: str) -> None:
    assert await listed(api, AUDIO_LIST + query, "audio") == expected


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", "ghijk"),
        ("?type=all", "ghijk"),
        ("?type=image", "gjk"),
        ("?type=video", "h"),
        ("?type=gif", "i"),
        ("?source=stock", "ghi"),
        ("?source=ai", "k"),
        ("?source=uploaded", "j"),
        ("?source=uploaded&type=video", ""),
        ("?category=Business", "ghj"),
        ("?category=business&source=stock", "gh"),
        ("?category=Business&type=image&source=stock", "g"),
        ("?search=product", "gj"),
        ("?search=produ&source=stock", "g"),
        ("?search=techno", "g"),
        ("?search=animals", "i"),
        ("?search=product&type=video", ""),
    ],
)
async def test_media(api: Client, query: str, expected: str) -> None:
    assert await listed(api, MEDIA_LIST + query, "media") == expected


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", "mop"),
        ("?gender=all", "mop"),
        ("?gender=female", "mp"),
        ("?gender=male", "o"),
        ("?category=stock", "mo"),
        ("?category=my", "p"),
        ("?category=generated", ""),
        ("?category=stock&gender=female", "m"),
        ("?search=am", "m"),
        ("?search=casual&gender=male", "o"),
    ],
)
async def test_avatars(api: Client, query: str, expected: str) -> None:
    assert await listed(api, "/api/v1/avatars" + query, "avatars") == expected


@pytest.mark.parametrize(
    ("path", "field"),
    [
        (AUDIO_LIST + "?type=mine", "type"),
        (AUDIO_LIST + "?category=noise", "category"),
        (AUDIO_LIST + "?page=0", "page"),
        (AUDIO_LIST + "?page=x", "page"),
        (AUDIO_LIST + "?limit=101", "limit"),
        (AUDIO_LIST + "?limit=0", "limit"),
        (AUDIO_LIST + "?search=" + "x" * 201, "search"),
        (AUDIO_LIST + "?search=a%00b", "search"),
        (MEDIA_LIST + "?type=audio", "type"),
        (MEDIA_LIST + "?source=mine", "source"),
        ("/api/v1/avatars?gender=child", "gender"),
        ("/api/v1/avatars?category=mine", "category"),
        ("/api/v1/voices?gender=neutral", "gender"),
    ],
)
async def test_bad_queries(api: Client, path: str, field: str) -> None:
    reply = await api.call("GET", path)
    assert (reply.status, reply.code, reply.fields) == (422, "invalid_fields", [field])


@pytest.mark.parametrize("path", [AUDIO_LIST, MEDIA_LIST, "/api/v1/avatars", "/api/v1/voices"])
async def test_a_token_is_needed(api: Client, path: str) -> None:
    reply = await api.call("GET", path, user=None)
    assert (reply.status, reply.code) == (401, "unauthenticated")
    assert reply.headers["WWW-Authenticate"].startswith("Bearer")


def signed(link: Any) -> bool:
    return str(link).startswith(f"{ADDRESS}/api/v1/blobs/") and "&sig=" in str(link)


async def test_the_exact_shapes(api: Client) -> None:
    reply = await api.call("GET", AUDIO_LIST + "?search=corporate", user="ann")
    [audio] = reply.data["audio"]
    assert all(signed(audio.pop(f"{name}url")) for name in ("", "waveform_", "thumbnail_"))
    assert audio == {
        "id": str(IDS["a"]),
        "title": "Upbeat Corporate",
        "artist": "AudioCo",
        "duration": 120,
        "category": "music",
        "tags": ["energetic"],
        "source": "stock",
        "is_premium": False,
        "is_favorite": False,
    }
    reply = await api.call("GET", MEDIA_LIST + "?search=office", user="ann")
    [media] = reply.data["media"]
    assert signed(media.pop("url"))
    assert signed(media.pop("thumbnail_url"))
    assert media == {
        "id": str(IDS["h"]),
        "type": "video",
        "title": "Office",
        "source": "stock",
        "category": "Business",
        "tags": ["workspace"],
        "dimensions": {"width": 1920, "height": 1080},
        "duration": 15.5,
        "is_premium": False,
    }
    reply = await api.call("GET", "/api/v1/avatars?search=amy", user="ann")
    [avatar] = reply.data["avatars"]
    assert signed(avatar.pop("thumbnail_url"))
    assert signed(avatar.pop("preview_url"))
    [variation] = avatar.pop("variations")
    assert signed(variation.pop("thumbnail_url"))
    assert variation == {"id": str(IDS["n"]), "name": "Amy (Professional)"}
    assert avatar == {
        "id": str(IDS["m"]),
        "name": "Amy",
        "gender": "female",
        "style": "casual",
        "video_url": None,
        "is_premium": False,
    }


async def test_pages_are_stable_and_whole(api: Client) -> None:
    seen: list[str] = []
    for page in (1, 2, 3, 4):
        reply = await api.call("GET", f"{AUDIO_LIST}?limit=2&page={page}", user="ann")
        assert reply.data["pagination"] == {
            "current_page": page,
            "total_pages": 3,
            "total_items": 5,
            "items_per_page": 2,
        }
        seen += [one["id"] for one in reply.data["audio"]]
    assert seen == [str(IDS[name]) for name in "abcde"]
    far = await api.call("GET", f"{AUDIO_LIST}?page=1000000&limit=100", user="ann")
    assert far.data["audio"] == []


async def favorite(api: Client, name: str, user: str, is_favorite: Any = True) -> Any:
    path = f"/api/v1/audio/{IDS[name]}/favorite"
    return await api.call("POST", path, {"is_favorite": is_favorite}, user=user)


async def test_favorites_are_each_users_own(api: Client) -> None:
    for name in "ad":
        reply = await favorite(api, name, "ann")
        assert (reply.status, reply.json["message"]) == (200, "Audio favorite status updated")
    assert (await favorite(api, "a", "ann")).status == 200, "twice is once"
    assert (await favorite(api, "c", "bob")).status == 200
    assert await listed(api, AUDIO_LIST + "?type=favorites", "audio") == "da", "the last one first"
    assert await listed(api, AUDIO_LIST + "?type=favorites", "audio", "bob") == "c"
    assert await listed(api, AUDIO_LIST + "?type=favorites&search=corp", "audio") == "a"
    assert await listed(api, AUDIO_LIST + "?type=favorites&category=sound_effects", "audio") == ""
    reply = await api.call("GET", AUDIO_LIST, user="ann")
    assert [one["is_favorite"] for one in reply.data["audio"]] == [True, False, False, True, False]
    for name in "ad":
        assert (await favorite(api, name, "ann", False)).status == 200
    assert await listed(api, AUDIO_LIST + "?type=favorites", "audio") == ""


async def test_bad_favorites(api: Client) -> None:
    hidden = await favorite(api, "f", "ann")
    assert (hidden.status, hidden.code) == (404, "audio_not_found"), "it is bob's"
    for path in (f"/api/v1/audio/{uuid.uuid4()}/favorite", "/api/v1/audio/x/favorite"):
        reply = await api.call("POST", path, {"is_favorite": True})
        assert (reply.status, reply.code) == (404, "audio_not_found")
    for value in ("yes", 1, None):
        reply = await favorite(api, "a", "ann", value)
        assert (reply.status, reply.fields) == (422, ["is_favorite"])


async def test_what_is_deleted_is_nobodys_favorite(api: Client) -> None:
    made = await upload(api, AUDIO, files.wav(), "a.wav", user="dan")
    path = f"/api/v1/audio/{made.data['audio']['id']}"
    await api.call("POST", f"{path}/favorite", {"is_favorite": True}, user="dan")
    assert (await api.call("DELETE", path, user="dan")).status == 200
    reply = await api.call("GET", AUDIO_LIST + "?type=favorites", user="dan")
    assert reply.data["pagination"]["total_items"] == 0


async def test_stock_cannot_be_deleted(api: Client) -> None:
    for path in (f"/api/v1/audio/{IDS['a']}", f"/api/v1/media/{IDS['g']}"):
        reply = await api.call("DELETE", path, user="ann")
        assert (reply.status, reply.code) == (403, "forbidden")
    for path in (f"/api/v1/audio/{IDS['f']}", f"/api/v1/media/{IDS['l']}"):
        assert (await api.call("DELETE", path, user="ann")).status == 404


async def test_a_language_has_dialects(api: Client) -> None:
    async with api.database.connection() as connection:
        for code in ("qq-AA", "qq-BB-x", "qq", "qqa-AA"):
            await connection.execute(
                "INSERT INTO voices (id, name, language, language_code, gender, category,"
                " provider, provider_voice)"
                " VALUES ($1, 'V', 'Q', $2, 'child', 'studio', 'test', 'x')",
                *(f"test-{code}", code),
            )
    for given, expected in (
        ("qq", ["qq", "qq-AA", "qq-BB-x"]),
        ("QQ", ["qq", "qq-AA", "qq-BB-x"]),
        ("qq-aa", ["qq-AA"]),
        ("qq-BB", []),
        ("qq-bb-X", ["qq-BB-x"]),
        ("q", []),
    ):
        reply = await api.call("GET", f"/api/v1/voices?language={given}&gender=child")
        assert [voice["language_code"] for voice in reply.data["voices"]] == expected, given
        assert reply.data["pagination"]["total_items"] == len(expected)


async def test_large_numbers_are_counted_now_and_then(api: Client) -> None:
    """What is counted for many is kept for a while, and never what is the caller's own."""
    async with api.database.connection() as connection:
        await connection.execute(
            "INSERT INTO media_library (type, title, url, thumbnail_url, source, category)"
            " SELECT 'image', 'Crowd', '', '', 'stock', 'crowd' FROM generate_series(1, 2500)"
        )

        async def total() -> int:
            reply = await api.call("GET", MEDIA_LIST + "?category=crowd", user="ann")
            return int(reply.data["pagination"]["total_items"])

        assert await total() == 2500
        ann = await connection.fetchval("SELECT id FROM users WHERE sub = 'ann'")
        for owner, expected in ((None, 2500), (ann, 2501)):
            await _add(connection, owner)
            assert await total() == expected
        await connection.execute("DELETE FROM media_library WHERE category = 'crowd'")


async def _add(connection: Any, owner: UUID | None) -> None:
    await connection.execute(
        "INSERT INTO media_library (type, title, url, thumbnail_url, source, category, user_id)"
        " VALUES ('image', 'One', '', '', 'stock', 'crowd', $1)",
        owner,
    )
