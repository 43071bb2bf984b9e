"""Marks of somebody's own: in a request, kept on a video, and who may have one."""

from __future__ import annotations

import io
import uuid
from pathlib import Path
from typing import Any

import aiohttp
import numpy as np
import pytest

from tests.integration.media.reading import frames
from tests.support.face import Client, token
from tests.support.files import picture
from tests.support.rendering import download, ended

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def upload(api: Client, user: str = "alice") -> str:
    """A picture of a user's own, red and blue."""
    form = aiohttp.FormData()
    form.add_field("title", "Mark")
    form.add_field("file", io.BytesIO(picture(size=(80, 40))), filename="mark.png")
    async with api.session.post(
        f"{api.address}/api/v1/media/upload",
        data=form,
        headers={"Authorization": f"Bearer {token(user)}"},
    ) as response:
        answer = await response.json()
        assert response.status == 201, answer
        return str(answer["data"]["media"]["id"])


async def a_video(api: Client) -> str:
    video = await api.make_video()
    await api.make_scene(video, duration=0.1)
    return video


async def film(api: Client, reply: Any, directory: Path) -> tuple[dict[str, Any], np.ndarray]:
    """A render once it is completed, and its first picture."""
    assert reply.status == 201, reply.content
    done = await ended(api, reply.data["job_id"])
    assert done["status"] == "completed", done
    target = directory / f"{done['job_id']}.mp4"
    target.write_bytes((await download(api, done["output_url"])).content)
    return done, frames(target, 640, 360)[1].astype(int)


def red(shown: np.ndarray) -> Any:
    """Where a picture is red: rows and columns."""
    return np.argwhere((shown[:, :, 0] > 120) & (shown[:, :, 2] < 100))


async def render(api: Client, video: str, **body: Any) -> Any:
    return await api.call(
        "POST", f"/api/v1/videos/{video}/render", {"quality": "360p", **body}, tier="business"
    )


async def test_a_mark_in_the_request(api: Client, worker: None, tmp_path: Path) -> None:
    video, mark = await a_video(api), await upload(api)
    given = {"media_id": mark, "position": "top-left", "scale": 0.25, "opacity": 1}
    _, shown = await film(api, await render(api, video, watermark=given), tmp_path)
    # The right half and the lower left of a mark 160 pixels wide, at the upper left of 640 x 360.
    spots = red(shown)
    assert spots[:, 1].max() < 200
    assert spots[:, 0].max() < 110
    assert spots[:, 1].max() - spots[:, 1].min() == pytest.approx(160, abs=6)
    _, faint = await film(
        api, await render(api, video, watermark={**given, "opacity": 0.1}), tmp_path
    )
    assert len(red(faint)) == 0
    assert faint.max() > 10, "but it is there"
    _, bare = await film(
        api, await render(api, video, watermark=given, include_watermark=False), tmp_path
    )
    assert bare.max() < 10


async def test_a_mark_that_is_kept_on_the_video(api: Client, worker: None, tmp_path: Path) -> None:
    video, mark = await a_video(api), await upload(api)
    path = f"/api/v1/videos/{video}"
    plain = (await api.call("GET", path)).data["video"]
    assert "watermark" not in plain
    kept = await api.call("PUT", path, {"watermark": {"media_id": mark.upper(), "opacity": 1}})
    wanted = {"media_id": mark, "position": "bottom-right", "scale": 0.15, "opacity": 1}
    assert kept.data["video"]["watermark"] == wanted
    assert (await api.call("GET", path)).data["video"]["watermark"] == wanted
    _, shown = await film(api, await render(api, video), tmp_path)
    assert red(shown)[:, 1].min() > 500
    _, bare = await film(api, await render(api, video, include_watermark=False), tmp_path)
    assert bare.max() < 10
    other = {"media_id": mark, "position": "top-left", "opacity": 1}
    _, moved = await film(api, await render(api, video, watermark=other), tmp_path)
    assert red(moved)[:, 1].max() < 200, "the request goes before what is kept"
    renamed = await api.call("PUT", path, {"title": "Renamed", "watermark": None})
    assert renamed.data["video"]["title"] == "Renamed"
    assert "watermark" not in renamed.data["video"]
    _, bare = await film(api, await render(api, video), tmp_path)
    assert bare.max() < 10


