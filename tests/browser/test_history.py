"""Version history in the page: kept by name, and restored for everybody."""

from __future__ import annotations

import asyncio

from playwright.async_api import Route, expect

from tests.browser.conftest import Visit
from tests.browser.test_together import pair
from tests.support.server import Api


async def test_a_version_is_kept_and_restored_for_all(visit: Visit, api: Api) -> None:
    video, alice, bruno = await pair(visit, api, "The first wording")
    await alice.button("History").click()
    await alice.dialog.get_by_label("Name of this version").fill("Before the rewrite")
    await alice.dialog.get_by_role("button", name="Keep this version").click()
    kept = alice.dialog.get_by_role("list", name="Versions").get_by_role("listitem")
    await expect(kept).to_contain_text(["Before the rewrite"])
    await bruno.narration(1).fill("Something else")
    await bruno.button("Add scene").click()
    await bruno.saved()
    await expect(alice.page.locator(".scene-card")).to_have_count(2)
    row = kept.filter(has_text="Before the rewrite")
    await row.get_by_role("button", name="Compare").click()
    await expect(row).to_contain_text("1 scene added, 1 scene changed")
    await row.get_by_role("button", name="Look").click()
    scenes = alice.dialog.get_by_role("list", name="Scenes of the version").get_by_role("listitem")
    await expect(scenes).to_have_count(1)
    await expect(scenes).to_contain_text("The first wording")
    await expect(scenes.locator("canvas")).to_be_visible()
    await alice.page.keyboard.press("Escape")
    await row.get_by_role("button", name="Restore").click()
    await alice.dialog.get_by_role("button", name="Restore").click()
    for person in (alice, bruno):
        await expect(person.narration(1)).to_have_value("The first wording")
        await expect(person.page.locator(".scene-card")).to_have_count(1)
    # What was there before the restore is kept, too.
    await expect(kept).to_have_count(2)
    await bruno.narration(1).press("End")
    await bruno.page.keyboard.type(", again")
    await bruno.saved()
    assert [scene["text"] for scene in await api.scenes(video)] == ["The first wording, again"]


async def test_a_version_holds_what_was_typed_just_before(visit: Visit, api: Api) -> None:
    video, alice, _ = await pair(visit, api, "Before")
    await alice.page.evaluate(
        """() => {
          // What is written goes out late, as over a slow line; the acknowledgement with it.
          const send = WebSocket.prototype.send
          WebSocket.prototype.send = function (data) {
            setTimeout(() => send.call(this, data), 600)
          }
        }"""
    )
    await alice.narration(1).fill("After")
    await alice.button("History").click()
    await alice.dialog.get_by_label("Name of this version").fill("The last words")
    await alice.page.keyboard.press("Enter")
    await alice.page.keyboard.press("Enter")
    rows = alice.dialog.get_by_role("list", name="Versions").get_by_role("listitem")
    await expect(rows).to_have_count(1)
    await expect(rows).to_contain_text("by Alice \u00b7 edited by Alice")
    version = (await api.call("GET", f"/videos/{video}/versions/1")).data
    assert [scene["text"] for scene in version["scenes"]] == ["After"]
    assert len((await api.call("GET", f"/videos/{video}/versions")).data["versions"]) == 1


async def test_a_long_history_has_pages(visit: Visit, api: Api) -> None:
    video = await api.make_video()
    await api.make_scene(video, text="Alone")
    path = f"/videos/{video}/versions"
    drafts = [api.call("POST", path, {"name": "Draft"}) for _ in range(21)]
    assert {reply.status for reply in await asyncio.gather(*drafts)} == {201}
    alice = await visit("alice")
    await alice.open_video(video)
    await alice.button("History").click()
    rows = alice.dialog.get_by_role("list", name="Versions").get_by_role("listitem")
    await expect(rows).to_have_count(20)
    await alice.dialog.get_by_role("button", name="Next").press("Enter")
    await expect(rows).to_have_count(1)
    # The next page is the last: the focus goes to the way back.
    await expect(alice.dialog.get_by_role("button", name="Previous")).to_be_focused()


async def test_a_version_that_comes_late_does_not_open_by_itself(visit: Visit, api: Api) -> None:
    video, alice, _ = await pair(visit, api, "Slow")
    assert (await api.call("POST", f"/videos/{video}/versions", {"name": "Kept"})).status == 201
    held = asyncio.Event()

    async def hold(route: Route) -> None:
        await held.wait()
        await route.continue_()

    await alice.page.route("**/versions/1", hold)
    await alice.button("History").click()
    look = alice.dialog.get_by_role("button", name="Look")
    await look.click()
    await expect(look).to_have_attribute("aria-busy", "true")
    await alice.page.keyboard.press("Escape")
    async with alice.page.expect_response("**/versions/1") as answered:
        held.set()
    await (await answered.value).finished()
    await alice.narration(1).press("End")
    await alice.page.keyboard.type("!")
    await alice.saved()
    await expect(alice.page.get_by_role("dialog")).to_have_count(0)


async def test_a_restore_is_asked_for_once(visit: Visit, api: Api) -> None:
    _, alice, _ = await pair(visit, api, "As it was")
    await alice.button("History").click()
    await alice.dialog.get_by_label("Name of this version").fill("Kept")
    await alice.page.keyboard.press("Enter")
    row = alice.dialog.get_by_role("list", name="Versions").get_by_role("listitem")
    await expect(row).to_have_count(1)
    asked: list[str] = []
    held = asyncio.Event()

    async def hold(route: Route) -> None:
        asked.append(route.request.url)
        await held.wait()
        await route.continue_()

    await alice.page.route("**/restore", hold)
    restore = row.get_by_role("button", name="Restore")
    async with alice.page.expect_request("**/restore"):
        await restore.click()
        await alice.dialog.get_by_role("button", name="Restore").click()
    await restore.click()
    await expect(alice.page.get_by_role("dialog")).to_have_count(1)
    held.set()
    await expect(alice.page.locator(".toast")).to_contain_text("\u201cKept\u201d is restored")
    assert len(asked) == 1
