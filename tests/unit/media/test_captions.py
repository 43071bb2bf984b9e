"""Captions from word timings."""

from __future__ import annotations

import pytest

from server.media.captions import Cue, make_cues, spread_words, to_srt, to_vtt
from server.media.model import Word


def words(text: str, each: float = 0.4) -> list[Word]:
    return [Word(word, i * each, i * each + 0.3) for i, word in enumerate(text.split())]


def test_a_sentence_is_a_cue_at_its_place_in_the_film() -> None:
    cues = make_cues(words("Hello there. How are you?"), 10.0, 60.0)
    assert [(round(c.start, 2), round(c.end, 2), c.text) for c in cues] == [
        (10.0, 10.7, "Hello there."),
        (10.8, 11.9, "How are you?"),
    ]


def test_long_sentences_are_broken_into_lines_and_cues() -> None:
    cues = make_cues(words("word " * 60, each=0.2), 0.0, 60.0)
    assert len(cues) > 3
    for cue in cues:
        assert all(len(line) <= 43 for line in cue.text.split("\n"))
        assert cue.text.count("\n") <= 1
        assert cue.end - cue.start <= 6.3


def test_a_pause_ends_a_cue() -> None:
    cues = make_cues([Word("one", 0, 0.3), Word("two", 3, 3.3)], 0, 60)
    assert [cue.text for cue in cues] == ["one", "two"]


def test_what_is_cut_off_has_no_caption() -> None:
    assert [c.text for c in make_cues(words("a. b. c. d."), 0.0, 0.9)] == ["a.", "b.", "c."]


def test_words_without_timings_are_spread_by_length() -> None:
    made = spread_words("a longer word", 4.0)
    assert made[0].start == 0
    assert made[-1].end == pytest.approx(4.0)
    assert made[1].end - made[1].start > made[0].end - made[0].start
    assert spread_words("   ", 4.0) == []


def test_the_two_formats() -> None:
    cues = [Cue(0, 1.5, "a <b> & c"), Cue(3661.0, 3662.25, "x --> y")]
    assert to_srt(cues) == (
        "1\n00:00:00,000 --> 00:00:01,500\na <b> & c\n\n2\n01:01:01,000 --> 01:01:02,250\nx → y\n\n"
    )
    assert to_vtt(cues) == (
        "WEBVTT\n\n00:00:00.000 --> 00:00:01.500\na &lt;b&gt; &amp; c\n\n"
        "01:01:01.000 --> 01:01:02.250\nx --&gt; y\n\n"
    )
