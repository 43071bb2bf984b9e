"""The styles: what is done to a composition once it is drawn.

Each takes a scene and its picture and returns one of the same size.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

import numpy as np
from PIL import Image, ImageFilter

from server.media.canvas import Mask, Picture, colour, ramp
from server.media.images.drawing.scene import Scene

Style = Callable[[Scene, Picture], Picture]


def light_of(picture: Picture) -> Mask:
    """How bright each point is."""
    weights = np.array([0.299, 0.587, 0.114], dtype=picture.dtype)
    lit: Mask = np.clip(picture, 0, 1) @ weights
    return lit


def image_of(picture: Picture) -> Image.Image:
    """A picture as Pillow has it."""
    return Image.fromarray((np.clip(picture, 0, 1) * 255 + 0.5).astype(np.uint8))


def picture_of(image: Image.Image, like: Picture) -> Picture:
    """Pillow's as an array."""
    return np.asarray(image, dtype=like.dtype) / like.dtype.type(255)


def softened(picture: Picture, share: float) -> Picture:
    """Blurred, by a share of the height; through a smaller picture, which is quick."""
    radius = share * picture.shape[0]
    by = max(1, int(radius / 3))
    image = image_of(picture)
    small = image.reduce(by).filter(ImageFilter.GaussianBlur(radius / by))
    return picture_of(small.resize(image.size, Image.Resampling.BICUBIC), picture)


def saturated(picture: Picture, amount: float) -> Picture:
    """With more colour (above 1) or less."""
    grey = light_of(picture)[..., None]
    return grey + (picture - grey) * np.asarray(amount, picture.dtype)


def contrasted(picture: Picture, amount: float) -> Picture:
    """Bent to an S: darks darker, lights lighter."""
    clear = np.clip(picture, 0, 1)
    bent = clear * clear * (3 - 2 * clear)
    return clear + (bent - clear) * np.asarray(amount, picture.dtype)


def vignetted(scene: Scene, picture: Picture, amount: float) -> Picture:
    """Darker to the corners."""
    x, y = scene.canvas.places
    far = ((x - 0.5) ** 2 + (y - 0.5) ** 2) * 2
    dark = np.clip(far * far * amount * 1.6, 0, 0.8)
    darker: Picture = picture * (1 - dark)[..., None].astype(picture.dtype)
    return darker


def bloomed(picture: Picture, amount: float, share: float = 0.03) -> Picture:
    """Bright things glow."""
    bright = np.clip(picture - 0.55, 0, 1) * 2
    return picture + softened(bright, share) * np.asarray(amount, picture.dtype)


def edges(picture: Picture, wide: float) -> Mask:
    """Where something ends: 0 to 1, lines of a width in shares of the height."""
    lit = light_of(softened(picture, wide / 2))
    step = max(1, int(wide * picture.shape[0]))
    across = np.abs(np.roll(lit, step, 1) - np.roll(lit, -step, 1))
    down = np.abs(np.roll(lit, step, 0) - np.roll(lit, -step, 0))
    found = np.hypot(across, down)
    found[:step], found[-step:], found[:, :step], found[:, -step:] = 0, 0, 0, 0
    return found


def stepped(picture: Picture, levels: int, soft: float = 0.0) -> Picture:
    """In a few steps of brightness."""
    lit = light_of(picture)
    whole = np.floor(lit * levels)
    part = lit * levels - whole
    edge = np.clip((part - 0.5) / max(soft, 1e-3) + 0.5, 0, 1)
    wanted = (whole + edge) / levels
    raised: Picture = picture * ((wanted + 0.04) / (lit + 0.04))[..., None]
    return raised


def realistic(scene: Scene, picture: Picture) -> Picture:
    """As it is, with a little contrast."""
    return contrasted(bloomed(picture, 0.12), 0.25)


def photographic(scene: Scene, picture: Picture) -> Picture:
    """Sharp in the middle, soft around it, warm."""
    _x, y = scene.canvas.places
    away = np.clip(np.abs(y - 0.56) * 2.4 - 0.35, 0, 1) * 0.75
    soft = softened(picture, 0.007)
    picture = picture + (soft - picture) * away[..., None]
    warm = np.array([1.04, 1.0, 0.93], dtype=picture.dtype)
    return vignetted(scene, contrasted(bloomed(picture, 0.15) * warm, 0.4), 0.35)


def cinematic(scene: Scene, picture: Picture) -> Picture:
    """Teal in the shadows, orange in the lights, dark corners."""
    lit = light_of(picture)[..., None]
    cold = np.array([0.86, 1.0, 1.1], dtype=picture.dtype)
    warm = np.array([1.1, 1.0, 0.86], dtype=picture.dtype)
    graded = picture * (cold + (warm - cold) * np.clip(lit * 1.35, 0, 1))
    return vignetted(scene, contrasted(bloomed(graded, 0.3, 0.04), 0.6), 0.85)


def digital_art(scene: Scene, picture: Picture) -> Picture:
    """Rich colours that glow."""
    return saturated(contrasted(bloomed(picture, 0.4), 0.45), 1.4)


