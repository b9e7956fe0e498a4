"""Tables for terminals of any width and for pipes: a cell is never cut."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from rich.console import Console, ConsoleOptions, Group, RenderResult
from rich.table import Table
from rich.text import Text


@dataclass(slots=True)
class FittingTable:
    """Rows of figures under column headings; the first column names the row.

    On a terminal that is too narrow for the table, the optional columns are left out. If the rest does not fit either,
    each row becomes a list of headings and figures. Through a pipe, every row is one line with all columns, however
    long: print it on a console with `soft_wrap`, because others cut lines at their width.
    """

    columns: tuple[str, ...]
    optional: frozenset[str] = frozenset()
    """Headings of the columns that a narrow terminal can do without."""
    _rows: list[tuple[tuple[Text, ...], str]] = field(default_factory=list, init=False)

    def add_row(self, *cells: str | Text, style: str = "") -> None:
        """Append a row with one cell per column, drawn in `style`."""
        texts = tuple(cell if isinstance(cell, Text) else Text(cell) for cell in cells)
        self._rows.append((texts, style))

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Yield the form of the table that fits the console."""
        for columns in (range(len(self.columns)), self._required_columns()):
            table = self._draw_table(columns)
            width = console.measure(table, options=options.update(max_width=10_000)).maximum
            if not console.is_terminal:
                yield from console.render(table, options.update(max_width=width))
                return
            if width <= options.max_width:
                yield table
                return
        yield self._draw_list()

    def _required_columns(self) -> Iterable[int]:
        return [number for number, heading in enumerate(self.columns) if heading not in self.optional]

    def _draw_table(self, columns: Iterable[int]) -> Table:
        table = Table(box=None, pad_edge=False, header_style="bold")
        for number in columns:
            table.add_column(self.columns[number], justify="right" if number else "left", no_wrap=True)
        for cells, style in self._rows:
            table.add_row(*(cells[number] for number in columns), style=style)
        return table

    def _draw_list(self) -> Group:
        lines = []
        for (name, *cells), style in self._rows:
            lines.append(Text.assemble(name, style=style))
            for heading, cell in zip(self.columns[1:], cells, strict=True):
                lines.append(Text.assemble(f"  {heading}: ", cell, style=style))
        return Group(*lines)
