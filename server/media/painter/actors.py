"""What stands in a scene: for each item, a sprite and its place at a frame."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from PIL import Image

from server.media.errors import AssetBroken
from server.media.frames import FrameReader
from server.media.looks import MediaLook, ShapeLook, TextLook
from server.media.model import FPS
from server.media.motion import Pose
from server.media.painter.images import open_image, placeholder
from server.media.painter.picture import Picture, Size, Sprite, even
from server.media.painter.shapes import draw_shape
from server.media.painter.studio import Studio
from server.media.painter.text import Lettering, letter
from server.media.pieces import Item
from server.media.plan import Canvas

_FINEST_ZOOM = 1.25
"""How much finer than shown a picture is kept for a Ken Burns move."""


class Actor(Protocol):
    """Draws one item."""

    def draw(self, picture: Picture, pose: Pose, frame: int) -> None:
        """Draw it onto a picture of its own at a frame of its scene."""
        ...

    def close(self) -> None:
        """Let go of what it holds."""
        ...


@dataclass(slots=True)
class StillActor:
    """A sprite around a centre (pixels)."""

    sprite: Sprite
    x: float
    y: float
    opacity: float
    unit: float

    _framed: Sprite | None = None

    def draw(self, picture: Picture, pose: Pose, frame: int) -> None:
        """Draw it."""
        self.place(picture, pose, self.sprite)

    def place(self, picture: Picture, pose: Pose, sprite: Sprite) -> None:
        """Draw another sprite in its place."""
        alpha = self.opacity * pose.alpha
        if alpha <= 0:
            return
        width, height = sprite.size
        left, top = even(self.x - width / 2), even(self.y - height / 2)
        if (pose.dx, pose.dy, pose.scale) == (0, 0, 1):
            picture.paste(sprite, left, top, alpha)
            return
        reach, smaller = 1080 * self.unit, (1 - pose.scale) / 2
        moved = self._frame(sprite).moved(
            left + pose.dx * reach + width * smaller,
            top + pose.dy * reach + height * smaller,
            pose.scale,
        )
        picture.paste(*moved, alpha)

    def _frame(self, sprite: Sprite) -> Sprite:
        if sprite is not self.sprite:
            return sprite.framed()
        if self._framed is None:
            self._framed = sprite.framed()
        return self._framed

    def close(self) -> None:
        """Nothing to let go of."""


@dataclass(slots=True)
class TextActor:
    """A text, of which a part may be typed."""

    still: StillActor
    lettering: Lettering

    def draw(self, picture: Picture, pose: Pose, frame: int) -> None:
        """Draw it."""
        sprite = self.still.sprite
        if pose.reveal < 1 and sprite.mask is not None:
            seen = self.lettering.reveal(pose.reveal)
            mask = Image.new("L", sprite.size, 0)
            mask.paste(sprite.mask.crop((0, 0, *seen.size)), (0, 0), seen)
            sprite = sprite.masked(mask)
        self.still.place(picture, pose, sprite)

    def close(self) -> None:
        """Nothing to let go of."""


@dataclass(frozen=True, slots=True)
class Burns:
    """A Ken Burns move: which part of a picture is shown when, in `size`."""

    look: MediaLook
    size: Size

    def finer(self, pixels: float) -> Size:
        """The size to keep the picture in, which is `pixels` wide where it comes from."""
        most = max(self.look.zoom_from, self.look.zoom_to)
        factor = min(_FINEST_ZOOM, most, max(1.0, pixels / self.size[0]))
        return even(self.size[0] * factor), even(self.size[1] * factor)

    def window(self, sprite: Sprite, part: float) -> Sprite:
        """What is seen of it, `part` (0 to 1) of the way."""
        look = self.look
        zoom = look.zoom_from * (look.zoom_to / look.zoom_from) ** part
        width, height = sprite.size
        wide, high = width / zoom, height / zoom
        left = (look.from_x + (look.to_x - look.from_x) * part) * (width - wide)
        top = (look.from_y + (look.to_y - look.from_y) * part) * (height - high)
        return sprite.window((left, top, left + wide, top + high), self.size)


@dataclass(slots=True)
class BurnsActor:
    """A picture under a Ken Burns move, kept finer than it is shown."""

    still: StillActor
    burns: Burns

    def draw(self, picture: Picture, pose: Pose, frame: int) -> None:
        """Draw it."""
        self.still.place(picture, pose, self.burns.window(self.still.sprite, pose.progress))

    def close(self) -> None:
        """Nothing to let go of."""


@dataclass(slots=True)
class FilmActor:
    """A video or animated GIF, maybe under a Ken Burns move."""

    still: StillActor
    reader: FrameReader
    first: int
    burns: Burns | None

    def draw(self, picture: Picture, pose: Pose, frame: int) -> None:
        """Draw it; frames before its first are its first."""
        sprite = self.reader.frame(max(0, frame - self.first))
        if self.burns is not None:
            sprite = self.burns.window(sprite, pose.progress)
        self.still.place(picture, pose, sprite)

    def close(self) -> None:
        """End the decoder."""
        self.reader.close()


def make_actor(item: Item, studio: Studio, warn: list[str]) -> Actor | None:
    """The actor of an item; None if none of it can be seen.

    What cannot be read is drawn as a placeholder, and said in `warn`.
    """
    canvas, look = studio.canvas, item.look
    if isinstance(look, TextLook):
        return _text(look, studio, warn)
    if isinstance(look, ShapeLook):
        sprite = Sprite.of(draw_shape(look, canvas))
        return StillActor(
            sprite, look.x * canvas.width, look.y * canvas.height, look.opacity, canvas.unit
        )
    assert isinstance(look, MediaLook)
    asset = studio.assets.get(item.layer_id)
    if asset is None:
        return _stand_in(item, look, studio)
    try:
        if asset.kind in ("video", "gif"):
            return _film(item, look, studio)
        return _picture(look, studio, item.layer_id)
    except AssetBroken as error:
        warn.append(f"The file of “{item.label or item.type}” cannot be shown: {error}.")
        return _stand_in(item, look, studio)


def _text(look: TextLook, studio: Studio, warn: list[str]) -> Actor | None:
    if not look.text.strip():
        return None
    canvas = studio.canvas
    lettering = letter(look, canvas, studio.fonts)
    head = look.text.strip()[:30]
    if lettering.cut:
        warn.append(f"The text “{head}…” is longer than the picture is high; its end is cut off.")
    lost = studio.fonts.missing(look.text)
    if lost:
        codes = ", ".join(f"U+{ord(c):04X}" for c in lost[:8])
        warn.append(f"The text “{head}” has characters that no font has: {codes}.")
    if not studio.fonts.has_family(look.family):
        warn.append(f"The font “{look.family}” is not installed; Inter is used.")
    still = StillActor(
        Sprite.of(lettering.image),
        look.x * canvas.width,
        look.y * canvas.height,
        look.opacity,
        canvas.unit,
    )
    return TextActor(still, lettering)


@dataclass(frozen=True, slots=True)
class Frame:
    """Where a picture lies: the part of it that is shown (fractions), its size and centre."""

    crop: tuple[float, float, float, float]
    size: Size
    x: float
    y: float


def frame_of(look: MediaLook, width: int, height: int, canvas: Canvas) -> Frame | None:
    """Where a picture of `width` x `height` lies; None if it lies outside the canvas."""
    across, down = canvas.width / width, canvas.height / height
    if look.fit != "fill":
        across = down = max(across, down) if look.fit == "cover" else min(across, down)
    wide, high = width * across * look.scale, height * down * look.scale
    left = look.x * canvas.width - wide / 2
    top = look.y * canvas.height - high / 2
    x0, y0 = max(left, 0.0), max(top, 0.0)
    x1, y1 = min(left + wide, float(canvas.width)), min(top + high, float(canvas.height))
    if x1 - x0 < 1 or y1 - y0 < 1:
        return None
    size = max(2, even(x1 - x0)), max(2, even(y1 - y0))
    crop = (x0 - left) / wide, (y0 - top) / high, (x1 - left) / wide, (y1 - top) / high
    return Frame(crop, size, (x0 + x1) / 2, (y0 + y1) / 2)


def _picture(look: MediaLook, studio: Studio, layer_id: str) -> Actor | None:
    canvas = studio.canvas
    with studio.opening:
        larger = max(1.0, look.scale) * min(_FINEST_ZOOM, max(look.zoom_from, look.zoom_to))
        wanted = round(canvas.width * larger), round(canvas.height * larger)
        image = open_image(studio.assets[layer_id].path, wanted)
        place = frame_of(look, image.width, image.height, canvas)
        if place is None:
            return None
        left, top, right, bottom = place.crop
        box = (
            left * image.width,
            top * image.height,
            right * image.width,
            bottom * image.height,
        )
        burns = Burns(look, place.size) if look.moves else None
        size = place.size if burns is None else burns.finer(box[2] - box[0])
        clear = image.mode == "RGBA"
        scaled = (image.convert("RGBa") if clear else image).resize(
            size, Image.Resampling.BICUBIC, box=box, reducing_gap=3
        )
        sprite = Sprite.of(scaled.convert("RGBA") if clear else scaled)
    still = StillActor(sprite, place.x, place.y, look.opacity, canvas.unit)
    return still if burns is None else BurnsActor(still, burns)


def _film(item: Item, look: MediaLook, studio: Studio) -> Actor | None:
    asset, canvas = studio.assets[item.layer_id], studio.canvas
    width, height = asset.width or canvas.width, asset.height or canvas.height
    place = frame_of(look, width, height, canvas)
    if place is None:
        return None
    burns = Burns(look, place.size) if look.moves else None
    shown = (place.crop[2] - place.crop[0]) * width
    # Past its end there is its last picture, as where it does not loop.
    end = max(0.0, asset.duration - 2 / FPS) if asset.duration else look.trim
    reader = FrameReader(
        asset.path,
        studio.processes,
        place.crop,
        place.size if burns is None else burns.finer(shown),
        clear=asset.kind == "gif",
        trim=min(look.trim, end),
        loop=look.loop,
    )
    try:
        first = reader.frame(0)
    except AssetBroken:
        reader.close()
        raise
    still = StillActor(first, place.x, place.y, look.opacity, canvas.unit)
    return FilmActor(still, reader, item.first, burns)


def _stand_in(item: Item, look: MediaLook, studio: Studio) -> Actor | None:
    canvas = studio.canvas
    wide, high = (9, 16) if item.type == "avatar" else (canvas.width, canvas.height)
    place = frame_of(look, wide, high, canvas)
    if place is None:
        return None
    image = placeholder(place.size, item.label or item.type, canvas, studio.fonts)
    return StillActor(Sprite.of(image), place.x, place.y, look.opacity, canvas.unit)
