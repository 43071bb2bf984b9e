from __future__ import annotations

import asyncio
from dataclasses import replace
from io import StringIO

import pytest
import typer
from rich.console import Console

from server.load.command import where_editors_connect
from server.load.outcome import Outcome
from server.load.plan import Plan
from server.load.report import print_summary, verified
from server.load.run import Progress, run
from tests.unit.load.room_server import Faults, room_server

PLAN = Plan(
    url="",
    editors=8,
    rate=400,
    seconds=0.5,
    scenes=2,
    layers=2,
    drain=20,
    quiet=0.2,
    seed=7,
    presence_rate=50,
)
LOSING = replace(PLAN, drain=2)
"""Where something never comes, all of `drain` is waited for it."""

# The prepared video is batch 0; edits begin with batch 1.


async def outcome_with(faults: Faults, plan: Plan = PLAN) -> Outcome:
    async with room_server(faults) as url:
        return await run(replace(plan, url=url))


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ("ws://host:1234", "ws://host:1234"),
        ("wss://host/ws/videos", "wss://host/ws/videos"),
        ("http://127.0.0.1:8080", "ws://127.0.0.1:8080/ws/videos"),
        ("https://host/", "wss://host/ws/videos"),
        ("http://host/elsewhere", "http://host/elsewhere"),
    ],
)
def test_where_editors_connect(given: str, meant: str) -> None:
    assert where_editors_connect(given) == meant


@pytest.mark.parametrize("given", ["nonsense", "ftp://host", "ws://", "ws://host:port", ""])
def test_what_is_no_address_is_wrong_usage(given: str) -> None:
    with pytest.raises(typer.BadParameter, match="no address like ws://"):
        where_editors_connect(given)


async def test_a_good_server_loses_nothing() -> None:
    outcome = await outcome_with(Faults())
    values = outcome.as_json()
    assert outcome.ok
    assert outcome.sent == 200
    assert outcome.delivery.wanted == outcome.delivery.delivered == 200 * 7
    assert outcome.delivery.sequences == outcome.delivery.replayed == 1
    assert outcome.missing == 0
    assert values["delivered_share"] == 1.0
    assert 1 < values["latency"]["p50_ms"] <= values["latency"]["p99_ms"]
    assert values["latency"]["p99_ms"] <= values["latency"]["max_ms"]
    assert values["presence"] > 8
    assert "all 8 editors" in verified(outcome)
    console = Console(file=StringIO(), width=100)
    print_summary(outcome, console)
    assert "100.0000%" in console.file.getvalue()  # type: ignore[attr-defined]


async def test_edits_into_texts_of_their_own() -> None:
    outcome = await outcome_with(Faults(), replace(PLAN, into="text"))
    assert outcome.ok
    assert outcome.delivery.delivered == 200 * 7


async def test_editors_are_spread_over_videos() -> None:
    async with room_server() as url:
        outcome = await run(replace(PLAN, url=url, into="text", video_ids=("a", "a")))
    # Both names are the same room here, so that everybody receives everything; only the edits of
    # one's own video are asked for.
    assert outcome.delivery.wanted == 2 * 100 * 3
    assert outcome.ok


async def test_an_update_that_one_editor_does_not_get_is_found() -> None:
    outcome = await outcome_with(Faults(unsent=3), LOSING)
    assert not outcome.ok
    assert outcome.delivery.incomplete == 1
    assert outcome.delivery.wanted - outcome.delivery.delivered > 0
    assert outcome.delivery.share < 1
    assert outcome.delivery.sequences == 2
    assert outcome.missing == 0


async def test_a_lost_connection_is_found() -> None:
    outcome = await outcome_with(Faults(closed=2), LOSING)
    assert not outcome.ok
    assert outcome.counts.lost == 1
    assert outcome.counts.closes == {1013: 1}
    assert outcome.delivery.share < 1


async def test_an_edit_that_the_server_forgets_is_found() -> None:
    outcome = await outcome_with(Faults(forgotten=2))
    assert not outcome.ok
    assert outcome.delivery.incomplete == 0
    assert outcome.missing > 0


async def test_progress_is_told() -> None:
    told: list[Progress] = []
    async with room_server() as url:
        await run(replace(PLAN, url=url, seconds=0.6), told.append)
    assert {"preparing the videos", "joining", "sending"} <= {progress.stage for progress in told}
    assert max(progress.sent for progress in told) > 0


async def test_a_server_that_refuses_is_said_to() -> None:
    async with room_server(Faults(refuse=True)) as url:
        with pytest.raises(ConnectionError, match="403"):
            await run(replace(PLAN, url=url))


async def test_no_server_is_said_to_be_none() -> None:
    server = await asyncio.start_server(lambda r, w: None, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    server.close()
    await server.wait_closed()
    with pytest.raises(OSError, match="Connect"):
        await run(replace(PLAN, url=f"ws://127.0.0.1:{port}"))
