"""Renders the gallery: a strip of three frames for each feature, and a contact sheet.

    python -m tests.gallery.show [--update] [directory]

`--update` replaces the committed strips that the tests compare with.
"""

from __future__ import annotations

import argparse
import asyncio
import html
from pathlib import Path
from typing import Final

import numpy as np
from PIL import Image

from server.media.model import RenderOptions
from server.media.plan import canvas_of
from tests.gallery.features import FEATURES, WATERMARKS
from tests.integration.media.reading import frames
from tests.integration.media.stage import Stage

GOLDEN: Final = Path(__file__).parent / "golden"
_HEIGHT: Final = 112
_AT: Final = (0.12, 0.5, 0.95)


async def strip(stage: Stage, name: str) -> tuple[Image.Image, Path]:
    """Render a feature; three of its frames side by side, and the film."""
    options = RenderOptions(quality="360p", watermark=WATERMARKS.get(name))
    script = FEATURES[name]()
    result = await stage.render(script, options)
    canvas = canvas_of(script.input(), options)
    film = frames(result.path, canvas.width, canvas.height)
    shown = [Image.fromarray(film[int(at * len(film))]) for at in _AT]
    size = round(_HEIGHT * canvas.width / canvas.height), _HEIGHT
    small = [np.asarray(image.resize(size, Image.Resampling.BOX)) for image in shown]
    return Image.fromarray(np.hstack(small)), result.path


async def show(directory: Path, *, update: bool) -> None:
    """Render all features into `directory`."""
    stage = Stage.at(directory)
    rows = []
    for name in FEATURES:
        image, film = await strip(stage, name)
        image.save(directory / f"{name}.png")
        if update:
            GOLDEN.mkdir(exist_ok=True)
            image.save(GOLDEN / f"{name}.png", optimize=True)
        golden = GOLDEN / f"{name}.png"
        rows.append(
            f"<tr><th>{html.escape(name)}<td><img src='{name}.png'>"
            f"<td><img src='{golden.resolve().as_uri()}'>"
            f"<td><video controls muted loop height=160 src='{film.relative_to(directory)}'>"
            "</video>"
        )
        print(name)
    page = directory / "index.html"
    page.write_text(
        "<!doctype html><meta charset=utf-8><title>Gallery</title>"
        "<style>body{font:14px sans-serif;background:#222;color:#eee}td,th{padding:4px}</style>"
        "<table><tr><th>feature<th>now<th>committed<th>film" + "".join(rows) + "</table>"
    )
    print(page)


if __name__ == "__main__":
    arguments = argparse.ArgumentParser()
    arguments.add_argument("directory", nargs="?", type=Path, default=Path("build/gallery"))
    arguments.add_argument("--update", action="store_true")
    given = arguments.parse_args()
    asyncio.run(show(given.directory.resolve(), update=given.update))
