"""Jobs of the kind `webhook`: the address that a job was given hears that it has ended."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from api.links import Links
from api.renders import shown
from collab.errors import CocutError, JobNotFound
from persistence.blobs import Blobs, key_of
from persistence.renders import Renders
from server.media.errors import FetchFailed, FetchRefused
from server.media.fetch import Fetcher
from server.worker import Running, TryAgain

DELAYS: Final = (15.0, 240.0)
"""Seconds before the second and the third attempt."""
ANSWER_BYTES: Final = 64 * 1024
SECONDS: Final = 10.0


class WebhookRefused(CocutError):
    """The address is none that may be called, or does not take the message."""

    code = "webhook_refused"


def signature(secret: str, moment: int, body: bytes) -> str:
    """What `Cocut-Signature` says of a body sent at a moment (seconds since the epoch)."""
    said = b"%d.%b" % (moment, body)
    return f"t={moment},v1={hmac.new(secret.encode(), said, hashlib.sha256).hexdigest()}"


@dataclass(frozen=True, slots=True)
class WebhookJob:
    """Runs them; see `JobHandler`. An address that does not take the message is tried again.

    Attributes:
        renders, blobs: what there is to tell.
        fetcher: the way out.
        secret: what links are signed with.
        wall: seconds since the epoch.
        delays: seconds before the second attempt, and before all later ones.
    """

    renders: Renders
    blobs: Blobs
    fetcher: Fetcher
    secret: bytes
    wall: Callable[[], float]
    delays: tuple[float, float] = DELAYS

    async def __call__(self, running: Running) -> Mapping[str, Any]:
        """Tell; the result says with which status it was answered."""
        try:
            job = await self.renders.get(UUID(running.job.input["of"]))
        except JobNotFound:
            return {"status": 0}
        links = Links(job.input["address"], self.secret, self.wall)
        result = job.result or {}
        keys = {
            key
            for name in ("output", "poster", "captions")
            if (key := key_of(result.get(name, ""))) is not None
        }
        assert job.video_id is not None
        there = await self.blobs.usable(keys, job.video_id)
        told = {
            "event": f"render.{job.status}",
            "video_id": str(job.video_id),
            "render": shown(job, None, there, links),
        }
        body = json.dumps(told, ensure_ascii=False).encode()
        return await self._send(
            running, job.input["webhook_url"], links.webhook_secret(job.id), body
        )

    async def _send(
        self, running: Running, url: str, secret: str, body: bytes
    ) -> Mapping[str, Any]:
        headers = {
            "Content-Type": "application/json",
            "Cocut-Delivery": str(running.job.id),
            "Cocut-Signature": signature(secret, int(self.wall()), body),
        }
        first, later = self.delays
        delay = first if running.job.attempts == 1 else later
        try:
            answered = await self.fetcher.post(
                url, body, headers=headers, max_bytes=ANSWER_BYTES, seconds=SECONDS
            )
        except FetchRefused as error:
            raise WebhookRefused(str(error)) from error
        except FetchFailed as error:
            raise TryAgain("webhook_failed", str(error), delay) from error
        if 200 <= answered.status < 300:
            return {"status": answered.status}
        raise TryAgain(
            "webhook_failed", f"The address answered with status {answered.status}.", delay
        )
