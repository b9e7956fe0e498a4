"""Output of the local system: text from outside reaches the terminal only in printable form."""

import io
from datetime import UTC, datetime

import pytest
from rich.live import Live
from rich.table import Table
from rich.text import Text

from localcloud.function_logs import LogEvent, format_event
from localcloud.progress import SafeConsole
from localcloud.terminal import printable

HOSTILE = "x\x1b]52;c;Y3VybA==\x07\x1b[2J\x9b31m\u202e\x00\x7f\u2028"


@pytest.mark.parametrize("text", ["", "A paper boat", "Ein Schiff – größer", "紙の船", "קשת", "نص", "क्षि", "🙂"])
def test_printable_text_is_unchanged(text: str) -> None:
    assert printable(text) == text


def test_characters_without_a_form_are_escaped() -> None:
    assert printable("a\x1b\u202e\U000e0001\n\t\ud800") == r"a\x1b\u202e\U000e0001\n\t\ud800"
    assert printable("a\nb", keep="\n") == "a\nb"


@pytest.mark.parametrize("terminal", [True, False])
def test_a_console_escapes_text_in_every_renderable(terminal: bool) -> None:
    file = io.StringIO()
    console = SafeConsole(file=file, force_terminal=terminal, color_system=None, width=200)
    table = Table(HOSTILE)
    table.add_row(HOSTILE)
    for renderable in (HOSTILE, Text(HOSTILE), table):
        console.print(renderable, markup=False)
    assert file.getvalue().replace("\n", "").isprintable()
    assert r"\x1b]52" in file.getvalue()


def test_a_live_view_escapes_text() -> None:
    file = io.StringIO()
    with Live(Text(HOSTILE), console=SafeConsole(file=file, width=200), auto_refresh=False):
        pass
    assert "\x1b]52" not in file.getvalue()


def test_a_log_event_of_several_lines_is_shown_on_one() -> None:
    message = '{"message": "a\\nb", "level": "INFO", "job_id": "c\\nd", "state": "e\\nf"}'
    event = LogEvent(datetime.now(UTC), "worker", "s", message, 0)
    assert len(format_event(event).plain.splitlines()) == 1
