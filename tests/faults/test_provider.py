"""Scenario 7: a provider that is busy, broken, silent or wrong, and never charged for more than was attempted."""

import pytest

from tests.faults.conftest import MakeSystem
from tests.faults.scenarios import the_provider_always_fails, the_provider_never_ends
from tests.faults.system_under_test import SystemUnderTest

AMBIGUOUS = ["500", "html", "nothing", "hang"]


@pytest.mark.parametrize("policy", ["repeat", "find"])
@pytest.mark.parametrize("answer", [*AMBIGUOUS, *(f"{each}+task" for each in AMBIGUOUS)])
def test_a_submit_without_a_telling_answer_costs_one_generation(make_sut: MakeSystem, answer: str, policy: str) -> None:
    sut = make_sut(unknown_submit=policy)
    sut.provider.submits.append(answer)
    post = sut.post()
    sut.run()
    job = sut.job(post.job_id)
    assert (job["status"], job["attempt"], len(sut.provider.tasks)) == ("completed", 1, 1)


@pytest.mark.parametrize("answer", ["nothing", "nothing+task"])
def test_where_a_task_can_t_be_found_another_attempt_is_made_and_said_so(make_sut: MakeSystem, answer: str) -> None:
    sut = make_sut(unknown_submit="resubmit")
    sut.provider.submits.append(answer)
    post = sut.post()
    sut.run()
    job = sut.job(post.job_id)
    assert (job["status"], job["attempt"]) == ("completed", 2)
    assert any("nobody knows" in entry["note"] for entry in job["history"])


@pytest.mark.parametrize("answer", ["nothing", "nothing+task"])
def test_where_nothing_may_be_paid_twice_the_job_ends_with_words(make_sut: MakeSystem, answer: str) -> None:
    sut = make_sut(unknown_submit="fail")
    sut.provider.submits.append(answer)
    post = sut.post()
    sut.run()
    job = sut.job(post.job_id)
    assert job["status"] == "failed"
    assert "duplicate charge" in job["errorMessage"]


def test_a_busy_provider_is_left_alone_for_as_long_as_it_asks(sut: SystemUnderTest) -> None:
    sut.provider.submits.append("429")
    post = sut.post()
    sut.deliver(sut.take())
    started = sut.now
    job = sut.job(post.job_id)
    assert (job["next"]["dueAt"] - started).total_seconds() >= 20
    sut.run()
    assert sut.job(post.job_id)["status"] == "completed"


@pytest.mark.parametrize("answer", [*AMBIGUOUS, "429"])
def test_a_poll_that_brings_nothing_is_made_again(sut: SystemUnderTest, answer: str) -> None:
    sut.provider.polls.extend([answer, answer])
    post = sut.post()
    sut.run()
    assert sut.job(post.job_id)["status"] == "completed"


@pytest.mark.parametrize(("answer", "status"), [("error", "completed"), ("refusal", "failed")])
def test_a_success_with_an_error_inside_is_an_error(sut: SystemUnderTest, answer: str, status: str) -> None:
    sut.provider.submits.append(answer)
    post = sut.post()
    sut.run()
    assert sut.job(post.job_id)["status"] == status
    assert len(sut.provider.tasks) == (1 if status == "completed" else 0)


def test_a_provider_that_never_ends_is_given_up_at_the_deadline(sut: SystemUnderTest) -> None:
    post = the_provider_never_ends(sut)
    job = sut.job(post.job_id)
    assert (job["status"], job["error"]["code"]) == ("failed", "timeout")
    assert all(task.cancelled for task in sut.provider.tasks.values())


def test_a_provider_that_always_fails_is_paid_for_as_many_attempts_as_allowed(sut: SystemUnderTest) -> None:
    post = the_provider_always_fails(sut)
    assert sut.job(post.job_id)["status"] == "failed"
    assert len(sut.provider.tasks) == sut.attempts


def test_a_provider_that_is_down_burns_no_attempts_of_those_who_wait(sut: SystemUnderTest) -> None:
    for _ in range(6):
        sut.post()
    sut.provider.submits.extend(["500"] * 12)
    sut.run()
    assert {(job["status"], job["attempt"]) for job in sut.jobs()} == {("completed", 1)}
    assert any("waiting" in entry["note"] for job in sut.jobs() for entry in job["history"])


def test_a_provider_without_pixels_gives_its_own_url(make_sut: MakeSystem) -> None:
    sut = make_sut(yields_pixels=False)
    post = sut.post()
    sut.run()
    assert sut.job(post.job_id)["videoUrl"] == sut.provider.tasks["task-1"].url
