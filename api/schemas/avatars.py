"""The models of avatars."""

from __future__ import annotations

from typing import Literal

from api.schemas.base import Id, Pagination, SearchPage, Shown


class AvatarQuery(SearchPage):
    """Which avatars: without `category`, the stock and the caller's own."""

    gender: Literal["male", "female", "neutral", "all"] = "all"
    category: Literal["stock", "my", "generated"] | None = None


class AvatarVariation(Shown):
    """An avatar in another style."""

    id: Id
    name: str
    thumbnail_url: str


class Avatar(Shown):
    """An avatar."""

    id: Id
    name: str
    gender: Literal["male", "female", "neutral"] | None
    style: str | None
    thumbnail_url: str
    preview_url: str
    video_url: str | None
    is_premium: bool
    variations: list[AvatarVariation]


class ManyAvatars(Shown):
    """A page of avatars."""

    avatars: list[Avatar]
    pagination: Pagination
