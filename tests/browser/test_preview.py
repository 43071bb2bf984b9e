"""The canvas shows what the renderer draws."""

from __future__ import annotations

import asyncio
import uuid
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Route

from server.media.fonts.book import FontBook
from server.media.looks import text_look
from server.media.painter.text import letter
from server.media.plan import Canvas
from tests.browser.conftest import Visit
from tests.browser.showpiece import picture, upload
from tests.support.files import encoded
from tests.support.server import Api

TEXTS = (
    "The quick brown fox jumps over the lazy dog, and over the state-of-the-art fence/hedge.",
    "below -5 degrees in 2020-2021 and 1/2 of it",
    "supercalifragilisticexpialidocious",
    "   leading spaces, and a tail   ",
    "one\n\ntwo",
)


async def test_texts_are_broken_into_the_renderers_lines(visit: Visit) -> None:
    alice = await visit("alice")
    properties = {"font_size": 90, "max_width": 40}
    shown: list[list[str]] = await alice.page.evaluate(
        """async ([texts, properties]) => {
            const { layOutText } = await import('/editor/paint-text.js')
            const { textLook } = await import('/editor/looks.js')
            await document.fonts.load('400 90px Inter')
            const context = new OffscreenCanvas(1920, 1080).getContext('2d')
            const frame = { width: 1920, height: 1080, unit: 1 }
            return texts.map((text) => layOutText(context, textLook({ ...properties, text }), frame)
                .lines.map((line) => line.text))
        }""",
        [list(TEXTS), properties],
    )
    fonts, canvas = FontBook(), Canvas(1920, 1080, "#000000")
    drawn = [
        ["".join(run.text for run in line.runs) for line in _lines(text, properties, canvas, fonts)]
        for text in TEXTS
    ]
    assert shown == drawn


def _lines(text: str, properties: dict[str, Any], canvas: Canvas, fonts: FontBook) -> Any:
    return letter(text_look({**properties, "text": text}), canvas, fonts).lines


@pytest.mark.parametrize("moves", [True, False])
async def test_an_avatar_that_is_named_by_its_id_alone_is_shown(
    visit: Visit, api: Api, tmp_path: Path, moves: bool
) -> None:
    """By its film, as in a render, or else by its picture."""
    content = encoded(tmp_path, "a.mp4", "color=lime:d=1:s=90x160:r=10")
    film = (await upload(api, "media", "Film.mp4", content))["url"]
    still = (await upload(api, "media", "Still.jpg", picture(90, 160)))["url"]
    amy = str(uuid.uuid4())
    video = await api.make_video()
    scene = await api.make_scene(video, text="", duration=2)
    given = {"type": "avatar", "name": "Amy", "start_time": 0, "duration": 2}
    made = await api.call(
        "POST", f"/scenes/{scene}/layers", {**given, "properties": {"avatar_id": amy}}
    )
    assert made.status == 201
    alice = await visit("alice")

    async def one(route: Route) -> None:
        asset = {"id": amy, "type": "image", "url": still, "video_url": film if moves else None}
        await route.fulfill(json={"success": True, "data": {"asset": asset}})

    await alice.page.route(f"**/api/v1/videos/{video}/avatars/{amy}", one)
    await alice.open_video(video)
    stage = alice.page.locator(".stage-canvas")
    kind = """(canvas) => {
        const [x, y] = [canvas.width / 2, canvas.height / 2]
        const [red, green, blue] = canvas.getContext('2d').getImageData(x, y, 1, 1).data
        return red + green + blue === 0 ? '' : green > 200 && red < 60 ? 'film' : 'picture'
    }"""
    while not (seen := await stage.evaluate(kind)):
        await asyncio.sleep(0.05)
    while seen != ("film" if moves else "picture"):
        seen = await stage.evaluate(kind)


async def test_a_picture_that_is_named_by_its_id_alone_is_shown(visit: Visit, api: Api) -> None:
    media = await upload(api, "media", "Still.jpg", picture(160, 90))
    video = await api.make_video()
    scene = await api.make_scene(video, text="", duration=2)
    given = {"type": "media", "name": "Still", "start_time": 0, "duration": 2}
    properties = {"media_id": media["id"]}
    made = await api.call("POST", f"/scenes/{scene}/layers", {**given, "properties": properties})
    assert made.status == 201
    alice = await visit("alice")
    async with alice.page.expect_response(f"**/videos/{video}/media/{media['id']}") as asked:
        await alice.open_video(video)
    assert (await asked.value).status == 200
    inked = """(canvas) => {
        const [x, y] = [canvas.width / 2, canvas.height / 2]
        return canvas.getContext('2d').getImageData(x, y, 1, 1).data.slice(0, 3).some(Boolean)
    }"""
    while not await alice.page.locator(".stage-canvas").evaluate(inked):
        await asyncio.sleep(0.05)
