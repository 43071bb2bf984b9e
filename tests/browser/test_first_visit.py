"""The first minutes: a guest makes a video, and somebody else joins."""

from __future__ import annotations

import re
from pathlib import Path

from playwright.async_api import expect

from tests.browser.conftest import Visit
from tests.support.server import Api

EDITOR = Path(__file__).parents[2] / "server/editor"


async def test_a_guest_makes_a_video_and_two_see_each_other(visit: Visit) -> None:
    one = await visit(None)
    await one.open_list()
    await one.button("New video").click()
    await one.dialog.get_by_label("Title").fill("Our launch")
    await one.dialog.get_by_role("button", name="Create").click()
    await one.ready()
    await one.button("Add scene").click()
    await one.page.keyboard.type("Welcome")
    await one.saved()

    other = await visit(None)
    await other.page.goto(one.page.url)
    await other.ready()
    await expect(other.narration(1)).to_have_value("Welcome")
    await expect(one.people).to_have_count(1)
    await expect(other.people).to_have_count(1)
    await other.narration(1).press("End")
    await other.page.keyboard.type(", everybody")
    await expect(one.narration(1)).to_have_value("Welcome, everybody")


async def test_the_theme_is_chosen_and_kept(visit: Visit) -> None:
    person = await visit(color_scheme="light")
    await person.open_list()
    ground = "() => getComputedStyle(document.body).backgroundColor"
    light = await person.page.evaluate(ground)
    for said in ("light", "dark"):
        await person.page.get_by_role("button", name="You are").click()
        await person.page.get_by_role("menuitem", name="Theme").click()
        await expect(person.page.locator("html")).to_have_attribute("data-theme", said)
    dark = await person.page.evaluate(ground)
    assert dark != light
    await person.page.reload()
    await expect(person.page.locator("html")).to_have_attribute("data-theme", "dark")
    assert await person.page.evaluate(ground) == dark


async def test_the_first_paint_comes_within_a_second(visit: Visit, api: Api) -> None:
    person = await visit(offline=False)
    await person.open_list()
    paint = """() => new Promise((resolve) => {
        const first = (list) => list.find((entry) => entry.name === 'first-contentful-paint')
        const found = first(performance.getEntriesByType('paint'))
        if (found) resolve(found.startTime)
        else new PerformanceObserver((list) => {
            if (first(list.getEntries())) resolve(first(list.getEntries()).startTime)
        }).observe({ type: "paint", buffered: true })
    })"""
    assert await person.page.evaluate(paint) < 1000


def test_the_page_names_all_its_modules_to_be_loaded_at_once() -> None:
    imports = re.compile(r"^import [^;]*?from '\./([^']+)'", re.MULTILINE)
    found = {"main.js"}
    waiting = ["main.js"]
    while waiting:
        named = set(imports.findall((EDITOR / waiting.pop()).read_text())) - found
        found |= named
        waiting += named
    page = (EDITOR / "index.html").read_text()
    loaded = set(re.findall(r'(?:rel="modulepreload" href|src)="/editor/([^"]+\.js)"', page))
    assert loaded == found


async def test_all_that_the_page_loads_is_among_what_it_keeps(visit: Visit, api: Api) -> None:
    video = await api.make_video()
    person = await visit()
    await person.open_video(video)
    loaded = await person.page.evaluate(
        "performance.getEntriesByType('resource').map((entry) => new URL(entry.name).pathname)"
    )
    files = await person.page.evaluate("fetch('/editor/files.json').then((found) => found.json())")
    parts = {path for path in loaded if path.startswith("/editor/")}
    assert {"/editor/main.js", "/editor/fonts/InterVariable.ttf"} <= parts
    assert {"/", *parts} <= {*files["files"], "/editor/files.json", "/editor/token"}
