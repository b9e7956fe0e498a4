"""Limits of handwritten pages: the length of lines and cells, and the number of words in docs/."""

import re
from collections.abc import Iterator

from tests.docs.markdown import Page, pages

LINE_CHARACTERS = 160
CELL_WORDS = 15
WORDS = 25_000
_URL = re.compile(r"\]\([^)]*\)|<https?://[^>]*>|https?://\S+")

HANDWRITTEN = [page for page in pages() if not page.is_generated]


def prose_lines(page: Page) -> Iterator[tuple[int, str]]:
    """Yield the lines outside tables and blocks of code, without the addresses of links."""
    blocks = [token.map for token in page.tokens if token.type in {"fence", "table_open", "html_block"}]
    skipped = {line for block in blocks if block for line in range(*block)}
    for number, line in enumerate(page.text.splitlines()):
        if number not in skipped:
            yield number + 1, _URL.sub("]", line)


def cells(page: Page) -> Iterator[tuple[int, str]]:
    """Yield the text of each table cell, without the addresses of links."""
    row = 0
    for opening, content in zip(page.tokens, page.tokens[1:], strict=False):
        row = opening.map[0] + 1 if opening.map else row
        if opening.type in {"th_open", "td_open"}:
            yield row, "".join(child.content or " " for child in content.children or ())


def count_words(text: str) -> int:
    """Return the number of words; a symbol such as an arrow is not a word."""
    return len(re.findall(r"\S*\w\S*", text))


def without_generated_parts(page: Page) -> str:
    """Return the text of a page without the parts that a command writes."""
    return re.sub(r"(?s)<!-- (generated: begin|cost)\b.*?<!-- (generated: end|/cost)\b[^>]*-->", "", page.text)


def test_lines_of_prose_are_short() -> None:
    lines = [(page.name, *line) for page in HANDWRITTEN for line in prose_lines(page)]
    assert [f"{name}:{number}: {len(it)}" for name, number, it in lines if len(it) > LINE_CHARACTERS] == []


def test_cells_have_at_most_fifteen_words() -> None:
    found = [(page, row, count_words(text)) for page in HANDWRITTEN for row, text in cells(page)]
    assert found
    assert [f"{page.name}:{row}: {words}" for page, row, words in found if words > CELL_WORDS] == []


def test_pages_have_at_most_25000_words() -> None:
    counted = {
        page.name: count_words(without_generated_parts(page))
        for page in HANDWRITTEN
        if page.name.startswith("docs/") and not page.name.startswith("docs/adr/")
    }
    assert sum(counted.values()) <= WORDS, counted
