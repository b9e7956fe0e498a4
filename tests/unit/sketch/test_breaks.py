"""Places where lines may end: UAX #14, phrases, and cuts in words that are too long."""

import unicodedata
from itertools import pairwise

import pytest

from videojobs_sketch.breaks import line_ends, split_pieces

CLOSING = ")]}»」』）】。、！？"
SMALL_KANA = "ぁぃぅぇぉっゃゅょァィゥェォッャュョー"
THAI_SIGNS = "ะาำๆฯ"


def pieces_of(text: str, widest: float = 10) -> list[str]:
    """Return the pieces of a text whose letters are half an em wide, ideographs one em; hyphens are marked."""

    def width(start: int, end: int) -> float:
        return sum(1 if unicodedata.east_asian_width(letter) in "WF" else 0.5 for letter in text[start:end])

    return [
        text[piece.start : piece.end] + ("‐" if piece.hyphenates else "") for piece in split_pieces(text, width, widest)
    ]


@pytest.mark.parametrize(
    "word", ["word", "well-known", "and/or", "24/7", "3.14", "(2026)", "안녕하세요", "नमस्ते", "مرحبا"]
)
def test_a_word_that_fits_is_not_cut(word):
    assert pieces_of(word) == [word]


@pytest.mark.parametrize(
    ("text", "widest", "pieces"),
    [
        ("https://example.com/products/summer-sale", 10, ["https://", "example.com/", "products/", "summer-sale"]),
        ("utm_source=newsletter&utm_campaign=july", 10, ["utm_source=", "newsletter&", "utm_", "campaign=july"]),
        ("www.example.co.uk", 6, ["www.", "example.", "co.uk"]),
        ("compound-adjective-based", 8, ["compound-", "adjective-", "based"]),
    ],
)
def test_urls_break_after_their_signs(text, widest, pieces):
    assert pieces_of(text, widest) == pieces


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("Vraiment ? Oui !", ["Vraiment ? ", "Oui !"]),
        ("( hello ) world", ["( hello ) ", "world"]),
        ("« Bonjour », dit-il", ["« Bonjour », ", "dit-", "il"]),
        ("a “ b ” c", ["a ", "“ b ” ", "c"]),
        ("12\u00a0kg or", ["12\u00a0kg ", "or"]),
        ("ab\u200bcd\u2060ef", ["ab\u200b", "cd\u2060ef"]),
    ],
)
def test_lines_end_where_the_standard_allows(text, parts):
    ends = line_ends(text)
    assert [text[start:end] for start, end in zip([0, *ends], ends, strict=False)] == parts


def test_a_zero_width_space_separates_words():
    assert pieces_of("ភាសា\u200bខ្មែរ") == ["ភាសា\u200b", "ខ្មែរ"]


def test_a_row_of_signs_is_cut_only_if_it_is_much_too_wide():
    assert pieces_of("!" * 40, 10) == ["!" * 40]
    assert len(pieces_of("!" * 400, 10)) > 15


def test_smaller_type_is_tried_before_a_word_is_cut():
    word = "internationalization"  # ten ems
    assert pieces_of(word, widest=8) == [word]
    assert len(pieces_of(word, widest=6)) > 1


@pytest.mark.parametrize(
    ("word", "widest", "pieces"),
    [
        ("Donaudampfschifffahrtsgesellschaftskapitän", 12, ["Donaudampfschifffahrts‐", "gesellschaftskapitän"]),
        ("международногосотрудничества", 8, ["международного‐", "сотрудничества"]),
        ("internation\u00adalization", 6, ["internation\u00ad‐", "alization"]),
        ("x" * 40, 12, ["x" * 20 + "‐", "x" * 20]),
        ("안녕하세요안녕하세요안녕하세요", 8, ["안녕하세", "요안녕", "하세요안", "녕하세요"]),
    ],
)
def test_long_words_are_cut_in_equal_parts_with_a_hyphen_if_the_script_has_one(word, widest, pieces):
    found = pieces_of(word, widest)
    assert "".join(found).replace("‐", "") == word
    assert found == pieces


def test_a_cut_is_before_a_consonant_with_a_vowel():
    for before, after in pairwise(pieces_of("supercalifragilisticexpialidocious" * 2, 6)):
        assert [letter in "aeiou" for letter in after[:2]] == [False, True], (before, after)


@pytest.mark.parametrize(
    "text",
    [
        "宇宙飛行士が月の上で、風船に揺られている。「ファンタジーだった！」",
        "インターナショナルスペースステーション",
        "ちょっと待ってください、びっくりしたウォッチャー",
        "一只纸船（红色的）在雨后的城市里航行。",
        "เรือกระดาษลอยข้ามเมืองหลังฝนตกในฤดูร้อนเพราะน้ำเยอะฯ",
        "กกกกกกกกกกกกกกกกกกกกกกกกกกกกกกกกกกกกะาำๆฯ",
        "wow(and)then[some]more{of}this»quote",
    ],
)
@pytest.mark.parametrize("widest", [1.5, 4, 20])
def test_no_closing_bracket_small_kana_or_dependent_sign_begins_a_line(text, widest):
    pieces = pieces_of(text, widest)
    assert "".join(pieces).replace("‐", "") == text
    for piece in pieces[1:]:
        assert piece[0] not in CLOSING + SMALL_KANA + THAI_SIGNS
        assert unicodedata.category(piece[0])[0] != "M"
    for piece in pieces:
        assert piece[-1] not in "([{（「เแโใไ"


@pytest.mark.parametrize(
    ("text", "pieces"),
    [
        ("宇宙飛行士が月の上で揺られている。", ["宇宙飛行士が", "月の", "上で", "揺られている。"]),
        ("一只纸船在雨后的城市里航行", ["一", "只", "纸船", "在", "雨后", "的", "城市", "里", "航行"]),
        ("เรือกระดาษลอยข้ามเมือง", ["เรือ", "กระดาษลอย", "ข้าม", "เมือง"]),
    ],
)
def test_chinese_japanese_and_thai_break_between_phrases(text, pieces):
    assert pieces_of(text) == pieces


@pytest.mark.parametrize(
    "text", ["क्षत्रियक्षत्रियक्षत्रिय", "n\u0323\u0302" * 40, "👨\u200d👩\u200d👧" * 12, "ភាសាខ្មែរភាសាខ្មែរ"]
)
def test_letters_are_never_separated_from_their_marks_and_joiners(text):
    pieces = pieces_of(text, 2)
    assert len(pieces) > 1
    for piece in pieces:
        assert "\u200d" not in {piece[0], piece[-1]}
        assert unicodedata.category(piece[0])[0] != "M"
        assert unicodedata.combining(piece[-1]) != 9
