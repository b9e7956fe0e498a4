"""Paused submissions: new jobs are refused during the pause only."""

import pytest

from tests.fakes.clock import START, VirtualClock
from tests.fakes.submissions import InMemorySubmissionRepository
from videojobs.domain.errors import ErrorCode, SubmissionsPaused, Unavailable
from videojobs.domain.submissions import SubmissionState
from videojobs.services.check_submissions import check_submissions

PAUSED = SubmissionState(START, "a secret reason", 120)


def never() -> str:
    """Fail the test: the earlier job must not be looked up."""
    raise AssertionError("looked up without a reason")


def test_submissions_are_accepted_without_a_lookup_when_not_paused() -> None:
    assert check_submissions(never, submissions=InMemorySubmissionRepository(), clock=VirtualClock()) is None


def test_paused_submissions_are_refused_with_retry_after_and_without_the_reason() -> None:
    with pytest.raises(SubmissionsPaused) as refused:
        check_submissions(submissions=InMemorySubmissionRepository(PAUSED), clock=VirtualClock())
    assert (refused.value.code, refused.value.retry_after_seconds) == (ErrorCode.UNAVAILABLE, 120)
    assert "New videos are paused" in refused.value.message
    assert "secret" not in refused.value.message


def test_a_repeated_submission_returns_the_earlier_job_during_a_pause() -> None:
    submissions = InMemorySubmissionRepository(PAUSED)
    assert check_submissions(lambda: "earlier", submissions=submissions, clock=VirtualClock()) == "earlier"
    with pytest.raises(SubmissionsPaused):
        check_submissions(lambda: None, submissions=submissions, clock=VirtualClock())


def test_submissions_are_accepted_when_the_state_is_unavailable() -> None:
    submissions = InMemorySubmissionRepository(PAUSED)
    submissions.available = False
    assert check_submissions(never, submissions=submissions, clock=VirtualClock()) is None


def test_a_failed_lookup_during_a_pause_is_not_reported_as_a_pause() -> None:
    def fail() -> None:
        raise Unavailable

    with pytest.raises(Unavailable) as refused:
        check_submissions(fail, submissions=InMemorySubmissionRepository(PAUSED), clock=VirtualClock())
    assert not isinstance(refused.value, SubmissionsPaused)
