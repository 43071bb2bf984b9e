"""The models of members."""

from __future__ import annotations

from typing import Literal

from api.schemas.base import Given, Pagination, Shown, Time


class MemberPut(Given):
    """A member's role."""

    role: Literal["editor", "viewer"]


class Member(Shown):
    """A member of a video."""

    user_id: str
    name: str | None
    role: Literal["owner", "editor", "viewer"]
    created_at: Time


class OneMember(Shown):
    """One member."""

    member: Member


class ManyMembers(Shown):
    """A page of the members of a video."""

    members: list[Member]
    pagination: Pagination
