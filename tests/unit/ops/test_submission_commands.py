"""Commands that pause and resume submissions; each can be repeated."""

import json
import sys

import pytest
from botocore.exceptions import ClientError

from tests.fakes.clock import START
from tests.unit.ops.ops_fixtures import Operator, Terminal
from videojobs.domain.submissions import CACHE_SECONDS, OPEN, SubmissionState


def test_a_pause_lasts_until_it_is_resumed(operator: Operator) -> None:
    assert operator.run("pause", "--reason", "a flood", "--retry-after", "120", "--yes") == 0
    assert operator.submissions.read(START) == SubmissionState(START, "a flood", 120)
    assert operator.run("resume", "--yes") == 0
    assert operator.submissions.read(START) == OPEN


def test_a_second_pause_or_resume_is_reported_as_such(operator: Operator) -> None:
    operator.run("pause", "--yes")
    assert f"This takes effect within {CACHE_SECONDS} seconds." in operator.out
    assert "already" not in operator.out
    assert operator.run("pause", "--yes") == 0
    assert "were already paused" in operator.out
    operator.run("resume", "--yes")
    assert "already" not in operator.out
    assert operator.run("resume", "--yes") == 0
    assert "were already open" in operator.out


@pytest.mark.parametrize("command", ["pause", "resume"])
def test_pause_and_resume_require_confirmation(operator: Operator, command: str) -> None:
    before = operator.submissions.pause(START, reason="", retry_after_seconds=60) if command == "resume" else OPEN
    assert operator.run(command) == 1
    assert "videojobs-test: New jobs will be" in operator.errors
    assert "Nothing was changed. Add --yes" in operator.errors
    assert operator.submissions.read(START) == before


@pytest.mark.parametrize(("typed", "paused"), [("y\n", True), ("Yes\n", True), ("\n", False), ("no\n", False)])
def test_a_user_at_a_terminal_is_asked_for_confirmation(
    operator: Operator, monkeypatch: pytest.MonkeyPatch, typed: str, paused: bool
) -> None:
    monkeypatch.setattr(sys, "stdin", Terminal(typed))
    assert operator.run("pause") == (0 if paused else 1)
    assert operator.submissions.read(START).is_paused is paused


def test_each_change_is_one_audit_record_with_its_operator(operator: Operator) -> None:
    operator.run("pause", "--reason", "a flood", "--yes")
    [line] = operator.audit()
    assert (line["action"], line["operator"]) == ("intake_paused", operator.cloud.caller())
    assert (line["stack"], line["reason"]) == ("videojobs-test", "a flood")
    operator.run("resume", "--yes")
    assert [line["action"] for line in operator.audit()] == ["intake_resumed"]


COMMANDS = [
    ("pause", "--yes"),
    ("resume", "--yes"),
    ("redrive", "all", "--yes"),
    ("replay", "65a000000000000000000099", "--yes"),
]


@pytest.mark.parametrize("command", COMMANDS)
def test_the_audit_record_is_kept_in_the_logs_of_the_system(operator: Operator, command: tuple[str, ...]) -> None:
    assert operator.run(*command) == 0
    [line] = operator.cloud.audit
    assert (line["message"], line["operator"]) == ("Operator's command", operator.cloud.caller())
    assert line["action"] == operator.audit()[0]["action"]


@pytest.mark.parametrize("command", COMMANDS)
def test_without_an_audit_record_nothing_is_changed(operator: Operator, command: tuple[str, ...]) -> None:
    operator.submissions.pause(START, reason="before", retry_after_seconds=9)
    operator.cloud.dead_letters["Events"] = 1
    operator.cloud.write_error = ClientError({"Error": {"Code": "AccessDeniedException"}}, "PutLogEvents")
    before = operator.submissions.read(START)
    assert operator.run(*command) == 1
    assert operator.errors.startswith(
        "Nothing was changed. Your credentials do not allow access to the log of operators"
    )
    assert (operator.submissions.read(START), operator.cloud.dead_letters["Events"]) == (before, 1)
    assert operator.audit() == []


def test_the_json_output_contains_the_message(operator: Operator) -> None:
    operator.run("--json", "pause", "--yes")
    assert "paused since" in json.loads(operator.out)["said"]


@pytest.mark.parametrize("seconds", ["0", "86401"])
def test_a_retry_after_outside_its_range_is_refused(operator: Operator, seconds: str) -> None:
    assert operator.run("pause", "--yes", "--retry-after", seconds) == 1
    assert "from 1 to 86400" in operator.errors
    assert operator.submissions.read(START) == OPEN


@pytest.mark.parametrize("command", ["timeline", "pause", "resume", "fetch-result"])
def test_the_help_of_every_command_contains_an_example(
    operator: Operator, capsys: pytest.CaptureFixture[str], command: str
) -> None:
    with pytest.raises(SystemExit) as ended:
        operator.run(command, "--help")
    assert ended.value.code == 0
    assert f"python -m ops --stack videojobs-prod {command}" in " ".join(capsys.readouterr().out.split())
