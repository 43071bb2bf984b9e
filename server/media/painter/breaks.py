"""Where a line of text may be broken: at spaces, behind hyphens, between wide characters."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

_BREAK_BEHIND: Final = frozenset("-‐–—/\u200b\u00ad")  # noqa: RUF001 - the dashes are meant
_NOT_FIRST: Final = frozenset(
    "、。，．：；？！）］｝〕〉》」』】〙〗〟’”｠»ーぁぃぅぇぉっゃゅょゎァィゥェォッャュョヮヵヶ々〻・…‥"  # noqa: RUF001
    ",.:;?!)]}%"
)
_NOT_LAST: Final = frozenset("（［｛〔〈《「『【〘〖〝‘“｟«([{$")  # noqa: RUF001
_HANGUL: Final = ((0xAC00, 0xD7AF), (0x1100, 0x11FF), (0x3130, 0x318F))
_WIDE: Final = 0x2E80


def last_break(parts: Sequence[str], most: int) -> int:
    """How many of the clusters `parts`, at most `most`, belong on a line; `most` if none is a good
    place to break."""
    inked = next((place for place, part in enumerate(parts) if not part.isspace()), len(parts))
    places = range(min(most, len(parts) - 1), inked, -1)
    return next((place for place in places if _may_break(parts, place)), most)


def _may_break(parts: Sequence[str], place: int) -> bool:
    """Whether a line may end before the cluster at `place`, which is not the first."""
    before, after = parts[place - 1], parts[place]
    if after.isspace() or before.isspace():
        return True
    if before in _BREAK_BEHIND:
        # Not behind a sign, nor within a date or a fraction.
        return place > 1 and parts[place - 2].isalnum() and after[0].isalpha()
    if after[0] in _NOT_FIRST or before[0] in _NOT_LAST:
        return False
    return _is_wide(before) or _is_wide(after)


def _is_wide(part: str) -> bool:
    # Korean is broken at its spaces.
    code = ord(part[0])
    return code >= _WIDE and not any(low <= code <= high for low, high in _HANGUL)
