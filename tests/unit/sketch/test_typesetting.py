"""Typesetting: which words are drawn, in which order, and that they fit."""

import re
import unicodedata
from copy import replace
from itertools import pairwise
from pathlib import Path
from unicodedata import normalize

import pytest

from videojobs_sketch.fonts import Face, Run, set_runs
from videojobs_sketch.typesetting import Line, Page, Setting, fit, paginate, place, representative
from videojobs_sketch.words import Fragment, Word, drawable_words, missing_scripts

SETTING = Setting(width=900, height=400, largest=200, smallest=40, most_lines=5, leading=1.2)
PROMPT = "The quick brown fox jumps over the lazy dog while the moon rises above the quiet harbour. "


def read(word: Word) -> str:
    """Return the characters of a word in reading order."""
    fragments = [(reversed(part.runs) if part.level % 2 else part.runs) for part in word.fragments]
    return "".join(run.text for runs in fragments for run in runs)


def line_text(line: Line) -> str:
    """Return the text of a line in reading order, with the hyphen at its end."""
    text = "".join(("" if word.glued else " ") + read(word) for word in line.words).strip()
    return text + ("-" if line.words[-1].hyphen else "")


def text_of(page: Page) -> str:
    """Return the text of a page in reading order."""
    return "".join(("" if word.glued else " ") + read(word) for line in page.lines for word in line.words).strip()


def drawn_line(prompt: str, face: Face = Face.BOOK) -> str:
    """Return the runs of a prompt on one line from left to right; those from right to left are reversed."""
    page = fit(drawable_words(prompt, face), replace(SETTING, most_lines=1, smallest=1))
    assert page is not None
    items = sorted(place(page, SETTING, 500, 300), key=lambda item: item.x)
    runs = ["".join(run.text[::-1] if run.is_rtl else run.text for run in item.fragment.runs) for item in items]
    gaps = [round(two.x - one.x - one.fragment.width * page.size) > 0 for one, two in pairwise(items)]
    return "".join(run + " " * gap for run, gap in zip(runs, [*gaps, False], strict=True))


@pytest.mark.parametrize("face", Face)
@pytest.mark.parametrize(
    ("prompt", "words"),
    [
        ("Hello, world!", ["Hello,", "world!"]),
        ("Party 🎉 time", ["Party", "🎉", "time"]),
        ("a\u0000b\u202ec", ["a", "bc"]),
        ("\u0301 stray \u0301accent", ["stray", "accent"]),
        ("e\u0301te\u0301", ["été"]),
        ("Привет Γειά", ["Привет", "Γειά"]),
        ("can\u00a0not", ["can not"]),
        ("Really  ?   Yes \t!", ["Really ?", "Yes !"]),
        ("𝓗𝓮𝓵𝓵𝓸", ["Hello"]),
        ("hello བོད", ["hello"]),
        ("\ufe0f\u20e3 \u200d", []),
        ("", []),
    ],
)
def test_only_characters_of_the_typefaces_are_set(prompt, words, face):
    assert list(map(read, drawable_words(prompt, face))) == words


SCRIPTS = [
    "今日は天気がいい",
    "你好世界",
    "안녕하세요",
    "नमस्ते",
    "สวัสดี",
    "مرحبا",
    "שלום",
    "Ünïcödé",
    "→ €5 ½",
    "தமிழ்",
    "తెలుగు",
    "ಕನ್ನಡ",
]
SCRIPTS += [
    "മലയാളം",
    "বাংলা",
    "ગુજરાતી",
    "ਪੰਜਾਬੀ",
    "ଓଡ଼ିଆ",
    "සිංහල",
    "ລາວ",
    "ខ្មែរ",
    "မြန်မာ",
    "አማርኛ",
    "ქართული",
    "Հայերեն",
    "Ελλάδα",
    "🎉❤️👨\u200d👩\u200d👧",
]


@pytest.mark.parametrize("prompt", SCRIPTS)
@pytest.mark.parametrize("face", Face)
def test_the_supported_scripts_lose_no_character(prompt, face):
    words = drawable_words(prompt, face)
    assert "".join(map(read, words)) == normalize("NFC", prompt).replace(" ", "")
    assert missing_scripts(prompt) == []


@pytest.mark.parametrize(
    ("prompt", "scripts"),
    [
        ("བོད་ ᏣᎳᎩ hello", ["Cherokee", "Tibetan"]),
        ("𝄞", ["Emoji"]),
        ("\U0001fae8\u202e\u200d", []),
        ("\ue000", []),
    ],
)
def test_scripts_without_a_typeface_are_reported(prompt, scripts):
    assert missing_scripts(prompt) == scripts


