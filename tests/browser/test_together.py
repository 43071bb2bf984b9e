"""Several people in one video."""

from __future__ import annotations

import asyncio
import re

from playwright.async_api import expect

from tests.browser.conftest import Visit
from tests.browser.person import Person
from tests.support.server import Api


async def pair(visit: Visit, api: Api, *texts: str) -> tuple[str, Person, Person]:
    """A video with scenes of these narrations, open in two browsers."""
    video = await api.make_video()
    for text in texts:
        await api.make_scene(video, text=text)
    await api.share(video, "bruno", "editor")
    alice, bruno = await asyncio.gather(visit("alice"), visit("bruno"))
    await asyncio.gather(alice.open_video(video), bruno.open_video(video))
    return video, alice, bruno


async def test_two_type_in_one_narration_and_nothing_is_lost(visit: Visit, api: Api) -> None:
    _, alice, bruno = await pair(visit, api, "middle")
    await alice.narration(1).press("Home")
    await bruno.narration(1).press("End")
    await asyncio.gather(
        alice.page.keyboard.type("This is before the ", delay=7),
        bruno.page.keyboard.type(" and this comes after", delay=7),
    )
    whole = "This is before the middle and this comes after"
    await expect(alice.narration(1)).to_have_value(whole)
    await expect(bruno.narration(1)).to_have_value(whole)
    at = "(input) => [input.selectionStart, input.selectionEnd]"
    assert await alice.narration(1).evaluate(at) == [19, 19]


async def test_carets_and_selections_of_others_stand_in_the_narration(
    visit: Visit, api: Api
) -> None:
    _, alice, bruno = await pair(visit, api, "one two three")
    await bruno.narration(1).press("Home")
    for _ in range(4):
        await bruno.page.keyboard.press("ArrowRight")
    for _ in range(3):
        await bruno.page.keyboard.press("Shift+ArrowRight")
    narration = alice.page.locator(".narration")
    await expect(narration.locator(".caret-range")).to_have_text("two")
    await expect(narration.locator(".caret-name")).to_have_text("Bruno")
    await alice.narration(1).press("Home")
    await alice.page.keyboard.type("zero ")
    await expect(bruno.narration(1)).to_have_value("zero one two three")
    await expect(narration.locator(".caret-range")).to_have_text("two")
    await bruno.page.locator("h2", has_text="Scenes").click()
    await expect(narration.locator(".caret")).to_have_count(0)


async def test_who_is_here_and_where(visit: Visit, api: Api) -> None:
    video, alice, bruno = await pair(visit, api, "first", "second")
    layer_scene = (await api.scenes(video))[1]["id"]
    await api.make_layer(layer_scene, name="Headline", properties={"text": "Hello"})
    await bruno.narration(2).click()
    face = alice.people
    await expect(face).to_have_attribute("aria-label", "Bruno, at scene 2. Follow")
    second = alice.page.locator(".scene-card").nth(1)
    await expect(second.locator(".scene-here .face")).to_have_text("B")
    await bruno.layer("Headline").locator(".layer-name").click()
    await alice.narration(2).click()
    await expect(alice.layer("Headline").locator(".layer-here .face")).to_have_text("B")
    stage = bruno.page.locator(".stage-surface")
    box = await stage.bounding_box()
    assert box is not None
    await bruno.page.mouse.move(box["x"] + box["width"] / 4, box["y"] + box["height"] / 2)
    pointer = alice.page.locator(".pointer")
    await expect(pointer).to_have_text("Bruno")
    left = await pointer.evaluate("(element) => Number.parseFloat(element.style.left)")
    assert abs(left - 25) < 1
    await bruno.context.close()
    await expect(alice.people).to_have_count(0)
    await expect(pointer).to_have_count(0)


