"""The version history of a video: keeping, reading, comparing and restoring versions."""

from __future__ import annotations

import re
from typing import Any, Final

from aiohttp import web

from api.pages import pagination
from api.permissions import Action
from api.projections import answer, render, sign
from api.routes import Answer, Call, Route, on_video
from api.schemas.base import Page
from api.schemas.versions import (
    CompareTo,
    Differences,
    ManyVersions,
    OneVersion,
    Restored,
    VersionCreate,
    WholeVersion,
)
from collab.errors import BadInput, MissingUpdates, VersionNotFound
from persistence.scenes import timestamp
from persistence.versions import Version

COST: Final = 5
"""Requests that one counts as for which a whole document is read."""

_NUMBER: Final = re.compile(r"[1-9][0-9]{0,8}")


async def list_versions(call: Call[None, Page]) -> Answer:
    """The versions of a video, the last made first."""
    page, limit = call.query.page, call.query.limit
    found = await call.parts.versions.list(call.video_id, page=page, limit=limit)
    return Answer(
        {
            "versions": [shown(version) for version in found.versions],
            "pagination": pagination(page, limit, found.total),
        }
    )


async def create_version(call: Call[VersionCreate, None]) -> Answer:
    """Keep the video as it is now."""
    await call.parts.rooms.logged(call.video_id)
    version = await call.parts.versions.keep(
        call.video_id, "manual", name=call.body.name, by=call.caller.sub, id_=call.make_id()
    )
    return Answer({"version": shown(version)}, "Version saved successfully", seq=version.seq)


async def get_version(call: Call[None, None]) -> web.Response:
    """One version with its scenes and layers."""
    number = _number(call)
    version = await call.parts.versions.get(call.video_id, number)
    data = await call.parts.versions.show(call.video_id, number)
    data = await sign(call.parts.media, call.video_id, {"version": shown(version), **data})
    return answer(call.request, render(data, version.seq))


async def compare_versions(call: Call[None, CompareTo]) -> Answer:
    """What changed from a version to another one, or until now."""
    number, to = _number(call), call.query.to
    versions = call.parts.versions
    if to is None:
        await call.parts.rooms.logged(call.video_id)
    before = await versions.get(call.video_id, number)
    after = None if to is None else await versions.get(call.video_id, to)
    found = await sign(
        call.parts.media, call.video_id, await versions.compare(call.video_id, number, to)
    )
    return Answer({"from": shown(before), "to": after and shown(after), **found})


async def restore_version(call: Call[None, None]) -> Answer:
    """Give the video the content that it had, for everybody at once.

    What was there before is kept as a version, so that this can be undone.
    """
    number, by, versions = _number(call), call.caller.sub, call.parts.versions
    version = await versions.get(call.video_id, number)
    # What waits in this node's journal belongs to what is there before.
    await call.parts.rooms.logged(call.video_id)
    plan = await versions.plan(call.video_id, number, by)
    seq = plan.seq
    if plan.update is not None:
        try:
            edited = await call.parts.rooms.bring(call.video_id, plan.update, by=by, after=plan.seq)
        except (BadInput, MissingUpdates):
            await versions.given_up(call.video_id, plan)
            raise
        seq = edited.seq
    await versions.restored(call.video_id, number, plan, by)
    before = await versions.get(call.video_id, plan.before)
    return Answer(
        {"version": shown(version), "before": shown(before)},
        "Version restored successfully",
        seq=seq,
    )


def shown(version: Version) -> dict[str, Any]:
    """A version as the API shows it."""

    def user(id_: str) -> dict[str, Any]:
        return {"user_id": id_, "name": version.names.get(id_)}

    return {
        "number": version.number,
        "name": version.name,
        "kind": version.kind,
        "seq": version.seq,
        "created_at": timestamp(version.created_at),
        "created_by": None if version.created_by is None else user(version.created_by),
        "editors": [user(id_) for id_ in version.user_ids],
    }


def _number(call: Call[Any, Any]) -> int:
    number = call.ids["number"]
    if not _NUMBER.fullmatch(number):
        raise VersionNotFound
    return int(number)


ROUTES: Final = (
    Route(
        method="GET",
        path="/api/v1/videos/{video_id}/versions",
        handler=list_versions,
        permission=on_video(Action.READ),
        summary="List the versions",
        tag="Versions",
        query=Page,
        data=ManyVersions,
    ),
    Route(
        method="POST",
        path="/api/v1/videos/{video_id}/versions",
        handler=create_version,
        permission=on_video(Action.EDIT),
        summary="Keep the video as it is now",
        tag="Versions",
        body=VersionCreate,
        data=OneVersion,
        status=201,
        idempotent=True,
        cost=COST,
    ),
    Route(
        method="GET",
        path="/api/v1/videos/{video_id}/versions/{number}",
        handler=get_version,
        permission=on_video(Action.READ),
        summary="Get a version with its scenes and layers",
        tag="Versions",
        data=WholeVersion,
        conditional=True,
        cost=COST,
    ),
    Route(
        method="GET",
        path="/api/v1/videos/{video_id}/versions/{number}/diff",
        handler=compare_versions,
        permission=on_video(Action.READ),
        summary="Compare a version with another one, or with what there is now",
        tag="Versions",
        query=CompareTo,
        data=Differences,
        cost=COST,
    ),
    Route(
        method="POST",
        path="/api/v1/videos/{video_id}/versions/{number}/restore",
        handler=restore_version,
        permission=on_video(Action.EDIT),
        summary="Restore a version, live for everybody",
        tag="Versions",
        data=Restored,
        idempotent=True,
        cost=COST,
    ),
)
