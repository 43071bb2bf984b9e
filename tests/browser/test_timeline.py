"""The timeline: layers as bars that are dragged, trimmed, sorted, hidden and named."""

from __future__ import annotations

from typing import Any

import pytest_asyncio
from playwright.async_api import Locator, expect

from tests.browser.conftest import Visit
from tests.browser.person import Person
from tests.support.server import Api

SECONDS = 10


class Timeline:
    """A scene of ten seconds with three layers, open in the editor."""

    def __init__(self, person: Person, api: Api, video: str) -> None:
        self.person = person
        self.api = api
        self.video = video

    async def stored(self) -> list[tuple[str, float, float]]:
        """Each layer's name, start and duration, as stored."""
        return [(one["name"], one["start_time"], one["duration"]) for one in await self.layers()]

    async def layers(self) -> list[dict[str, Any]]:
        await self.person.saved()
        return list((await self.api.scenes(self.video))[0]["layers"])

    async def second(self) -> float:
        """The width of a second, in pixels."""
        box = await self.person.page.locator(".ruler").bounding_box()
        assert box is not None
        return box["width"] / SECONDS

    async def drag(self, target: Locator, seconds: float, *, alt: bool = False) -> None:
        await self.person.drag(target, seconds * await self.second(), alt=alt)


@pytest_asyncio.fixture(loop_scope="session")
async def timeline(visit: Visit, api: Api) -> Timeline:
    video = await api.make_video()
    scene = await api.make_scene(video, text="A scene", duration=SECONDS)
    for name, start, duration in [("Red", 0, 4), ("Green", 5, 2), ("Blue", 1, 3)]:
        await api.make_layer(scene, name=name, start_time=start, duration=duration)
    person = await visit("alice")
    await person.open_video(video)
    return Timeline(person, api, video)


async def test_drag_moves_and_snaps_to_the_end_of_another(timeline: Timeline) -> None:
    person = timeline.person
    await timeline.drag(person.bar("Green"), -0.95)  # 4.05: within reach of the end of Red
    assert (await timeline.stored())[1] == ("Green", 4, 2)
    await timeline.drag(person.bar("Green"), 0.05, alt=True)
    name, start, duration = (await timeline.stored())[1]
    assert (name, duration) == ("Green", 2)
    assert 4 < start < 4.1
    await timeline.drag(person.bar("Green"), 30)
    assert (await timeline.stored())[1] == ("Green", 8, 2)


async def test_trim_either_end(timeline: Timeline) -> None:
    blue = timeline.person.bar("Blue")
    await timeline.drag(blue.locator(".trim.left"), 1.5, alt=True)
    _, start, duration = (await timeline.stored())[2]
    assert abs(start - 2.5) < 0.05
    assert abs(start + duration - 4) < 0.011
    await timeline.drag(blue.locator(".trim.right"), 0.97)  # 4.97: snaps to the start of Green
    _, start, duration = (await timeline.stored())[2]
    assert abs(start + duration - 5) < 0.011
    await timeline.drag(blue.locator(".trim.right"), -30)
    assert (await timeline.stored())[2][2] == 0.1


async def test_one_gesture_is_one_undo(timeline: Timeline) -> None:
    before = await timeline.stored()
    await timeline.drag(timeline.person.bar("Green"), -3)
    await timeline.drag(timeline.person.bar("Green"), 1.3)
    assert await timeline.stored() != before
    for _ in range(2):
        await timeline.person.button("Undo").click()
    assert await timeline.stored() == before


async def test_the_snap_line_shows_only_while_dragging(timeline: Timeline) -> None:
    page = timeline.person.page
    box = await timeline.person.bar("Green").bounding_box()
    assert box is not None
    middle = box["y"] + box["height"] / 2
    await page.mouse.move(box["x"] + 30, middle)
    await page.mouse.down()
    await page.mouse.move(box["x"] + 30 - await timeline.second() * 0.97, middle, steps=5)
    await expect(page.locator(".snap-line")).to_be_visible()
    await page.mouse.up()
    await expect(page.locator(".snap-line")).to_be_hidden()


async def test_arrow_keys_move_and_trim(timeline: Timeline) -> None:
    await timeline.person.bar("Green").focus()
    for key in ("ArrowRight", "ArrowRight", "Shift+ArrowRight"):
        await timeline.person.page.keyboard.press(key)
    assert (await timeline.stored())[1] == ("Green", 5.2, 2.1)


async def test_order_by_dragging_and_by_keyboard(timeline: Timeline) -> None:
    person = timeline.person
    await person.drag(person.layer("Red").locator(".grip"), 0, 300)
    assert [name for name, *_ in await timeline.stored()] == ["Green", "Blue", "Red"]
    await person.layer("Red").locator(".grip").focus()
    await person.page.keyboard.press("ArrowUp")
    assert [name for name, *_ in await timeline.stored()] == ["Green", "Red", "Blue"]
    await expect(person.layer("Red").locator(".grip")).to_be_focused()


async def test_hide_and_show(timeline: Timeline) -> None:
    person = timeline.person
    await person.button("Hide Red").click()
    await expect(person.button("Show Red")).to_be_visible()
    assert [layer["enabled"] for layer in await timeline.layers()] == [False, True, True]
    await person.button("Show Red").click()
    assert [layer["enabled"] for layer in await timeline.layers()] == [True, True, True]


async def test_rename(timeline: Timeline) -> None:
    person = timeline.person
    await person.bar("Red").focus()
    await person.page.keyboard.press("F2")
    await person.dialog.get_by_label("Name").fill("Crimson")
    await person.page.keyboard.press("Enter")
    await expect(person.bar("Crimson")).to_be_focused()
    assert (await timeline.stored())[0][0] == "Crimson"


async def test_duplicate_and_delete_by_keyboard(timeline: Timeline) -> None:
    person = timeline.person
    await person.bar("Green").focus()
    await person.page.keyboard.press("Control+d")
    names = [name for name, *_ in await timeline.stored()]
    assert names == ["Red", "Green", "Green", "Blue"]
    await person.bar("Red").focus()
    await person.page.keyboard.press("Delete")
    assert [name for name, *_ in await timeline.stored()] == ["Green", "Green", "Blue"]


async def test_the_ruler_seeks(timeline: Timeline) -> None:
    page = timeline.person.page
    ruler = page.get_by_role("slider", name="Time in the scene")
    box = await ruler.bounding_box()
    assert box is not None
    await page.mouse.click(box["x"] + box["width"] * 0.5, box["y"] + 6)
    await expect(page.locator(".stage-time")).to_have_text("0:05.0 / 0:10.0")
    await ruler.focus()
    await page.keyboard.press("ArrowRight")
    await expect(ruler).to_have_attribute("aria-valuenow", "5.1")
    await page.keyboard.press("End")
    await expect(ruler).to_have_attribute("aria-valuenow", "10")


async def test_zooming_keeps_bars_on_the_ruler(timeline: Timeline) -> None:
    person = timeline.person
    before = await timeline.second()
    for _ in range(3):
        await person.button("Zoom in").click()
    assert await timeline.second() > 2.5 * before
    await timeline.drag(person.bar("Red").locator(".trim.right"), -1, alt=True)
    assert abs((await timeline.stored())[0][2] - 3) < 0.05
