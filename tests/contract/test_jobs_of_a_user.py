"""The contract of `JobRepository`: the list of a user, waiting jobs, queue positions and removal."""

from datetime import timedelta

import pytest

from tests.builders import A_USER, ANOTHER_USER, a_job, a_lease, a_started_job, a_step, a_waiting_job
from tests.fakes.clock import START
from tests.fakes.jobs import InMemoryJobRepository
from videojobs.adapters.mongo.jobs import MongoJobRepository
from videojobs.domain.job import BatchId, JobId, JobStatus, Step, VideoJob
from videojobs.domain.request import Priority
from videojobs.ports.jobs import JobRepository, Position


@pytest.fixture(params=["in memory", "MongoDB"])
def jobs(request: pytest.FixtureRequest) -> JobRepository:
    """Return an empty repository."""
    if request.param == "in memory":
        return InMemoryJobRepository()
    return MongoJobRepository(request.getfixturevalue("connection"))


def test_the_newest_jobs_come_first_and_equal_times_are_ordered_by_id(jobs: JobRepository) -> None:
    created = [a_job(created_at=START + timedelta(seconds=second)) for second in (1, 3, 3, 2)]
    for job in created:
        jobs.add(job)
    newest = jobs.list_newest(A_USER, START, limit=3)
    assert [job.id for job in newest] == [created[2].id, created[1].id, created[3].id]


def test_the_jobs_of_another_user_are_not_listed(jobs: JobRepository) -> None:
    jobs.add(a_job(user_id=ANOTHER_USER))
    assert jobs.list_newest(A_USER, START, limit=9) == []


def test_an_expired_job_is_not_listed(jobs: JobRepository) -> None:
    kept, over = a_job(expires_at=START + timedelta(seconds=1)), a_job(expires_at=START)
    jobs.add(kept)
    jobs.add(over)
    assert [job.id for job in jobs.list_newest(A_USER, START, limit=1)] == [kept.id]


@pytest.mark.parametrize("hidden", [1, 2, 7, 15, 40])
def test_a_page_is_full_although_newer_jobs_are_not_shown(jobs: JobRepository, hidden: int) -> None:
    kept = [a_job(created_at=START - timedelta(seconds=second)) for second in (2, 3, 4)]
    for job in (*kept, *(a_job(deleted_at=START) for _ in range(hidden))):
        jobs.add(job)
    assert [job.id for job in jobs.list_newest(A_USER, START, limit=2)] == [job.id for job in kept[:2]]
    page = jobs.list_newest(A_USER, START, limit=2, after=Position(START, JobId("f" * 24)))
    assert [job.id for job in page] == [job.id for job in kept[:2]]


def test_the_list_can_be_filtered_by_status(jobs: JobRepository) -> None:
    jobs.add(a_job())
    started = a_started_job()
    jobs.add(started)
    assert [job.id for job in jobs.list_newest(A_USER, START, limit=9, status=JobStatus.PROCESSING)] == [started.id]


def test_pages_are_consistent_while_jobs_are_added(jobs: JobRepository) -> None:
    # Five jobs have the same creation time, as the jobs of a batch do.
    created = [a_job(created_at=START + timedelta(seconds=second)) for second in (1, 2, 2, 2, 2, 2, 3, 4)]
    for job in created:
        jobs.add(job)
    pages: list[list[VideoJob]] = []
    after: Position | None = None
    while page := jobs.list_newest(A_USER, START, limit=3, after=after):
        pages.append(page)
        after = Position(page[-1].created_at, page[-1].id)
        jobs.add(a_job(created_at=START + timedelta(seconds=10)))
    expected = sorted(created, key=lambda job: (job.created_at, job.id), reverse=True)
    assert [job.id for page in pages for job in page] == [job.id for job in expected]


