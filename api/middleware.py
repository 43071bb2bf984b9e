"""What every request passes through: its id, its log line, and the headers and shape of answers.

One middleware, since each costs every request.
"""

from __future__ import annotations

import itertools
import logging
import re
from collections.abc import Callable, Mapping
from typing import Final
from uuid import UUID

import structlog
from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError
from aiohttp.typedefs import Handler, Middleware
from aiohttp.web_exceptions import HTTPException
from aiohttp.web_protocol import RequestPayloadError

from api import errors
from api.keys import EXTRA_HEADERS, REQUEST_ID, FaceConfig, Parts
from collab.errors import CocutError, Forbidden

Log = structlog.typing.FilteringBoundLogger

_SANE_ID: Final = re.compile(r"[A-Za-z0-9._:-]{1,64}")
_SECRET_PARAMETERS: Final = frozenset({"token", "sig"})
_EXPOSED: Final = (
    "ETag, X-Video-Seq, X-Request-Id, RateLimit-Limit, RateLimit-Remaining, RateLimit-Reset, "
    "Retry-After, Idempotent-Replay, Location"
)
_METHODS: Final = "GET, HEAD, POST, PUT, DELETE, OPTIONS"
_ALLOWED_HEADERS: Final = (
    "Authorization, Content-Type, If-None-Match, Idempotency-Key, X-Request-Id, X-API-Key"
)
_POLICY: Final = "default-src 'none'; frame-ancestors 'none'"


def face(parts: Parts, log: Log) -> Middleware:
    """The middleware.

    Args:
        parts: the parts of the face.
        log: gets one line a request: `debug` for reads that went well, `info` for the rest,
            `error` with the traceback for what nobody foresaw.
    """
    config = parts.config
    clock = parts.clock
    observed = parts.observed
    log = log.bind()
    logs_reads = log.is_enabled_for(logging.DEBUG)
    fixed = fixed_headers(config)
    next_id = request_ids(parts.new_id)

    @web.middleware
    async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
        started = clock()
        identifier = request.headers.get("X-Request-Id")
        if identifier is None or not _SANE_ID.fullmatch(identifier):
            identifier = next_id()
        request[REQUEST_ID] = identifier
        structlog.contextvars.bind_contextvars(request_id=identifier)
        response: web.StreamResponse
        try:
            if request.method == "OPTIONS" and "Access-Control-Request-Method" in request.headers:
                response = _preflight(request, config)
            else:
                response = await handler(request)
        except CocutError as error:
            if errors.is_operators(error):
                log.error("failed", path=request.path, exc_info=error)
            parts.refused(errors.code_of(error))
            response = errors.response(error)
        except HTTPException as error:
            if error.status < 400:
                raise
            response = errors.translate(error)
        except (HttpProcessingError, RequestPayloadError) as error:
            log.debug("malformed request", path=request.path, reason=str(error))
            response = errors.response(errors.MalformedBody("The body came in broken pieces."))
            response.force_close()
        except ConnectionError:
            raise  # the client has gone: aiohttp ends the connection
        except Exception as error:
            log.error("failed", path=request.path, exc_info=error)
            response = errors.internal()
        if not response.prepared:
            _decorate(request, response, config, fixed, identifier)
        status = response.status
        seconds = clock() - started
        if status < 400 and request.method in {"GET", "HEAD"}:
            if logs_reads:
                log.debug("request", **_line(request, status, seconds))
        else:
            log.info("request", **_line(request, status, seconds))
        if observed is not None:
            resource = request.match_info.route.resource
            path = "unknown" if resource is None else resource.canonical
            observed(request.method, path, status, seconds)
        return response

    return middleware


def refuser(parts: Parts, log: Log) -> Callable[[HttpProcessingError], web.Response]:
    """Answers what came over a connection and is no request, so that no handler ever sees it."""
    fixed = fixed_headers(parts.config)
    next_id = request_ids(parts.new_id)

    def refuse(error: HttpProcessingError) -> web.Response:
        identifier = next_id()
        # What the error cites may hold a token, so it is not logged.
        log.debug("no request", request_id=identifier, reason=type(error).__name__)
        response = errors.no_request(error)
        response.headers.update({**fixed, "X-Request-Id": identifier})
        response.force_close()
        return response

    return refuse


def request_ids(new_id: Callable[[], UUID]) -> Callable[[], str]:
    """Ids for requests that bring none: each different, and different from other processes'."""
    origin, numbers = new_id().hex[:12], itertools.count(1)
    return lambda: f"{origin}-{next(numbers):x}"


def fixed_headers(config: FaceConfig) -> Mapping[str, str]:
    """What every answer says, unless its handler says something else."""
    headers = {
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "no-referrer",
        "Content-Security-Policy": _POLICY,
        "Cache-Control": "private, no-cache",
    }
    if config.tls:
        headers["Strict-Transport-Security"] = "max-age=31536000"
    return headers


def _decorate(
    request: web.Request,
    response: web.StreamResponse,
    config: FaceConfig,
    fixed: Mapping[str, str],
    identifier: str,
) -> None:
    headers = response.headers
    headers["X-Request-Id"] = identifier
    for name, value in fixed.items():
        headers.setdefault(name, value)
    extra = request.get(EXTRA_HEADERS)
    if extra is not None:
        headers.update(extra)
    if config.cors_origins:
        headers.add("Vary", "Origin")
        origin = request.headers.get("Origin")
        if origin is not None and _may_call(origin, config):
            headers["Access-Control-Allow-Origin"] = origin
            headers["Access-Control-Expose-Headers"] = _EXPOSED


def _may_call(origin: str, config: FaceConfig) -> bool:
    return origin in config.cors_origins or "*" in config.cors_origins


def _preflight(request: web.Request, config: FaceConfig) -> web.Response:
    origin = request.headers.get("Origin")
    if origin is None or not _may_call(origin, config):
        return errors.response(Forbidden("This origin may not call this server."))
    return web.Response(
        status=204,
        headers={
            "Access-Control-Allow-Methods": _METHODS,
            "Access-Control-Allow-Headers": _ALLOWED_HEADERS,
            "Access-Control-Max-Age": "600",
        },
    )


def _line(request: web.Request, status: int, seconds: float) -> dict[str, str | int | float]:
    return {
        "method": request.method,
        "path": shown_path(request),
        "status": status,
        "ms": round(seconds * 1000, 1),
    }


def shown_path(request: web.Request) -> str:
    """The path and query as a log may hold them: without tokens and signatures."""
    if not request.rel_url.raw_query_string:
        return request.path
    query = "&".join(
        f"{name}={'...' if name in _SECRET_PARAMETERS else value}"
        for name, value in request.query.items()
    )
    return f"{request.path}?{query}"
