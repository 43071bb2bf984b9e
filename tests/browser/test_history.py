"""Version history in the page: kept by name, and restored for everybody."""

from __future__ import annotations

from playwright.async_api import expect

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
