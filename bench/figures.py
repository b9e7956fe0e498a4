"""A measured figure beside what it must be, and the table of them: on the terminal and as Markdown."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table


class MeasurementError(Exception):
    """Something could not be measured; the message says what went wrong where."""


_COLUMNS = ("figure", "must", "measured", "ratio", "verdict")
_COLOURS = {"reached": "green", "missed": "red"}


@dataclass(frozen=True, slots=True)
class Figure:
    """One line of the table; every cell as people read it."""

    name: str
    measured: str
    must: str = ""
    ratio: str = ""
    reached: bool | None = None
    """None where nothing is promised."""

    @property
    def verdict(self) -> str:
        """`reached`, `missed`, or nothing."""
        return "" if self.reached is None else "reached" if self.reached else "missed"

    def cells(self) -> tuple[str, str, str, str, str]:
        """The line's cells, in the order of the columns."""
        return self.name, self.must, self.measured, self.ratio, self.verdict


@dataclass(frozen=True, slots=True)
class Section:
    """The figures of one measurement, and how they came about in a line."""

    title: str
    method: str
    figures: Sequence[Figure]


def print_section(section: Section, console: Console) -> None:
    """Draw the section's table."""
    table = Table(title=section.title, title_justify="left", caption=section.method, caption_justify="left")
    for column in _COLUMNS:
        table.add_column(column, justify="right" if column in {"measured", "ratio"} else "left")
    for figure in section.figures:
        table.add_row(*figure.cells(), style=_COLOURS.get(figure.verdict, ""))
    console.print(table)


def to_markdown(sections: Sequence[Section]) -> str:
    """The same tables as Markdown."""
    lines: list[str] = []
    for section in sections:
        lines += [f"### {section.title}", "", section.method, "", f"| {' | '.join(_COLUMNS)} |"]
        lines += ["|---|---|---:|---:|---|", *(f"| {' | '.join(figure.cells())} |" for figure in section.figures), ""]
    return "\n".join(lines)


def write_markdown(sections: Sequence[Section], path: Path) -> None:
    """Keep the tables as a file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(to_markdown(sections))
