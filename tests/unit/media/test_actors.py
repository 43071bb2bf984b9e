"""Where things are while they move: between pixels, and in the end exactly where they rest."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image, ImageDraw

from server.media.motion import REST, Pose, layer_motions, pose
from server.media.painter.actors import StillActor
from server.media.painter.picture import Picture, Sprite

SIZE = (320, 180)


def _actor(*, clear: bool) -> StillActor:
    image = Image.new("RGBA" if clear else "RGB", (60, 40), (0, 0, 0, 0) if clear else "#FFFFFF")
    if clear:
        ImageDraw.Draw(image).ellipse((5, 5, 54, 34), "#FFFFFF")
    return StillActor(Sprite.of(image), 161.0, 91.0, 1.0, 180 / 1080)


def _drawn(actor: StillActor, at: Pose) -> npt.NDArray[np.float64]:
    picture = Picture.solid(SIZE, "#000000")
    actor.draw(picture, at, 0)
    return np.asarray(picture.planes[0], dtype=np.float64) - 16


def _centre(luma: npt.NDArray[np.float64]) -> tuple[float, float]:
    rows, columns = luma.sum(1), luma.sum(0)
    across = float((columns * np.arange(SIZE[0])).sum() / columns.sum())
    return across, float((rows * np.arange(SIZE[1])).sum() / rows.sum())


@pytest.mark.parametrize("clear", [False, True])
@pytest.mark.parametrize("name", ["zoomIn", "slideLeft", "slideUp"])
def test_an_entrance_moves_evenly_and_ends_where_the_thing_rests(name: str, clear: bool) -> None:
    actor = _actor(clear=clear)
    motions = layer_motions([name], 0, 60, 1.0, 0, [])
    rest = _drawn(actor, REST)
    places = [
        _centre(_drawn(actor, Pose(dx=at.dx, dy=at.dy, scale=at.scale)))
        for at in (pose(motions, frame) for frame in range(30))
    ]
    sizes = [_drawn(actor, Pose(scale=pose(motions, frame).scale)).sum() for frame in range(30)]
    wanted = [pose(motions, frame) for frame in range(30)]
    middle = _centre(rest)
    for place, at in zip(places, wanted, strict=True):
        assert place[0] == pytest.approx(middle[0] + at.dx * 180, abs=0.1)
        assert place[1] == pytest.approx(middle[1] + at.dy * 180, abs=0.1)
    for size, at in zip(sizes, wanted, strict=True):
        assert size == pytest.approx(rest.sum() * at.scale**2, rel=0.02)
    assert np.abs(_drawn(actor, wanted[-1]) - rest).max() <= 1


def test_edges_between_pixels_keep_their_colour() -> None:
    """No dark or coloured rim, in luma or chroma, around a thing of the ground's own colour."""
    sprite = Sprite.of(Image.new("RGB", (60, 40), "#C01E1E"))
    actor = StillActor(sprite, 161.0, 91.0, 1.0, 180 / 1080)
    for step in range(8):
        picture = Picture.solid(SIZE, "#C01E1E")
        actor.draw(picture, Pose(dx=0.0013 * step, dy=0.0007 * step, scale=0.9), 0)
        for plane, ground in zip(
            picture.planes, Picture.solid(SIZE, "#C01E1E").planes, strict=True
        ):
            assert np.abs(np.asarray(plane).astype(int) - np.asarray(ground)).max() <= 1
