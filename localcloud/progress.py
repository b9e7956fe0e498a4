"""Progress output: a spinner and colours on a terminal, plain lines elsewhere."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment

from localcloud.terminal import printable


class SafeConsole(Console):
    """Console of rich that escapes the text which it renders, except for line breaks. Its own styles stay."""

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterator[Segment]:
        """Render an object to segments, and escape the text of each."""
        for segment in super().render(renderable, options):
            yield segment if segment.control else segment._replace(text=printable(segment.text, keep="\n"))


console = SafeConsole(highlight=False, soft_wrap=True)
errors = SafeConsole(stderr=True, highlight=False, soft_wrap=True)


class Step:
    """Line of progress with an optional note about the result."""

    def __init__(self) -> None:
        """Start without a note."""
        self.result = ""

    def note(self, result: str) -> None:
        """Set the note that is printed after the title."""
        self.result = f" [dim]· {result}[/dim]"


@contextmanager
def step(title: str) -> Iterator[Step]:
    """Show a spinner during the block, then print the title with ✓ and the duration, or with ✗ if the block raises.

    The exception is raised to the caller.
    """
    started = time.monotonic()
    current = Step()
    with console.status(title) if sys.stdout.isatty() else _quiet():
        try:
            yield current
        except BaseException:
            console.print(f"[red]✗[/red] {title}  [dim]{time.monotonic() - started:.1f} s[/dim]")
            raise
    console.print(f"[green]✓[/green] {title}{current.result}  [dim]{time.monotonic() - started:.1f} s[/dim]")


@contextmanager
def _quiet() -> Iterator[None]:
    yield
