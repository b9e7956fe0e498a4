"""Deadlines: when a step is resent, and when a job is past its deadline."""

from datetime import timedelta

import pytest

from tests.builders import a_job, a_lease, a_started_job, a_step
from tests.fakes.clock import START
from videojobs.domain import deadlines
from videojobs.domain.job import JobStatus, Step
from videojobs.domain.policy import StepPolicy

NOW = START + timedelta(seconds=10)
POLICY = StepPolicy()


class TestResending:
    def test_the_pauses_between_resends_double_up_to_a_limit(self) -> None:
        job = a_started_job()
        pauses = []
        for _ in range(20):
            job = deadlines.resend_later(job, NOW)
            assert job.next is not None
            pauses.append((job.next.due_at - NOW).total_seconds())
        assert pauses[:5] == [30, 60, 120, 240, 300]
        assert set(pauses[5:]) == {300}

    def test_a_resent_step_keeps_its_id_and_the_state_of_its_job(self) -> None:
        job = a_started_job(lease=a_lease(), next=a_step(Step.POLL, runs=3))
        after = deadlines.resend_later(job, NOW)
        assert job.next is not None
        assert after.next is not None
        assert (after.next.id, after.next.resends, after.next.runs) == (job.next.id, 1, 3)
        assert (after.lease, after.version, after.attempt) == (job.lease, job.version, job.attempt)

    def test_an_ended_job_has_no_step_to_resend(self) -> None:
        with pytest.raises(ValueError, match="no step"):
            deadlines.resend_later(a_job(next=None), NOW)


class TestLateness:
    @pytest.mark.parametrize(("after_start", "late"), [(-0.001, False), (0, True), (60, True)])
    def test_a_job_is_past_its_deadline_from_that_moment_on(self, after_start: float, late: bool) -> None:
        then = START + POLICY.deadline + timedelta(seconds=after_start)
        assert deadlines.is_past_deadline(a_started_job(), then, POLICY) is late

    def test_a_job_that_was_not_started_is_not_past_its_deadline(self) -> None:
        assert not deadlines.is_past_deadline(a_job(), START + timedelta(days=365), POLICY)

    def test_an_ended_job_is_not_past_its_deadline(self) -> None:
        ended = a_started_job(status=JobStatus.COMPLETED)
        assert not deadlines.is_past_deadline(ended, START + timedelta(days=365), POLICY)
