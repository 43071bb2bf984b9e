"""Texts that somebody typed, as one line of characters that can be seen."""

from __future__ import annotations

_JOINERS = "\u200c\u200d"
"""Invisible, but words of some scripts are spelled with them."""


def one_line(text: str) -> str:
    """The text without control characters and lone surrogates, its spaces single."""
    kept = "".join(
        character if character.isprintable() or character in _JOINERS else " "
        for character in text
        if not "\ud800" <= character <= "\udfff"
    )
    return " ".join(kept.split())


def shortened(text: str, length: int) -> str:
    """A text of at most `length` characters, cut after a word where there is one."""
    if len(text) <= length:
        return text
    cut = text[: length - 1]
    words = cut.rsplit(" ", 1)[0]
    return f"{words if len(words) > length // 2 else cut}…"
