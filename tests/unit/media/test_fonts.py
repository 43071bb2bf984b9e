"""Which font draws what, and that every script is drawn."""

from __future__ import annotations

import pytest

from server.media.fonts.book import FILES, FontBook, clusters
from server.media.fonts.coverage import coverage
from server.media.fonts.direction import is_right_to_left
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


@pytest.mark.parametrize(
    ("text", "stands"),
    [
        ("abc שלום 😀 עולם xyz", ["abc ", "עולם", " ", "😀", " ", "שלום", " xyz"]),
        ("שלום 123 world עולם!", ["עולם!", " ", "world", " ", "123", " ", "שלום"]),
        ("مرحبا (test) 45%", ["45%", " ", "(test)", " ", "مرحبا"]),
        ("price 5 ₪ שלום", ["price 5 ₪ ", "שלום"]),
    ],
)
def test_what_runs_in_two_directions_stands_where_unicode_has_it(
    fonts: FontBook, text: str, stands: list[str]
) -> None:
    [line] = letter(text_look({"text": text, "font_size": 24}), CANVAS, fonts).lines
    assert "".join(_joined(run.text, run.rtl) for run in line.runs) == "".join(
        _joined(part, is_right_to_left(part)) for part in stands
    )


def _joined(text: str, rtl: bool) -> str:
    """As it stands, from the left; brackets are turned around with what is in them."""
    return text[::-1].translate(str.maketrans("()", ")(")) if rtl else text


def test_signs_that_are_never_seen_are_not_missed(fonts: FontBook) -> None:
    text = "\u2066a\u2069 \u202bb\u202c x\ufe00 \u2028 🏴\U000e0067\U000e0062\U000e007f"
    assert fonts.missing(text) == ""


def test_every_line_of_an_italic_text_begins_at_its_left(fonts: FontBook) -> None:
    given = {"text": "Hill\n" * 8, "font_size": 60, "text_align": "left"}
    upright = letter(text_look(given), CANVAS, fonts)
    italic = letter(text_look({**given, "font_style": "italic"}), CANVAS, fonts)
    assert italic.image.size == upright.image.size
    boxes = [
        italic.image.getchannel("A")
        .crop((0, round(line.top), italic.image.width, round(line.top + italic.line_height)))
        .getbbox()
        for line in italic.lines[:8]
    ]
    assert len({(box[0], box[2]) for box in boxes if box is not None}) == 1
    inked = italic.image.getchannel("A").getbbox()
    assert inked is not None
    assert 0 < inked[0] < inked[2] < italic.image.width


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("state-of-the-art", ["state-of-", "the-art"]),
        ("and/or/either", ["and/or/", "either"]),
        ("below -5 and 2020-2021", ["below -5", "and", "2020-2021"]),
        ("引号在这里「引号」也一样", ["引号在这里", "「引号」也一", "样"]),
        ("我们今天去看。好", ["我们今天去", "看。好"]),
        ("我们今天看看。好", ["我们今天看", "看。好"]),
        ("안녕하세요 반갑습니다", ["안녕하세요", "반갑습니다"]),
        ("   incomprehensible", ["   incompre", "hensible"]),
    ],
)
def test_lines_end_where_a_reader_expects_it(fonts: FontBook, text: str, lines: list[str]) -> None:
    look = text_look({"text": text, "font_size": 60, "max_width": 17})
    laid = letter(look, CANVAS, fonts).lines
    assert ["".join(run.text for run in line.runs) for line in laid] == lines


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
