"""New jobs are refused while the intake is paused, and only then."""

import pytest

from tests.fakes.clock import START, VirtualClock
from tests.fakes.submissions import InMemorySubmissionRepository
from videojobs.domain.errors import ErrorCode, SubmissionsPaused, Unavailable
from videojobs.domain.submissions import SubmissionState
from videojobs.services.check_submissions import check_submissions

PAUSED = SubmissionState(START, "a secret reason", 120)


def never() -> str:
    """Must not be looked for."""
    raise AssertionError("nobody asked")


def test_an_open_intake_lets_everybody_in_and_looks_for_nothing() -> None:
    assert check_submissions(never, submissions=InMemorySubmissionRepository(), clock=VirtualClock()) is None


def test_a_paused_intake_refuses_and_says_when_to_come_back() -> None:
    with pytest.raises(SubmissionsPaused) as refused:
        check_submissions(submissions=InMemorySubmissionRepository(PAUSED), clock=VirtualClock())
    assert (refused.value.code, refused.value.retry_after_seconds) == (ErrorCode.UNAVAILABLE, 120)
    assert "not taken at the moment" in refused.value.message
    assert "secret" not in refused.value.message


def test_what_was_accepted_before_is_given_back_during_a_pause() -> None:
    submissions = InMemorySubmissionRepository(PAUSED)
    assert check_submissions(lambda: "earlier", submissions=submissions, clock=VirtualClock()) == "earlier"
    with pytest.raises(SubmissionsPaused):
        check_submissions(lambda: None, submissions=submissions, clock=VirtualClock())


def test_a_switch_that_cannot_be_read_is_open() -> None:
    submissions = InMemorySubmissionRepository(PAUSED)
    submissions.available = False
    assert check_submissions(never, submissions=submissions, clock=VirtualClock()) is None


def test_what_cannot_be_looked_for_is_said() -> None:
    def fail() -> None:
        raise Unavailable

    with pytest.raises(Unavailable) as refused:
        check_submissions(fail, submissions=InMemorySubmissionRepository(PAUSED), clock=VirtualClock())
    assert not isinstance(refused.value, SubmissionsPaused)
