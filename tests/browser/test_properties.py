"""The properties of each type of layer, by their controls and on the canvas."""

from __future__ import annotations

from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Locator, expect

from tests.browser.conftest import Visit
from tests.browser.person import Person
from tests.support.server import Api


class Scene:
    """A scene, open in the editor."""

    def __init__(self, person: Person, api: Api, video: str) -> None:
        self.person = person
        self.api = api
        self.video = video

    @property
    def panel(self) -> Locator:
        return self.person.page.get_by_role("region", name="Properties")

    async def layer(self) -> dict[str, Any]:
        """The only layer, as it is stored."""
        await self.person.saved()
        (layer,) = (await self.api.scenes(self.video))[0]["layers"]
        return dict(layer)

    async def properties(self) -> dict[str, Any]:
        return dict((await self.layer())["properties"])

    async def slide(self, label: str, value: str) -> None:
        await self.panel.get_by_role("slider", name=label, exact=True).fill(value)

    async def exactly(self, label: str, value: str) -> None:
        field = self.panel.get_by_label(f"{label}, exactly", exact=True)
        await field.fill(value)
        await field.press("Enter")

    async def choose(self, label: str, option: str) -> None:
        await self.panel.get_by_label(label, exact=True).select_option(label=option)

    async def colour(self, label: str, value: str) -> None:
        field = self.panel.get_by_label(f"{label}, as a code")
        await field.fill(value)
        await field.press("Enter")

    async def tick(self, label: str) -> None:
        await self.panel.get_by_label(label, exact=True).click()

    async def canvas(self) -> dict[str, float]:
        box = await self.person.page.locator(".stage-surface").bounding_box()
        assert box is not None
        return dict(box.items())  # type: ignore[arg-type]

    async def pixel(self, x: float, y: float) -> list[int]:
        """The colour at a place of the canvas, given in percent."""
        read = """(canvas, [x, y]) => {
            const [left, top] = [canvas.width * x / 100, canvas.height * y / 100]
            return [...canvas.getContext('2d').getImageData(left, top, 1, 1).data].slice(0, 3)
        }"""
        colour = await self.person.page.locator(".stage-canvas").evaluate(read, [x, y])
        return [int(part) for part in colour]


@pytest_asyncio.fixture(loop_scope="session")
async def scene(visit: Visit, api: Api) -> Scene:
    video = await api.make_video()
    await api.make_scene(video, text="A scene", duration=8)
    person = await visit("alice")
    await person.open_video(video)
    return Scene(person, api, video)


async def until(scene: Scene, x: float, y: float, colour: list[int]) -> None:
    """Wait until the canvas has a colour at a place."""
    for _ in range(100):
        if await scene.pixel(x, y) == colour:
            return
        await scene.person.page.wait_for_timeout(50)
    assert await scene.pixel(x, y) == colour


async def test_text(scene: Scene) -> None:
    await scene.person.add_layer("Text")
    await scene.panel.get_by_label("Text", exact=True).fill("Hello there")
    await scene.slide("Size", "120")
    await scene.choose("Weight", "Black")
    await scene.choose("Slant", "Italic")
    await scene.choose("Align", "Right")
    await scene.choose("Animation", "Typewriter")
    await scene.colour("Colour", "#FF8800")
    await scene.tick("Use background")
    await scene.tick("Shadow")
    await scene.exactly("Opacity", "80")
    assert await scene.properties() == {
        **{"text": "Hello there", "font_family": "Inter", "font_size": 120},
        **{"font_weight": "black", "font_style": "italic", "text_align": "right"},
        **{"animation": "typewriter", "color": "#FF8800", "background_color": "#000000"},
        **{"shadow": True, "opacity": 0.8, "position": {"x": 50, "y": 50}},
    }


