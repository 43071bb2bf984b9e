"""API keys: what programs send as `X-API-Key` instead of a token."""

from __future__ import annotations

import secrets
from base64 import urlsafe_b64encode
from typing import Any, Final
from uuid import UUID

from api.pages import pagination
from api.routes import USER, Answer, Call, Route
from api.schemas.api_keys import ApiKeyCreate, ManyApiKeys, OneApiKey
from api.schemas.base import Page
from api.tiers import require_api_keys
from persistence.api_keys import ApiKey
from persistence.scenes import timestamp

PREFIX: Final = "cocut_"


async def create_api_key(call: Call[ApiKeyCreate, None]) -> Answer:
    """Make an API key; the answer is the only place where it is shown."""
    require_api_keys(call.caller.tier)
    if call.idempotency_key is None:
        secret = secrets.token_bytes(32)
    else:
        secret = call.parts.media.links.api_key_secret(call.caller.id, call.idempotency_key)
    key = PREFIX + urlsafe_b64encode(secret).rstrip(b"=").decode()
    made = await call.parts.media.api_keys.add(
        call.make_id(), call.caller.id, call.body.name, key, by=call.caller.sub
    )
    return Answer(
        {"api_key": {**_shown(made), "key": key}},
        "API key created; keep it, it is not shown again",
        headers={"Cache-Control": "no-store"},
    )


async def list_api_keys(call: Call[None, Page]) -> Answer:
    """The caller's API keys, oldest first."""
    require_api_keys(call.caller.tier)
    page, limit = call.query.page, call.query.limit
    found = await call.parts.media.api_keys.of(call.caller.id)
    return Answer(
        {
            "api_keys": [_shown(key) for key in found[(page - 1) * limit : page * limit]],
            "pagination": pagination(page, limit, len(found)),
        }
    )


async def delete_api_key(call: Call[None, None]) -> Answer:
    """End an API key of the caller's."""
    await call.parts.media.api_keys.remove(
        UUID(call.ids["api_key_id"]), call.caller.id, by=call.caller.sub
    )
    return Answer(message="API key deleted successfully")


def _shown(key: ApiKey) -> dict[str, Any]:
    return {
        "id": str(key.id),
        "name": key.name,
        "prefix": key.prefix,
        "created_at": timestamp(key.created_at),
        "last_used_at": None if key.last_used_at is None else timestamp(key.last_used_at),
    }


ROUTES: Final = (
    Route(
        method="POST",
        path="/api/v1/api-keys",
        handler=create_api_key,
        permission=USER,
        summary="Make an API key (business tier)",
        tag="API keys",
        body=ApiKeyCreate,
        data=OneApiKey,
        status=201,
        idempotent=True,
        secret=True,
    ),
    Route(
        method="GET",
        path="/api/v1/api-keys",
        handler=list_api_keys,
        permission=USER,
        summary="List the caller's API keys (business tier)",
        tag="API keys",
        query=Page,
        data=ManyApiKeys,
    ),
    Route(
        method="DELETE",
        path="/api/v1/api-keys/{api_key_id}",
        handler=delete_api_key,
        permission=USER,
        summary="End an API key",
        tag="API keys",
    ),
)
