"""Whether this process lives, should get traffic, and how it does."""

from __future__ import annotations

import asyncio
import hmac
from typing import Final

from aiohttp import web
from prometheus_client.exposition import generate_latest

from api.callers import bearer
from api.errors import NotReady
from api.routes import OPEN, Answer, Call, Route
from api.schemas.health import Health
from collab.errors import Unauthenticated


async def healthz(call: Call[None, None]) -> Answer:
    """The process answers."""
    return Answer({"status": "ok"})


async def readyz(call: Call[None, None]) -> Answer:
    """The process should get traffic; if not, why."""
    reasons = await call.parts.ready()
    if reasons:
        raise NotReady(reasons)
    return Answer({"status": "ok"})


async def metrics(call: Call[None, None]) -> web.Response:
    """The metrics, for Prometheus."""
    wanted = call.parts.config.metrics_token
    if wanted is not None and not hmac.compare_digest(
        # What is no text in a header comes as lone surrogates.
        bearer(call.request).encode(errors="surrogateescape"),
        wanted.encode(),
    ):
        raise Unauthenticated("The token for the metrics is wrong.")
    body = await asyncio.to_thread(generate_latest, call.parts.registry)
    return web.Response(
        body=body, headers={"Content-Type": "text/plain; version=0.0.4; charset=utf-8"}
    )


ROUTES: Final = (
    Route(
        method="GET",
        path="/healthz",
        handler=healthz,
        permission=OPEN,
        summary="Whether the process lives",
        tag="Operation",
        data=Health,
        cost=0,
    ),
    Route(
        method="GET",
        path="/readyz",
        handler=readyz,
        permission=OPEN,
        summary="Whether the process should get traffic",
        tag="Operation",
        data=Health,
        cost=0,
    ),
    Route(
        method="GET",
        path="/metrics",
        handler=metrics,
        permission=OPEN,
        summary="Metrics for Prometheus",
        tag="Operation",
        content_type="text/plain",
        cost=0,
    ),
)
