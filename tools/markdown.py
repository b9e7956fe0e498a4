"""Tables and lists in Markdown, for the generated pages."""

from collections.abc import Iterable, Sequence


def as_table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table. A `|` in a cell is escaped."""
    first, *rest = ["| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in [header, *rows]]
    return "\n".join([first, "|" + "---|" * len(header), *rest])


def as_list(names: Sequence[str], *, last: str = "and") -> str:
    """Return the names as code, separated by commas and the word `last`; empty without names."""
    codes = [in_code(name) for name in names]
    return f"{', '.join(codes[:-1])} {last} {codes[-1]}" if len(codes) > 1 else "".join(codes)


def in_code(text: str) -> str:
    """Return the text as inline code."""
    return f"`{text}`"
