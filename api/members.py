"""The members of a video: who it is shared with."""

from __future__ import annotations

from typing import Any, Final

from api.errors import InvalidFields
from api.identity import is_subject
from api.pages import pagination
from api.permissions import Action
from api.routes import Answer, Call, Route, on_video
from api.schemas.base import Page
from api.schemas.members import ManyMembers, MemberPut, OneMember
from api.tiers import require_sharing
from persistence.members import Member
from persistence.scenes import timestamp


async def list_members(call: Call[None, Page]) -> Answer:
    """The members, the owner first."""
    page, limit = call.query.page, call.query.limit
    members = await call.parts.members.list(call.video_id)
    return Answer(
        {
            "members": [_shown(member) for member in members[(page - 1) * limit : page * limit]],
            "pagination": pagination(page, limit, len(members)),
        }
    )


async def put_member(call: Call[MemberPut, None]) -> Answer:
    """Share the video with a user, or change the role; the user need not have been here yet."""
    require_sharing(call.caller.tier)
    user = call.ids["user_id"]
    if not is_subject(user):
        raise InvalidFields(
            [{"field": "user_id", "message": "must be 1 to 255 printable characters"}]
        )
    member = await call.parts.members.put(call.video_id, user, call.body.role, by=call.caller.sub)
    call.parts.access.moved(call.video_id)
    await call.parts.rooms.access_changed(call.video_id)
    return Answer({"member": _shown(member)}, "Member saved successfully")


async def remove_member(call: Call[None, None]) -> Answer:
    """Stop sharing the video with a user; open connections end."""
    await call.parts.members.remove(call.video_id, call.ids["user_id"], by=call.caller.sub)
    call.parts.access.moved(call.video_id)
    await call.parts.rooms.access_changed(call.video_id)
    return Answer(message="Member removed successfully")


def _shown(member: Member) -> dict[str, Any]:
    return {
        "user_id": member.user_id,
        "name": member.name,
        "role": member.role,
        "created_at": timestamp(member.created_at),
    }


ROUTES: Final = (
    Route(
        method="GET",
        path="/api/v1/videos/{video_id}/members",
        handler=list_members,
        permission=on_video(Action.MANAGE),
        summary="List the members",
        tag="Members",
        query=Page,
        data=ManyMembers,
    ),
    Route(
        method="PUT",
        path="/api/v1/videos/{video_id}/members/{user_id}",
        handler=put_member,
        permission=on_video(Action.MANAGE),
        summary="Share with a user, or change the role (business tier)",
        tag="Members",
        body=MemberPut,
        data=OneMember,
    ),
    Route(
        method="DELETE",
        path="/api/v1/videos/{video_id}/members/{user_id}",
        handler=remove_member,
        permission=on_video(Action.MANAGE),
        summary="Stop sharing with a user",
        tag="Members",
    ),
)