def test_the_studio_warns_of_the_scripts_without_a_typeface():
    source = (Path(__file__).parents[3] / "web" / "words.js").read_text()
    letters: dict[str, list[str]] = {}
    for letter in filter(str.isalpha, map(chr, range(0x20000))):
        letters.setdefault(unicodedata.name(letter, "").partition(" ")[0], []).append(letter)
    [text] = re.findall(r"const DRAWN = \((.*?)\)", source, re.DOTALL)
    drawn = set(re.findall(r"[A-Z]\w+", text)) - {"Common", "Inherited"}
    for script in drawn | {"Tibetan", "Cherokee", "Thaana", "Syriac", "Mongolian", "Runic"}:
        named = letters[{"Han": "CJK"}.get(script, script.upper())]
        some = named[:: len(named) // 50 + 1]
        assert any(missing_scripts(letter) == [] for letter in some) is (script in drawn), script


@pytest.mark.parametrize("face", Face)
@pytest.mark.parametrize(
    "prompt",
    ["cơn mưa vượt phố", '"שלום"', "(مرحبا)", "ב-2026", "ב-iPhone", "नमस्ते!", "Ελλάδα", "Žluťoučký", "میخواهم"],
)
def test_a_word_and_the_words_of_its_script_have_one_typeface(prompt, face):
    words = drawable_words(prompt, face)
    (font,) = {run.font for word in words for part in word.fragments for run in part.runs}
    assert all(face.covers(font, read(word)) for word in words)


@pytest.mark.parametrize("face", Face)
def test_digits_have_the_typeface_of_the_text_around_them(face):
    fonts = {
        run.font for word in drawable_words("שלום 2026 (20:30)", face) for part in word.fragments for run in part.runs
    }
    assert len(fonts) == 1


def test_latin_letters_among_ideographs_have_the_typeface_of_latin():
    runs = [
        run for word in drawable_words("VR世界へ2026年", Face.DISPLAY) for part in word.fragments for run in part.runs
    ]
    assert [(run.text, run.font == 0) for run in runs] == [
        ("VR", True),
        ("世界へ", False),
        ("2026", True),
        ("年", False),
    ]


def test_joiners_are_kept_and_separate_letters():
    (joined,) = drawable_words("میخواهم", Face.DISPLAY)
    (separated,) = drawable_words("می\u200cخواهم", Face.DISPLAY)
    assert "\u200c" in read(separated)
    assert separated.width > joined.width + 0.1


def test_small_words_stay_with_the_following_word():
    page = fit(
        drawable_words("Lavender fields in the summer wind", Face.BOOK), replace(SETTING, most_lines=2, height=300)
    )
    assert page is not None
    assert [read(line.words[-1]) for line in page.lines] == ["fields", "wind"]


def test_a_page_does_not_end_with_a_small_word():
    pages = paginate(drawable_words("A paper boat sails across the city after the rain", Face.DISPLAY), 2, SETTING)
    assert list(map(text_of, pages)) == ["A paper boat sails", "across the city after the rain"]


def test_a_very_long_word_has_a_hyphen_at_each_line_end():
    page = fit(drawable_words("x" * 100, Face.DISPLAY, SETTING.widest), SETTING)
    assert page is not None
    lines = list(map(line_text, page.lines))
    assert len(lines) > 2
    assert all(line.endswith("-") for line in lines[:-1])
    assert "".join(lines).replace("-", "") == "x" * 100
    items = place(page, SETTING, 500, 300)
    assert sum(read_fragment(item.fragment) == "-" for item in items) == len(lines) - 1
    assert all(item.x >= 50 and item.x + item.fragment.width * page.size <= 950 for item in items)


def read_fragment(fragment: Fragment) -> str:
    """Return the characters of a fragment from left to right."""
    return "".join(run.text for run in fragment.runs)


def test_a_long_word_is_set_in_smaller_type_before_it_is_cut():
    words = drawable_words("An internationalization", Face.DISPLAY, 8.5)
    assert list(map(read, words)) == ["An", "internationalization"]
    page = fit(words, replace(SETTING, width=340, smallest=40))
    assert page is not None
    assert 25 < page.size < 40


@pytest.mark.parametrize("separator", ["\n", "\r\n", "\u2028", " \n\n  "])
@pytest.mark.parametrize("face", Face)
def test_typed_line_breaks_are_kept(separator, face):
    prompt = separator.join(["Haiku:", "an old silent pond", "a frog jumps", "splash!"])
    page = fit(drawable_words(prompt, face), SETTING)
    assert page is not None
    assert list(map(line_text, page.lines)) == ["Haiku:", "an old silent pond", "a frog jumps", "splash!"]


def test_a_page_preferably_ends_at_a_typed_line_break():
    words = drawable_words("Roses are red and lovely\nviolets blue", Face.DISPLAY)
    assert list(map(text_of, paginate(words, 2, SETTING))) == ["Roses are red and lovely", "violets blue"]


@pytest.mark.parametrize(("lengths", "index"), [([1], 0), ([1, 5, 5], 1), ([4, 5, 5], 0), ([2, 2, 5, 1], 2)])
def test_the_first_page_that_is_nearly_full_represents_the_pages(lengths, index):
    pages = [fit(drawable_words("word " * length, Face.BOOK), SETTING) for length in lengths]
    assert representative([page for page in pages if page]) == index


def test_the_pages_contain_all_words_if_they_fit():
    pages = paginate(drawable_words(PROMPT, Face.BOOK), 3, SETTING)
    assert len(pages) == 3
    assert " ".join(map(text_of, pages)) == PROMPT.strip()


def test_text_that_does_not_fit_ends_with_an_ellipsis_and_stays_legible():
    pages = paginate(drawable_words(PROMPT * 11, Face.BOOK), 2, SETTING)
    assert len(pages) == 2
    assert text_of(pages[-1]).endswith("…")
    assert all(page.size >= SETTING.smallest for page in pages)


@pytest.mark.parametrize("prompt", [PROMPT, "I", "x" * 500, PROMPT * 11, "今日は天気がいいから散歩しましょう" * 8])
@pytest.mark.parametrize("face", Face)
def test_text_stays_within_its_box(prompt, face):
    for page in paginate(drawable_words(prompt, face, SETTING.widest), 2, SETTING):
        for item in place(page, SETTING, 500, 300):
            lettering = item.fragment.lettering(page.size)
            left = item.x + lettering.left
            assert left >= 50 - 0.15 * page.size
            assert left + lettering.stencil.width <= 950 + 0.15 * page.size
            assert item.baseline + lettering.top >= 100 - 0.5 * page.size
            assert item.baseline + lettering.top + lettering.stencil.height <= 500 + 0.5 * page.size


def test_the_words_of_a_line_do_not_overlap():
    page = fit(drawable_words(PROMPT, Face.DISPLAY), SETTING)
    assert page is not None
    placed = place(page, SETTING, 500, 300)
    for one, other in pairwise(placed):
        if one.baseline == other.baseline:
            assert one.x + one.fragment.width * page.size <= other.x + 0.01


@pytest.mark.parametrize(
    ("prompt", "order"),
    [("שלום hello world עולם", [3, 1, 2, 0]), ("hello שלום עולם world", [0, 2, 1, 3]), ("one two", [0, 1])],
)
def test_hebrew_runs_from_right_to_left_and_english_from_left_to_right(prompt, order):
    page = fit(drawable_words(prompt, Face.BOOK), replace(SETTING, most_lines=1))
    assert page is not None
    placed = place(page, SETTING, 500, 300)
    assert [item.order for item in sorted(placed, key=lambda item: item.x)] == order


@pytest.mark.parametrize(
    ("prompt", "from_left_to_right"),
    [
        ("מסיבה ב-2026", "2026-ב הביסמ"),
        ("ב-₪100", "₪100-ב"),
        ("2026 שנה טובה", "הבוט הנש 2026"),
        ("10 20 30 שעות", "תועש 30 20 10"),
        ("ב-iPhone Pro!", "!iPhone Pro-ב"),
        ("السعر ١٢٣٫٥ ريال", "لاير ١٢٣٫٥ رعسلا"),
        ("visit שלום עולם now", "visit םלוע םולש now"),
    ],
)
@pytest.mark.parametrize("face", Face)
def test_the_parts_of_words_are_placed_in_visual_order(prompt, from_left_to_right, face):
    assert drawn_line(prompt, face) == from_left_to_right


def test_brackets_are_mirrored_in_hebrew():
    (hebrew,) = drawable_words("(", Face.DISPLAY)
    run = replace(hebrew.fragments[0].runs[0], is_rtl=True)
    opening, closing = (set_runs((Run(text, run.font),), Face.DISPLAY, 100) for text in "()")
    mirrored = set_runs((run,), Face.DISPLAY, 100)
    pictures = [item.stencil.mask.tobytes() for item in (mirrored, closing, opening) if item.stencil]
    assert pictures[0] == pictures[1] != pictures[2]


def test_the_direction_of_the_prompt_is_kept_on_a_page_that_begins_with_latin_text():
    words = drawable_words("שלום לכולם hello world", Face.BOOK)
    pages = [fit(words[:2], SETTING), fit([*words[2:], *words[:1]], replace(SETTING, most_lines=1))]
    assert pages[1] is not None
    placed = sorted(place(pages[1], SETTING, 500, 300), key=lambda item: item.x)
    assert [item.order for item in placed] == [2, 0, 1]


def test_every_line_of_a_hebrew_page_runs_from_right_to_left():
    page = fit(drawable_words("שלום hello world עולם", Face.BOOK), replace(SETTING, width=400, most_lines=2))
    assert page is not None
    placed = sorted(place(page, SETTING, 500, 300), key=lambda item: (item.baseline, item.x))
    assert [item.order for item in placed] == [1, 0, 3, 2]


def test_arabic_letters_are_joined():
    (joined,) = drawable_words("ببب", Face.DISPLAY)
    single = drawable_words("ب ب ب", Face.DISPLAY)
    assert joined.width < 0.9 * sum(word.width for word in single)


def test_a_page_whose_text_would_be_too_small_is_refused():
    assert fit(drawable_words(PROMPT * 3, Face.DISPLAY), SETTING) is None
