"""The REST face on a real database and a real socket, and a client that speaks to it."""

from __future__ import annotations

import asyncio
import io
import json
import logging
import shutil
import tempfile
import time
import uuid
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import structlog
from aiohttp import web
from multidict import CIMultiDict
from prometheus_client import CollectorRegistry

from api.errors import Detail
from api.express import install
from api.face import assemble, build, media_parts
from api.identity import HmacKeys, mint
from api.keys import FaceConfig, Parts
from api.limits import RateLimiter
from api.links import Links
from api.routes import Route
from persistence.blobs import Blobs, shared_secret
from persistence.database import Database
from persistence.filestore import FileStore
from persistence.job_news import JobNews
from server.handlers import make_handlers
from server.media.estimate import estimate
from server.media.examine import Examiner
from server.media.speech.studio import DEFAULT_VOICE
from server.providers import image_provider, sampler, speech_studio
from server.settings import Settings
from server.worker import working
from tests.support.rooms import LocalRooms

ADDRESS = "https://video.example"
SECRET = b"the secret of the tests: 32 bytes"


@dataclass(frozen=True)
class Reply:
    """An answer, read to its end."""

    status: int
    headers: Mapping[str, str]
    content: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.content)

    @property
    def data(self) -> Any:
        assert self.json["success"] is True, self.json
        return self.json["data"]

    @property
    def seq(self) -> int:
        return int(self.headers["X-Video-Seq"])

    @property
    def code(self) -> str:
        """The error's code; the shape of the answer is checked on the way."""
        shown = self.json
        assert set(shown) == {"success", "error"}
        assert shown["success"] is False
        assert {"code", "message"} <= set(shown["error"]) <= {"code", "message", "details"}
        assert isinstance(shown["error"]["message"], str)
        return str(shown["error"]["code"])

    @property
    def fields(self) -> list[str]:
        """The fields that an error names."""
        return [detail["field"] for detail in self.json["error"]["details"]]


@dataclass
class Readiness:
    """What `/readyz` will say."""

    reasons: list[Detail] = field(default_factory=list)

    async def __call__(self) -> Sequence[Detail]:
        return self.reasons


@dataclass
class Client:
    """Calls the API as any user."""

    address: str
    session: aiohttp.ClientSession
    parts: Parts
    rooms: LocalRooms
    database: Database
    ready: Readiness
    logged: list[dict[str, Any]]

    async def call(
        self,
        method: str,
        path: str,
        body: Any = ...,
        *,
        user: str | None = "alice",
        tier: str = "business",
        headers: Mapping[str, str] | None = None,
        raw: bytes | None = None,
    ) -> Reply:
        """Send a request: as `user`, with `body` as JSON, or `raw` as it is."""
        sent = dict(headers or {})
        if user is not None:
            sent.setdefault("Authorization", f"Bearer {token(user, tier)}")
        content = raw
        if body is not ...:
            content = json.dumps(body).encode()
            sent.setdefault("Content-Type", "application/json")
        data = None if content is None else io.BytesIO(content)
        async with self.session.request(
            method, self.address + path, data=data, headers=sent, allow_redirects=False
        ) as response:
            return Reply(response.status, response.headers, await response.read())

    async def send(self, request: bytes) -> Reply:
        """Send bytes as they are, which should be one request, on a connection of their own."""
        address = urlsplit(self.address)
        reader, writer = await asyncio.open_connection(address.hostname, address.port)
        writer.write(request)
        head, _, content = (await reader.read()).partition(b"\r\n\r\n")
        writer.close()
        first, *lines = head.decode().split("\r\n")
        headers: CIMultiDict[str] = CIMultiDict()
        for line in lines:
            name, _, value = line.partition(": ")
            headers.add(name, value)
        return Reply(int(first.split()[1]), headers, content)

    async def make_video(self, user: str = "alice", title: str = "A video") -> str:
        reply = await self.call("POST", "/api/v1/videos", {"title": title}, user=user)
        assert reply.status == 201, reply.content
        return str(reply.data["video"]["id"])

    async def make_scene(self, video: str, user: str = "alice", **fields: Any) -> str:
        reply = await self.call("POST", f"/api/v1/videos/{video}/scenes", fields, user=user)
        assert reply.status == 201, reply.content
        return str(reply.data["scene"]["id"])

    async def make_layer(self, scene: str, user: str = "alice", **fields: Any) -> str:
        fields = {"type": "text", **fields}
        reply = await self.call("POST", f"/api/v1/scenes/{scene}/layers", fields, user=user)
        assert reply.status == 201, reply.content
        return str(reply.data["layer"]["id"])

    async def share(self, video: str, user: str, role: str, owner: str = "alice") -> None:
        reply = await self.call(
            "PUT", f"/api/v1/videos/{video}/members/{user}", {"role": role}, user=owner
        )
        assert reply.status == 200, reply.content


