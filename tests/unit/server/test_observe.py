"""Log lines carry the request and no secrets; metrics have names of their own."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
import structlog
from prometheus_client import generate_latest

from server.observe import Metrics, configure_logging

TOKEN = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhIn0.c2lnbmF0dXJl"


@pytest.fixture
def lines() -> Iterator[list[dict[str, Any]]]:
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    out = io.StringIO()
    configure_logging("info", "json", out)

    class Lines(list[dict[str, Any]]):
        def __iter__(self) -> Iterator[dict[str, Any]]:
            return map(json.loads, out.getvalue().splitlines())

    yield Lines()
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()
    structlog.contextvars.clear_contextvars()


def test_a_line_carries_the_request_and_its_fields(lines: list[dict[str, Any]]) -> None:
    with structlog.contextvars.bound_contextvars(request_id="r1"):
        structlog.get_logger("api").info("answered", status=200)
    [line] = lines
    assert (line["event"], line["status"], line["request_id"]) == ("answered", 200, "r1")
    assert (line["level"], line["logger"]) == ("info", "api")
    assert line["timestamp"].endswith("Z")


def test_lines_of_libraries_look_alike(lines: list[dict[str, Any]]) -> None:
    logging.getLogger("aiohttp").warning("slow %s", "client")
    [line] = lines
    assert (line["event"], line["level"], line["logger"]) == ("slow client", "warning", "aiohttp")


def test_what_the_server_says_itself_is_not_said_by_the_pool(lines: list[dict[str, Any]]) -> None:
    logging.getLogger("asyncpg.pool").warning("Failed to restore", exc_info=OSError("refused"))
    logging.getLogger("asyncpg.pool").error("a bug")
    assert [line["event"] for line in lines] == ["a bug"]


def test_the_level_counts(lines: list[dict[str, Any]]) -> None:
    structlog.get_logger("a").debug("no")
    logging.getLogger("b").debug("no")
    assert list(lines) == []


@pytest.mark.parametrize(
    "fields",
    [
        {"token": TOKEN},
        {"jwt_secret": "hunter2"},
        {"headers": {"Authorization": "Bearer hunter2"}},
        {"path": "/ws/videos/1?token=hunter2&x=1"},
        {"path": "/api/v1/blobs/a?exp=1&sig=hunter2"},
        {"url": "postgresql://cocut:hunter2@host/db"},
        {"tried": ["redis://:hunter2@host:6379/0"]},
        {"note": f"got {TOKEN} instead"},
        {"note": "Bearer hunter2"},
    ],
)
def test_secrets_are_hidden(fields: dict[str, Any], lines: list[dict[str, Any]]) -> None:
    structlog.get_logger("a").info("seen", **fields)
    logging.getLogger("b").info("seen %s", fields)
    [ours, theirs] = lines
    text = json.dumps([ours, theirs])
    assert ours["event"] == "seen"
    assert "hunter2" not in text
    assert TOKEN not in text


def test_secrets_in_a_traceback_are_hidden(lines: list[dict[str, Any]]) -> None:
    try:
        raise ConnectionError("postgresql://cocut:hunter2@host/db is away")
    except ConnectionError:
        structlog.get_logger("a").exception("failed")
    [line] = lines
    assert "ConnectionError" in line["exception"]
    assert "hunter2" not in line["exception"]


def test_console_lines_are_for_people() -> None:
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    out = io.StringIO()
    try:
        configure_logging("info", "console", out)
        structlog.get_logger("a").info("started", port=8080)
    finally:
        root.handlers[:] = handlers
        root.setLevel(level)
        structlog.reset_defaults()
    assert "started" in out.getvalue()
    assert "port=8080" in out.getvalue()


def test_metrics_have_our_prefix_and_a_registry_of_their_own() -> None:
    first, second = Metrics(), Metrics()
    first.rooms.set(3)
    first.refused.labels(reason="malformed_update").inc()
    text = generate_latest(first.registry).decode()
    assert "cocut_rooms 3.0" in text
    assert 'cocut_refused_total{reason="malformed_update"} 1.0' in text
    assert "cocut_rooms 0.0" in generate_latest(second.registry).decode()
    names = {metric.name for metric in first.registry.collect()}
    assert {name.partition("_")[0] for name in names} <= {"cocut", "process"}
