"""Tables of the operators' commands on terminals of any width: lines fit, and no cell is cut."""

import os
import sys

import pytest

from ops.tables import draw_table, terminal_width
from tests.builders import a_job
from tests.fakes.clock import START
from tests.unit.ops.ops_fixtures import Operator
from videojobs.domain.job import HistoryEntry, JobId, JobStatus

JOB = JobId(f"{int(START.timestamp()):08x}0000000000000001")
HEADER = ("QUEUE", "WAITING", "DELAYED")
ROWS = [("JobsQueue", "1234567", "0"), ("EventsDeadLetterQueue", "3", "12")]


@pytest.fixture
def terminal(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Make stdout a terminal of 80 columns. The class is patched because `capsys` replaces the object again."""
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setattr(type(sys.stdout), "isatty", lambda _: True)


@pytest.mark.parametrize("width", [None, 80])
def test_a_table_that_fits_has_aligned_columns(width: int | None) -> None:
    assert draw_table(HEADER, ROWS, width=width).splitlines() == [
        "QUEUE                  WAITING  DELAYED",
        "JobsQueue              1234567  0",
        "EventsDeadLetterQueue  3        12",
    ]


def test_a_table_that_does_not_fit_becomes_a_list_with_whole_cells() -> None:
    assert draw_table(HEADER, ROWS, width=38).splitlines() == [
        "JobsQueue",
        "  WAITING: 1234567",
        "  DELAYED: 0",
        "EventsDeadLetterQueue",
        "  WAITING: 3",
        "  DELAYED: 12",
    ]


def test_the_width_is_unlimited_unless_stdout_is_a_terminal() -> None:
    assert terminal_width() is None


@pytest.mark.usefixtures("terminal")
def test_the_width_is_that_of_the_terminal() -> None:
    assert terminal_width() == int(os.environ["COLUMNS"])


def put_job_with_a_long_event(operator: Operator) -> None:
    history = (HistoryEntry(START, JobStatus.QUEUED, "accepted"),)
    operator.jobs.put(a_job(id=JOB, history=history, outbox=()))
    details = {"provider": "sketch", "processing_seconds": 4.725, "queue_seconds": 1234567.891, "reference": "r" * 40}
    operator.cloud.log(START, "worker", "Job completed", job_id=JOB, **details)


def test_a_pipe_gets_one_line_per_event_with_all_columns(operator: Operator) -> None:
    put_job_with_a_long_event(operator)
    operator.run("timeline", JOB)
    [line] = [line for line in operator.out.splitlines() if "Job completed" in line]
    assert line.startswith("2096-")
    assert "queue_seconds=1234567.891" in line
    assert "r" * 40 in line


@pytest.mark.usefixtures("terminal")
def test_a_timeline_fits_80_columns_and_keeps_all_details(operator: Operator) -> None:
    put_job_with_a_long_event(operator)
    operator.run("timeline", JOB)
    lines = operator.out.splitlines()
    assert max(map(len, lines)) <= 80
    assert any(line.startswith("Seconds after 2096-") for line in lines)
    assert "+0.000   worker    Job completed" in lines
    for detail in ("processing_seconds=4.725", "queue_seconds=1234567.891", "reference=" + "r" * 40):
        assert any(detail in line for line in lines)


@pytest.mark.usefixtures("terminal")
def test_json_does_not_depend_on_the_terminal(operator: Operator, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "20")
    operator.run("--json", "status")
    assert "QUEUE  " in operator.out
