"""The font book: which font draws which part of a text."""

from __future__ import annotations

import threading
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from PIL import ImageFont

from server.media.fonts.coverage import coverage
from server.media.fonts.direction import levels, visual_order

FILES: Final = Path(__file__).parent / "files"
_FIRST: Final = "InterVariable.ttf"
_LAST: Final = ("NotoSansKR-Hangul.otf", "DroidSansFallbackFull.ttf", "Twemoji.ttf")
_EMOJI: Final = "Twemoji.ttf"
_KNOWN_FAMILIES: Final = ("inter", "sans-serif", "sans", "system-ui", "")
_JOINER, _EMOJI_STYLE, _TEXT_STYLE = "\u200d", "\ufe0f", "\ufe0e"


@dataclass(frozen=True, slots=True)
class Run:
    """A part of a line in one font.

    `font` indexes the book's chain; `missing` if no font has it; `rtl` if it is written from right
    to left.
    """

    text: str
    font: int
    missing: bool = False
    rtl: bool = False


class FontBook:
    """The chain of fonts, and the sized faces made from them.

    Args:
        directories: where to look for more `.ttf` and `.otf` files, after the bundled ones.
    """

    def __init__(self, directories: Sequence[Path] = ()) -> None:
        bundled = sorted(path for path in FILES.iterdir() if path.suffix in (".ttf", ".otf"))
        middle = [path for path in bundled if path.name not in (_FIRST, *_LAST)]
        more = [
            path
            for directory in directories
            for path in sorted(directory.rglob("*"))
            if path.suffix in (".ttf", ".otf")
        ]
        self._paths = [FILES / _FIRST, *middle, *(FILES / name for name in _LAST), *more]
        self._emoji = self._paths.index(FILES / _EMOJI)
        self._coverage: list[frozenset[int] | None] = [None] * len(self._paths)
        self._known: dict[str, int | None] = {}
        self._faces: dict[tuple[int, int, int, int], ImageFont.FreeTypeFont] = {}
        self._lock = threading.Lock()

    def has_family(self, family: str) -> bool:
        """Whether a family is drawn as asked; others are drawn in Inter."""
        return family.strip().strip("'\"").lower() in _KNOWN_FAMILIES

    def is_emoji(self, font: int) -> bool:
        """Whether the font at this index draws in its own colours."""
        return font == self._emoji

    def is_first(self, font: int) -> bool:
        """Whether the font at this index is Inter, which has real weights."""
        return font == 0

    def face(self, font: int, size: int, weight: int) -> ImageFont.FreeTypeFont:
        """The font at this index, in pixels, of a weight if it has several.

        Faces are not for several threads at once, so each thread has its own.
        """
        key = (font, size, weight if font == 0 else 400, threading.get_ident())
        with self._lock:
            face = self._faces.get(key)
            if face is None:
                if len(self._faces) > 500:
                    self._faces.clear()
                face = ImageFont.truetype(
                    self._paths[font], size, layout_engine=ImageFont.Layout.RAQM
                )
                if font == 0:
                    face.set_variation_by_axes([min(max(size * 0.5, 14), 32), weight])
                self._faces[key] = face
        return face

    def runs(self, line: str) -> list[Run]:
        """Split a line (no newlines) into runs of one font each, in the order of the text."""
        runs: list[Run] = []
        for cluster in clusters(line):
            font = self._font_of(cluster)
            last = runs[-1] if runs else None
            if last is not None and font is None and not _visible(cluster):
                font = last.font
            index, missing = (0, True) if font is None else (font, False)
            if last is not None and not last.missing and _neutral(cluster) and not missing:
                # Spaces and punctuation stay in the run, if its font has them.
                index = last.font if self._has(last.font, cluster) else index
            if last is not None and (last.font, last.missing) == (index, missing):
                runs[-1] = Run(last.text + cluster, index, missing)
            else:
                runs.append(Run(cluster, index, missing))
        return runs

    def visual_runs(self, line: str, rtl: bool) -> list[Run]:
        """The same in the order in which they stand, from the left to the right.

        Args:
            line: no newlines.
            rtl: whether its paragraph is written from right to left.
        """
        parts = [
            (cluster, run.font, run.missing)
            for run in self.runs(line)
            for cluster in clusters(run.text)
        ]
        found: list[tuple[Run, int]] = []
        for (cluster, font, missing), level in zip(
            parts, levels([part[0] for part in parts], rtl), strict=True
        ):
            run = Run(cluster, font, missing, bool(level % 2))
            if found:
                last, before = found[-1]
                if before == level and (last.font, last.missing) == (font, missing):
                    found[-1] = replace(last, text=last.text + cluster), level
                    continue
            found.append((run, level))
        return [found[place][0] for place in visual_order([level for _, level in found])]

    def missing(self, text: str) -> str:
        """The characters of a text that no font has, each once."""
        lost = (c for c in dict.fromkeys(text) if _visible(c) and self._lookup(c) is None)
        return "".join(lost)

    def _font_of(self, cluster: str) -> int | None:
        if _EMOJI_STYLE in cluster or (len(cluster) > 1 and _JOINER in cluster):
            if self._has(self._emoji, cluster[0]):
                return self._emoji
        elif len(cluster) > 1 and _is_flag(cluster):
            return self._emoji
        return self._lookup(cluster[0])

    def _lookup(self, character: str) -> int | None:
        with self._lock:
            if character not in self._known:
                self._known[character] = self._search(character)
            return self._known[character]

    def _search(self, character: str) -> int | None:
        order = range(len(self._paths))
        # Wide pictures such as a smiling face are emoji even where a symbol font has them.
        if ord(character) >= 0x1F000 and ord(character) in self._of(self._emoji):
            return self._emoji
        return next((i for i in order if ord(character) in self._of(i)), None)

    def _of(self, font: int) -> frozenset[int]:
        found = self._coverage[font]
        if found is None:
            try:
                found = coverage(self._paths[font])
            except (ValueError, OSError):
                found = frozenset()
            self._coverage[font] = found
        return found

    def _has(self, font: int, cluster: str) -> bool:
        with self._lock:
            return all(ord(c) in self._of(font) for c in cluster if not _is_format(c))


