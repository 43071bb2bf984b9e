"""A server that speaks OpenAI's APIs for speech and images, and misbehaves when told to."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from tests.support.files import picture, png_of_size, wav

KEY = "the key of the tests"


@dataclass
class Provider:
    """What it was asked for, and what it shall do.

    Attributes:
        url: its address.
        todo: what the next requests meet, in their order; then all is well. One of `429` (with
            Retry-After: 0), `429-later` (an hour), `500`, `400`, `slow`, `cut`, `endless`, `page`
            (HTML), `broken` (bytes that are no audio or picture), `empty`, `away` (a redirect to
            `elsewhere`); for images also `damaged` (one that is cut off) and `bomb` (one that says
            it has 50,000 x 50,000 pixels).
        elsewhere: where `away` leads.
        by_url: images are named by URL instead of sent.
        form: of images, as Pillow calls it.
        asked: the JSON of each request.
        slow: how many requests hang.
        seconds: how long what it says is.
    """

    url: str = ""
    todo: list[str] = field(default_factory=list)
    elsewhere: str = "http://10.0.0.5/"
    by_url: str | None = None
    form: str = "PNG"
    asked: list[dict[str, Any]] = field(default_factory=list)
    seconds: float = 1.0
    slow: int = 0
    ended: asyncio.Event = field(default_factory=asyncio.Event)
    does: str = ""

    async def speech(self, request: web.Request) -> web.StreamResponse:
        """`POST /v1/audio/speech`."""
        wrong = await self._wrong(request, "audio/mpeg")
        return wrong or web.Response(body=wav(self.seconds), content_type="audio/wav")

    async def images(self, request: web.Request) -> web.StreamResponse:
        """`POST /v1/images/generations`."""
        wrong = await self._wrong(request, "application/json")
        if wrong is not None:
            return wrong
        if self.by_url is not None:
            return web.json_response({"data": [{"url": self.by_url}]})
        shown = {
            "damaged": picture("PNG", (640, 360))[:300],
            "bomb": png_of_size(50_000, 50_000),
        }.get(self.does, picture(self.form, (640, 360)))
        return web.json_response({"data": [{"b64_json": base64.b64encode(shown).decode()}]})

    async def picture(self, request: web.Request) -> web.Response:
        """`GET /files/picture.png`."""
        return web.Response(body=picture("PNG", (640, 360)), content_type="image/png")

    async def leave(self, request: web.Request) -> web.Response:
        """`GET /files/away.png`."""
        return web.Response(status=302, headers={"Location": self.elsewhere})

    async def _wrong(self, request: web.Request, kind: str) -> web.StreamResponse | None:
        if request.headers.get("Authorization") != f"Bearer {KEY}":
            return web.json_response({"error": {"message": "Incorrect API key."}}, status=401)
        self.asked.append(json.loads(await request.read()))
        self.does = does = self.todo.pop(0) if self.todo else ""
        if does.startswith("429"):
            later = "3600" if does == "429-later" else "0"
            return web.Response(status=429, headers={"Retry-After": later})
        if does == "500":
            return web.Response(status=500, text="oops")
        if does == "400":
            said = {"error": {"message": "Your request was rejected by the safety system."}}
            return web.json_response(said, status=400)
        if does == "away":
            return web.Response(status=307, headers={"Location": self.elsewhere})
        if does == "page":
            return web.Response(text="<html>", content_type="text/html")
        if does == "empty":
            return web.Response(body=b"", content_type=kind)
        if does == "broken":
            return web.Response(body=b"\x00\x01 broken " * 100, content_type=kind)
        if does == "slow":
            self.slow += 1
            try:
                await self.ended.wait()
            finally:
                self.slow -= 1
        if does in ("cut", "endless"):
            return await self._stream(request, kind, endless=does == "endless")
        return None

    async def _stream(
        self, request: web.Request, kind: str, *, endless: bool
    ) -> web.StreamResponse:
        response = web.StreamResponse()
        response.content_type = kind
        response.content_length = None if endless else 1_000_000
        await response.prepare(request)
        await response.write(b"x" * 1000)
        while endless and not self.ended.is_set():
            await response.write(b"x" * 1_000_000)
        assert request.transport is not None
        request.transport.abort()
        return response


@asynccontextmanager
async def providing() -> AsyncIterator[Provider]:
    """A provider on a free port of 127.0.0.1."""
    provider = Provider()
    app = web.Application()
    app.router.add_post("/v1/audio/speech", provider.speech)
    app.router.add_post("/v1/images/generations", provider.images)
    app.router.add_get("/files/picture.png", provider.picture)
    app.router.add_get("/files/away.png", provider.leave)
    runner = web.AppRunner(app, shutdown_timeout=0.1, handler_cancellation=True)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    provider.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield provider
    finally:
        provider.ended.set()
        await runner.cleanup()
