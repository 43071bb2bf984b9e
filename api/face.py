"""The REST face, put together."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Sequence
from pathlib import Path
from typing import Final
from uuid import UUID

import structlog
from aiohttp import web
from prometheus_client.registry import Collector

from api import (
    api_keys,
    assets,
    audio,
    avatars,
    blobs,
    document,
    health,
    images,
    layers,
    media,
    members,
    renders,
    scenes,
    versions,
    videos,
    voices,
)
from api.access import Access
from api.body import MAX_BODY
from api.callers import Callers
from api.dispatch import add_routes
from api.documentation import Documentation
from api.errors import Detail
from api.idempotency import Idempotency
from api.identity import Keys, Verifier
from api.keys import PARTS, FaceConfig, MediaParts, Parts
from api.limits import RateLimiter
from api.links import Links
from api.mediatypes import Examine
from api.middleware import face
from api.projections import Projections
from api.routes import Route
from collab.ports import Rooms
from collab.values import Rules
from persistence.api_keys import ApiKeys
from persistence.audio import AudioLibrary
from persistence.avatars import Avatars
from persistence.blobs import Blobs
from persistence.database import Database
from persistence.filestore import FileStore
from persistence.idempotency import IdempotencyKeys
from persistence.job_news import JobNews
from persistence.jobs import Jobs
from persistence.media import MediaLibrary
from persistence.members import Members
from persistence.premium import Premium
from persistence.renders import Estimate, Renders
from persistence.scenes import Scenes
from persistence.speech import Recordings
from persistence.update_log import UpdateLog
from persistence.users import Users
from persistence.versions import Versions
from persistence.videos import Videos
from persistence.voices import Voices

ROUTES: Final[tuple[Route, ...]] = (
    *scenes.ROUTES,
    *layers.ROUTES,
    *videos.ROUTES,
    *members.ROUTES,
    *versions.ROUTES,
    *document.ROUTES,
    *blobs.ROUTES,
    *audio.ROUTES,
    *images.ROUTES,
    *media.ROUTES,
    *avatars.ROUTES,
    *assets.ROUTES,
    *voices.ROUTES,
    *renders.ROUTES,
    *api_keys.ROUTES,
    *health.ROUTES,
)


def assemble(
    database: Database,
    rooms: Rooms,
    keys: Keys,
    *,
    config: FaceConfig,
    files: MediaParts,
    limiter: RateLimiter | None,
    ready: Callable[[], Awaitable[Sequence[Detail]]],
    registry: Collector,
    wall: Callable[[], float],
    clock: Callable[[], float],
    new_id: Callable[[], UUID],
    observed: Callable[[str, str, int, float], None] | None = None,
    refused: Callable[[str], None] = lambda code: None,
    alone: bool = False,
) -> Parts:
    """The parts of the face on one database; see `Parts` for the arguments.

    With `alone`, no other process serves this database, and whoever writes projections calls
    `Parts.access.moved` after each write, before those who wait for it are told.
    """
    table_of_videos = Videos(database)
    table_of_scenes = Scenes(database)
    users = Users(database)
    return Parts(
        rooms=rooms,
        users=users,
        videos=table_of_videos,
        members=Members(database),
        scenes=table_of_scenes,
        versions=Versions(database, config.limits, files.links.prefix),
        media=files,
        access=Access(UpdateLog(database).heads, table_of_videos.role_of, clock, alone=alone),
        projections=Projections(table_of_scenes.read, files),
        idempotency=Idempotency(IdempotencyKeys(database), clock),
        callers=Callers(Verifier(keys), users.ensure, files.api_keys.owner),
        limiter=limiter,
        config=config,
        rules=Rules(config.limits, config.own_link),
        ready=ready,
        registry=registry,
        wall=wall,
        clock=clock,
        new_id=new_id,
        observed=observed,
        refused=refused,
    )


def media_parts(
    database: Database,
    store: FileStore,
    links: Links,
    examine: Examine,
    scratch: Path,
    *,
    news: JobNews,
    sample: Callable[[str], Awaitable[str]],
    default_voice: str,
    image_seconds: float,
    estimate: Estimate,
) -> MediaParts:
    """What the handlers of files, jobs and libraries work with, on one database."""
    blobs = Blobs(database, store)
    return MediaParts(
        blobs=blobs,
        jobs=Jobs(database),
        audio=AudioLibrary(database, blobs),
        media=MediaLibrary(database, blobs),
        avatars=Avatars(database, blobs),
        voices=Voices(database),
        recordings=Recordings(database, blobs),
        api_keys=ApiKeys(database),
        premium=Premium(database),
        renders=Renders(database, Jobs(database)),
        estimate=estimate,
        links=links,
        examine=examine,
        scratch=scratch,
        news=news,
        sample=sample,
        default_voice=default_voice,
        image_seconds=image_seconds,
    )


def build(
    parts: Parts,
    log: structlog.typing.FilteringBoundLogger,
    *,
    version: str,
    more: Iterable[Route] = (),
) -> web.Application:
    """An application that serves the API and its documentation.

    Sockets and pages can be added to it; they pass the same middleware.

    Args:
        parts: what the handlers work with.
        log: one line a request.
        version: of the program, for the documentation.
        more: further routes to serve and to describe.
    """
    app = web.Application(middlewares=[face(parts, log)], client_max_size=MAX_BODY)
    app[PARTS] = parts
    routes = (*ROUTES, *more)
    documentation = Documentation(routes, version=version)
    add_routes(app, (*routes, *documentation.routes))

    async def close(_: web.Application) -> None:
        await parts.access.close()
        await parts.projections.close()
        await parts.versions.close()

    app.on_cleanup.append(close)
    return app
