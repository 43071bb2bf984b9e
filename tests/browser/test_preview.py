"""The canvas shows what the renderer draws."""

from __future__ import annotations

from typing import Any

from server.media.fonts.book import FontBook
from server.media.looks import text_look
from server.media.painter.text import letter
from server.media.plan import Canvas
from tests.browser.conftest import Visit

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
