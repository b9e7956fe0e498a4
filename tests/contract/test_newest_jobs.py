"""The contract of `JobRepository.list_newest`."""

from datetime import timedelta

import pytest

from tests.builders import A_USER, ANOTHER_USER, a_job, a_started_job
from tests.fakes.clock import START
from tests.fakes.jobs import InMemoryJobRepository
from videojobs.adapters.mongo.jobs import MongoJobRepository
from videojobs.domain.job import JobStatus
from videojobs.ports import JobRepository


@pytest.fixture(params=["in memory", "MongoDB"])
def jobs(request: pytest.FixtureRequest) -> JobRepository:
    """No job yet."""
    if request.param == "in memory":
        return InMemoryJobRepository()
    return MongoJobRepository(request.getfixturevalue("connection"))


def test_the_newest_come_first_and_of_one_moment_the_higher_id(jobs: JobRepository) -> None:
    made = [a_job(created_at=START + timedelta(seconds=second)) for second in (1, 3, 3, 2)]
    for job in made:
        jobs.add(job)
    newest = jobs.list_newest(A_USER, START, limit=3)
    assert [job.id for job in newest] == [made[2].id, made[1].id, made[3].id]


def test_nobody_is_shown_another_users_jobs(jobs: JobRepository) -> None:
    jobs.add(a_job(user_id=ANOTHER_USER))
    assert jobs.list_newest(A_USER, START, limit=9) == []


def test_a_job_that_has_expired_is_passed_over(jobs: JobRepository) -> None:
    kept, over = a_job(expires_at=START + timedelta(seconds=1)), a_job(expires_at=START)
    jobs.add(kept)
    jobs.add(over)
    assert [job.id for job in jobs.list_newest(A_USER, START, limit=1)] == [kept.id]


def test_one_status_can_be_asked_for(jobs: JobRepository) -> None:
    jobs.add(a_job())
    started = a_started_job()
    jobs.add(started)
    assert [job.id for job in jobs.list_newest(A_USER, START, limit=9, status=JobStatus.PROCESSING)] == [started.id]
