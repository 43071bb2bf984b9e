"""What hangs on the application and on a request, under typed keys; and what the parts are."""

from __future__ import annotations

import ipaddress
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from uuid import UUID

from aiohttp import web
from prometheus_client.registry import Collector

from api.access import Access
from api.callers import Callers
from api.errors import Detail
from api.idempotency import Idempotency
from api.limits import RateLimiter
from api.links import Links
from api.mediatypes import Examine
from api.projections import Projections
from collab.ports import Rooms
from collab.schema import DocumentLimits
from collab.values import Rules
from persistence.api_keys import ApiKeys
from persistence.audio import AudioLibrary
from persistence.avatars import Avatars
from persistence.blobs import Blobs
from persistence.job_news import JobNews
from persistence.jobs import Jobs
from persistence.media import MediaLibrary
from persistence.members import Members
from persistence.premium import Premium
from persistence.renders import Estimate, Renders
from persistence.scenes import Scenes
from persistence.speech import Recordings
from persistence.users import Users
from persistence.versions import Versions
from persistence.videos import Videos
from persistence.voices import Voices

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


@dataclass(frozen=True, slots=True)
class FaceConfig:
    """What the settings say about the face.

    Attributes:
        cors_origins: origins of other sites that may call; `*` for all.
        trusted_proxies: networks whose `X-Forwarded-For` is believed.
        metrics_token: what `/metrics` asks for; None leaves it open.
        tls: the server speaks TLS itself, or a proxy does: send HSTS.
        limits: of the document.
        own_link: whether a URL is one of this server's own links.
    """

    cors_origins: frozenset[str] = frozenset()
    trusted_proxies: tuple[Network, ...] = ()
    metrics_token: str | None = None
    tls: bool = False
    limits: DocumentLimits = DocumentLimits()  # noqa: RUF009
    own_link: Callable[[str], bool] = lambda url: False


@dataclass(frozen=True, slots=True)
class MediaParts:
    """What the handlers of files, jobs and libraries work with.

    Attributes:
        blobs, jobs, audio, media, avatars, voices, recordings, api_keys: the tables.
        news: of jobs that end.
        sample: from a voice's id to the path of what it sounds like.
        default_voice: of layers that name none.
        image_seconds: what a picture takes, as long as none was made yet.
        premium: what of the libraries is premium.
        renders: what is rendered, and how long it takes.
        estimate: what a render will cost.
        links: to stored files.
        examine: looks into uploads.
        scratch: a directory on this machine for what is on its way.
    """

    blobs: Blobs
    jobs: Jobs
    audio: AudioLibrary
    media: MediaLibrary
    avatars: Avatars
    voices: Voices
    recordings: Recordings
    api_keys: ApiKeys
    premium: Premium
    renders: Renders
    estimate: Estimate
    links: Links
    examine: Examine
    scratch: Path
    news: JobNews
    sample: Callable[[str], Awaitable[str]]
    default_voice: str
    image_seconds: float


@dataclass(frozen=True, slots=True)
class Parts:
    """What the handlers work with; the composition root makes it.

    Attributes:
        rooms: the rooms of this node.
        users, videos, members, scenes, versions: the tables.
        media: files, jobs and libraries.
        access: who may do what on a video, and where it stands.
        projections: the scenes of a video as the bytes of an answer.
        idempotency: answers already given.
        callers: from tokens to users.
        limiter: of requests; None when limits are off.
        config: settings.
        rules: what edits may write.
        ready: what keeps this process from serving; empty when nothing does.
        registry: the metrics.
        wall: seconds since the epoch.
        clock: monotonic seconds.
        new_id: a random UUID.
        observed: told of each answer: method, the route's path, status, seconds.
        refused: told the code of each error that a caller or an editor is answered with.
    """

    rooms: Rooms
    users: Users
    videos: Videos
    members: Members
    scenes: Scenes
    versions: Versions
    media: MediaParts
    access: Access
    projections: Projections
    idempotency: Idempotency
    callers: Callers
    limiter: RateLimiter | None
    config: FaceConfig
    rules: Rules
    ready: Callable[[], Awaitable[Sequence[Detail]]]
    registry: Collector
    wall: Callable[[], float]
    clock: Callable[[], float]
    new_id: Callable[[], UUID]
    observed: Callable[[str, str, int, float], None] | None = None
    refused: Callable[[str], None] = lambda code: None


PARTS: Final = web.AppKey("parts", Parts)
REQUEST_ID: Final = web.RequestKey("request_id", str)
FINGERPRINT: Final = web.RequestKey("fingerprint", bytes)
EXTRA_HEADERS: Final = web.RequestKey("extra_headers", dict[str, str])
