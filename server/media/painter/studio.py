"""What all painters of one render share: the picture's size, fonts, files, processes, warnings."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field

from server.media.ffmpeg import Processes
from server.media.fonts.book import FontBook
from server.media.looks import TextLook
from server.media.model import Asset, Watermark
from server.media.painter.images import open_image
from server.media.painter.picture import Sprite, even
from server.media.painter.text import letter
from server.media.plan import Canvas


@dataclass(slots=True)
class Studio:
    """Shared by the threads of one render.

    Attributes:
        canvas: the picture.
        assets: the files that were found, by layer id.
        fonts: the font book.
        processes: for the frames of videos.
        opening: held while a large picture is opened, so that only one is in memory at a time.
        mark: the watermark and where it goes, if there is one.
    """

    canvas: Canvas
    assets: Mapping[str, Asset]
    fonts: FontBook
    processes: Processes
    opening: threading.Lock = field(default_factory=threading.Lock)
    mark: tuple[Sprite, int, int] | None = None

    def set_watermark(self, watermark: Watermark) -> None:
        """Make the mark that every frame gets.

        Raises:
            AssetBroken: its picture cannot be read.
        """
        canvas = self.canvas
        if watermark.image is not None:
            wanted = max(2, round(canvas.width * min(max(watermark.scale, 0.01), 1)))
            image = open_image(watermark.image, (wanted, wanted)).convert("RGBA")
            height = max(2, round(image.height * wanted / image.width))
            if height > canvas.height:
                wanted, height = max(2, round(wanted * canvas.height / height)), canvas.height
            image = image.resize((wanted, height))
        else:
            look = TextLook(
                text=watermark.text[:100],
                family="Inter",
                size=34 * min(max(watermark.scale, 0.01), 1) / 0.15,
                weight=600,
                italic=False,
                color="#FFFFFF",
                align="center",
                x=0.5,
                y=0.5,
                opacity=1,
                line_height=1.25,
                max_width=0.9,
                background=None,
                outline=None,
                outline_width=0,
                shadow=True,
            )
            image = letter(look, canvas, self.fonts).image
        opacity = min(max(watermark.opacity, 0), 1)
        image.putalpha(image.getchannel("A").point([round(i * opacity) for i in range(256)]))
        sprite = Sprite.of(image)
        margin = round(0.03 * min(canvas.width, canvas.height))
        free = canvas.width - sprite.size[0], canvas.height - sprite.size[1]
        left = margin if "left" in watermark.position else free[0] - margin
        top = margin if "top" in watermark.position else free[1] - margin
        if watermark.position == "center":
            left, top = free[0] // 2, free[1] // 2
        self.mark = sprite, even(left), even(top)
