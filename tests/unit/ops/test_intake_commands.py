"""Operators pause and resume the intake; each command may be repeated."""

import json
import sys

import pytest

from tests.fakes.clock import START
from tests.unit.ops.office import Office, Terminal
from videojobs.domain.intake import OPEN, Intake


def test_a_pause_holds_until_it_is_resumed(office: Office) -> None:
    assert office.run("pause", "--reason", "a flood", "--retry-after", "120", "--yes") == 0
    assert office.intake.read(START) == Intake(START, "a flood", 120)
    assert office.run("resume", "--yes") == 0
    assert office.intake.read(START) == OPEN


def test_a_second_pause_and_a_second_resume_say_that_they_are(office: Office) -> None:
    office.run("pause", "--yes")
    assert "already" not in office.out
    assert office.run("pause", "--yes") == 0
    assert "was paused already" in office.out
    office.run("resume", "--yes")
    assert "already" not in office.out
    assert office.run("resume", "--yes") == 0
    assert "was open already" in office.out


@pytest.mark.parametrize("command", ["pause", "resume"])
def test_nothing_is_done_without_a_yes(office: Office, command: str) -> None:
    before = office.intake.pause(START, reason="", retry_after_seconds=60) if command == "resume" else OPEN
    assert office.run(command) == 1
    assert "videojobs-test: New jobs will be" in office.errors
    assert "Nothing was done. Add --yes" in office.errors
    assert office.intake.read(START) == before


@pytest.mark.parametrize(("typed", "paused"), [("y\n", True), ("Yes\n", True), ("\n", False), ("no\n", False)])
def test_somebody_at_a_terminal_is_asked(
    office: Office, monkeypatch: pytest.MonkeyPatch, typed: str, paused: bool
) -> None:
    monkeypatch.setattr(sys, "stdin", Terminal(typed))
    assert office.run("pause") == (0 if paused else 1)
    assert office.intake.read(START).is_paused is paused


def test_what_was_done_and_by_whom_is_one_line_of_the_audit(office: Office) -> None:
    office.run("pause", "--reason", "a flood", "--yes")
    [line] = office.audit()
    assert (line["action"], line["operator"]) == ("intake_paused", office.cloud.caller())
    assert (line["stack"], line["reason"]) == ("videojobs-test", "a flood")
    office.run("resume", "--yes")
    assert [line["action"] for line in office.audit()] == ["intake_resumed"]


def test_machines_read_what_was_said(office: Office) -> None:
    office.run("--json", "pause", "--yes")
    assert "paused since" in json.loads(office.out)["said"]


@pytest.mark.parametrize("seconds", ["0", "86401"])
def test_nobody_is_told_to_wait_for_ever(office: Office, seconds: str) -> None:
    assert office.run("pause", "--yes", "--retry-after", seconds) == 1
    assert "from 1 to 86400" in office.errors
    assert office.intake.read(START) == OPEN


@pytest.mark.parametrize("command", ["story", "pause", "resume"])
def test_every_command_explains_itself_with_an_example(
    office: Office, capsys: pytest.CaptureFixture[str], command: str
) -> None:
    with pytest.raises(SystemExit) as ended:
        office.run(command, "--help")
    assert ended.value.code == 0
    assert f"python -m videojobs.ops --stack videojobs-prod {command}" in " ".join(capsys.readouterr().out.split())