def token(user: str, tier: str = "business", **options: Any) -> str:
    """A good token."""
    return mint(SECRET, user, tier, None, 3600, time.time(), **options)


@asynccontextmanager
async def serve_face(
    database_url: str,
    *,
    config: FaceConfig | None = None,
    limiter: RateLimiter | None = None,
    more: Sequence[Route] = (),
    wall: Any = time.time,
    clock: Any = time.monotonic,
    alone: bool = False,
    express: bool = False,
    works: Settings | None = None,
    blob_url: str | None = None,
    directory: Path | None = None,
) -> AsyncIterator[Client]:
    """Serve the face for a while; its links begin with `ADDRESS`.

    With `express`, reads are not logged, which opens the short way to scenes. With `works`, a
    worker with these settings runs the jobs. Stored files are in a directory of its own, unless
    `blob_url` says where; that goes at the end, also if `directory` says where it is.
    """
    files = Path(tempfile.mkdtemp(dir=directory))
    (files / "incoming").mkdir()
    config = config or FaceConfig()
    stack = AsyncExitStack()
    database = await Database.connect(database_url, retry_seconds=30)
    store = FileStore.open(blob_url or f"file:{files / 'blobs'}")
    blobs = Blobs(database, store)
    settings = works or Settings(data_dir=files / "data")
    studio = await speech_studio(settings, database, blobs, files)
    news = await stack.enter_async_context(JobNews.listening(database))
    if works is not None:
        handlers = await stack.enter_async_context(make_handlers(works, database, blobs))
        await stack.enter_async_context(working(database, blobs, handlers))
    rooms = LocalRooms(database, config.limits)
    ready = Readiness()
    logged: list[dict[str, Any]] = []
    parts = assemble(
        database,
        rooms,
        HmacKeys(SECRET),
        config=config,
        files=media_parts(
            database,
            store,
            Links(ADDRESS, await shared_secret(database, "links"), wall),
            Examiner(),
            files / "incoming",
            news=news,
            sample=sampler(studio),
            default_voice=DEFAULT_VOICE,
            image_seconds=image_provider(settings).usual_seconds,
            estimate=estimate,
        ),
        limiter=limiter,
        ready=ready,
        registry=CollectorRegistry(),
        wall=wall,
        clock=clock,
        new_id=uuid.uuid4,
        alone=alone,
    )
    rooms.heard = parts.access.moved
    log = _logger(logged, logging.INFO if express else logging.DEBUG)
    runner = web.AppRunner(build(parts, log, version="0.0.0", more=more))
    await runner.setup()
    install(runner, parts, log)
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    host, port = runner.addresses[0][:2]
    try:
        async with aiohttp.ClientSession() as session:
            yield Client(f"http://{host}:{port}", session, parts, rooms, database, ready, logged)
    finally:
        await runner.cleanup()
        await stack.aclose()
        await database.close()
        shutil.rmtree(files)


def _logger(lines: list[dict[str, Any]], level: int) -> Any:
    def keep(_: Any, level: str, event: Any) -> Any:
        lines.append({"level": level, **event})
        raise structlog.DropEvent

    return structlog.wrap_logger(
        structlog.PrintLogger(),
        processors=[structlog.contextvars.merge_contextvars, keep],
        wrapper_class=structlog.make_filtering_bound_logger(level),
    )
