"""Plain-text tables that fit the terminal, and can be pasted into tickets and chats."""

import shutil
import sys
from collections.abc import Sequence

from localcloud.terminal import printable


def terminal_width() -> int | None:
    """Return the width of the terminal in columns, or None if stdout is not a terminal."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else None


def draw_table(header: Sequence[str], rows: Sequence[Sequence[str]], *, width: int | None = None) -> str:
    """Return the header and the rows as aligned columns with two spaces between them. Each row has one cell per column.

    If a line exceeds `width` characters (None: unlimited), return a list instead, in which each row has its first cell
    on one line and each other cell after its heading on a line of its own. Cells are never cut. Characters that are not
    printable are escaped.
    """
    lines = [[printable(cell) for cell in line] for line in (header, *rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(header))]
    padded = (zip(line, widths, strict=True) for line in lines)
    table = ["  ".join(cell.ljust(size) for cell, size in line).rstrip() for line in padded]
    if width is not None and max(map(len, table)) > width:
        table = [line for row in lines[1:] for line in _list_row(header, row)]
    return "\n".join(table)


def format_span(seconds: float) -> str:
    """Return a time span in its two largest units, such as `1 min 30 s`; below 10 s in seconds with one decimal.

    A negative span counts as 0.
    """
    seconds = max(seconds, 0.0)
    if seconds < 10:
        return f"{seconds:.1f} s"
    minutes, left = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    parts = ((days, "d"), (hours, "h"), (minutes, "min"), (left, "s"))
    nonzero = [f"{number} {unit}" for number, unit in parts if number]
    return " ".join(nonzero[:2])


def _list_row(header: Sequence[str], row: Sequence[str]) -> list[str]:
    return [row[0], *(f"  {heading}: {cell}" for heading, cell in zip(header[1:], row[1:], strict=True))]
