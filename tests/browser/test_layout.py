"""At every width, everything is in its place and whole, and what is selected can be seen."""

from __future__ import annotations

from playwright.async_api import expect

from tests.browser.conftest import Visit
from tests.browser.person import PHONE
from tests.browser.test_together import pair
from tests.support.server import Api

CUT = """
() => {
  const cut = []
  for (const box of document.querySelectorAll('.bar, .panel, .scene-card, .scene-head')) {
    const outer = box.getBoundingClientRect()
    for (const part of box.querySelectorAll('button, input, select, textarea, li, .face')) {
      const inner = part.getBoundingClientRect()
      if (part.closest('.timeline-scroll') || inner.width === 0) continue
      const name = `${box.className}: ${part.getAttribute('aria-label') ?? part.className}`
      if (inner.left < outer.left - 7 || inner.right > outer.right + 1) cut.push(name)
      const least = part.closest('.editor-bar') && part.matches('button:not(.title)') ? 26 : 8
      if (inner.width < least) cut.push(`${name} is ${inner.width} wide`)
    }
  }
  return cut
}
"""
WIDTHS = (1920, 1280, 1100, 900, 821, 700, PHONE[0], 360)


async def test_nothing_is_cut_off_at_any_width(visit: Visit, api: Api) -> None:
    video, alice, bruno = await pair(visit, api, "Some words that are said in the first scene", "")
    await api.call("PUT", f"/videos/{video}", {"title": "A title of many words " * 4})
    for _ in range(6):
        tab = await bruno.context.new_page()
        await tab.goto(bruno.page.url)
    await expect(alice.page.locator(".scene-card .face")).to_have_count(4)
    for width in WIDTHS:
        await alice.page.set_viewport_size({"width": width, "height": 800})
        shown = 5 if width > 820 else 2 if width > 480 else 1
        await expect(alice.people).to_have_count(shown)
        await expect(alice.button(f"{7 - shown} more are here")).to_be_visible()
        assert await alice.page.evaluate(CUT) == [], width
    for tab in bruno.context.pages[1:]:
        await tab.close()


async def test_what_is_selected_comes_into_sight(visit: Visit, api: Api) -> None:
    count = 12
    video = await api.make_video()
    scenes = [await api.make_scene(video, text=f"Scene {at}") for at in range(count)]
    for at in range(count):
        await api.make_layer(scenes[0], type="shape", name=f"Shape {at}", properties={})
    alice = await visit("alice")
    await alice.open_video(video)
    await expect(alice.bar(f"Shape {count - 1}")).not_to_be_in_viewport()
    await alice.add_layer("Text")
    await expect(alice.bar("Text")).to_be_in_viewport(ratio=0.99)
    await alice.page.keyboard.press("Escape")
    for _ in range(count - 1):
        await alice.page.keyboard.press("PageDown")
    last = alice.page.locator(".scene-card").last
    await expect(last).to_have_attribute("aria-current", "true")
    await expect(last).to_be_in_viewport(ratio=0.99)
    for _ in range(count - 1):
        await alice.page.keyboard.press("PageUp")
    await expect(alice.page.locator(".scene-card").first).to_be_in_viewport(ratio=0.99)
