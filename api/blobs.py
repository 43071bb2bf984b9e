"""Stored files, by signed links."""

from __future__ import annotations

from typing import Final

from aiohttp import web

from api.localfile import LocalFile
from api.routes import OPEN, USER, Answer, Call, Route
from api.schemas.blobs import BlobSign, BlobSignature, SignedUrls
from collab.errors import BlobNotFound
from persistence.blobs import is_key

PRESIGNED_SECONDS: Final = 900


async def get_blob(call: Call[None, BlobSignature]) -> web.StreamResponse:
    """The bytes of a stored file, or a range of them."""
    media, key = call.parts.media, call.ids["key"]
    left = media.links.check(key, call.query.exp, call.query.sig)
    if not is_key(key):
        raise BlobNotFound
    blob = await media.blobs.get(key)
    store = media.blobs.store
    headers = {
        "Content-Type": blob.content_type,
        "Content-Disposition": f'inline; filename="{key}"',
        "Cache-Control": f"private, max-age={int(left)}, immutable",
    }
    if store.local:
        return await LocalFile.of(call.request, store.path_of(key), headers)
    link = await store.link(key, min(int(left) + 1, PRESIGNED_SECONDS))
    return web.Response(status=302, headers={"Location": link, "Cache-Control": "no-store"})


async def sign_blobs(call: Call[BlobSign, None]) -> Answer:
    """Fresh signatures for links to stored files that the caller may see."""
    links = call.parts.media.links
    keys = {url: links.own(url) for url in call.body.urls}
    known = sorted({key for key in keys.values() if key is not None})
    visible = await call.parts.media.blobs.visible(known, call.caller.id)
    return Answer(
        {
            "urls": [
                {"url": url, "signed_url": links.sign(url) if keys[url] in visible else None}
                for url in call.body.urls
            ],
            "expires_at": links.expiry(),
        }
    )


ROUTES: Final = (
    Route(
        method="GET",
        path="/api/v1/blobs/{key}",
        handler=get_blob,
        permission=OPEN,
        summary="Get a stored file, or a range of it, by a signed link",
        tag="Files",
        query=BlobSignature,
        content_type="application/octet-stream",
        errors=frozenset({403, 416}),
        cost=0,
    ),
    Route(
        method="POST",
        path="/api/v1/blobs/sign",
        handler=sign_blobs,
        permission=USER,
        summary="Sign links to stored files anew",
        tag="Files",
        body=BlobSign,
        data=SignedUrls,
    ),
)
