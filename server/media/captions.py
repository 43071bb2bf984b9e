"""Captions of what is spoken: WebVTT and SRT."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from server.media.model import Word

_LINE: Final = 42
_LINES: Final = 2
_SLACK: Final = 6
"""Characters left free, as lines are broken at spaces only."""
_LONGEST: Final = 6.0
_PAUSE: Final = 1.0
_STOPS: Final = ".!?…。！？؟।"  # noqa: RUF001 - the full-width signs are meant
_LEAST: Final = 0.3


@dataclass(frozen=True, slots=True)
class Cue:
    """A caption, `start` to `end` in seconds of the film."""

    start: float
    end: float
    text: str


def spread_words(text: str, seconds: float) -> list[Word]:
    """Timings for a text whose provider has none: by the words' lengths over `seconds`."""
    words = text.split()
    total = sum(len(word) + 1 for word in words)
    result, at = [], 0.0
    for word in words:
        length = seconds * (len(word) + 1) / total
        result.append(Word(word, at, at + length))
        at += length
    return result


def make_cues(words: Sequence[Word], start: float, end: float) -> list[Cue]:
    """Captions of one voiceover.

    Args:
        words: its words, in seconds from its start.
        start: its start in the film.
        end: when it is cut off in the film; words after that have no caption.
    """
    cues: list[Cue] = []
    group: list[Word] = []

    def close() -> None:
        if group:
            first, last = start + group[0].start, min(start + group[-1].end, end)
            text = _broken(" ".join(word.text for word in group))
            cues.append(Cue(first, max(last, first + _LEAST), text))
            group.clear()

    for word in words:
        if start + word.start >= end:
            break
        length = sum(len(w.text) + 1 for w in group) + len(word.text)
        if group and (
            length > _LINE * _LINES - _SLACK
            or word.start - group[-1].end > _PAUSE
            or word.end - group[0].start > _LONGEST
        ):
            close()
        group.append(word)
        if word.text[-1:] in _STOPS:
            close()
    close()
    return cues


def _broken(text: str) -> str:
    """In two lines of about the same length, if it is too long for one."""
    if len(text) <= _LINE or " " not in text:
        return text
    middle = len(text) / 2
    at = min((i for i, c in enumerate(text) if c == " "), key=lambda i: abs(i - middle))
    return f"{text[:at]}\n{text[at + 1 :]}"


def in_order(cues: Iterable[Cue]) -> list[Cue]:
    """By time; one that is still shown when the next of another voice begins stays."""
    return sorted(cues, key=lambda cue: (cue.start, cue.end))


def to_srt(cues: Sequence[Cue]) -> str:
    """SubRip."""
    return "".join(
        f"{number}\n{_stamp(cue.start, ',')} --> {_stamp(cue.end, ',')}\n{_plain(cue.text)}\n\n"
        for number, cue in enumerate(cues, 1)
    )


def to_vtt(cues: Sequence[Cue]) -> str:
    """WebVTT; the text is escaped."""
    return "WEBVTT\n\n" + "".join(
        f"{_stamp(cue.start, '.')} --> {_stamp(cue.end, '.')}\n{_escaped(cue.text)}\n\n"
        for cue in cues
    )


def _plain(text: str) -> str:
    return text.replace("-->", "→")


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _stamp(seconds: float, point: str) -> str:
    millis = round(seconds * 1000)
    minutes, rest = divmod(millis, 60_000)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:02}:{minutes:02}:{rest // 1000:02}{point}{rest % 1000:03}"