def clusters(text: str) -> Iterator[str]:
    """The text in pieces that belong together: marks with their base, joined emoji, flags."""
    current = ""
    for character in text:
        if current and _extends(current, character):
            current += character
            continue
        if current:
            yield current
        current = character
    if current:
        yield current


def _extends(current: str, character: str) -> bool:
    if character in (_JOINER, _EMOJI_STYLE, _TEXT_STYLE) or current[-1] == _JOINER:
        return True
    if "\U0001f3fb" <= character <= "\U0001f3ff" or "\U000e0020" <= character <= "\U000e007f":
        return True
    if _is_flag(character) and len(current) == 1 and _is_flag(current):
        return True
    if unicodedata.category(character)[0] == "M":
        return True
    # A consonant after a virama joins the one before (Indic conjuncts).
    return unicodedata.combining(current[-1]) == 9 and unicodedata.category(character) == "Lo"


def _is_flag(text: str) -> bool:
    return all("\U0001f1e6" <= c <= "\U0001f1ff" for c in text)


def _visible(text: str) -> bool:
    return any(
        not _is_format(c) and unicodedata.category(c) not in ("Cc", "Zs", "Zl", "Zp") for c in text
    )


def _is_format(character: str) -> bool:
    """Whether it only says how others are drawn: joiners, directions, tags, variations."""
    return (
        unicodedata.category(character) == "Cf"
        or "\ufe00" <= character <= "\ufe0f"
        or "\U000e0100" <= character <= "\U000e01ef"
    )


def _neutral(cluster: str) -> bool:
    return unicodedata.category(cluster[0])[0] in "ZPNS" and ord(cluster[0]) < 0x2500