async def test_shape(scene: Scene) -> None:
    await scene.person.add_layer("Shape")
    await scene.colour("Fill", "#20C040")
    await scene.choose("Shape", "Ellipse")
    await scene.exactly("Width", "50")
    await scene.exactly("Height", "60")
    await scene.slide("Rotation", "90")
    await scene.tick("Use stroke")
    await scene.exactly("Stroke width", "8")
    properties = await scene.properties()
    assert properties["shape"] == "ellipse"
    assert (properties["width"], properties["height"]) == (50, 60)
    assert (properties["rotation"], properties["stroke_width"]) == (90, 8)
    assert properties["stroke"] == "#FFFFFF"
    await until(scene, 50, 50, [0x20, 0xC0, 0x40])
    await scene.tick("Use fill")
    await until(scene, 50, 50, [0, 0, 0])


@pytest.mark.parametrize(
    ("kind", "library"), [("Media", "media"), ("Avatar", "avatars"), ("Audio", "audio")]
)
async def test_what_comes_from_a_library(scene: Scene, kind: str, library: str) -> None:
    await scene.person.add_layer(kind)
    await expect(scene.person.page.get_by_role("tab", selected=True)).to_have_text(
        library.capitalize()
    )
    await scene.person.page.keyboard.press("Escape")
    wanted: dict[str, Any]
    if kind == "Audio":
        await scene.exactly("Volume", "35")
        await scene.slide("Fade in", "2")
        await scene.slide("Fade out", "1.5")
        await scene.tick("Repeat")
        await scene.tick("Quieter under speech")
        wanted = {"volume": 0.35, "fade_in": 2, "fade_out": 1.5, "loop": False, "ducking": False}
    else:
        await scene.slide("Scale", "0.5")
        await scene.exactly("Opacity", "40")
        await scene.choose("Animation", "Zoom in")
        await scene.panel.get_by_label("Position across, percent").fill("20")
        await scene.panel.get_by_label("Position down, percent").fill("30")
        await scene.panel.get_by_label("Position down, percent").press("Enter")
        wanted = {"scale": 0.5, "opacity": 0.4, "animation": "zoomIn"}
        wanted["position"] = {"x": 20, "y": 30}
    properties = await scene.properties()
    assert {key: properties.get(key) for key in wanted} == wanted
    assert (await scene.layer())["type"] == kind.lower()


async def test_voiceover(scene: Scene) -> None:
    await scene.person.add_layer("Voiceover")
    await scene.person.page.keyboard.press("Escape")
    await expect(scene.panel.get_by_role("status")).to_contain_text("Make the voice")
    await scene.panel.get_by_role("textbox", name="Text").fill("Spoken words")
    await scene.slide("Speed", "1.25")
    await scene.slide("Pitch", "0.9")
    await scene.exactly("Volume", "90")
    properties = await scene.properties()
    wanted = {"text": "Spoken words", "speed": 1.25, "pitch": 0.9, "volume": 0.9}
    assert {key: properties[key] for key in wanted} == wanted


async def test_effect(scene: Scene) -> None:
    await scene.person.choose("Add layer", "Effect")
    await scene.choose("Direction", "Out")
    brightness = scene.panel.get_by_role("slider", name="Brightness", exact=True)
    await expect(brightness).to_be_hidden()
    await scene.choose("Effect", "Black and white")
    await expect(brightness).to_be_visible()
    await scene.choose("Effect", "Vignette")
    await expect(brightness).to_be_hidden()
    await scene.exactly("Intensity", "70")
    properties = await scene.properties()
    assert properties["effect"] == "vignette"
    assert (properties["intensity"], properties["direction"]) == (0.7, "out")


