"""The Unicode Bidirectional Algorithm: levels by rule, and the visual order of whole texts."""

import pytest

from videojobs_sketch.bidi import base_level, resolve_levels, visual_order

MIRRORED = str.maketrans("()[]<>", ")(][><")


def displayed(text: str) -> str:
    """Return the characters of a text from left to right, with brackets mirrored as they look in the line."""
    levels = resolve_levels(text, base_level(text))
    return "".join(text[i].translate(MIRRORED) if levels[i] % 2 else text[i] for i in visual_order(levels))


@pytest.mark.parametrize(
    ("text", "from_left_to_right"),
    [
        ("מסיבה ב-2026", "2026-ב הביסמ"),
        ("הפגישה ב-20:30", "20:30-ב השיגפה"),
        ("ב-₪100", "₪100-ב"),
        ("(שלום) עולם", "םלוע (םולש)"),
        ("2026 שנה טובה", "הבוט הנש 2026"),
        ("10 20 30 שעות", "תועש 30 20 10"),
        ("עידן2026", "2026ןדיע"),
        ("עם iPhone Pro", "iPhone Pro םע"),
        ("ב-iPhone Pro!", "!iPhone Pro-ב"),
        ("גרסה 3.14 [חדש]", "[שדח] 3.14 הסרג"),
        ('"שלום" 50%', '50% "םולש"'),
        ("عام2026", "2026ماع"),
        ("عام ٢٠٢٦", "٢٠٢٦ ماع"),
        ("السعر ١٢٣٫٥ ريال", "لاير ١٢٣٫٥ رعسلا"),
        ("نوروز ۱۴۰۵ مبارک", "کرابم ۱۴۰۵ زورون"),
        ("visit שלום עולם (2026) now", "visit (2026) םלוע םולש now"),
        ("hello (world) 12%", "hello (world) 12%"),
    ],
)
def test_digits_signs_and_brackets_are_read_in_their_direction(text, from_left_to_right):
    assert displayed(text) == from_left_to_right


@pytest.mark.parametrize(
    ("rule", "text", "base", "levels"),
    [
        ("P2", "2026 א", 1, "222211"),
        ("X2 X7 embeddings", "a\u202bb\u202cc", 0, "00220"),
        ("X4 override", "\u202eab\u202c", 0, "0111"),
        ("X5c isolate of the first strong character", "a\u2068אב\u2069b", 0, "001100"),
        ("X6a a PDI without an isolate", "\u2069א", 0, "01"),
        ("W1 accents", "א\u05b0ב", 1, "111"),
        ("W2 European digits after Arabic letters", "ع1-2", 1, "1212"),
        ("W4 separators between digits", "א1,2-3", 1, "122222"),
        ("W5 signs beside digits", "א$1%", 1, "1222"),
        ("W6 signs alone", "א$ב", 1, "111"),
        ("W7 digits after Latin letters", "אa1", 1, "122"),
        ("N0 a pair with content of the line's direction", "a(אb)א", 0, "001001"),
        ("N0 a pair with other content takes its context", "a(א)", 0, "0010"),
        ("N0 a pair with other content after the same", "א(ב)c", 0, "11110"),
        ("N0 accents after a bracket", "א(ב)\u0301\u0301c", 0, "1111110"),
        ("N0 crossing brackets", "א(ב[)]c", 0, "1111100"),
        ("N1 a sign between the same directions", "א!ב", 0, "111"),
        ("N2 a sign between different directions", "a!ב", 0, "001"),
        ("I1 I2 numbers", "a1א1", 0, "0012"),
    ],
)
def test_levels_follow_each_rule(rule, text, base, levels):
    assert "".join(map(str, resolve_levels(text, base))) == levels


@pytest.mark.parametrize(
    ("text", "base"), [("2026", 0), ("«עברית»", 1), ("1) ع", 1), ("\u2067א\u2069 a", 0), ("\u2069א", 1), ("", 0)]
)
def test_the_direction_comes_from_the_first_strong_character_outside_of_isolates(text, base):
    assert base_level(text) == base


@pytest.mark.parametrize("kind", ["\u202b", "\u202a", "\u2067", "\u2066"])
def test_too_deep_embeddings_are_ignored(kind):
    levels = resolve_levels(kind * 130 + "א" + "\u202c\u2069" * 130 + "a", 0)
    assert max(levels) <= 126
    assert levels[-1] == 0


@pytest.mark.parametrize(
    ("levels", "order"), [([], []), ([0, 1, 1, 0], [0, 2, 1, 3]), ([1, 2, 2, 1], [3, 1, 2, 0]), ([2, 2], [0, 1])]
)
def test_the_parts_of_a_line_are_reversed_level_by_level(levels, order):
    assert visual_order(levels) == order
