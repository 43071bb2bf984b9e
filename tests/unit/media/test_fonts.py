"""Which font draws what, and that every script is drawn."""

from __future__ import annotations

import pytest

from server.media.fonts.book import FILES, FontBook, clusters, is_right_to_left
from server.media.fonts.coverage import coverage
from server.media.looks import text_look
from server.media.painter.text import letter
from server.media.plan import Canvas

CANVAS = Canvas(1280, 720, "#000000")
SAMPLES = {
    "english": "Hello",
    "greek": "Καλημέρα",
    "russian": "Привет",
    "vietnamese": "Tiếng Việt",
    "arabic": "السلام عليكم",
    "hebrew": "שלום",
    "hindi": "नमस्ते",
    "bengali": "নমস্কার",
    "tamil": "வணக்கம்",
    "telugu": "నమస్కారం",
    "thai": "สวัสดี",
    "lao": "ສະບາຍດີ",
    "khmer": "សួស្តី",
    "burmese": "မင်္ဂလာပါ",
    "tibetan": "བཀྲ་ཤིས",
    "georgian": "გამარჯობა",
    "armenian": "Բարև",
    "amharic": "ሰላም",
    "chinese": "你好世界",
    "japanese": "こんにちは",
    "korean": "안녕하세요",
    "emoji": "😀👩‍🚀🇩🇪❤️👍🏽",
    "arrows": "→ ✓ ★ €",
}


@pytest.fixture(scope="module")
def fonts() -> FontBook:
    return FontBook()


@pytest.mark.parametrize("name", SAMPLES)
def test_every_script_has_a_font_and_is_drawn(fonts: FontBook, name: str) -> None:
    text = SAMPLES[name]
    assert fonts.missing(text) == ""
    assert not any(run.missing for run in fonts.runs(text))
    for run in fonts.runs(f"{text} {text}"):
        assert all(fonts._has(run.font, cluster) for cluster in clusters(run.text))
    assert "".join(run.text for run in fonts.runs(text)) == text
    image = letter(text_look({"text": text, "font_size": 60}), CANVAS, fonts).image
    box = image.getchannel("A").getbbox()
    assert box is not None
    assert box[2] - box[0] > 20


def test_a_character_that_no_font_has_is_named(fonts: FontBook) -> None:
    assert fonts.missing("a\U00012345b\U00012345") == "\U00012345"


def test_emoji_are_drawn_in_colour(fonts: FontBook) -> None:
    image = letter(text_look({"text": "❤️", "font_size": 80}), CANVAS, fonts).image
    colours = image.getcolors(100_000)
    assert colours is not None
    assert any(r > 200 and g < 80 and a == 255 for _, (r, g, b, a) in colours)  # type: ignore[misc]


def test_joined_emoji_and_flags_are_one_cluster() -> None:
    assert list(clusters("a👩‍🚀🇩🇪🇫🇷é👍🏽")) == ["a", "👩‍🚀", "🇩🇪", "🇫🇷", "é", "👍🏽"]


def test_arabic_is_shaped(fonts: FontBook) -> None:
    # Joined letters are narrower than the same letters apart.
    run = fonts.runs("سلام")[0]
    face = fonts.face(run.font, 60, 400)
    assert face.getlength("سلام") < 0.9 * sum(face.getlength(c) for c in "سلام")


def test_mixed_directions_are_in_the_order_that_they_are_read(fonts: FontBook) -> None:
    assert is_right_to_left("السلام 2024")
    assert not is_right_to_left("Hello السلام")
    lettering = letter(text_look({"text": "שלום Hello"}), CANVAS, fonts)
    assert [run.text.strip() for run in lettering.lines[0].runs] == ["Hello", "שלום"]


def test_text_is_wrapped_within_its_width(fonts: FontBook) -> None:
    look = text_look({"text": "word " * 40, "font_size": 48, "max_width": 50})
    lettering = letter(look, CANVAS, fonts)
    assert len(lettering.lines) > 4
    assert max(line.width for line in lettering.lines) <= 640


@pytest.mark.parametrize("text", ["x" * 20_000, "漢" * 20_000, "a b " * 5000, "\n" * 20_000])
def test_twenty_thousand_characters_are_cut_to_the_picture(fonts: FontBook, text: str) -> None:
    lettering = letter(text_look({"text": text}), CANVAS, fonts)
    assert lettering.cut
    assert lettering.image.height < 2 * CANVAS.height


def test_revealing_uncovers_the_text_from_its_start(fonts: FontBook) -> None:
    lettering = letter(text_look({"text": "left to right\nand below"}), CANVAS, fonts)
    ink = [sum(lettering.reveal(part / 10).histogram()[128:]) for part in range(11)]
    assert ink[0] == 0
    assert ink == sorted(ink)
    right = letter(text_look({"text": "שלום עולם"}), CANVAS, fonts).reveal(0.3).getbbox()
    assert right is not None
    assert right[0] > 20


def test_bold_is_wider_than_regular(fonts: FontBook) -> None:
    widths = [
        letter(text_look({"text": "Hamburg", "font_weight": w}), CANVAS, fonts).lines[0].width
        for w in (300, 400, 700, 900)
    ]
    assert widths == sorted(widths)
    assert widths[0] < widths[-1]


def test_coverage_refuses_what_is_no_font() -> None:
    with pytest.raises(ValueError, match="cmap"):
        coverage(FILES / "README.md")
    assert ord("A") in coverage(FILES / "InterVariable.ttf")
