"""The outcome of a run, for a person."""

from __future__ import annotations

from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from server.load.latency import Histogram
from server.load.outcome import Outcome
from server.load.run import Progress

_BAR = 40


def progress_line(progress: Progress) -> str:
    """One line about a run that is under way."""
    counts = progress.counts
    return (
        f"{progress.seconds:6.1f} s  {progress.stage}  {progress.sent:,} edits sent  "
        f"{counts.frames:,} frames received  {counts.bytes / 1e6:,.1f} MB  {counts.lost} lost"
    )


def summary(outcome: Outcome) -> RenderableType:
    """The table of an outcome, its histogram, and what was verified."""
    plan, delivery, values = outcome.plan, outcome.delivery, outcome.as_json()
    table = Table(show_header=False, box=None, pad_edge=False)
    table.add_column(style="dim")
    table.add_column()
    videos = f"{len(outcome.video_ids)} video{'s' if len(outcome.video_ids) > 1 else ''}"
    table.add_row("editors", f"{plan.editors:,} on {videos}, joined in {outcome.joined:.2f} s")
    table.add_row("edits", f"{outcome.sent:,} at {values['edits_per_second']:,}/s")
    table.add_row(
        "delivered",
        f"{delivery.share:.4%} ({delivery.wanted - delivery.delivered:,} missing at "
        f"{delivery.incomplete:,} editors)",
        style=None if delivery.incomplete == 0 else "bold red",
    )
    latency = values["latency"]
    table.add_row(
        "latency",
        f"p50 {latency['p50_ms']} ms   p90 {latency['p90_ms']} ms   p99 {latency['p99_ms']} ms   "
        f"max {latency['max_ms']} ms",
    )
    lost = f"{outcome.counts.lost} {values['close_codes'] or ''}"
    table.add_row("connections lost", lost, style=None if outcome.counts.lost == 0 else "bold red")
    table.add_row(
        "missing on the server",
        f"{outcome.missing:,}",
        style=None if outcome.missing == 0 else "bold red",
    )
    table.add_row(
        "received", f"{outcome.counts.frames:,} frames, {outcome.counts.bytes / 1e6:,.1f} MB"
    )
    if plan.presence_rate:
        table.add_row("presence messages", f"{outcome.counts.presence:,}")
    if plan.pids:
        table.add_row(
            "server",
            f"{values['server_core_share']:.0%} of a core, "
            f"{values['server_cpu_ms_per_edit']} ms of CPU an edit, "
            f"memory {outcome.before.memory / 1e6:,.0f} MB, at most {outcome.peak / 1e6:,.0f} MB",
        )
    table.add_row(
        "this generator",
        f"{outcome.own_cpu:.0%} of a core, at most {outcome.behind * 1000:.1f} ms behind schedule",
        style="yellow" if outcome.own_cpu > 0.9 else None,
    )
    parts: list[RenderableType] = [table, Text()]
    if outcome.latency.count:
        parts += [histogram(outcome.latency), Text()]
    parts.append(Text(verified(outcome), style="dim"))
    return Group(*parts)


def verified(outcome: Outcome) -> str:
    """One sentence about what the run has proven."""
    delivery = outcome.delivery
    return (
        f"Verified: the frames of all {outcome.plan.editors:,} editors, byte by byte, against "
        f"{delivery.updates:,} distinct ones ({delivery.sequences:,} distinct sequences, "
        f"{delivery.replayed:,} of them applied to a Yjs document); and the server's document."
    )


def histogram(latency: Histogram) -> Table:
    """The distribution of latencies as bars."""
    table = Table(show_header=False, box=None, pad_edge=False)
    table.add_column(justify="right", style="dim")
    table.add_column()
    table.add_column(justify="right")
    bars = latency.bars()
    top = max(share for _, _, share in bars)
    for start, stop, share in bars:
        table.add_row(
            f"{start * 1000:.1f} to {stop * 1000:.1f} ms",
            "█" * round(share / top * _BAR),
            f"{share:.2%}",
        )
    return table


def print_summary(outcome: Outcome, console: Console) -> None:
    """Print the summary."""
    console.print(summary(outcome))
