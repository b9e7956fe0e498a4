"""Tables on terminals of several widths, and through a pipe."""

import io

import pytest
from rich.console import Console

from localcloud.tables import FittingTable

NUMBERS = ("1,234,567", "0.25 s", "12,345.67 s", "99.9 %")
COLUMNS = ("queue", "waiting", "in flight", "delayed", "oldest")


def drawn(table: FittingTable, width: int, *, is_terminal: bool = True) -> str:
    out = io.StringIO()
    console = Console(file=out, width=width, force_terminal=is_terminal, color_system=None, soft_wrap=True)
    console.print(table)
    return out.getvalue()


def a_table(name: str = "renderDeadLetter", *, optional: frozenset[str] = frozenset()) -> FittingTable:
    table = FittingTable(COLUMNS, optional)
    table.add_row(name, *NUMBERS)
    return table


@pytest.mark.parametrize("width", [80, 120])
def test_a_table_that_fits_has_one_line_per_row(width: int) -> None:
    heading, row = drawn(a_table(), width).splitlines()
    assert heading.split() == ["queue", "waiting", "in", "flight", "delayed", "oldest"]
    assert row.split() == ["renderDeadLetter", "1,234,567", "0.25", "s", "12,345.67", "s", "99.9", "%"]


@pytest.mark.parametrize(
    "name", ["renderDeadLetter", "a name of sixty characters, which is longer than the narrow line"]
)
@pytest.mark.parametrize("width", [20, 40, 80, 120])
def test_no_number_is_truncated_at_any_width(width: int, name: str) -> None:
    text = drawn(a_table(name), width)
    assert all(number in text for number in NUMBERS)
    assert "…" not in text


def test_a_table_that_does_not_fit_becomes_a_list() -> None:
    assert drawn(a_table(), 40).splitlines() == [
        "renderDeadLetter",
        "  waiting: 1,234,567",
        "  in flight: 0.25 s",
        "  delayed: 12,345.67 s",
        "  oldest: 99.9 %",
    ]


def test_optional_columns_are_left_out_before_a_table_becomes_a_list() -> None:
    heading, row = drawn(a_table(optional=frozenset({"in flight", "delayed"})), 40).splitlines()
    assert heading.split() == ["queue", "waiting", "oldest"]
    assert row.split() == ["renderDeadLetter", "1,234,567", "99.9", "%"]


@pytest.mark.parametrize("width", [40, 80, 120])
def test_a_table_in_a_pipe_has_all_columns_in_one_line_per_row(width: int) -> None:
    name = "n" * 150
    heading, row = drawn(a_table(name, optional=frozenset({"delayed"})), width, is_terminal=False).splitlines()
    assert "delayed" in heading
    assert row.startswith(name)
    assert all(number in row for number in NUMBERS)


def test_a_table_without_rows_shows_its_heading() -> None:
    assert drawn(FittingTable(COLUMNS), 80).split() == ["queue", "waiting", "in", "flight", "delayed", "oldest"]