def fantasy(scene: Scene, picture: Picture) -> Picture:
    """Violet shadows, a glow, sparks."""
    lit = light_of(picture)
    tint = ramp(lit, [(0, "#1a0b3b"), (0.4, "#5b2a9d"), (0.75, "#f08fc0"), (1, "#fff3d6")])
    picture = bloomed(picture * 0.55 + tint * 0.4, 0.28, 0.045)
    random = scene.random
    for _ in range(26):
        place = (random.random(), random.random(), random.uniform(0.006, 0.022))
        picture = scene.paint(picture, _near(scene, *place) * 0.8, "#fff7da")
    return saturated(picture, 1.25)


def _near(scene: Scene, x: float, y: float, radius: float) -> Mask:
    """A spark: a glow that is computed only where it is seen."""
    canvas = scene.canvas
    mask = np.zeros((canvas.height, canvas.width), dtype=canvas.exact)
    reach = int(radius * canvas.height * 3) + 1
    row, column = int(y * canvas.height), int(x * canvas.width)
    top, left = max(0, row - reach), max(0, column - reach)
    rows = np.arange(top, min(canvas.height, row + reach))[:, None] - row
    columns = np.arange(left, min(canvas.width, column + reach))[None, :] - column
    size = radius * canvas.height
    far = np.hypot(rows, columns) / size
    cross = np.exp(-np.abs(rows) / size * 5) * np.exp(-np.abs(columns) / size * 0.9)
    cross = cross + np.exp(-np.abs(columns) / size * 5) * np.exp(-np.abs(rows) / size * 0.9)
    spark = np.clip(np.exp(-((far * 1.6) ** 2)) + cross * np.clip(1 - far / 3, 0, 1) * 0.7, 0, 1)
    mask[top : top + rows.shape[0], left : left + columns.shape[1]] = spark
    return mask


def illustration(scene: Scene, picture: Picture) -> Picture:
    """Flat: few steps, soft paper."""
    flat = stepped(saturated(softened(picture, 0.002), 1.3), 7, 0.12)
    paper = scene.canvas.clouds(scene.random, 0.7)
    return flat * (0.96 + 0.08 * paper)[..., None]


def anime(scene: Scene, picture: Picture) -> Picture:
    """Clear colours in steps, thin dark lines, bright lights."""
    flat = stepped(saturated(softened(picture, 0.0015), 1.5) * 1.08, 9, 0.3)
    line = np.clip(edges(picture, 0.0016) * 3.2 - 0.3, 0, 0.75)
    return bloomed(scene.paint(flat, line, "#22203a"), 0.45, 0.03)


def comic(scene: Scene, picture: Picture) -> Picture:
    """Ink lines, few colours, dots in the shadows."""
    canvas = scene.canvas
    flat = stepped(saturated(softened(picture, 0.0025), 1.6) * 1.1 + 0.03, 4, 0.05)
    size = canvas.height / 110
    rows, columns = np.mgrid[0 : canvas.height, 0 : canvas.width].astype(canvas.exact)
    turn = np.cos(0.5), np.sin(0.5)
    across = (columns * turn[0] + rows * turn[1]) * np.pi / size
    down = (rows * turn[0] - columns * turn[1]) * np.pi / size
    screen = (np.sin(across) * np.sin(down) + 1) / 2
    dark = np.clip(0.62 - light_of(picture), 0, 1)
    dots = np.clip((dark - screen * 0.75) * 9, 0, 1) * 0.55
    flat = scene.paint(flat, dots, "#14122b")
    line = np.clip(edges(picture, 0.0028) * 5 - 0.45, 0, 1)
    return scene.paint(flat, line, "#0c0a18")


def watercolor(scene: Scene, picture: Picture) -> Picture:
    """Washes that run, with dark rims, on rough paper."""
    canvas, random = scene.canvas, scene.random
    bend = (canvas.clouds(random, 1.5) - 0.5) * canvas.height * 0.03
    rows, columns = np.indices((canvas.height, canvas.width))
    rows = np.clip(rows + bend, 0, canvas.height - 1).astype(int)
    columns = np.clip(columns - bend, 0, canvas.width - 1).astype(int)
    wash = stepped(softened(picture, 0.004), 8, 0.5)[rows, columns]
    pigment = canvas.clouds(random, 1.4)
    wash = wash + (1 - wash) * (0.2 + 0.34 * pigment)[..., None]
    rim = np.clip(edges(wash, 0.002) * 2.2, 0, 0.5)
    wash = wash * (1 - rim * 0.6)[..., None]
    grain = canvas.clouds(random, 0.5)
    paper = 1 - 0.1 * np.clip(grain - 0.4, 0, 1)
    x, y = canvas.places
    edge = np.minimum(np.minimum(x, 1 - x) * canvas.width / canvas.height, np.minimum(y, 1 - y))
    torn = np.clip((edge - 0.02 - 0.035 * canvas.clouds(random, 1.4)) * 40, 0, 1)
    sheet = colour("#fbf7ee").astype(picture.dtype)
    dried: Picture = (sheet + (saturated(wash, 1.25) - sheet) * torn[..., None]) * paper[..., None]
    return dried