def test_the_list_can_be_filtered_by_batch_and_status(jobs: JobRepository) -> None:
    batch_id = BatchId("6" * 24)
    queued, started = a_job(batch_id=batch_id), a_started_job(batch_id=batch_id)
    for job in (queued, started, a_job(), a_job(user_id=ANOTHER_USER, batch_id=batch_id)):
        jobs.add(job)
    assert {job.id for job in jobs.list_newest(A_USER, START, limit=9, batch_id=batch_id)} == {queued.id, started.id}
    queued_jobs = jobs.list_newest(A_USER, START, limit=9, batch_id=batch_id, status=JobStatus.QUEUED)
    assert [job.id for job in queued_jobs] == [queued.id]


def test_a_deleted_job_is_not_listed(jobs: JobRepository) -> None:
    jobs.add(a_job(status=JobStatus.CANCELLED, deleted_at=START))
    assert jobs.list_newest(A_USER, START, limit=9) == []


def test_the_longest_waiting_job_of_a_user_and_priority_is_found(jobs: JobRepository) -> None:
    second, first = a_waiting_job(2), a_waiting_job(1)
    others = [a_waiting_job(0, user_id=ANOTHER_USER), a_waiting_job(0, priority=Priority.HIGH), a_job()]
    for job in (second, first, *others):
        jobs.add(job)
    assert jobs.find_waiting(A_USER, Priority.NORMAL) == first
    assert jobs.list_waiting(A_USER, Priority.NORMAL, 1000) == [first.id, second.id]
    assert jobs.list_waiting(A_USER, Priority.NORMAL, 1) == [first.id]
    assert jobs.remove(first)
    assert jobs.find_waiting(A_USER, Priority.NORMAL) == second
    assert jobs.remove(second)
    assert jobs.find_waiting(A_USER, Priority.NORMAL) is None
    assert jobs.list_waiting(A_USER, Priority.NORMAL, 1000) == []


def test_the_position_of_a_waiting_job_counts_only_the_waiting_jobs_of_its_user(jobs: JobRepository) -> None:
    waiting = [a_waiting_job(second) for second in (1, 2, 3)]
    for job in (*waiting, a_job(), a_waiting_job(0, user_id=ANOTHER_USER)):
        jobs.add(job)
    assert [jobs.count_ahead(job, 1000) for job in waiting] == [0, 1, 2]
    assert jobs.count_ahead(waiting[2], 1) == 1


def test_jobs_that_wait_since_the_same_time_are_ordered_by_id(jobs: JobRepository) -> None:
    # The jobs of a batch start to wait at the same time.
    earlier, *batch = a_waiting_job(1), a_waiting_job(2), a_waiting_job(2), a_waiting_job(2)
    for job in (*reversed(batch), earlier):
        jobs.add(job)
    assert [jobs.count_ahead(job, 1000) for job in batch] == [1, 2, 3]
    assert [jobs.count_ahead(job, 2) for job in batch] == [1, 2, 2]


def test_the_position_of_a_queued_job_counts_all_jobs_that_are_due_earlier(jobs: JobRepository) -> None:
    queued = [a_job(next=a_step(due_in_seconds=second), user_id=ANOTHER_USER) for second in (1, 2)]
    mine = a_job(next=a_step(due_in_seconds=3))
    for job in (*queued, mine, a_waiting_job(0), a_started_job()):
        jobs.add(job)
    assert jobs.count_ahead(mine, 1000) == 2
    assert jobs.count_ahead(a_job(next=None), 1000) == 0


def test_a_job_that_has_changed_is_not_removed(jobs: JobRepository) -> None:
    job = a_job()
    jobs.add(job)
    claimed = jobs.claim(job.id, job.next.id if job.next else "", a_lease(), START)
    assert claimed is not None
    assert not jobs.remove(job)
    assert jobs.remove(claimed)
    assert not jobs.remove(claimed)
    assert jobs.find(job.id) is None


def test_the_clean_up_of_a_cancelled_job_is_found_when_overdue(jobs: JobRepository) -> None:
    cancelled = a_job(status=JobStatus.CANCELLED, next=a_step(Step.CLEAN_UP))
    for job in (cancelled, a_job(status=JobStatus.CANCELLED, next=None)):
        jobs.add(job)
    later = START + timedelta(minutes=5)
    assert list(jobs.find_overdue(later, later, 10)) == [cancelled]
    assert list(jobs.find_unadopted(later, 10)) == []
