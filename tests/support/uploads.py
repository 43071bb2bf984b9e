"""Uploads over the API, and what links to stored files lead to."""

from __future__ import annotations

import io
from urllib.parse import urlsplit

import aiohttp

from tests.support.face import ADDRESS, Client, Reply, token

AUDIO, MEDIA = "/api/v1/audio/upload", "/api/v1/media/upload"


async def upload(
    api: Client,
    path: str,
    content: bytes,
    name: str | None = "file",
    declared: str | None = None,
    *,
    user: str = "alice",
    tier: str = "business",
    headers: dict[str, str] | None = None,
    **fields: str,
) -> Reply:
    form = aiohttp.FormData(quote_fields=False)
    for field, value in fields.items():
        form.add_field(field, value)
    form.add_field("file", io.BytesIO(content), filename=name, content_type=declared)
    sent = {"Authorization": f"Bearer {token(user, tier)}", **(headers or {})}
    async with api.session.post(api.address + path, data=form, headers=sent) as response:
        return Reply(response.status, response.headers, await response.read())


async def left_behind(api: Client, user: str) -> list[str]:
    """What an upload that failed left: rows, files, half-written things."""
    async with api.database.connection() as connection:
        keys = {row["key"] for row in await connection.fetch("SELECT key FROM blobs")}
        rows = await connection.fetchval(
            "SELECT count(*) FROM blobs b JOIN users u ON u.id = b.owner_id WHERE u.sub = $1", user
        )
    store = api.parts.media.blobs.store.path_of("aa").parent.parent
    stored = [path.name for path in store.rglob("*") if path.is_file() and path.name not in keys]
    pending = [str(path) for path in api.parts.media.scratch.rglob("*")]
    return [*stored, *pending, *(["row"] * rows)]


async def follow(api: Client, link: str, method: str = "GET", **headers: str) -> Reply:
    """What a link leads to, without a token; `If_Range` is sent as `If-Range`."""
    assert link.startswith(ADDRESS + "/api/v1/blobs/")
    parts = urlsplit(link)
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    return await api.call(method, f"{parts.path}?{parts.query}", user=None, headers=sent)
