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


async def follow(api: Client, link: str, method: str = "GET", **headers: str) -> Reply:
    """What a link leads to, without a token; `If_Range` is sent as `If-Range`."""
    assert link.startswith(ADDRESS + "/api/v1/blobs/")
    parts = urlsplit(link)
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    return await api.call(method, f"{parts.path}?{parts.query}", user=None, headers=sent)
