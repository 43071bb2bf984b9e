"""What a provider of pictures is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Final, Protocol

from api.schemas.base import AspectRatio
from api.schemas.images import Quality, Style

SHORTER_SIDE: Final[Mapping[str, int]] = MappingProxyType(
    {"low": 540, "standard": 720, "high": 1080}
)
"""Pixels of a picture's shorter side, by its quality."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """A picture that somebody wants."""

    prompt: str
    style: Style
    aspect_ratio: AspectRatio
    quality: Quality

    @property
    def ratio(self) -> tuple[int, int]:
        """Width to height."""
        wide, _, high = self.aspect_ratio.partition(":")
        return int(wide), int(high)

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in pixels, of a picture that can have any size."""
        wide, high = self.ratio
        side = SHORTER_SIDE[self.quality]
        return side * wide // min(wide, high), side * high // min(wide, high)


@dataclass(frozen=True, slots=True)
class Made:
    """A picture that was made.

    Attributes:
        path, content_type: the file; `image/jpeg` or `image/png`.
        thumbnail, thumbnail_type: the same, small.
        width, height: pixels.
    """

    path: Path
    content_type: str
    thumbnail: Path
    thumbnail_type: str
    width: int
    height: int


class ImageProvider(Protocol):
    """Makes pictures from words.

    Attributes:
        name: what a picture says that it was made by.
        usual_seconds: what one takes, as long as none was made yet.
    """

    name: str
    usual_seconds: float

    async def make(self, wanted: Wanted, directory: Path) -> Made:
        """Make a picture, with its files in `directory`.

        Raises:
            ImageFailed: it cannot be made; the message says why.
        """
        ...
