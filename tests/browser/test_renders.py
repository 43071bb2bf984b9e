"""The dialog of renders while no worker takes them up."""

from __future__ import annotations

from playwright.async_api import expect

from tests.browser.conftest import Visit
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
