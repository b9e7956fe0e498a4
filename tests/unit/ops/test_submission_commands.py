"""Operators pause and resume the intake; each command may be repeated."""

import json
import sys

import pytest

from tests.fakes.clock import START
from tests.unit.ops.ops_fixtures import Operator, Terminal
from videojobs.domain.submissions import OPEN, SubmissionState


def test_a_pause_holds_until_it_is_resumed(operator: Operator) -> None:
    assert operator.run("pause", "--reason", "a flood", "--retry-after", "120", "--yes") == 0
    assert operator.submissions.read(START) == SubmissionState(START, "a flood", 120)
    assert operator.run("resume", "--yes") == 0
    assert operator.submissions.read(START) == OPEN


def test_a_second_pause_and_a_second_resume_say_that_they_are(operator: Operator) -> None:
    operator.run("pause", "--yes")
    assert "already" not in operator.out
    assert operator.run("pause", "--yes") == 0
    assert "was paused already" in operator.out
    operator.run("resume", "--yes")
    assert "already" not in operator.out
    assert operator.run("resume", "--yes") == 0
    assert "was open already" in operator.out


@pytest.mark.parametrize("command", ["pause", "resume"])
def test_nothing_is_done_without_a_yes(operator: Operator, command: str) -> None:
    before = operator.submissions.pause(START, reason="", retry_after_seconds=60) if command == "resume" else OPEN
    assert operator.run(command) == 1
    assert "videojobs-test: New jobs will be" in operator.errors
    assert "Nothing was done. Add --yes" in operator.errors
    assert operator.submissions.read(START) == before


@pytest.mark.parametrize(("typed", "paused"), [("y\n", True), ("Yes\n", True), ("\n", False), ("no\n", False)])
def test_somebody_at_a_terminal_is_asked(
    operator: Operator, monkeypatch: pytest.MonkeyPatch, typed: str, paused: bool
) -> None:
    monkeypatch.setattr(sys, "stdin", Terminal(typed))
    assert operator.run("pause") == (0 if paused else 1)
    assert operator.submissions.read(START).is_paused is paused


def test_what_was_done_and_by_whom_is_one_line_of_the_audit(operator: Operator) -> None:
    operator.run("pause", "--reason", "a flood", "--yes")
    [line] = operator.audit()
    assert (line["action"], line["operator"]) == ("intake_paused", operator.cloud.caller())
    assert (line["stack"], line["reason"]) == ("videojobs-test", "a flood")
    operator.run("resume", "--yes")
    assert [line["action"] for line in operator.audit()] == ["intake_resumed"]


def test_machines_read_what_was_said(operator: Operator) -> None:
    operator.run("--json", "pause", "--yes")
    assert "paused since" in json.loads(operator.out)["said"]


@pytest.mark.parametrize("seconds", ["0", "86401"])
def test_nobody_is_told_to_wait_for_ever(operator: Operator, seconds: str) -> None:
    assert operator.run("pause", "--yes", "--retry-after", seconds) == 1
    assert "from 1 to 86400" in operator.errors
    assert operator.submissions.read(START) == OPEN


@pytest.mark.parametrize("command", ["timeline", "pause", "resume"])
def test_every_command_explains_itself_with_an_example(
    operator: Operator, capsys: pytest.CaptureFixture[str], command: str
) -> None:
    with pytest.raises(SystemExit) as ended:
        operator.run(command, "--help")
    assert ended.value.code == 0
    assert f"python -m ops --stack videojobs-prod {command}" in " ".join(capsys.readouterr().out.split())