async def test_a_regeneration_has_the_mark_too(api: Client, worker: None, tmp_path: Path) -> None:
    video, mark = await a_video(api), await upload(api)
    path = f"/api/v1/videos/{video}"
    await api.call("PUT", path, {"watermark": {"media_id": mark, "opacity": 1}})
    await film(api, await render(api, video), tmp_path)
    await api.call(
        "PUT", path, {"watermark": {"media_id": mark, "opacity": 1, "position": "top-left"}}
    )
    reply = await api.call("POST", f"{path}/regenerate", {})
    _, shown = await film(api, reply, tmp_path)
    assert red(shown)[:, 1].max() < 200, "as it is kept now"
    asked = {"media_id": mark, "opacity": 1, "position": "bottom-left"}
    await film(api, await render(api, video, watermark=asked), tmp_path)
    _, shown = await film(api, await api.call("POST", f"{path}/regenerate", {}), tmp_path)
    spots = red(shown)
    assert spots[:, 0].min() > 250, "as it was asked for last"
    assert spots[:, 1].max() < 200


async def test_a_mark_whose_picture_was_deleted_is_a_warning(
    api: Client, worker: None, tmp_path: Path
) -> None:
    video, mark = await a_video(api), await upload(api)
    path = f"/api/v1/videos/{video}"
    await api.call("PUT", path, {"watermark": {"media_id": mark}})
    assert (await api.call("DELETE", f"/api/v1/media/{mark}")).status == 200
    done, shown = await film(api, await render(api, video), tmp_path)
    assert shown.max() < 10
    assert done["warnings"] == ["The watermark's picture cannot be shown: it was deleted."]


@pytest.mark.parametrize("tier", ["free", "pro"])
async def test_tiers_without_marks_of_their_own(api: Client, tier: str) -> None:
    user = f"mark-{tier}"
    headers = {"Authorization": f"Bearer {token(user, tier)}"}
    made = await api.call("POST", "/api/v1/videos", {"title": "A video"}, headers=headers)
    path = f"/api/v1/videos/{made.data['video']['id']}"
    await api.call("POST", f"{path}/scenes", {"duration": 0.1}, headers=headers)
    mark = {"media_id": await upload(api, user)}
    refused = await api.call("PUT", path, {"title": "No", "watermark": mark}, headers=headers)
    assert (refused.status, refused.code) == (403, "tier_required")
    shown = (await api.call("GET", path, headers=headers)).data["video"]
    assert shown["title"] == "A video", "nothing of it was done"
    # Kept in better days: it counts no more.
    better = {"Authorization": f"Bearer {token(user, 'business')}"}
    assert (await api.call("PUT", path, {"watermark": mark}, headers=better)).status == 200
    reply = await api.call("POST", f"{path}/render", {"quality": "360p"}, headers=headers)
    job = await api.parts.media.jobs.cancel(uuid.UUID(reply.data["job_id"]))
    assert job.input["own_watermark"] is None
    assert job.input["watermark"] is (tier == "free")


async def test_marks_that_are_refused(api: Client) -> None:
    video, mark, foreign = await a_video(api), await upload(api), await upload(api, "mallory")
    await api.share(video, "erin", "editor")
    path = f"/api/v1/videos/{video}"
    for given, field in (
        ({"media_id": foreign}, "watermark.media_id"),
        ({"media_id": str(uuid.uuid4())}, "watermark.media_id"),
        ({"media_id": "nonsense"}, "watermark.media_id"),
        ({}, "watermark.media_id"),
        ({"media_id": mark, "scale": 0}, "watermark.scale"),
        ({"media_id": mark, "opacity": 2}, "watermark.opacity"),
        ({"media_id": mark, "position": "left"}, "watermark.position"),
        ({"media_id": mark, "text": "mine"}, "watermark.text"),
    ):
        for method, place in (("PUT", path), ("POST", f"{path}/render")):
            reply = await api.call(method, place, {"watermark": given})
            assert (reply.status, reply.fields) == (422, [field]), (given, method)
    by_an_editor = await api.call("PUT", path, {"watermark": {"media_id": mark}}, user="erin")
    assert by_an_editor.status == 403
