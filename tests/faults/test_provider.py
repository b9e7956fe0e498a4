"""Scenario 7: a provider that is rate limited, broken, silent or wrong, and never charges twice for an attempt."""

import pytest

from tests.faults.conftest import MakeSystem
from tests.faults.scenarios import run_with_a_provider_that_always_fails, run_with_a_provider_that_never_finishes
from tests.faults.system_under_test import SystemUnderTest

AMBIGUOUS = ["500", "html", "nothing", "hang"]


@pytest.mark.parametrize("policy", ["repeat", "find"])
@pytest.mark.parametrize("behaviour", [*AMBIGUOUS, *(f"{behaviour}+task" for behaviour in AMBIGUOUS)])
def test_ambiguous_submit_costs_one_generation(make_sut: MakeSystem, behaviour: str, policy: str) -> None:
    sut = make_sut(unknown_submit=policy)
    sut.provider.submits.append(behaviour)
    post = sut.post()
    sut.run()
    job = sut.job(post.job_id)
    assert (job["status"], job["attempt"], len(sut.provider.tasks)) == ("completed", 1, 1)


@pytest.mark.parametrize("behaviour", ["nothing", "nothing+task"])
def test_policy_resubmit_makes_another_attempt_and_notes_it(make_sut: MakeSystem, behaviour: str) -> None:
    sut = make_sut(unknown_submit="resubmit")
    sut.provider.submits.append(behaviour)
    post = sut.post()
    sut.run()
    job = sut.job(post.job_id)
    assert (job["status"], job["attempt"]) == ("completed", 2)
    assert any("unknown whether the submit arrived" in entry["note"] for entry in job["history"])


@pytest.mark.parametrize("behaviour", ["nothing", "nothing+task"])
def test_policy_fail_ends_the_job_with_an_error_message(make_sut: MakeSystem, behaviour: str) -> None:
    sut = make_sut(unknown_submit="fail")
    sut.provider.submits.append(behaviour)
    post = sut.post()
    sut.run()
    job = sut.job(post.job_id)
    assert job["status"] == "failed"
    assert "duplicate charge" in job["errorMessage"]


def test_rate_limited_provider_is_called_only_after_retry_after(sut: SystemUnderTest) -> None:
    sut.provider.submits.append("429")
    post = sut.post()
    sut.deliver(sut.take())
    started = sut.now
    job = sut.job(post.job_id)
    assert (job["next"]["dueAt"] - started).total_seconds() >= 20
    sut.run()
    assert sut.job(post.job_id)["status"] == "completed"


@pytest.mark.parametrize("behaviour", [*AMBIGUOUS, "429"])
def test_failed_poll_is_repeated(sut: SystemUnderTest, behaviour: str) -> None:
    sut.provider.polls.extend([behaviour, behaviour])
    post = sut.post()
    sut.run()
    assert sut.job(post.job_id)["status"] == "completed"


@pytest.mark.parametrize(("behaviour", "status"), [("error", "completed"), ("refusal", "failed")])
def test_status_200_with_an_error_in_the_body_is_an_error(sut: SystemUnderTest, behaviour: str, status: str) -> None:
    sut.provider.submits.append(behaviour)
    post = sut.post()
    sut.run()
    assert sut.job(post.job_id)["status"] == status
    assert len(sut.provider.tasks) == (1 if status == "completed" else 0)


def test_job_of_a_provider_that_never_finishes_fails_at_the_deadline(sut: SystemUnderTest) -> None:
    post = run_with_a_provider_that_never_finishes(sut)
    job = sut.job(post.job_id)
    assert (job["status"], job["error"]["code"]) == ("failed", "timeout")
    assert all(task.cancelled for task in sut.provider.tasks.values())


def test_failing_provider_is_paid_once_per_allowed_attempt(sut: SystemUnderTest) -> None:
    post = run_with_a_provider_that_always_fails(sut)
    assert sut.job(post.job_id)["status"] == "failed"
    assert len(sut.provider.tasks) == sut.attempts


def test_outage_of_the_provider_uses_no_attempts_of_waiting_jobs(sut: SystemUnderTest) -> None:
    for _ in range(6):
        sut.post()
    sut.provider.submits.extend(["500"] * 12)
    sut.run()
    assert {(job["status"], job["attempt"]) for job in sut.jobs()} == {("completed", 1)}
    assert any("waiting" in entry["note"] for job in sut.jobs() for entry in job["history"])


def test_provider_without_pixels_returns_its_own_url(make_sut: MakeSystem) -> None:
    sut = make_sut(yields_pixels=False)
    post = sut.post()
    sut.run()
    assert sut.job(post.job_id)["videoUrl"] == sut.provider.tasks["task-1"].url
