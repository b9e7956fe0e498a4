"""Plain aligned text: it goes into tickets and chats as it is."""

from collections.abc import Sequence


def draw_table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """The columns as wide as what is in them, two spaces between; the last one is not filled up."""
    lines = [header, *rows]
    widths = [max(len(line[column]) for line in lines) for column in range(len(header))]
    padded = (zip(line, widths, strict=True) for line in lines)
    return "\n".join("  ".join(cell.ljust(width) for cell, width in line).rstrip() for line in padded)


def format_span(seconds: float) -> str:
    """A span of time as a person says it."""
    seconds = max(seconds, 0.0)
    if seconds < 10:
        return f"{seconds:.1f} s"
    minutes, left = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    parts = ((days, "d"), (hours, "h"), (minutes, "min"), (left, "s"))
    said = [f"{number} {unit}" for number, unit in parts if number]
    return " ".join(said[:2])
