"""The models of API keys."""

from __future__ import annotations

from api.schemas.base import Given, Id, Name, Pagination, Shown, Time


class ApiKeyCreate(Given):
    """A new API key."""

    name: Name


class ApiKey(Shown):
    """An API key; the key itself is shown once, when it is made."""

    id: Id
    name: str
    prefix: str
    created_at: Time
    last_used_at: Time | None


class NewApiKey(ApiKey):
    """An API key that was just made."""

    key: str


class OneApiKey(Shown):
    """A new API key."""

    api_key: NewApiKey


class ManyApiKeys(Shown):
    """A page of the caller's API keys."""

    api_keys: list[ApiKey]
    pagination: Pagination
