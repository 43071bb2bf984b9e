"""Scenes: added, moved, copied, timed, deleted."""

from __future__ import annotations

import re
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import expect

from tests.browser.conftest import Visit
from tests.browser.person import Person
from tests.support.server import Api


@pytest.fixture
def texts() -> list[str]:
    return ["one", "two", "three"]


@pytest_asyncio.fixture(loop_scope="session")
async def video(api: Api, texts: list[str]) -> str:
    video = await api.make_video()
    for text in texts:
        await api.make_scene(video, text=text, duration=4)
    return video


@pytest_asyncio.fixture(loop_scope="session")
async def alice(visit: Visit, video: str) -> Person:
    alice = await visit("alice")
    await alice.open_video(video)
    return alice


async def shown(person: Person) -> list[Any]:
    fields = person.page.locator(".narration-input")
    return list(await fields.evaluate_all("(all) => all.map((one) => one.value)"))


async def stored(person: Person, api: Api, video: str) -> list[str]:
    """The narrations as they are stored, which must be as they are shown."""
    await person.saved()
    texts = [scene["text"] for scene in await api.scenes(video)]
    assert await shown(person) == texts
    return texts


async def test_add_at_the_end_and_between(alice: Person, api: Api, video: str) -> None:
    await alice.button("Add scene").click()
    await alice.page.keyboard.type("four")
    await alice.choose("More for scene 1", "Add a scene after it")
    await alice.page.keyboard.type("between")
    await alice.page.keyboard.press("Control+Enter")
    await alice.page.keyboard.type("after")
    assert await stored(alice, api, video) == ["one", "between", "after", "two", "three", "four"]


async def test_move_by_dragging_the_grip(alice: Person, api: Api, video: str) -> None:
    grip = alice.page.get_by_label(re.compile("Move scene 1;"))
    third = await alice.page.locator(".scene-card").nth(2).bounding_box()
    from_box = await grip.bounding_box()
    assert third is not None
    assert from_box is not None
    await alice.drag(grip, 0, third["y"] + third["height"] - 4 - from_box["y"])
    assert await stored(alice, api, video) == ["two", "three", "one"]
    await alice.drag(alice.page.get_by_label(re.compile("Move scene 3;")), 0, -600)
    assert await stored(alice, api, video) == ["one", "two", "three"]


async def test_a_drag_that_ends_where_it_began_changes_nothing(alice: Person, api: Api) -> None:
    grip = alice.page.get_by_label(re.compile("Move scene 2;"))
    await alice.drag(grip, 0, 8)
    assert await shown(alice) == ["one", "two", "three"]
    await expect(alice.button("Undo")).to_be_disabled()


async def test_move_by_keyboard_keeps_the_focus(alice: Person, api: Api, video: str) -> None:
    await alice.page.get_by_label(re.compile("Move scene 1;")).focus()
    await alice.page.keyboard.press("ArrowDown")
    await expect(alice.narration(2)).to_have_value("one")
    await alice.page.keyboard.press("ArrowDown")
    assert await stored(alice, api, video) == ["two", "three", "one"]
    await expect(alice.page.get_by_role("status").filter(has_text="place 3")).to_be_attached()
    await alice.page.keyboard.press("ArrowUp")
    assert await stored(alice, api, video) == ["two", "one", "three"]


async def test_duplicate_copies_layers_under_new_ids(alice: Person, api: Api, video: str) -> None:
    first = (await api.scenes(video))[0]
    await api.make_layer(first["id"], name="Headline", properties={"text": "Hello"})
    await expect(alice.layer("Headline")).to_be_visible()
    await alice.choose("More for scene 1", "Duplicate")
    assert await stored(alice, api, video) == ["one", "one", "two", "three"]
    one, other = (await api.scenes(video))[:2]
    assert one["id"] != other["id"]
    assert one["layers"][0]["id"] != other["layers"][0]["id"]
    assert other["layers"][0]["properties"] == {"text": "Hello"}


async def test_delete_and_take_it_back(alice: Person, api: Api, video: str) -> None:
    await alice.choose("More for scene 2", "Delete")
    assert await stored(alice, api, video) == ["one", "three"]
    await alice.page.locator(".toast").get_by_role("button", name="Undo").click()
    assert await stored(alice, api, video) == ["one", "two", "three"]


async def test_the_way_back_ends_with_the_next_edit(alice: Person, api: Api, video: str) -> None:
    await alice.choose("More for scene 2", "Delete")
    undo = alice.page.locator(".toast").get_by_role("button", name="Undo")
    await expect(undo).to_be_visible()
    await alice.narration(1).press("End")
    await alice.page.keyboard.type("!")
    await expect(undo).to_have_count(0)
    assert await stored(alice, api, video) == ["one!", "three"]


async def test_the_duration(alice: Person, api: Api, video: str) -> None:
    field = alice.page.get_by_label("Seconds of scene 2")
    await field.fill("6.5")
    await field.press("Enter")
    await expect(alice.page.locator(".scenes .panel-head")).to_contain_text("0:15")
    await alice.saved()
    assert [scene["duration"] for scene in await api.scenes(video)] == [4, 6.5, 4]
    await field.fill("-3")
    await field.press("Tab")
    await expect(field).to_have_value("6.5")