async def test_transitions_show_the_scene_beside(scene: Scene) -> None:
    second = await scene.api.make_scene(scene.video, text="The next", duration=4)
    first = (await scene.api.scenes(scene.video))[0]["id"]
    for where, colour in ((first, "#FF0000"), (second, "#0000FF")):
        look = {"shape": "rectangle", "fill": colour, "width": 100, "height": 100}
        await scene.api.make_layer(where, type="shape", name="Ground", properties=look)
    fields = {"type": "effect", "name": "Join", "start_time": 0, "duration": 2}
    await scene.api.make_layer(second, **fields, properties={"effect": "wipe"})
    page = scene.person.page
    await page.locator(".scene-card").nth(1).click(position={"x": 60, "y": 20})
    await page.get_by_role("slider", name="Time in the scene").press("PageDown")
    await scene.person.layer("Join").locator(".layer-name").click()
    red, blue = [255, 0, 0], [0, 0, 255]
    for effect, way, at_left, at_right in (
        ("Wipe to neighbour", "Left", red, blue),
        ("Wipe to neighbour", "Right", blue, red),
        ("Slide to neighbour", "Left", red, blue),
    ):
        await scene.choose("Effect", effect)
        await scene.choose("Towards", way)
        await until(scene, 25, 50, at_left)
        await until(scene, 75, 50, at_right)
    await scene.choose("Effect", "Crossfade to neighbour")
    for _ in range(100):
        if all(100 < part < 155 for part in (await scene.pixel(50, 50))[::2]):
            break
        await page.wait_for_timeout(50)
    assert all(100 < part < 155 for part in (await scene.pixel(50, 50))[::2])


async def test_name_and_time(scene: Scene) -> None:
    await scene.person.add_layer("Shape")
    await scene.panel.get_by_label("Name", exact=True).fill("Badge")
    start = scene.panel.get_by_role("slider", name="Start", exact=True)
    await expect(start).to_have_attribute("max", "8")  # as far as the scene goes
    await scene.exactly("Start", "1.5")
    await scene.exactly("Duration", "3")
    layer = await scene.layer()
    assert (layer["name"], layer["start_time"], layer["duration"]) == ("Badge", 1.5, 3)


async def test_a_slider_moves_in_one_step_of_undo(scene: Scene) -> None:
    await scene.person.add_layer("Shape")
    slider = scene.panel.get_by_role("slider", name="Width", exact=True)
    box = await slider.bounding_box()
    assert box is not None
    y = box["y"] + box["height"] / 2
    await scene.person.drag_between((box["x"] + 30, y), (box["x"] + box["width"] - 4, y))
    assert (await scene.properties())["width"] > 80
    await scene.person.button("Undo").click()
    assert (await scene.properties())["width"] == 30


