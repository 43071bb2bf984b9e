"""A scene's painter: composes once what stands still, and draws again only what moves."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from types import TracebackType

from server.media.looks import EffectLook
from server.media.motion import REST, Pose, pose
from server.media.painter.actors import Actor, make_actor
from server.media.painter.effects import apply_effect, joined
from server.media.painter.picture import Picture
from server.media.painter.studio import Studio
from server.media.pieces import Item
from server.media.plan import Plan, ScenePlan, Segment


class ScenePainter:
    """Draws the frames of one scene, without transitions and watermark."""

    def __init__(self, scene: ScenePlan, studio: Studio) -> None:
        self._scene = scene
        self._studio = studio
        self._actors: dict[int, Actor | None] = {}
        self._base: tuple[list[tuple[int, Pose]], Picture] | None = None
        self.warnings: list[str] = []

    def frame(self, number: int) -> Picture:
        """The picture at a frame of the scene; it belongs to the caller.

        Raises:
            RenderCancelled: the render was cancelled.
        """
        seen = [
            (index, item)
            for index, item in enumerate(self._scene.items)
            if item.first <= number < item.end
        ]
        fixed = 0
        while fixed < len(seen) and not seen[fixed][1].moves_in(number, number + 1):
            fixed += 1
        picture = self._still(seen[:fixed], number)
        for index, item in seen[fixed:]:
            picture = self._draw(picture, index, item, number)
        return picture

    def _still(self, items: list[tuple[int, Item]], number: int) -> Picture:
        key = [(index, pose(item.motions, number)) for index, item in items]
        if self._base is None or self._base[0] != key:
            canvas = self._studio.canvas
            picture = Picture.solid((canvas.width, canvas.height), canvas.background)
            for index, item in items:
                picture = self._draw(picture, index, item, number)
            self._base = key, picture
        return self._base[1].copy()

    def _draw(self, picture: Picture, index: int, item: Item, number: int) -> Picture:
        if isinstance(item.look, EffectLook):
            return apply_effect(picture, item.look, item.motions, number, self._studio.canvas)
        actor = self._actor(index, item)
        if actor is not None:
            actor.draw(picture, pose(item.motions, number) if item.motions else REST, number)
        return picture

    def _actor(self, index: int, item: Item) -> Actor | None:
        if index not in self._actors:
            self._actors[index] = make_actor(item, self._studio, self.warnings)
        return self._actors[index]

    def close(self) -> None:
        """Let go of decoders."""
        for actor in self._actors.values():
            if actor is not None:
                actor.close()
        self._actors.clear()


class SegmentPainter:
    """Draws the frames of one segment as the film shows them, in bytes for the encoder."""

    def __init__(self, plan: Plan, segment: Segment, studio: Studio) -> None:
        self._plan, self._segment, self._studio = plan, segment, studio
        self._stack = ExitStack()
        self._painter = self._paint(segment.scene)
        self._held: Picture | None = None

    def __enter__(self) -> SegmentPainter:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stack.close()

    @property
    def warnings(self) -> list[str]:
        """What could not be drawn as asked."""
        return self._painter.warnings

    def frames(self) -> Iterator[tuple[bytes, ...]]:
        """The drawn frames of all pieces, in their order.

        Raises:
            RenderCancelled: the render was cancelled.
        """
        for piece in self._segment.pieces:
            still = None
            for offset in range(piece.drawn):
                if still is None:
                    still = self.picture(piece.first + offset).chunks()
                yield still
                if not piece.still:
                    still = None

    def picture(self, number: int) -> Picture:
        """The picture at a frame of the segment's scene, with transition and watermark."""
        picture = self._painter.frame(number)
        segment, transition = self._segment, self._segment.transition
        if transition is not None:
            if self._held is None:
                other = self._paint(transition.other)
                self._held = other.frame(transition.other_frame)
            length = segment.end - segment.first
            part = (number - segment.first + 1) / (length + 1)
            picture = joined(picture, self._held, transition, part)
        if self._studio.mark is not None:
            picture.paste(*self._studio.mark)
        return picture

    def _paint(self, index: int) -> ScenePainter:
        painter = ScenePainter(self._plan.scenes[index], self._studio)
        self._stack.callback(painter.close)
        return painter
