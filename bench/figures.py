"""Measured figures and their targets, with tables for the terminal and in Markdown."""

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table


class MeasurementError(Exception):
    """Error for a measurement that failed. The message contains the cause."""


_COLUMNS = ("figure", "target", "measured", "second call", "ratio", "verdict")
_COLOURS = {"reached": "green", "missed": "red"}


@dataclass(frozen=True, slots=True)
class Figure:
    """One row of a table, with every cell as displayed text."""

    name: str
    measured: str
    must: str = ""
    ratio: str = ""
    second_call: str = ""
    reached: bool | None = None
    """Whether the target is met; None for a figure without a target."""

    @property
    def verdict(self) -> str:
        """Return `reached`, `missed`, or an empty string for a figure without a target."""
        return "" if self.reached is None else "reached" if self.reached else "missed"

    def cells(self) -> tuple[str, ...]:
        """Return the row's cells, in the order of the columns."""
        return self.name, self.must, self.measured, self.second_call, self.ratio, self.verdict


@dataclass(frozen=True, slots=True)
class Section:
    """Figures of one measurement. `method` says how to read them; bench/README.md describes how they are measured."""

    title: str
    method: str
    figures: Sequence[Figure]


def print_section(section: Section, console: Console) -> None:
    """Print the section as a table, with the description of the measurement method below it."""
    table = Table(title=section.title, title_justify="left", caption=section.method, caption_justify="left")
    for column in _COLUMNS:
        table.add_column(column, justify="right" if column in {"measured", "second call", "ratio"} else "left")
    for figure in section.figures:
        table.add_row(*figure.cells(), style=_COLOURS.get(figure.verdict, ""))
    console.print(table)


def to_markdown(sections: Sequence[Section]) -> str:
    """Return the sections as Markdown, one heading and table each.

    The target of a figure includes its verdict. Columns without a value are left out.
    """
    lines: list[str] = []
    for section in sections:
        names, musts, measured, seconds, ratios, verdicts = zip(
            *(figure.cells() for figure in section.figures), strict=True
        )
        targets = [f"{must}: {verdict}" if verdict else must for must, verdict in zip(musts, verdicts, strict=True)]
        all_columns = {
            "figure": names,
            "target": targets,
            "measured": measured,
            "second call": seconds,
            "ratio": ratios,
        }
        columns = {heading: cells for heading, cells in all_columns.items() if any(cells)}
        lines += [f"### {section.title}", "", *textwrap.wrap(section.method, 150), ""]
        lines += [f"| {' | '.join(columns)} |", "|---" * len(columns) + "|"]
        lines += [*(f"| {' | '.join(row)} |" for row in zip(*columns.values(), strict=True)), ""]
    return "\n".join(lines)


def write_markdown(sections: Sequence[Section], path: Path) -> None:
    """Write the sections as Markdown to `path`, and create its folder if necessary.

    Raises:
        OSError: If the file can't be written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(to_markdown(sections))
