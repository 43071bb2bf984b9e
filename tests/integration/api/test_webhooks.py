"""What an address hears when a render has ended: a real receiver, and receivers that fail."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import time
import uuid
from dataclasses import dataclass, field
from typing import Any

import pytest
import pytest_asyncio
from aiohttp import web

from persistence.jobs import WEBHOOK, Job
from server.worker import Handlers
from tests.support.face import Client
from tests.support.rendering import download, handlers, working
from tests.unit.media.test_fetch import HERE, redirecting, serving

pytestmark = pytest.mark.asyncio(loop_scope="module")

DELAYS = (0.05, 0.4)


@dataclass
class Receiver:
    """Takes messages, with these statuses in turn, and then with the last of them."""

    statuses: list[int]
    heard: list[tuple[float, dict[str, str], bytes]] = field(default_factory=list)

    async def take(self, request: web.Request) -> web.Response:
        said = {name: request.headers[name] for name in ("Cocut-Delivery", "Cocut-Signature")}
        assert request.method == "POST"
        assert request.content_type == "application/json"
        self.heard.append((time.monotonic(), said, await request.read()))
        status = self.statuses[min(len(self.heard), len(self.statuses)) - 1]
        return web.Response(status=status)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def known(api: Client, tmp_path_factory: pytest.TempPathFactory) -> Handlers:
    directory = tmp_path_factory.mktemp("renders")
    return await handlers(api, directory, allowed=lambda address: address == HERE, delays=DELAYS)


async def start(api: Client, url: str, **body: Any) -> dict[str, Any]:
    """Ask for a short render that tells `url`."""
    video = await api.make_video()
    await api.make_scene(video, duration=0.1)
    given = {"quality": "360p", "webhook_url": url, **body}
    reply = await api.call("POST", f"/api/v1/videos/{video}/render", given)
    assert reply.status == 201, reply.content
    return {**reply.data, "video_id": video}


async def told(api: Client, job_id: str) -> Job:
    """The job that tells of a render, once it has ended."""
    async with asyncio.timeout(30):
        while True:
            found = await api.parts.media.jobs.many([uuid.uuid5(uuid.UUID(job_id), WEBHOOK)])
            if found and found[0].finished_at is not None:
                return found[0]
            await asyncio.sleep(0.02)


def signed_by(secret: str, said: dict[str, str], body: bytes) -> bool:
    """Whether a message carries the signature that the documentation describes."""
    moment, signature = said["Cocut-Signature"].split(",")
    assert abs(int(moment.removeprefix("t=")) - time.time()) < 60
    wanted = hmac.new(
        secret.encode(), moment.removeprefix("t=").encode() + b"." + body, hashlib.sha256
    )
    return hmac.compare_digest(signature.removeprefix("v1="), wanted.hexdigest())


async def test_a_finished_render_is_told_once_and_signed(api: Client, worker: None) -> None:
    receiver = Receiver([204])
    async with serving(hook=receiver.take) as port:
        started = await start(api, f"http://{HERE}:{port}/hook")
        job = await told(api, started["job_id"])
    assert (job.status, job.result, job.attempts) == ("completed", {"status": 204}, 1)
    [(_, said, body)] = receiver.heard
    assert signed_by(started["webhook_secret"], said, body)
    assert not signed_by(started["webhook_secret"], said, body + b" ")
    message = json.loads(body)
    assert (message["event"], message["video_id"]) == ("render.completed", started["video_id"])
    shown = (await api.call("GET", f"/api/v1/renders/{started['job_id']}")).data["render"]
    assert message["render"] == shown
    assert (await download(api, message["render"]["output_url"])).content


async def test_a_receiver_that_fails_is_asked_again_later_and_later(
    api: Client, worker: None
) -> None:
    receiver = Receiver([500, 429, 200])
    async with serving(hook=receiver.take) as port:
        started = await start(api, f"http://{HERE}:{port}/hook")
        job = await told(api, started["job_id"])
    assert (job.status, job.attempts) == ("completed", 3)
    (first, said, body), (second, again, same), (third, _, _) = receiver.heard
    assert second - first >= DELAYS[0]
    assert third - second >= DELAYS[1]
    assert body == same
    assert said["Cocut-Delivery"] == again["Cocut-Delivery"]
    assert signed_by(started["webhook_secret"], again, same)


async def test_a_receiver_that_never_takes_it_changes_nothing_about_the_render(
    api: Client, worker: None
) -> None:
    receiver = Receiver([503])
    async with serving(hook=receiver.take) as port:
        started = await start(api, f"http://{HERE}:{port}/hook")
        job = await told(api, started["job_id"])
    assert job.error is not None
    assert (job.status, job.error["code"], len(receiver.heard)) == ("failed", "webhook_failed", 3)
    shown = (await api.call("GET", f"/api/v1/renders/{started['job_id']}")).data["render"]
    assert (shown["status"], shown["error"]) == ("completed", None)


async def test_addresses_inside_are_not_called(api: Client, worker: None) -> None:
    async with serving(inward=redirecting("http://10.0.0.5/")) as port:
        for url in ("http://10.0.0.5/hook", f"http://{HERE}:{port}/inward"):
            job = await told(api, (await start(api, url))["job_id"])
            assert job.error is not None
            assert (job.error["code"], job.attempts) == ("webhook_refused", 1)


async def test_cancelled_and_failed_renders_are_told_of(api: Client, known: Handlers) -> None:
    receiver = Receiver([200])
    async with serving(hook=receiver.take) as port:
        url = f"http://{HERE}:{port}/hook"
        cancelled, failed = await start(api, url), await start(api, url)
        await api.call("DELETE", f"/api/v1/renders/{cancelled['job_id']}")
        async with api.database.connection() as connection:
            # What is to be rendered is lost.
            await connection.execute(
                "DELETE FROM render_inputs WHERE job_id = $1::text::uuid", failed["job_id"]
            )
        async with working(api, known):
            for started in (cancelled, failed):
                await told(api, started["job_id"])
    heard = {
        json.loads(body)["render"]["job_id"]: json.loads(body) for _, _, body in receiver.heard
    }
    message = heard[cancelled["job_id"]]
    assert (message["event"], message["render"]["output_url"]) == ("render.cancelled", None)
    message = heard[failed["job_id"]]
    assert message["event"] == "render.failed"
    assert message["render"]["error"]["code"] == "job_not_found"


async def test_a_regeneration_is_told_of_and_a_repeated_request_is_not(
    api: Client, worker: None
) -> None:
    receiver = Receiver([200])
    async with serving(hook=receiver.take) as port:
        video = (await start(api, f"http://{HERE}:{port}/first"))["video_id"]
        path, headers = f"/api/v1/videos/{video}/regenerate", {"Idempotency-Key": "told-once"}
        body = {"full_regeneration": True, "webhook_url": f"http://{HERE}:{port}/hook"}
        replies = [await api.call("POST", path, body, headers=headers) for _ in range(2)]
        assert replies[0].json == replies[1].json
        await told(api, replies[0].data["job_id"])
    [(_, said, content)] = receiver.heard
    assert signed_by(replies[1].data["webhook_secret"], said, content)
    assert json.loads(content)["render"]["kind"] == "regenerate"
