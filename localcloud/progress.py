"""Progress output: a spinner and colours on a terminal, plain lines elsewhere."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console

console = Console(highlight=False, soft_wrap=True)
errors = Console(stderr=True, highlight=False, soft_wrap=True)


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