async def test_drag_on_the_canvas(scene: Scene) -> None:
    await scene.person.add_layer("Shape")
    await until(scene, 50, 50, [0x4F, 0x6B, 0xD6])
    box = await scene.canvas()
    middle = (box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    end = (middle[0] - box["width"] * 0.25, middle[1] + box["height"] * 0.2)
    await scene.person.drag_between(middle, end)
    at = (await scene.properties())["position"]
    assert abs(at["x"] - 25) < 0.3
    assert abs(at["y"] - 70) < 0.3
    await until(scene, 25, 70, [0x4F, 0x6B, 0xD6])
    await until(scene, 50, 50, [0, 0, 0])
    # Near the middle it snaps to it.
    await scene.person.drag_between(end, (middle[0] + 3, end[1]))
    assert (await scene.properties())["position"]["x"] == 50


async def test_the_handle_scales(scene: Scene) -> None:
    await scene.person.add_layer("Text")
    handle = scene.person.page.locator(".stage-handle")
    await expect(handle).to_be_visible()
    before = (await scene.properties())["font_size"]
    await scene.person.drag(handle, 120, 40)
    assert (await scene.properties())["font_size"] > before * 1.3


async def test_the_handles_of_a_shape_set_what_the_panel_shows(scene: Scene) -> None:
    await scene.person.add_layer("Shape")
    page = scene.person.page
    await scene.person.drag(page.locator(".stage-handle"), 120, 40)
    properties = await scene.properties()
    assert properties["width"] == properties["height"] > 40
    assert "scale" not in properties
    width = scene.panel.get_by_label("Width, exactly", exact=True)
    await expect(width).to_have_value(str(properties["width"]))
    await until(scene, 50, 60, [0x4F, 0x6B, 0xD6])
    await scene.exactly("Height", "5")
    await until(scene, 50, 60, [0, 0, 0])
    turn = page.locator(".stage-turn")
    box, at = await scene.canvas(), await turn.bounding_box()
    assert at is not None
    start = (at["x"] + at["width"] / 2, at["y"] + at["height"] / 2)
    middle = (box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    await scene.person.drag_between(start, (middle[0] + 150, middle[1] + 4))
    assert (await scene.properties())["rotation"] == 90
    # What is drawn upright is where it is seen, not where it lay.
    end = (middle[0], middle[1] + box["height"] * 0.3)
    await until(scene, 50, 80, [0x4F, 0x6B, 0xD6])
    heading = scene.panel.get_by_role("heading", level=2)
    await page.mouse.click(middle[0] + box["width"] * 0.2, middle[1])
    await expect(heading).to_have_text("Video")
    await page.mouse.click(*end)
    await expect(heading).to_have_text("Shape")
    frame = await page.locator(".stage-selection").bounding_box()
    assert frame is not None
    assert frame["height"] > 2 * frame["width"]


async def test_arrow_keys_on_the_canvas(scene: Scene) -> None:
    await scene.person.add_layer("Shape")
    await scene.person.page.locator(".stage-surface").focus()
    for key in ("ArrowRight", "ArrowRight", "Shift+ArrowDown"):
        await scene.person.page.keyboard.press(key)
    assert (await scene.properties())["position"] == {"x": 51, "y": 55}


async def test_a_click_on_the_canvas_selects(scene: Scene) -> None:
    await scene.person.add_layer("Shape")
    await expect(scene.panel.get_by_role("heading", level=2)).to_have_text("Shape")
    box = await scene.canvas()
    await scene.person.page.mouse.click(box["x"] + 8, box["y"] + 8)
    await expect(scene.panel.get_by_role("heading", level=2)).to_have_text("Video")
    await scene.person.page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    await expect(scene.panel.get_by_role("heading", level=2)).to_have_text("Shape")


async def test_background_and_shape_of_the_video(scene: Scene) -> None:
    await scene.colour("Background", "#123456")
    await until(scene, 50, 50, [0x12, 0x34, 0x56])
    await scene.choose("Shape", "Tall 9:16")
    await expect(scene.person.page.locator(".stage-surface")).to_have_js_property("tagName", "DIV")
    await scene.person.page.wait_for_function(
        "() => { const box = document.querySelector('.stage-surface').getBoundingClientRect();"
        " return Math.abs(box.width / box.height - 9 / 16) < 0.01 }"
    )
    await scene.person.saved()
    seq = (await scene.api.call("GET", f"/videos/{scene.video}/document")).seq
    reply = await scene.api.call("GET", f"/videos/{scene.video}?min_seq={seq}")
    assert reply.data["video"]["aspect_ratio"] == "9:16"


async def test_two_type_in_one_text_layer(scene: Scene, visit: Visit) -> None:
    await scene.api.share(scene.video, "bruno", "editor")
    await scene.person.add_layer("Text")
    mine = scene.panel.get_by_label("Text", exact=True)
    await mine.fill("middle")
    bruno = await visit("bruno")
    await bruno.open_video(scene.video)
    await bruno.layer("Text").locator(".layer-name").click()
    other = bruno.page.get_by_role("region", name="Properties").get_by_label("Text", exact=True)
    await expect(other).to_have_value("middle")
    await other.press("End")
    await bruno.page.keyboard.type(" end")
    await expect(mine).to_have_value("middle end")
    await mine.press("Home")
    await scene.person.page.keyboard.type("start ")
    await expect(other).to_have_value("start middle end")
    assert (await scene.properties())["text"] == "start middle end"


async def test_pictures_from_elsewhere_are_not_fetched(scene: Scene) -> None:
    """The visit itself fails where a request leaves the origin."""
    scene_id = (await scene.api.scenes(scene.video))[0]["id"]
    properties = {"media_url": "https://elsewhere.example/a.jpg", "media_type": "image"}
    body = {"type": "media", "name": "Elsewhere", "properties": properties}
    reply = await scene.api.call("POST", f"/scenes/{scene_id}/layers", body)
    assert reply.status == 201, reply.content
    await expect(scene.person.bar("Elsewhere")).to_be_visible()
    await until(scene, 20, 20, [0x3A, 0x41, 0x52])
