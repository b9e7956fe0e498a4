"""Decision records: their form, and the index that lists them."""

import re
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.docs.markdown import ROOT

FOLDER = ROOT / "docs" / "adr"
FILES = sorted(FOLDER.glob("[0-9]*.md"))
SECTIONS = ["Decision", "Reasons", "Alternatives", "Consequences"]
_HEAD = re.compile(r"# (\d+)\. (.+)\n\n- \*\*Status\*\*: (.+)\n- \*\*Date\*\*: (\d{4}-\d\d-\d\d)\n\n")


class Head(NamedTuple):
    """The first lines of a decision record."""

    number: int
    title: str
    status: str
    date: str


def read_head(path: Path) -> Head:
    found = _HEAD.match(path.read_text())
    assert found, "the record must begin with a title, a status and a date"
    return Head(int(found[1]), *found.groups()[1:])


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_name_of_the_file_is_made_of_number_and_title(path: Path) -> None:
    head = read_head(path)
    assert path.stem == f"{head.number:04}-{re.sub(r'[^a-z0-9]+', '-', head.title.lower())}"


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_sections_are_in_order(path: Path) -> None:
    assert re.findall(r"^## (.+)$", path.read_text(), re.MULTILINE) == SECTIONS


def test_numbers_are_unique() -> None:
    numbers = [read_head(path).number for path in FILES]
    assert numbers == sorted(set(numbers))


def test_index_lists_every_record() -> None:
    rows = [line for line in (FOLDER / "README.md").read_text().splitlines() if line.startswith("| [")]
    heads = [(read_head(path), path.name) for path in FILES]
    assert rows == [
        f"| [{head.number}]({name}) | {head.title} | {head.status.partition(';')[0]} | {head.date} |"
        for head, name in heads
    ]
