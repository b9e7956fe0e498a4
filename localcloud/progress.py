"""Says what is going on: a spinner and colours on a terminal, plain lines in a log."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console

console = Console(highlight=False, soft_wrap=True)
errors = Console(stderr=True, highlight=False, soft_wrap=True)


class Step:
    """One line of progress; `note` adds what came of it."""

    def __init__(self) -> None:
        """Begin without a note."""
        self.result = ""

    def note(self, result: str) -> None:
        """Say what came of the step, in a few words."""
        self.result = f" [dim]· {result}[/dim]"


@contextmanager
def step(title: str) -> Iterator[Step]:
    """Show that something is under way, and then that it is done and how long it took."""
    begun = time.monotonic()
    current = Step()
    with console.status(title) if sys.stdout.isatty() else _quiet():
        try:
            yield current
        except BaseException:
            console.print(f"[red]✗[/red] {title}  [dim]{time.monotonic() - begun:.1f} s[/dim]")
            raise
    console.print(f"[green]✓[/green] {title}{current.result}  [dim]{time.monotonic() - begun:.1f} s[/dim]")


@contextmanager
def _quiet() -> Iterator[None]:
    yield
