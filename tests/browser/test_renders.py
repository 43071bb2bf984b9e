"""The dialog of renders: choices, what waits while no worker takes it up, and films."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Route, expect

from tests.browser.conftest import Visit
from tests.browser.showpiece import upload
from tests.support.files import encoded
from tests.support.server import Api, Server


async def test_renders_wait_in_the_queue_and_are_cancelled(visit: Visit, api: Api) -> None:
    video = await api.make_video()
    await api.make_scene(video, text="", duration=1)
    await api.share(video, "vera", "viewer")
    alice, vera = await visit("alice"), await visit("vera")
    await alice.open_video(video)
    await alice.button("Render").click()
    rows = alice.dialog.get_by_role("list", name="Renders").get_by_role("listitem")
    for count in (1, 2):
        await alice.dialog.get_by_role("button", name="Render").click()
        await expect(rows).to_have_count(count)
    await expect(rows.first).to_contain_text("in the queue")
    await expect(rows.get_by_role("progressbar")).to_have_count(2)
    await rows.first.get_by_role("button", name="Cancel").click()
    await expect(rows.first).to_contain_text("Cancelled")
    await vera.open_video(video)
    await vera.button("Render").click()
    seen = vera.dialog.get_by_role("list", name="Renders").get_by_role("listitem")
    await expect(seen).to_have_count(2)
    await expect(vera.dialog.get_by_role("button", name="Cancel")).to_have_count(0)
    await expect(vera.dialog.get_by_role("button", name="Render")).to_be_disabled()
    await rows.last.get_by_role("button", name="Cancel").click()
    await expect(rows.last).to_contain_text("Cancelled")
    renders = (await api.call("GET", f"/videos/{video}/renders")).data["renders"]
    assert [render["status"] for render in renders] == ["cancelled", "cancelled"]


async def test_progress_goes_on_after_a_moment_without_the_server(visit: Visit, api: Api) -> None:
    video = await api.make_video()
    await api.make_scene(video, text="", duration=1)
    alice = await visit("alice")
    await alice.open_video(video)
    await alice.button("Render").click()
    rows = alice.dialog.get_by_role("list", name="Renders").get_by_role("listitem")
    await alice.dialog.get_by_role("button", name="Render").dblclick()
    await expect(rows).to_have_count(1)
    listed = f"**/videos/{video}/renders?*"
    await alice.page.route(listed, lambda route: route.abort("internetdisconnected"))
    said = alice.dialog.get_by_role("alert")
    await expect(said).to_have_text("The server cannot be reached.")
    (render,) = (await api.call("GET", f"/videos/{video}/renders")).data["renders"]
    await api.call("DELETE", f"/renders/{render['job_id']}")
    await alice.page.unroute(listed)
    await expect(rows).to_contain_text("Cancelled")
    await expect(said).to_be_hidden()


async def test_a_video_without_scenes_is_not_rendered(visit: Visit, api: Api) -> None:
    video = await api.make_video()
    alice = await visit("alice")
    await alice.open_video(video)
    await alice.button("Render").click()
    await expect(alice.dialog).to_contain_text("add a scene first")
    await expect(alice.dialog.get_by_role("button", name="Render")).to_be_disabled()
    await alice.page.keyboard.press("Escape")
    scene = await api.make_scene(video, text="", duration=1)
    await expect(alice.narration(1)).to_be_visible()
    await alice.button("Render").click()
    await expect(alice.dialog.get_by_role("button", name="Render")).to_be_focused()
    await api.call("DELETE", f"/videos/{video}/scenes/{scene}")
    await alice.page.keyboard.press("Enter")
    await expect(alice.dialog.get_by_role("alert")).to_have_text(
        "scenes: there are none to render."
    )


async def test_a_tier_has_its_choices(visit: Visit, api: Api, server: Server) -> None:
    for tier, most, watermark in (("free", "720p", True), ("pro", "1080p", False)):
        user = f"{tier}-owner"
        video = await api.make_video(user)
        owner = await visit(user, token=server.token(user, tier=tier))
        await owner.open_video(video)
        await owner.button("Render").click()
        options = owner.dialog.get_by_label("Quality").get_by_role("option")
        assert (await options.all_text_contents())[-1] == most
        mark = owner.dialog.get_by_role("checkbox")
        await expect(mark).to_be_checked(checked=watermark)
        await expect(mark).to_be_enabled(enabled=not watermark)


async def test_what_the_owners_tier_may_not_have_is_marked_for_others(
    visit: Visit, api: Api, server: Server
) -> None:
    video = await api.make_video()
    await api.make_scene(video, text="", duration=1)
    await api.share(video, "erin", "editor")
    erin = await visit("erin")
    await erin.open_video(video)
    await erin.button("Render").click()
    quality = erin.dialog.get_by_label("Quality")
    assert await quality.get_by_role("option").all_text_contents() == [
        "The best of the owner\u2019s tier",
        *("360p", "480p", "720p"),
        *(f"{one}p (if the owner\u2019s tier has it)" for one in (1080, 1440, 2160)),
    ]
    start = erin.dialog.get_by_role("button", name="Render")
    rows = erin.dialog.get_by_role("list", name="Renders").get_by_role("listitem")
    await start.click()
    await expect(rows).to_have_count(1)
    # The owner's tier is now another.
    free = {"Authorization": f"Bearer {server.token('alice', tier='free')}"}
    assert (await api.call("GET", f"/videos/{video}", headers=free)).status == 200
    await start.click()
    await expect(rows).to_have_count(2)
    await quality.select_option(value="1080p")
    await start.click()
    await expect(erin.dialog.get_by_role("alert")).to_contain_text("this one goes to 720p")
    await expect(rows).to_have_count(2)
    for render in (await api.call("GET", f"/videos/{video}/renders")).data["renders"]:
        await api.call("DELETE", f"/renders/{render['job_id']}")


@pytest.mark.parametrize(
    ("voices", "language", "label"),
    [
        (["de-DE", "de-DE"], "de-DE", "German (Germany)"),
        (["de-DE", None], "de-DE", "German (Germany)"),
        (["de-DE", "fr"], None, "Captions"),
        (["no language"], None, "Captions"),
        ([], None, "Captions"),
    ],
)
async def test_captions_are_in_the_language_of_the_voices(
    visit: Visit,
    api: Api,
    tmp_path: Path,
    voices: list[str | None],
    language: str | None,
    label: str,
) -> None:
    video = await api.make_video()
    scene = await api.make_scene(video, text="", duration=1)
    for voice in voices:
        properties = {"voice_id": "", **({} if voice is None else {"language": voice})}
        await api.make_layer(scene, type="voiceover", name="Voice", properties=properties)
    content = encoded(tmp_path, "film.mp4", "testsrc=d=1:s=64x36:r=10")
    film = (await upload(api, "media", "Film.mp4", content))["url"]
    done: dict[str, Any] = {"job_id": "1", "status": "completed", "progress": 100, "warnings": []}
    done |= {"output_url": film, "poster_url": None, "captions_url": film}
    done |= {"created_at": "2026-01-01T00:00:00Z"}

    async def one(route: Route) -> None:
        await route.fulfill(json={"success": True, "data": {"renders": [done]}})

    alice = await visit("alice")
    await alice.page.route(f"**/videos/{video}/renders?*", one)
    await alice.open_video(video)
    await expect(alice.page.locator(".layer-row")).to_have_count(len(voices))
    await alice.button("Render").click()
    await alice.dialog.get_by_role("button", name="Watch").click()
    track = alice.dialog.locator("track")
    assert await track.get_attribute("label") == label
    assert await track.get_attribute("srclang") == language