async def test_following_somebody(visit: Visit, api: Api) -> None:
    _, alice, bruno = await pair(visit, api, "first", "second", "third")
    await bruno.narration(3).click()
    await alice.button("Bruno, at scene 3. Follow").click()
    current = alice.page.locator(".scene-card[aria-current] .scene-number")
    await expect(current).to_have_text("3")
    await bruno.narration(2).click()
    await expect(current).to_have_text("2")
    await alice.narration(1).click()
    await expect(current).to_have_text("1")
    await bruno.narration(3).click()
    await expect(alice.button("Bruno, at scene 3. Follow")).to_have_attribute(
        "aria-pressed", "false"
    )
    await expect(current).to_have_text("1")


async def test_a_key_ends_the_following(visit: Visit, api: Api) -> None:
    _, alice, bruno = await pair(visit, api, "first", "second", "third")
    await bruno.narration(3).click()
    await alice.button("Bruno, at scene 3. Follow").click()
    current = alice.page.locator(".scene-card[aria-current] .scene-number")
    await expect(current).to_have_text("3")
    await alice.narration(3).press("PageUp")
    await alice.narration(1).focus()
    await expect(current).to_have_text("1")
    await bruno.narration(2).click()
    await expect(alice.button("Bruno, at scene 2. Follow")).to_have_attribute(
        "aria-pressed", "false"
    )
    await expect(current).to_have_text("1")


async def test_those_for_whom_there_is_no_room_are_in_a_menu(visit: Visit, api: Api) -> None:
    _, alice, bruno = await pair(visit, api, "first", "second")
    for _ in range(6):  # more tabs of the same person
        tab = await bruno.context.new_page()
        await tab.goto(bruno.page.url)
    await expect(alice.people).to_have_count(5)
    more = alice.button("2 more are here")
    await expect(more).to_have_text("+2")
    await more.click()
    await alice.page.get_by_role("menuitem", name="Follow Bruno").first.click()
    await expect(alice.page.locator(".toast")).to_contain_text("You follow Bruno.")
    for tab in bruno.context.pages[1:]:
        await tab.close()
    await expect(more).to_be_hidden()


async def test_undo_takes_back_only_ones_own(visit: Visit, api: Api) -> None:
    _, alice, bruno = await pair(visit, api, "", "")
    await alice.narration(1).click()
    await alice.page.keyboard.type("of Alice")
    await expect(bruno.narration(1)).to_have_value("of Alice")
    await bruno.narration(1).press("End")
    await bruno.page.keyboard.type(" and Bruno")
    await expect(alice.narration(1)).to_have_value("of Alice and Bruno")
    await alice.button("Undo").click()
    await expect(bruno.narration(1)).to_have_value(" and Bruno")
    await expect(alice.button("Undo")).to_be_disabled()
    await alice.button("Redo").click()
    await expect(bruno.narration(1)).to_have_value("of Alice and Bruno")
    await bruno.narration(2).click()
    await bruno.page.keyboard.press("Control+z")
    await expect(alice.narration(1)).to_have_value("of Alice")


async def test_five_people_at_once(visit: Visit, api: Api) -> None:
    names = ["alice", "bruno", "chloe", "dmitri", "emre"]
    video = await api.make_video()
    for name in names[1:]:
        await api.share(video, name, "editor")
    people = list(await asyncio.gather(*(visit(name) for name in names)))
    await asyncio.gather(*(person.open_video(video) for person in people))

    async def work(person: Person, name: str) -> None:
        await person.button("Add scene").click()
        await person.page.keyboard.type(f"The scene of {name}", delay=5)

    await asyncio.gather(*map(work, people, names))
    for person in people:
        await expect(person.people).to_have_count(4)
        await expect(person.page.locator(".scene-card")).to_have_count(5)
        await person.saved()
    wanted = sorted(f"The scene of {name}" for name in names)
    for person in people:
        fields = person.page.locator(".narration-input")
        await expect(fields.first).to_have_value(re.compile("The scene of"))
        values = "(all) => all.map((one) => one.value)"
        assert sorted(await fields.evaluate_all(values)) == wanted
    assert sorted(scene["text"] for scene in await api.scenes(video)) == wanted
