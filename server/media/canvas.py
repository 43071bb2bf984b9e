"""What drawings share: colours, gradients, clouds, ridges. Pictures are arrays of floats.

A picture is `(height, width, 3)`, red, green and blue from 0 to 1; masks are `(height, width)`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any, Final

import numpy as np
from numpy.typing import DTypeLike, NDArray
from PIL import Image, ImageDraw

Picture = NDArray[np.floating[Any]]
Mask = NDArray[np.floating[Any]]

FINER: Final = 2
"""How much larger shapes are drawn before they are made small, so that their edges are smooth."""


def colour(code: str) -> Picture:
    """A colour such as `#ff8800`."""
    return np.array([int(code[i : i + 2], 16) / 255 for i in (1, 3, 5)])


def ramp(along: Mask, stops: Sequence[tuple[float, str]]) -> Picture:
    """Colours along a value, from stop to stop."""
    at = [stop for stop, _ in stops]
    colours = np.array([colour(code) for _, code in stops])
    mixed = [np.interp(along, at, colours[:, i]) for i in range(3)]
    return np.stack(mixed, axis=-1).astype(along.dtype, copy=False)


def over(picture: Picture, mask: Mask, above: Picture) -> Picture:
    """A colour or a picture laid over another where a mask says so."""
    mixed: Picture = picture + (above - picture) * mask[..., None]
    return mixed.astype(picture.dtype, copy=False)


class Canvas:
    """What is drawn on: a size, and how exact the numbers are.

    Places are shares of the width and height, sizes are in heights of the picture.

    Args:
        width, height: pixels.
        exact: of the numbers.
        quick: draw shapes in a simpler way.
    """

    def __init__(
        self, width: int, height: int, exact: DTypeLike = np.float64, *, quick: bool = False
    ) -> None:
        self.width = width
        self.height = height
        self.exact = np.dtype(exact)
        self.quick = quick

    @cached_property
    def places(self) -> tuple[Mask, Mask]:
        """The place of each point: x and y, both from 0 to 1."""
        y, x = np.mgrid[0 : self.height, 0 : self.width]
        across, down = x / (self.width - 1), y / (self.height - 1)
        return across.astype(self.exact, copy=False), down.astype(self.exact, copy=False)

    def clouds(
        self, random: np.random.Generator, roughness: float = 2.0, stretch: float = 1.0
    ) -> Mask:
        """Soft noise from 0 to 1; a larger `roughness` is softer, a larger `stretch` wider."""
        size = (self.height // 2, self.width // 2)
        spectrum = np.fft.rfft2(random.normal(0, 1, size))
        fy = np.fft.fftfreq(size[0])[:, None]
        fx = np.fft.rfftfreq(size[1])[None, :] * stretch
        distance = np.sqrt(fx**2 + fy**2)
        distance[0, 0] = 1
        field = np.fft.irfft2(spectrum / distance**roughness, size)
        low, high = np.quantile(field, (0.005, 0.995))
        small = Image.fromarray(np.clip((field - low) / (high - low), 0, 1).astype(np.float32))
        return np.clip(self._whole(small), 0, 1)

    def ridge(
        self, random: np.random.Generator, base: float, height: float, rough: float = 1.1
    ) -> Mask:
        """A line of hills: for each column the height of its top, 0 at the top of the picture."""
        waves = np.arange(1, 160)
        levels = waves**-rough
        phases = random.uniform(0, 2 * np.pi, waves.size)
        x = np.linspace(0, 1, self.width)
        line: Mask = np.zeros(self.width)
        for wave, level, phase in zip(waves, levels, phases, strict=True):
            line += level * np.sin(2 * np.pi * wave * 0.7 * x + phase)
        share: Mask = (line - line.min()) / (line.max() - line.min())
        return (base - height * share).astype(self.exact, copy=False)

    def below(self, line: Mask) -> Mask:
        """The mask of what lies below a line, its edge smooth."""
        y = np.arange(self.height, dtype=self.exact)[:, None]
        under: Mask = np.clip(y - line[None, :] * self.height + 0.5, 0, 1)
        return under

    def distance(self, x: float, y: float) -> Mask:
        """How far each point is from one, in heights of the picture."""
        px, py = self.places
        far: Mask = np.hypot((px - x) * (self.width / self.height), py - y)
        return far

    def glow(self, x: float, y: float, radius: float, sharpness: float = 2.0) -> Mask:
        """A soft light around a point."""
        spread: Mask = np.exp(-((self.distance(x, y) / radius) ** sharpness))
        return spread

    def disc(self, x: float, y: float, radius: float) -> Mask:
        """A filled circle with a smooth edge."""
        inside: Mask = (radius - self.distance(x, y)) * self.height + 0.5
        return np.clip(inside, 0, 1)

    def shapes(self, draw: Callable[[Any, float], None]) -> Mask:
        """The mask of what `draw` draws with a Pillow pen; it is told how large the picture is."""
        return self.shares(self._drawn("L", 0, draw))

    def painted(self, ground: str, draw: Callable[[Any, float], None]) -> Picture:
        """What `draw` draws in colours on a ground; it is told how large the picture is."""
        return self.shares(self._drawn("RGB", ground, draw))

    def grained(
        self, picture: Picture, random: np.random.Generator, amount: float = 0.012
    ) -> Image.Image:
        """As an image; a little grain keeps gradients from showing steps."""
        rough = picture + random.normal(0, amount, picture.shape[:2])[..., None]
        return Image.fromarray((np.clip(rough, 0, 1) * 255 + 0.5).astype(np.uint8))

    def shares(self, image: Image.Image) -> Picture:
        """What Pillow has as numbers from 0 to 255, from 0 to 1."""
        numbers: Picture = np.asarray(image, dtype=self.exact) / self.exact.type(255)
        return numbers

    def _drawn(self, mode: str, ground: Any, draw: Callable[[Any, float], None]) -> Image.Image:
        image = Image.new(mode, (self.width * FINER, self.height * FINER), ground)
        draw(ImageDraw.Draw(image), float(FINER))
        if self.quick:
            return image.reduce(FINER)
        return image.resize((self.width, self.height), Image.Resampling.LANCZOS)

    def _whole(self, small: Image.Image) -> Mask:
        size = (self.width, self.height)
        return np.asarray(small.resize(size, Image.Resampling.BICUBIC), dtype=self.exact)
