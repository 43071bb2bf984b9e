"""What an operator sees: log lines and metrics."""

from __future__ import annotations

import logging
import re
import sys
from typing import Any, Final, Literal, TextIO

import structlog
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.process_collector import ProcessCollector
from structlog.typing import EventDict, Processor, WrappedLogger

_SECRET_KEY: Final = re.compile(
    r"token|secret|password|authorization|api_?key|cookie", re.IGNORECASE
)
_SECRET_TEXT: Final = (
    (re.compile(r"""(?i)(['"]\w*(?:secret|password|token|key)['"]: ?['"])[^'"]+"""), r"\1[cut]"),
    (re.compile(r"\beyJ[\w-]+\.[\w-]+\.[\w-]*"), "[token]"),
    (re.compile(r"(?i)([?&](?:token|sig|access_token)=)[^&\s\"']+"), r"\1[cut]"),
    (re.compile(r"(?i)\b(bearer\s+)[^\s\"']+"), r"\1[cut]"),
    (re.compile(r"(\w+://[^\s:/@]*:)[^\s@]+@"), r"\1[cut]@"),
)
_MILLISECONDS: Final = (
    0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0,
)  # fmt: skip
_BATCH_SIZES: Final = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000)


def hide_secrets(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """A structlog processor: no token, secret or password reaches a log line."""
    return {
        key: "[hidden]" if _SECRET_KEY.search(key) and value else _without_secrets(value)
        for key, value in event.items()
    }


def _without_secrets(value: Any) -> Any:
    if isinstance(value, str):
        for pattern, replacement in _SECRET_TEXT:
            value = pattern.sub(replacement, value)
        return value
    if isinstance(value, dict):
        return hide_secrets(None, "", value)
    if isinstance(value, list | tuple):
        return [_without_secrets(item) for item in value]
    return value


def configure_logging(
    level: str,
    style: Literal["console", "json"] | None = None,
    stream: TextIO | None = None,
) -> None:
    """Send the log lines of structlog and of `logging` to standard error.

    Context variables (`structlog.contextvars.bind_contextvars(request_id=...)`) stand on every
    line that is written within them.

    Args:
        level: debug, info, warning or error.
        style: console or json; None takes console on a terminal and JSON elsewhere.
        stream: where to write; standard error if None.
    """
    out = sys.stderr if stream is None else stream
    number = logging.getLevelNamesMapping()[level.upper()]
    console = style == "console" or (style is None and out.isatty())
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
    ]
    last: list[Processor] = (
        [structlog.dev.ConsoleRenderer(colors=out.isatty())]
        if console
        else [structlog.processors.JSONRenderer()]
    )
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=[*shared, structlog.stdlib.ExtraAdder()],
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            structlog.processors.format_exc_info,
            hide_secrets,
            *last,
        ],
    )
    handler = logging.StreamHandler(out)
    handler.setFormatter(formatter)
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(number)
    # It tells each failed attempt to reach PostgreSQL, with a traceback; the server says it once.
    logging.getLogger("asyncpg.pool").setLevel(max(number, logging.ERROR))
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        wrapper_class=structlog.stdlib.BoundLogger,
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=False,
    )


class Metrics:
    """The metrics of one process, in a registry of their own; times in seconds, sizes in bytes."""

    def __init__(self) -> None:
        self.registry = registry = CollectorRegistry()
        ProcessCollector(registry=registry)
        self.rooms = Gauge("cocut_rooms", "Videos open on this node", registry=registry)
        self.rooms_resting = Gauge(
            "cocut_rooms_resting",
            "Of these, those whose document rests, in a tenth of the memory",
            registry=registry,
        )
        self.editors = Gauge("cocut_editors", "Open Yjs connections", registry=registry)
        self.listeners = Gauge("cocut_listeners", "Open Socket.IO connections", registry=registry)
        self.edits = Counter(
            "cocut_edits", "Edits stored, by the door they came in", ["door"], registry=registry
        )
        self.batches = Counter("cocut_batches", "Batches committed", registry=registry)
        self.batch_size = Histogram(
            "cocut_batch_size", "Edits in a batch", buckets=_BATCH_SIZES, registry=registry
        )
        self.commit_seconds = Histogram(
            "cocut_commit_seconds", "Storing a batch", buckets=_MILLISECONDS, registry=registry
        )
        self.fan_out_seconds = Histogram(
            "cocut_fan_out_seconds",
            "Writing a batch to its editors",
            buckets=_MILLISECONDS,
            registry=registry,
        )
        self.projection_seconds = Histogram(
            "cocut_projection_seconds",
            "Bringing the tables up to date",
            buckets=_MILLISECONDS,
            registry=registry,
        )
        self.projection_lag = Gauge(
            "cocut_projection_lag",
            "The most log rows that the tables of an open video are behind",
            registry=registry,
        )
        self.projection_dropped = Counter(
            "cocut_projection_dropped",
            "Document entries left out or clamped, by rule",
            ["rule"],
            registry=registry,
        )
        self.snapshot_lag = Gauge(
            "cocut_snapshot_lag",
            "The most log rows since the last snapshot of an open video",
            registry=registry,
        )
        self.backlog = Gauge(
            "cocut_backlog", "Batches that wait for the database in the journal", registry=registry
        )
        self.slow_editors = Gauge(
            "cocut_slow_editors", "Editors whose sockets do not keep up", registry=registry
        )
        self.editors_aborted = Counter(
            "cocut_editors_aborted", "Editors cut off since they stayed slow", registry=registry
        )
        self.bytes_sent = Counter("cocut_sent_bytes", "Bytes written to editors", registry=registry)
        self.refused = Counter(
            "cocut_refused",
            "Requests, frames and connections refused, by reason",
            ["reason"],
            registry=registry,
        )
        self.snapshots = Counter(
            "cocut_snapshots", "Snapshots, by outcome", ["outcome"], registry=registry
        )
        self.snapshot_seconds = Histogram(
            "cocut_snapshot_seconds",
            "Making a snapshot",
            buckets=_MILLISECONDS,
            registry=registry,
        )
        self.journal_bytes = Gauge(
            "cocut_journal_bytes", "Edits on disk that wait for the database", registry=registry
        )
        self.database_up = Gauge(
            "cocut_database_up", "1 while PostgreSQL answers", registry=registry
        )
        self.redis_up = Gauge(
            "cocut_redis_up", "1 while Redis answers; only with --redis-url", registry=registry
        )
        self.limits_shared = Gauge(
            "cocut_limits_shared",
            "1 while requests are counted for all nodes together; only with --redis-url",
            registry=registry,
        )
        self.bus_seconds = Gauge(
            "cocut_bus_seconds", "What the last hint took through Redis and back", registry=registry
        )
        self.bus_dropped = Counter(
            "cocut_bus_dropped", "Hints to other nodes that Redis did not take", registry=registry
        )
        self.gaps_filled = Counter(
            "cocut_gaps_filled",
            "Rows of other nodes that were read from the log, not heard",
            registry=registry,
        )
        self.request_seconds = Histogram(
            "cocut_request_seconds",
            "REST requests",
            ["method", "route", "status"],
            buckets=_MILLISECONDS,
            registry=registry,
        )
        self.jobs = Counter(
            "cocut_jobs",
            "Jobs ended, by kind and outcome; each process counts those of all",
            ["kind", "outcome"],
            registry=registry,
        )