def sketch(scene: Scene, picture: Picture) -> Picture:
    """Pencil: lines, and hatching where it is dark."""
    canvas = scene.canvas
    lit = light_of(contrasted(picture, 0.5))
    blurred = light_of(softened(picture, 0.012))
    line = np.clip(lit / (blurred + 0.03), 0, 1) ** 2.2
    line = np.minimum(line, 1 - np.clip(edges(picture, 0.0016) * 4 - 0.12, 0, 0.9))
    rows, columns = np.mgrid[0 : canvas.height, 0 : canvas.width].astype(canvas.exact)
    wobble = canvas.clouds(scene.random, 1.8) * 14
    each = canvas.height / 170
    first = 0.5 + 0.5 * np.sin((rows + columns) * 2.2 / each + wobble)
    second = 0.5 + 0.5 * np.sin((rows - columns) * 2.2 / each + wobble)
    hatch = 1 - np.clip(0.72 - lit, 0, 1) * first * 0.75 - np.clip(0.38 - lit, 0, 1) * second * 0.9
    grain = canvas.clouds(scene.random, 0.4)
    drawn = np.clip(line * hatch - (1 - line * hatch) * (grain - 0.5) * 0.35, 0, 1)
    return ramp(drawn, [(0, "#2a2a33"), (0.6, "#a7a5a3"), (1, "#f8f5ee")])


def minimal(scene: Scene, picture: Picture) -> Picture:
    """Few colours, nothing small."""
    small = image_of(softened(picture, 0.006)).reduce(2)
    few = small.quantize(7, method=Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
    size = (picture.shape[1], picture.shape[0])
    flat = few.convert("RGB").resize(size, Image.Resampling.BICUBIC)
    calm = saturated(picture_of(flat, picture), 0.8)
    return calm * 0.86 + np.asarray(0.13, picture.dtype)


def abstract(scene: Scene, picture: Picture) -> Picture:
    """Strong colours; what it showed can be guessed."""
    return saturated(contrasted(picture, 0.35), 1.3)


def vintage(scene: Scene, picture: Picture) -> Picture:
    """Faded, brown, with dust on it."""
    lit = light_of(picture)
    brown = ramp(lit, [(0, "#2b1a12"), (0.5, "#a87f55"), (1, "#f7e8c8")])
    faded = contrasted(picture, 0.2) * 0.42 + brown * 0.58
    faded = faded * 0.88 + np.asarray(0.07, picture.dtype)
    random, canvas = scene.random, scene.canvas
    for _ in range(16):
        place = (random.random(), random.random(), random.uniform(0.0008, 0.003))
        faded = scene.paint(faded, np.clip(_near(scene, *place) * 2, 0, 0.5), "#fff6e2")
    grain = random.normal(0, 0.03, (canvas.height, canvas.width)).astype(picture.dtype)
    return vignetted(scene, faded + grain[..., None], 1.0)


def neon(scene: Scene, picture: Picture) -> Picture:
    """Dark, its outlines shining."""
    found = np.clip(edges(picture, 0.002) * 5.5 - 0.2, 0, 1)
    x, y = scene.canvas.places
    pairs = (("#00e5ff", "#ff2fd0"), ("#39ff88", "#4d6bff"), ("#ff8a00", "#ff2f8b"))
    first, second = pairs[int(scene.random.integers(len(pairs)))]
    shine = ramp(np.clip(x * 0.6 + (1 - y) * 0.4, 0, 1), [(0, first), (1, second)])
    tube = shine * found[..., None]
    glow = softened(np.clip(tube, 0, 1), 0.012) * 1.3 + softened(np.clip(tube, 0, 1), 0.05) * 1.2
    dark = saturated(picture, 1.3) * 0.2 + colour("#05030f").astype(picture.dtype)
    shining: Picture = dark + glow + tube * 0.75 + (found**3 * 0.35)[..., None]
    return shining


def pixel_art(scene: Scene, picture: Picture) -> Picture:
    """Large points of few colours."""
    image = image_of(saturated(contrasted(picture, 0.4), 1.35))
    by = max(2, round(min(image.size) / 150))
    small = image.reduce(by).quantize(28, method=Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
    whole = small.convert("RGB").resize(
        (small.width * by, small.height * by), Image.Resampling.NEAREST
    )
    return picture_of(whole.crop((0, 0, *image.size)), picture)


STYLES: Final[Mapping[str, Style]] = {
    "abstract": abstract,
    "anime": anime,
    "cinematic": cinematic,
    "comic": comic,
    "digital_art": digital_art,
    "fantasy": fantasy,
    "illustration": illustration,
    "minimal": minimal,
    "neon": neon,
    "photographic": photographic,
    "pixel_art": pixel_art,
    "realistic": realistic,
    "sketch": sketch,
    "vintage": vintage,
    "watercolor": watercolor,
}
"""By the name that the API gives it."""
