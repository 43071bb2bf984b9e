"""What a run found, and what of it makes it a good one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from server.load.editor import Counts
from server.load.latency import Histogram
from server.load.plan import Plan
from server.load.usage import Usage
from server.load.verify import Delivery


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a run found.

    Attributes:
        plan: what was asked.
        video_ids: the videos that were used.
        sent: edits sent.
        seconds: from the first edit until the last one was written.
        window: seconds that CPU was measured over: until all had arrived.
        joined: the slowest join, in seconds from the beginning of the joining.
        delivery: what reached whom.
        counts: what was received after the joining.
        missing: edits that the server's document does not hold.
        behind: the largest delay of the sender behind its schedule, in seconds.
        own_cpu: this process' share of a core during the window.
        before: of the server, at the first edit.
        after: of the server, at the end of the window.
        peak: the largest memory of the server seen, in bytes.
    """

    plan: Plan
    video_ids: tuple[str, ...]
    sent: int
    seconds: float
    window: float
    joined: float
    delivery: Delivery
    counts: Counts
    missing: int
    behind: float
    own_cpu: float
    before: Usage
    after: Usage
    peak: int

    @property
    def ok(self) -> bool:
        """Whether nothing was lost: no edit, no connection, nothing missing on the server."""
        return self.delivery.incomplete == 0 and self.counts.lost == 0 and self.missing == 0

    @property
    def latency(self) -> Histogram:
        """From sending an edit to its arrival."""
        assert self.delivery.latency is not None
        return self.delivery.latency

    def as_json(self) -> dict[str, Any]:
        """The outcome as JSON values."""
        plan, cpu = self.plan, self.after.cpu - self.before.cpu
        return {
            "ok": self.ok,
            "url": plan.url.split("?")[0],
            "protocol": plan.protocol,
            "editors": plan.editors,
            "videos": len(self.video_ids),
            "video_ids": list(self.video_ids),
            "rate": plan.rate,
            "into": plan.into,
            "edits": self.sent,
            "edits_per_second": round(self.sent / self.seconds, 1) if self.seconds else 0.0,
            "seconds": round(self.seconds, 3),
            "joined_seconds": round(self.joined, 3),
            "delivered": self.delivery.delivered,
            "wanted": self.delivery.wanted,
            "delivered_share": self.delivery.share,
            "incomplete_editors": self.delivery.incomplete,
            "distinct_sequences": self.delivery.sequences,
            "distinct_updates": self.delivery.updates,
            "missing_on_server": self.missing,
            "connections_lost": self.counts.lost,
            "close_codes": {str(code): number for code, number in self.counts.closes.items()},
            "frames": self.counts.frames,
            "presence": self.counts.presence,
            "presence_repeated": self.counts.repeated,
            "bytes": self.counts.bytes,
            "latency": self.latency.summary(),
            "sender_behind_ms": round(self.behind * 1000, 3),
            "generator_core_share": round(self.own_cpu, 3),
            "server_cpu_seconds": round(cpu, 3),
            "server_core_share": round(cpu / self.window, 3) if self.window else 0.0,
            "server_cpu_ms_per_edit": round(cpu / self.sent * 1000, 4) if self.sent else 0.0,
            "server_memory_before": self.before.memory,
            "server_memory_peak": self.peak,
        }
