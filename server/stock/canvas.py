"""What the drawings share: colours, gradients, clouds, ridges. Pictures are arrays of floats.

A picture is `(height, width, 3)`, red, green and blue from 0 to 1; masks are `(height, width)`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

Picture = NDArray[np.float64]
Mask = NDArray[np.float64]

WIDTH: Final = 1920
HEIGHT: Final = 1080
FINER: Final = 2
"""How much larger shapes are drawn before they are made small, so that their edges are smooth."""


def colour(code: str) -> Picture:
    """A colour such as `#ff8800`."""
    return np.array([int(code[i : i + 2], 16) / 255 for i in (1, 3, 5)])


def places() -> tuple[Mask, Mask]:
    """The place of each point: x and y, both from 0 to 1."""
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH]
    return x / (WIDTH - 1), y / (HEIGHT - 1)


def ramp(along: Mask, stops: Sequence[tuple[float, str]]) -> Picture:
    """Colours along a value, from stop to stop."""
    at = [stop for stop, _ in stops]
    colours = np.array([colour(code) for _, code in stops])
    return np.stack([np.interp(along, at, colours[:, i]) for i in range(3)], axis=-1)


def over(picture: Picture, mask: Mask, above: Picture) -> Picture:
    """A colour or a picture laid over another where a mask says so."""
    mixed: Picture = picture + (above - picture) * mask[..., None]
    return mixed


def clouds(random: np.random.Generator, roughness: float = 2.0, stretch: float = 1.0) -> Mask:
    """Soft noise from 0 to 1; a larger `roughness` is softer, a larger `stretch` wider."""
    spectrum = np.fft.rfft2(random.normal(0, 1, (HEIGHT // 2, WIDTH // 2)))
    fy = np.fft.fftfreq(HEIGHT // 2)[:, None]
    fx = np.fft.rfftfreq(WIDTH // 2)[None, :] * stretch
    distance = np.sqrt(fx**2 + fy**2)
    distance[0, 0] = 1
    field = np.fft.irfft2(spectrum / distance**roughness, (HEIGHT // 2, WIDTH // 2))
    low, high = np.quantile(field, (0.005, 0.995))
    small = Image.fromarray(np.clip((field - low) / (high - low), 0, 1).astype(np.float32))
    whole = np.asarray(small.resize((WIDTH, HEIGHT), Image.Resampling.BICUBIC), dtype=float)
    clipped: Mask = np.clip(whole, 0, 1)
    return clipped


def ridge(random: np.random.Generator, base: float, height: float, rough: float = 1.1) -> Mask:
    """A line of hills: for each column the height of its top, 0 at the top of the picture."""
    waves = np.arange(1, 160)
    levels = waves**-rough
    phases = random.uniform(0, 2 * np.pi, waves.size)
    x = np.linspace(0, 1, WIDTH)
    line: Mask = np.zeros(WIDTH)
    for wave, level, phase in zip(waves, levels, phases, strict=True):
        line += level * np.sin(2 * np.pi * wave * 0.7 * x + phase)
    share: Mask = (line - line.min()) / (line.max() - line.min())
    return base - height * share


def below(line: Mask) -> Mask:
    """The mask of what lies below a line, its edge smooth."""
    y = np.arange(HEIGHT)[:, None]
    return np.clip(y - line[None, :] * HEIGHT + 0.5, 0, 1)


def glow(x: float, y: float, radius: float, sharpness: float = 2.0) -> Mask:
    """A soft light around a point; `radius` in heights of the picture."""
    px, py = places()
    distance = np.hypot((px - x) * WIDTH / HEIGHT, py - y) / radius
    return np.exp(-(distance**sharpness))


def disc(x: float, y: float, radius: float) -> Mask:
    """A filled circle with a smooth edge; `radius` in heights of the picture."""
    px, py = places()
    distance = np.hypot((px - x) * WIDTH / HEIGHT, py - y)
    return np.clip((radius - distance) * HEIGHT + 0.5, 0, 1)


def shapes(draw: Callable[[Any, float], None]) -> Mask:
    """The mask of what `draw` draws with a Pillow pen; it is told how large the picture is."""
    image = Image.new("L", (WIDTH * FINER, HEIGHT * FINER), 0)
    draw(ImageDraw.Draw(image), float(FINER))
    small = image.resize((WIDTH, HEIGHT), Image.Resampling.LANCZOS)
    return np.asarray(small, dtype=float) / 255


def painted(ground: str, draw: Callable[[Any, float], None]) -> Picture:
    """What `draw` draws in colours on a ground; it is told how large the picture is."""
    image = Image.new("RGB", (WIDTH * FINER, HEIGHT * FINER), ground)
    draw(ImageDraw.Draw(image), float(FINER))
    small = image.resize((WIDTH, HEIGHT), Image.Resampling.LANCZOS)
    return np.asarray(small, dtype=float) / 255


def grained(picture: Picture, random: np.random.Generator, amount: float = 0.012) -> Image.Image:
    """As an image; a little grain keeps gradients from showing steps."""
    rough = picture + random.normal(0, amount, picture.shape[:2])[..., None]
    return Image.fromarray((np.clip(rough, 0, 1) * 255 + 0.5).astype(np.uint8))
