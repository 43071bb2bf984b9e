"""axe-core finds nothing serious in any state, and the keyboard reaches everything."""

from __future__ import annotations

import os
from typing import Any

import pytest
from playwright.async_api import expect

from tests.browser.conftest import Visit
from tests.browser.person import PHONE, Person
from tests.browser.showpiece import make_showpiece
from tests.e2e.node import HERE
from tests.support.server import Api

AXE = HERE / "node_modules/axe-core/axe.min.js"


async def findings(person: Person) -> list[str]:
    """What axe-core finds that is serious or critical; in the dark, only colours differ."""
    await person.page.emulate_media(color_scheme="light")
    light = await _findings(person, {})
    await person.page.emulate_media(color_scheme="dark")
    return light + await _findings(person, {"runOnly": ["color-contrast"]})


async def _findings(person: Person, options: dict[str, Any]) -> list[str]:
    if not AXE.exists():
        if os.environ.get("REQUIRE_NODE"):
            pytest.fail("axe-core is not installed, and REQUIRE_NODE is set", pytrace=False)
        pytest.skip("axe-core is not installed: make node")
    if not await person.page.evaluate("() => 'axe' in window"):
        await person.page.evaluate(AXE.read_text())
    result: dict[str, Any] = await person.page.evaluate(
        "(options) => axe.run(document, { resultTypes: ['violations'], ...options })", options
    )
    return [
        f"{found['id']}: {node['target']} {node['failureSummary']}"
        for found in result["violations"]
        if found["impact"] in ("serious", "critical")
        for node in found["nodes"]
    ]


async def test_nothing_serious_on_the_page(visit: Visit, api: Api) -> None:
    video = await make_showpiece(api)
    await api.share(video, "bruno", "editor")
    assert (await api.call("POST", f"/videos/{video}/versions", {"name": "One"})).status == 201
    bruno = await visit("bruno")
    await bruno.open_video(video)
    await bruno.narration(1).click()
    alice = await visit("alice", reduced_motion="reduce")
    await alice.open_list()
    await expect(alice.page.locator(".video-card").first).to_be_visible()
    assert await findings(alice) == []
    await alice.open_video(video)
    await expect(alice.people).to_have_count(1)
    assert await findings(alice) == []
    await alice.layer("Title").locator(".layer-name").click()
    assert await findings(alice) == []
    await alice.button("Add layer").click()
    assert await findings(alice) == []
    await alice.page.keyboard.press("Escape")
    for name in ("Library", "History", "Keyboard", "Share", "Render"):
        await alice.button(name).first.click()
        await expect(alice.dialog).to_be_visible()
        await alice.page.wait_for_load_state("networkidle")
        assert await findings(alice) == [], name
        if name == "History":
            await alice.dialog.get_by_role("button", name="Look").click()
            await expect(alice.dialog.get_by_role("list", name="Scenes of the")).to_be_visible()
            assert await findings(alice) == []
            await alice.page.keyboard.press("Escape")
        await alice.page.keyboard.press("Escape")
        await expect(alice.page.get_by_role("dialog")).to_have_count(0)
    await alice.context.set_offline(True)
    await expect(alice.status).to_contain_text("Offline")
    assert await findings(alice) == []


async def test_nothing_serious_on_a_phone(visit: Visit, api: Api) -> None:
    video = await make_showpiece(api)
    alice = await visit("alice", size=PHONE, is_mobile=True, has_touch=True)
    await alice.open_video(video)
    assert await findings(alice) == []
    wide = "() => document.documentElement.scrollWidth <= innerWidth"
    assert await alice.page.evaluate(wide)
    await api.share(video, "bruno", "editor")
    for name in ("Share", "Render"):
        await alice.button(name).first.tap()
        await expect(alice.dialog).to_be_visible()
        await alice.page.wait_for_load_state("networkidle")
        controls = alice.dialog.locator("button, select, input")
        assert await controls.count() >= 4
        for control in await controls.all():
            await expect(control).to_be_in_viewport(ratio=0.99)
        await alice.page.keyboard.press("Escape")


async def test_text_is_edited_on_a_phone(visit: Visit, api: Api) -> None:
    video = await make_showpiece(api)
    alice = await visit("alice", size=PHONE, is_mobile=True, has_touch=True)
    await alice.open_video(video)
    await alice.narration(2).tap()
    await alice.narration(2).press("End")
    await alice.page.keyboard.type(" Yes.")
    await alice.saved()
    assert (await api.scenes(video))[1]["text"].endswith(" Yes.")
    await alice.button("Play").tap()
    await expect(alice.button("Pause")).to_be_visible()


async def test_everything_from_the_keyboard(visit: Visit, api: Api) -> None:
    """A video is made, filled and left without the mouse."""
    kay = await visit("kay")
    await kay.open_list()
    page = kay.page
    await expect(page.get_by_text("There are no videos yet.")).to_be_visible()

    async def tab_to(name: str) -> None:
        for _ in range(60):
            label = "() => document.activeElement?.ariaLabel || document.activeElement?.textContent"
            if str(await page.evaluate(label)).strip().startswith(name):
                return
            await page.keyboard.press("Tab")
        raise AssertionError(f"the keyboard does not reach {name}")

    await tab_to("New video")
    await page.keyboard.press("Enter")
    await page.keyboard.type("By keys")
    await page.keyboard.press("Enter")
    await kay.ready()
    await tab_to("Add scene")
    await page.keyboard.press("Enter")
    await page.keyboard.type("Typed")
    await tab_to("Add layer")
    await page.keyboard.press("Enter")
    await page.keyboard.press("ArrowDown")
    await page.keyboard.press("ArrowDown")
    await page.keyboard.press("Enter")
    await expect(kay.bar("Shape")).to_be_visible()
    await expect(kay.button("Add layer")).to_be_focused()
    await tab_to("Shape: ")
    await page.keyboard.press("Enter")
    await expect(page.locator(".properties").get_by_label("Name")).to_be_focused()
    await page.keyboard.press("Control+a")
    await page.keyboard.type("Ground")
    await page.keyboard.press("Enter")
    await expect(kay.bar("Ground")).to_be_visible()
    for kind in ("Text", "Effect"):
        await kay.add_layer(kind)
    await kay.bar("Ground").focus()
    await page.keyboard.press("Delete")
    await expect(kay.bar("Ground")).to_have_count(0)
    await expect(kay.bar("Text")).to_be_focused()
    await page.keyboard.press("Control+z")
    await expect(kay.bar("Ground")).to_be_visible()
    await tab_to("Hide Ground")
    await page.keyboard.press("Space")
    await expect(kay.button("Show Ground")).to_be_focused()
    await page.keyboard.press("Shift+?")
    await expect(page.get_by_role("dialog", name="Keyboard")).to_be_visible()
    await page.keyboard.press("Escape")
    await expect(kay.button("Show Ground")).to_be_focused()
    await kay.saved()
